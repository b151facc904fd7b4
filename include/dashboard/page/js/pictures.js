// The pictures of a day: what is drawn, over which hours, and the sentence that says the same in words.

import { html, outside, useMemo } from "./base.js";
import { bars, Chart, line, over, pnlBars } from "./charts.js";
import { choices, choose } from "./choices.js";
import { Scroll } from "./grid.js";
import { t } from "./language.js";
import { moment } from "./moments.js";
import { energyPlaces, fixed, pnlOf, signed, sum, toFloat } from "./numbers.js";
import { isolated } from "./outside.js";
import { clock, hoursOf, now, timeOrDay, today, wallTime } from "./times.js";
import { daySentence, historySentence, pnlSentence, positionSentence, priceSentence } from "./words.js";

/** Delivery periods of the day in order, with the row of each that has one. */
function slotsOf(day, ofHours) {
  const rows = ofHours.map((row) => ({
    label: row.delivery_hour,
    start: Date.parse(row.delivery_start_at),
    end: Date.parse(row.delivery_end_at),
    row,
  }));
  const empty = hoursOf(day).filter(
    (hour) => !rows.some((slot) => slot.start < hour.end && slot.end > hour.start),
  );
  return [...rows, ...empty].sort((a, b) => a.start - b.start || (a.label < b.label ? -1 : 1));
}

function hourly(slots, parts, readout, more = {}) {
  const every = (width) => [1, 2, 3, 4, 6, 12].find((step) => (slots.length / step) * 26 < width - 60) ?? 12;
  return {
    ...over(
      slots,
      ({ label }) => label.slice(0, 2),
      parts,
      (i) => `${slots[i]?.label ?? ""}: ${slots[i]?.row ? readout(slots[i].row, i) : t("no trades")}`,
    ),
    splits: (width) => slots.map((_, i) => i).filter((i) => i % every(width) === 0),
    ...more,
  };
}

const of = (slots, name) => slots.map(({ row }) => (row ? toFloat(row[name]) : null));

export const Pictures = ({ desk, history }) => html`
  <div id="pictures" class="pictures">
    <${OfTheDay} desk=${desk} />
    <${History} day=${desk.day} points=${history} />
  </div>
`;

function OfTheDay({ desk }) {
  const [pnl, day, prices, position] = useMemo(() => drawings(desk), [desk]);
  return html`
    <${Chart} id="picture-pnl" title=${t("PnL by hour")} unit="EUR" ...${pnl} />
    <${Chart} id="picture-day" title=${t("Cumulative PnL")} unit="EUR" ...${day} />
    <${Chart} id="picture-prices" title=${t("Our average price against the reference price")} unit="EUR/MWh" ...${prices} />
    <${Chart} id="picture-position" title=${t("Net position by hour")} unit="MWh" ...${position} />
  `;
}

/** PnL, cumulative PnL, prices and position: what is drawn, and its sentence. */
function drawings({ day, rows }) {
  const slots = slotsOf(day, rows);
  const places = energyPlaces(rows.map((row) => row.net_position_mwh));
  const soFar = slots.map((_, i) => sum(slots.slice(0, i + 1).map(({ row }) => row?.pnl_eur)));
  const withPnl = slots.map(({ row }, i) => (row && row.pnl_eur !== null ? [row.delivery_hour, soFar[i]] : null));
  const pnl = hourly(
    slots,
    pnlBars(slots.map(({ row }) => row ?? null), false),
    (row) => (row.pnl_eur === null ? t("no price yet") : `${signed(row.pnl_eur)} EUR`),
  );
  // a chart of its own: beside bars of one hour, its scale would be another one for the same unit
  const added = hourly(
    slots,
    [
      line(
        "",
        withPnl.map((each) => (each ? toFloat(each[1]) : null)),
        "accent",
        { gaps: false },
      ),
    ],
    (row, i) => (row.pnl_eur === null ? t("no price yet") : t("{pnl} EUR until the end of this hour", { pnl: signed(soFar[i]) })),
  );
  const prices = hourly(
    slots,
    [
      line(t("our average price"), of(slots, "average_price_eur_per_mwh"), "accent"),
      // on top: through its gaps the other one is seen where they are close
      line(t("reference price"), of(slots, "reference_price_eur_per_mwh"), "second", { dash: [5, 4] }),
    ],
    (row) =>
      t("ours {ours}, reference {reference} EUR/MWh", {
        ours: fixed(row.average_price_eur_per_mwh),
        reference: row.reference_price_eur_per_mwh === null ? t("missing") : fixed(row.reference_price_eur_per_mwh),
      }),
    { withZero: false },
  );
  const position = hourly(
    slots,
    [bars("", of(slots, "net_position_mwh"), "accent")],
    (row) => `${signed(row.net_position_mwh, places)} MWh`,
  );
  return [
    { picture: pnl, sentence: pnlSentence(rows) },
    { picture: added, sentence: daySentence(withPnl.filter(Boolean)) },
    { picture: prices, sentence: priceSentence(rows) },
    { picture: position, sentence: positionSentence(rows, places) },
  ];
}


