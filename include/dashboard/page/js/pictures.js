// The pictures of a day: what is drawn, over which hours, and the sentence that says the same in words.

import { bars, Chart, line } from "./charts.js";
import { el, outside, setChildren } from "./dom.js";
import { energyPlaces, fixed, signed, sum, toFloat } from "./numbers.js";
import { isolated } from "./outside.js";
import { clock, hoursOf, timeAttributes, timeOrDay, wallTime } from "./times.js";
import { daySentence, historySentence, pnlSentence, positionSentence, priceSentence } from "./words.js";

/** Delivery periods of the day in order, with the row of each that has one. */
function slotsOf(desk) {
  const rows = desk.rows.map((row) => ({
    label: row.delivery_hour,
    start: Date.parse(row.delivery_start_at),
    end: Date.parse(row.delivery_end_at),
    row,
  }));
  const empty = hoursOf(desk.day).filter(
    (hour) => !rows.some((slot) => slot.start < hour.end && slot.end > hour.start),
  );
  return [...rows, ...empty].sort((a, b) => a.start - b.start || (a.label < b.label ? -1 : 1));
}

function hourly(slots, parts, readout, more = {}) {
  const every = (width) => [1, 2, 3, 4, 6, 12].find((step) => (slots.length / step) * 26 < width - 60) ?? 12;
  return {
    x: slots.map((_, i) => i),
    parts,
    xRange: [-0.6, slots.length - 0.4],
    splits: (width) => slots.map((_, i) => i).filter((i) => i % every(width) === 0),
    xLabel: (i) => (slots[i] ? slots[i].label.slice(0, 2) : ""),
    readout: (i) =>
      slots[i]?.row ? `${slots[i].label}: ${readout(slots[i].row, i)}` : `${slots[i]?.label ?? ""}: no trades`,
    ...more,
  };
}

const of = (slots, name, take = (value) => value) =>
  slots.map(({ row }) => (row && row[name] !== null ? take(toFloat(row[name])) : null));
const above = (value) => (value >= 0 ? value : null);
const below = (value) => (value < 0 ? value : null);

