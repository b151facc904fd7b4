// An hour in detail: which trades deliver in it, which messages about it do not count, why, and what to do.

import { el, outside, setAttribute, setChildren } from "./dom.js";
import { count, decimalSeparator, energyPlaces, fixed } from "./numbers.js";
import { address } from "./server.js";
import { differencesTable } from "./statements.js";
import { clock, dayInWords, timeAttributes } from "./times.js";

const MOST = 500; // rows of each list that the server sends

const LISTS = [
  { key: "trades", content: tableOf, title: "Trades that count", none: "No trade that counts delivers in this hour." },
  {
    key: "statement",
    content: differencesTable,
    title: "Otherwise in the exchange's end-of-day file",
    hint: "Added and changed trades count as the file says.",
  },
  { key: "cancelled", content: tableOf, title: "Cancelled by the exchange" },
  {
    key: "quarantined",
    content: (title, rows) => el("ul", {}, rows.map(held)),
    title: "Held back",
    hint: "Each breaks a rule, and counts only if an engineer accepts it.",
  },
  {
    key: "rejected",
    content: (title, rows) => el("ul", {}, rows.map(reject)),
    title: "Messages that could not be used",
    hint: "Each may be a deal that is missing here, until an engineer has reviewed it.",
  },
];

/** Columns of trades; what no row needs is left out, wide ones are not shown on a phone. */
const COLUMNS = [
  { heading: "Received", of: (row) => moment(row.received_at) },
  { heading: "Trader", of: (row) => outside(row.trader_id), isNeeded: (rows, { trader }) => !trader },
  { heading: "Side", kind: "side", of: (row) => side(row) },
  { heading: "Power", unit: "MW", kind: "number wide", of: (row, places) => fixed(row.quantity_mw, places.mw) },
  { heading: "Energy in the hour", unit: "MWh", kind: "number", of: (row, places) => fixed(row.energy_mwh, places.mwh) },
  { heading: "Price", unit: "EUR/MWh", kind: "number", of: (row) => fixed(row.price_eur_per_mwh) },
  {
    heading: "Delivery",
    of: (row, _, hour) => (row.delivery_hour === hour ? "" : row.delivery_hour),
    isNeeded: (rows, { hour }) => rows.some((row) => row.delivery_hour !== hour),
  },
  { heading: "Note", kind: "note", of: (row) => notes(row), isNeeded: (rows) => rows.some((row) => notes(row).length) },
  { heading: "Trade", kind: "id", of: (row) => outside(row.trade_id) },
];

const moment = (iso) => el("time", timeAttributes(iso), clock(Date.parse(iso), { seconds: true }));
const command = (text) => el("code", { class: "command" }, outside(text));

const notes = (row) =>
  [
    row.source === "statement"
      ? el("span", { class: "badge", title: "As the exchange's end-of-day file says" }, "from the file")
      : null,
    row.revision > 0 ? el("span", { class: "badge" }, `revision ${row.revision}`) : null,
    row.is_disputed
      ? el("span", { class: "badge disputed", title: "A party disputes it or asks to recall it; it counts until it is cancelled" }, "disputed")
      : null,
    row.cancelled_at ? el("span", {}, "cancelled ", moment(row.cancelled_at)) : null,
  ].filter(Boolean);

