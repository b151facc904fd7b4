// What the exchange's end-of-day files say beside what was captured: the days of trading, and the trades that differ.

import { el, outside, setChildren } from "./dom.js";
import { count, decimalSeparator, energyPlaces, fixed, signed } from "./numbers.js";
import { address } from "./server.js";
import { addDays, dayInWords } from "./times.js";

const STATES = {
  reconciled: { mark: "●", word: "reconciled", kind: "good", meaning: "All trades of that day are known." },
  differences: { mark: "▲", word: "differences", kind: "bad", meaning: "Captured trades that it does not have wait for a review." },
  rejects: { mark: "▲", word: "unreadable lines", kind: "bad", meaning: "Lines of the file wait for a review." },
};
const NOT_YET = { mark: "○", word: "no file yet", kind: "other", meaning: "It comes shortly after the day has ended." };

const SIDES = [
  ["captured", "Captured"],
  ["statement", "In the file"],
  ["matched", "Matched"],
  ["missing", "Added"],
  ["differs", "Changed"],
  ["unexpected", "Unexpected"],
];

const OUTCOMES = {
  missing: { word: "added", meaning: "It was not captured and counts as the file says" },
  differs: { word: "changed", meaning: "It was captured otherwise and counts as the file says" },
  unexpected: { word: "unexpected", meaning: "It was captured and is not in the file; it counts until it is discarded" },
};

const DAYS_IN_FILE = 31;

export const outcomeBadge = (outcome) =>
  el("span", { class: `badge outcome ${outcome}`, title: OUTCOMES[outcome]?.meaning }, OUTCOMES[outcome]?.word ?? outcome);

const stateOf = (day) => (day.row ? (STATES[day.row.state] ?? NOT_YET) : NOT_YET);

export class Statements {
  constructor(section, onDownload) {
    this.section = section;
    this.content = el("div", {});
    section.append(el("h2", {}, "The exchange's end-of-day files"), this.content);
    section.addEventListener("click", (event) => {
      const link = event.target.closest("a[download]");
      if (!link) return;
      event.preventDefault();
      onDownload(link.href);
    });
  }

  /** The answer's `statements`; hidden where no day of trading has one. */
  show(statements) {
    const days = statements?.days ?? [];
    this.section.hidden = !days.some((day) => day.row);
    if (this.section.hidden) return;
    setChildren(this.content, daysTable(days), differencesOf(statements.differences), links(days));
  }
}

function daysTable(days) {
  const rows = days.filter(({ row }) => row).map(({ row }) => row);
  const places = energyPlaces(rows.flatMap((row) => SIDES.map(([side]) => row[`${side}_mwh`])));
  const cell = (row, side) =>
    el(
      "td",
      { class: `number side-${side}`, "data-none": row[`${side}_count`] === 0 },
      el("span", {}, count(row[`${side}_count`])),
      el("small", {}, `${fixed(row[`${side}_mwh`], places)} MWh`),
      el("small", {}, `${signed(row[`${side}_cash_flow_eur`])} EUR`),
    );
  const line = (day) => {
    const { mark, word, kind, meaning } = stateOf(day);
    return el(
      "tr",
      {},
      el(
        "th",
        { scope: "row" },
        el("span", {}, dayInWords(day.statement_day)),
        el(
          "span",
          { class: "state", "data-state": kind, title: meaning },
          el("span", { "aria-hidden": "true" }, `${mark} `),
          word,
        ),
      ),
      day.row
        ? SIDES.map(([side]) => cell(day.row, side))
        : el("td", { colspan: SIDES.length, class: "hint" }, meaning),
    );
  };
  return scroll(
    "What was captured and what is in the file",
    el("tr", {}, el("th", { scope: "col" }, "File of"), SIDES.map(([, name]) => el("th", { scope: "col", class: "number" }, name))),
    days.map(line),
  );
}