export class Pictures {
  constructor(place, onMoment) {
    this.pnl = new Chart("picture-pnl", "PnL by hour", "EUR");
    this.day = new Chart("picture-day", "PnL added up over the day", "EUR");
    this.prices = new Chart("picture-prices", "Our average price against the reference price", "EUR/MWh");
    this.position = new Chart("picture-position", "Net position by hour", "MWh");
    this.history = new Chart("picture-history", "How the day's PnL came to be", "EUR");
    this.changes = el("tbody");
    this.changes.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) onMoment(button.dataset.at);
    });
    this.more = el(
      "details",
      { class: "changes", hidden: true },
      el("summary", {}, "The same as a table"),
      el(
        "div",
        { class: "scroll short", role: "region", "aria-label": "Changes of the day's PnL", tabindex: "0" },
        el(
          "table",
          {},
          el("caption", { class: "unseen" }, "Changes of the day's PnL, the last one first"),
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              el("th", { scope: "col" }, "At"),
              el("th", { scope: "col", class: "number" }, "PnL EUR"),
              el("th", { scope: "col" }, "Because of"),
            ),
          ),
          this.changes,
        ),
      ),
    );
    this.history.figure.append(this.more);
    this.all = [this.pnl, this.day, this.prices, this.position, this.history];
    place.append(...this.all.map((chart) => chart.figure));
  }

  show(desk) {
    const slots = slotsOf(desk);
    const places = energyPlaces(desk.rows.map((row) => row.net_position_mwh));
    const soFar = slots.map((_, i) => sum(slots.slice(0, i + 1).map(({ row }) => row?.pnl_eur)));
    this.pnl.show(
      hourly(
        slots,
        [bars("gain", of(slots, "pnl_eur", above), "good"), bars("loss", of(slots, "pnl_eur", below), "bad")],
        (row) => (row.pnl_eur === null ? "no price yet" : `${signed(row.pnl_eur)} EUR`),
        { withZero: true },
      ),
      pnlSentence(desk.rows),
    );
    // a chart of its own: beside bars of one hour, its scale would be another one for the same unit
    this.day.show(
      hourly(
        slots,
        [
          line(
            "",
            slots.map(({ row }, i) => (row && row.pnl_eur !== null ? toFloat(soFar[i]) : null)),
            "accent",
            { gaps: false },
          ),
        ],
        (row, i) => (row.pnl_eur === null ? "no price yet" : `${signed(soFar[i])} EUR until the end of this hour`),
        { withZero: true },
      ),
      daySentence(
        slots.flatMap(({ row }, i) => (row && row.pnl_eur !== null ? [[row.delivery_hour, soFar[i]]] : [])),
      ),
    );
    this.prices.show(
      hourly(
        slots,
        [
          line("our average price", of(slots, "average_price_eur_per_mwh"), "accent"),
          // on top: through its gaps the other one is seen where they are close
          line("reference price", of(slots, "reference_price_eur_per_mwh"), "second", { dash: [5, 4] }),
        ],
        (row) =>
          `ours ${fixed(row.average_price_eur_per_mwh)}, reference ${row.reference_price_eur_per_mwh === null ? "missing" : fixed(row.reference_price_eur_per_mwh)} EUR/MWh`,
      ),
      priceSentence(desk.rows),
    );
    this.position.show(
      hourly(
        slots,
        [bars("", of(slots, "net_position_mwh"), "accent")],
        (row) => `${signed(row.net_position_mwh, places)} MWh`,
        { withZero: true },
      ),
      positionSentence(desk.rows, places),
    );
  }

  /** The day's PnL over time: [{at, pnl_eur, priced_pnl_eur, cause}], and the end of its axis in ms. */
  showHistory(points, until) {
    const known = points.filter((point) => (point.pnl_eur ?? point.priced_pnl_eur) !== null);
    const value = (point) => point.pnl_eur ?? point.priced_pnl_eur;
    const times = known.map((point) => Date.parse(point.at));
    const last = Math.max(until, times.at(-1) ?? 0);
    const first = times[0] ?? last - 3_600_000;
    const room = Math.max((last - first) * 0.02, 60_000);
    const x = known.length ? [...times, Math.max(last, times.at(-1) + 1)] : [];
    const y = known.length ? [...known, known.at(-1)].map((point) => toFloat(value(point))) : [];
    this.history.show(
      {
        x,
        parts: [line("", y, "accent", { stepped: true, points: known.length < 60 })],
        xRange: [first - room, last + room],
        splits: (width) => roundTimes(first, last, Math.max(2, Math.floor((width - 60) / 55))),
        xLabel: timeOrDay,
        readout: (i) => {
          const point = known[Math.min(i, known.length - 1)];
          return point
            ? `${clock(Date.parse(point.at))}: ${signed(value(point))} EUR${point.cause ? `, ${isolated(point.cause)}` : ""}`
            : "";
        },
        withZero: false,
      },
      historySentence(known, clock),
    );
    this.more.hidden = known.length === 0;
    setChildren(
      this.changes,
      [...known]
        .reverse()
        .map((point) =>
          el(
            "tr",
            {},
            el("td", {}, momentButton(point.at)),
            el(
              "td",
              { class: "number" },
              signed(value(point)),
              point.pnl_eur === null ? el("small", {}, " so far") : null,
            ),
            el("td", {}, point.cause ? outside(point.cause) : null),
          ),
        ),
    );
  }

  redraw() {
    for (const chart of this.all) chart.redraw();
  }
}

/** A moment that can be gone back to. */
function momentButton(at) {
  const time = el("time", timeAttributes(at), clock(Date.parse(at), { seconds: true }));
  return el(
    "button",
    { type: "button", class: "link", "data-at": at },
    el("span", { class: "unseen" }, "the page as of "),
    time,
  );
}

/** At most so many moments between two, at the market's full minutes, hours or days; without any, the last one. */
function roundTimes(from, to, most) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map(
    (minutes) => minutes * 60_000,
  );
  const step = steps.find((each) => (to - from) / each <= most) ?? steps.at(-1);
  const pace = Math.min(step, 3_600_000);
  const times = [];
  // hour by hour, since days on which the clocks change have no even ones
  for (let at = Math.ceil(from / pace) * pace; at <= to; at += pace) {
    if (wallTime(at) % step === 0) times.push(at);
  }
  return times.length > 0 ? times : [to];
}