export class HourView {
  constructor(dialog, { onClose, onDownload }) {
    this.dialog = dialog;
    this.title = el("h2", { id: "hour-title" });
    this.csv = el("a", { class: "button", download: true }, "Download CSV");
    this.content = el("div", { class: "lists" });
    const close = el("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    this.csv.addEventListener("click", (event) => {
      event.preventDefault();
      onDownload(this.csv.href);
    });
    dialog.addEventListener("close", onClose);
    dialog.append(el("header", {}, this.title, this.csv, close), this.content);
  }

  /** Opens the view of an hour, whose lists are on their way; closes it without one. */
  choose(hour) {
    if (!hour) return this.dialog.close();
    if (this.hour !== hour) this.#show(hour, el("p", { class: "hint" }, "Loading …"));
    this.hour = hour;
    setAttribute(this.dialog, "aria-busy", "true");
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** Shows what the server says of the hour. */
  show(answer) {
    const { hour, day, trader } = answer;
    const parts = LISTS.map((list) => listOf(list, answer[list.key] ?? [], answer));
    this.#show(`${hour} · ${dayInWords(day)} · `, parts, trader ? outside(trader) : "Whole portfolio");
    const csv = { day, hour, trader, limit: "10000", format: "csv", decimal: decimalSeparator() };
    setAttribute(this.csv, "href", address("trades", csv));
    setAttribute(this.dialog, "aria-busy", "false");
  }

  /** Says why there is nothing to show, unless there is. */
  fail(sentence) {
    if (this.dialog.getAttribute("aria-busy") === "true")
      setChildren(this.content, el("p", { class: "banner bad" }, outside(sentence)));
  }

  #show(title, content, whose = null) {
    setChildren(this.title, `Delivery ${title}`, whose);
    setChildren(this.content, content);
  }
}

function listOf({ key, title, hint, none, content }, rows, answer) {
  if (rows.length === 0 && !none) return null;
  const said = rows.length === MOST ? `The last ${count(MOST)}.` : rows.length ? hint : none;
  return el(
    "section",
    { class: key },
    el("h3", {}, title, " ", el("span", { class: "badge" }, count(rows.length))),
    said ? el("p", { class: "hint" }, said) : null,
    rows.length === 0 ? null : content(title, rows, answer),
  );
}

function tableOf(title, rows, answer) {
  const columns = COLUMNS.filter(({ isNeeded }) => !isNeeded || isNeeded(rows, answer));
  const places = {
    mw: energyPlaces(rows.map((row) => row.quantity_mw)),
    mwh: energyPlaces(rows.map((row) => row.energy_mwh)),
  };
  const head = columns.map(({ heading, unit, kind }) =>
    el("th", { scope: "col", class: kind }, el("span", {}, heading), unit ? el("small", {}, unit) : null),
  );
  const line = (row) =>
    columns.map(({ kind, of }, i) =>
      el(i ? "td" : "th", { class: kind, scope: i ? null : "row" }, of(row, places, answer.hour)),
    );
  return el(
    "div",
    { class: "scroll", role: "region", "aria-label": title, tabindex: "0" },
    el(
      "table",
      {},
      el("caption", { class: "unseen" }, title),
      el("thead", {}, el("tr", {}, head)),
      el("tbody", {}, rows.map((row) => el("tr", {}, line(row)))),
    ),
  );
}

const side = (row) => (row.direction === "buy" ? "bought" : "sold");

function held(row) {
  const power = fixed(row.quantity_mw, energyPlaces([row.quantity_mw]));
  const price = fixed(row.price_eur_per_mwh, energyPlaces([row.price_eur_per_mwh, "0.01"]));
  return el(
    "li",
    {},
    el(
      "p",
      {},
      moment(row.received_at),
      " · ",
      el("b", {}, outside(row.trader_id), ` ${side(row)} ${power} MW at ${price} EUR/MWh`),
      ` for ${row.delivery_hour}${row.revision > 0 ? `, revision ${row.revision}` : ""} · `,
      outside(row.trade_id),
    ),
    el("p", { class: "hint" }, "It breaks the rule that ", outside(row.expectation), "."),
    command(row.review_command),
  );
}

const reject = (row) =>
  el(
    "li",
    {},
    el("p", {}, moment(row.received_at), " · ", el("b", {}, outside(row.reason)), ": ", outside(row.detail)),
    el("p", { class: "hint" }, concerned(row)),
    el("pre", { class: "raw" }, outside(row.raw)),
    command(row.review_command),
  );

const concerned = ({ delivery_hours: hours }) =>
  hours ? `It is about ${hours.join(", ")}.` : "It tells no hour: it may be about each that was tradable then.";