/** The day's PnL over time: [{at, pnl_eur, priced_pnl_eur, cause}]. */
function History({ day, points }) {
  const known = useMemo(() => points.filter((point) => pnlOf(point) !== null), [points]);
  const picture = useMemo(() => steps(known, day === today() ? now() : 0), [known, day]);
  return html`
    <${Chart}
      id="picture-history"
      title=${t("History of the day's PnL")}
      unit="EUR"
      picture=${picture}
      sentence=${historySentence(known, clock)}
      isHidden=${choices.value.asOf !== null}
    >
      ${known.length > 0 && html`<${Changes} known=${known} />`}
    </${Chart}>
  `;
}

/** Drawn up to `until`, in ms. */
function steps(known, until) {
  const times = known.map((point) => Date.parse(point.at));
  const last = Math.max(until, times.at(-1) ?? 0);
  const first = times[0] ?? last - 3_600_000;
  const room = Math.max((last - first) * 0.02, 60_000);
  const y = known.length ? [...known, known.at(-1)].map((point) => toFloat(pnlOf(point))) : [];
  const readout = (i) => {
    const point = known[Math.min(i, known.length - 1)];
    const cause = point?.cause ? `, ${isolated(point.cause)}` : "";
    return point ? `${clock(Date.parse(point.at))}: ${signed(pnlOf(point))} EUR${cause}` : "";
  };
  return {
    x: known.length ? [...times, Math.max(last, times.at(-1) + 1)] : [],
    parts: [line("", y, "accent", { stepped: true, points: known.length < 60 })],
    xRange: [first - room, last + room],
    splits: (width) => roundTimes(first, last, Math.max(2, Math.floor((width - 60) / 55))),
    xLabel: timeOrDay,
    readout,
    withZero: false,
  };
}

const Changes = ({ known }) => html`
  <details class="changes">
    <summary>${t("The same as a table")}</summary>
    <${Scroll} title=${t("Changes of the day's PnL")} kind="short">
      <table>
        <caption class="unseen">${t("Changes of the day's PnL, the last one first")}</caption>
        <thead>
          <tr>
            <th scope="col">${t("At")}</th>
            <th scope="col" class="number">PnL EUR</th>
            <th scope="col">${t("Because of")}</th>
          </tr>
        </thead>
        <tbody>
          ${[...known].reverse().map(
            (point) => html`
              <tr key=${point.at}>
                <td><${Moment} at=${point.at} /></td>
                <td class="number">${signed(pnlOf(point))}${point.pnl_eur === null && html`<small>${` ${t("so far")}`}</small>`}</td>
                <td>${point.cause && outside(point.cause)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </${Scroll}>
  </details>
`;

/** A moment that can be gone back to. */
const Moment = ({ at }) => html`
  <button type="button" class="link" onClick=${() => choose({ asOf: at })}>
    <span class="unseen">${`${t("the page as of")} `}</span>
    ${moment(at)}
  </button>
`;

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