function differencesOf(rows) {
  if (rows.length === 0) return null;
  const title = "Trades for this delivery day that the files added or changed, or do not have";
  return [el("h3", {}, title, " ", el("span", { class: "badge" }, count(rows.length))), differencesTable(title, rows)];
}

/** A table of rows of `reconciliation_differences`. */
export function differencesTable(title, rows) {
  const heads = ["File of", "Outcome", "Side", "Captured", "In the file", "Trade"];
  return scroll(
    title,
    el("tr", {}, heads.map((name) => el("th", { scope: "col" }, name))),
    rows.map((row) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, dayInWords(row.statement_day)),
        el("td", {}, outcomeBadge(row.outcome)),
        el("td", {}, row.direction === "buy" ? "bought" : "sold"),
        content(row, "captured", "not captured"),
        content(row, "statement", "not in it"),
        el(
          "td",
          { class: "id" },
          outside(row.trade_id),
          row.review_command ? el("code", { class: "command" }, outside(row.review_command)) : null,
          row.review ? el("small", { class: "hint" }, outside(row.review)) : null,
        ),
      ),
    ),
  );
}

/** One side of a trade; what is the same on both sides is said once, by the file. */
function content(row, side, none) {
  const of = (name) => row[`${side}_${name}`];
  if (of("price_eur_per_mwh") === null) return el("td", { class: "content hint" }, none);
  const part = (name, text) => {
    const other = row[`${side === "captured" ? "statement" : "captured"}_${name}`];
    const isOther = row.outcome === "differs" && other !== null && other !== of(name);
    return el(isOther ? "b" : "span", {}, text);
  };
  const parts = [
    part("quantity_mw", `${fixed(of("quantity_mw"), energyPlaces([of("quantity_mw")]))} MW`),
    " at ",
    part("price_eur_per_mwh", fixed(of("price_eur_per_mwh"), energyPlaces([of("price_eur_per_mwh"), "0.01"]))),
    " for ",
    part("delivery_hour", of("delivery_hour")),
    of("trader_id") ? ", " : null,
    of("trader_id") ? part("trader_id", outside(of("trader_id"))) : null,
  ];
  return el("td", { class: "content" }, parts);
}

function links(days) {
  const to = days.at(-1).statement_day;
  const from = addDays(to, 1 - DAYS_IN_FILE);
  const link = (name, format, text) =>
    el("a", { download: true, href: address(name, { from, to, format, decimal: decimalSeparator() }) }, text);
  return el(
    "p",
    { class: "hint downloads" },
    `The ${DAYS_IN_FILE} days up to ${dayInWords(to)}: `,
    link("reconciliations", "csv", "report as CSV"),
    " · ",
    link("reconciliations", "xlsx", "as XLSX"),
    " · ",
    link("reconciliation_differences", "csv", "trades that differ as CSV"),
    " · ",
    link("reconciliation_differences", "xlsx", "as XLSX"),
  );
}

const scroll = (title, head, lines) =>
  el(
    "div",
    { class: "scroll", role: "region", "aria-label": title, tabindex: "0" },
    el("table", {}, el("caption", { class: "unseen" }, title), el("thead", {}, head), el("tbody", {}, lines)),
  );

/** The day's figure: whether all of its days of trading are reconciled; null without any file. */
export function reconciled(statements) {
  const days = statements?.days ?? [];
  if (!days.some((day) => day.row)) return null;
  const worst = ["bad", "other", "good"].map((kind) => days.find((day) => stateOf(day).kind === kind)).find(Boolean);
  const state = stateOf(worst);
  const word = state === NOT_YET && days.length > 1 ? "reconciled in part" : state.word;
  const rows = days.filter(({ row }) => row).map(({ row }) => row);
  const total = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  const changes = [
    [total("missing_count"), "added"],
    [total("differs_count"), "changed"],
    [total("unexpected_count"), "unexpected"],
  ].filter(([number]) => number > 0);
  return { ...state, word, note: changes.map(([number, text]) => `${count(number)} ${text}`).join(", ") || null };
}
