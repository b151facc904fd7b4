// What the page says in words: price status, empty tables, notes, summaries.

import { NONE, count, fixed, signed, sum, toFloat } from "./numbers.js";
import { isolated } from "./outside.js";
import { addDays, clock, dayInWords, now, today } from "./times.js";

/** Shape and word tell them apart; the colour only helps. */
export const PRICE_STATUS = {
  final: { mark: "●", word: "final", meaning: "The reference price includes the last trades of the hour." },
  provisional: {
    mark: "◐",
    word: "provisional",
    meaning: "Trading goes on, or the provider has not updated the price since it ended: it may still move.",
  },
  missing: { mark: "○", word: "missing", meaning: "No reference price is published yet: PnL comes with it." },
};

export const statusOf = (name) => PRICE_STATUS[name] ?? { mark: "?", word: name ? isolated(name) : NONE, meaning: "" };

export const who = (trader) => (trader ? isolated(trader) : "the whole portfolio");

/** Why an hour is not all it should be: texts from outside, none if nothing is missing. */
export function incompleteBecause(row) {
  const reasons = (row.incomplete_because ?? []).filter(Boolean);
  return reasons.length > 0 || row.is_complete ? reasons : ["something is missing, the reason is not known"];
}

/** The lines of a desk's table in order of time: its rows, and hours without any whose messages do not count. */
export const linesOf = (desk) =>
  [...desk.rows, ...desk.hours_without_trades].sort(
    (a, b) => Date.parse(a.delivery_start_at) - Date.parse(b.delivery_start_at),
  );

/** The reasons of a day's rows, each once, with the rows that have it: [[reason, rows], …]. */
export function reasonsOf(rows) {
  const found = new Map();
  for (const row of rows)
    for (const reason of new Set(incompleteBecause(row))) found.set(reason, [...(found.get(reason) ?? []), row]);
  return [...found];
}

/** Hours in few words: "all hours", "09-10, 15-16", or "09-10 to 21-22" for hours in a row. */
export function hoursInWords(some, all) {
  if (some.length === all.length && all.length > 2) return "all hours";
  const runs = [];
  for (const row of some) {
    const run = runs.at(-1);
    if (run?.at(-1).delivery_end_at === row.delivery_start_at) run.push(row);
    else runs.push([row]);
  }
  const words = (run) =>
    run.length > 2
      ? `${run[0].delivery_hour} to ${run.at(-1).delivery_hour}`
      : run.map((row) => row.delivery_hour).join(", ");
  return runs.map(words).join(", ");
}

/** Sentences for a day without rows: why, and what to expect when. */
export function nothingThere(desk) {
  const { day, trader, days } = desk;
  const name = trader ? isolated(trader) : "Nobody";
  const opensAt = Date.parse(desk.trading_opens_at);
  const [opens, isOpen] = [clock(opensAt), opensAt <= now()];
  if (!days?.first) {
    return [
      "No trades have arrived yet.",
      "The first trades appear here by themselves within a minute of their arrival, and their PnL with the next reference price: one is published every ten minutes.",
    ];
  }
  if (desk.as_of)
    return ["Nothing was on this page at that moment.", "Choose a later moment, or go back to now."];
  if (day > addDays(today(), 1)) {
    return [
      `Delivery on ${dayInWords(day)} is not traded yet.`,
      `Trading for it opens on ${opens} market time.`,
    ];
  }
  if (day > today()) {
    return [
      `No trades for delivery on ${dayInWords(day)} yet.`,
      `Trading for tomorrow ${isOpen ? "opened" : "opens"} at ${opens} market time; trades appear here by themselves within a minute of their arrival.`,
    ];
  }
  if (day === today()) {
    return [
      trader ? `${name} has no trades for delivery today yet.` : "No trades for delivery today yet.",
      "They appear here by themselves within a minute of their arrival; there is no need to reload.",
    ];
  }
  return [
    `${name} ${trader ? "did not trade" : "traded"} for delivery on ${dayInWords(day)}.`,
    `There are trades for delivery from ${dayInWords(days.first)} to ${dayInWords(days.last)}.`,
  ];
}

export const plural = (number, one, many) => `${count(number)} ${Number(number) === 1 ? one : many}`;

/** How many prices are missing and how many hours incomplete, as one text; "" if none. */
export function totalNote(total) {
  const notes = [];
  if (total.missing_price_count > 0)
    notes.push(`${plural(total.missing_price_count, "hour", "hours")} without a price`);
  if (total.incomplete_period_count > 0)
    notes.push(`${plural(total.incomplete_period_count, "hour", "hours")} incomplete`);
  return notes.join("; ");
}

function extremes(rows, name) {
  const known = rows.filter((row) => row[name] !== null);
  const by = (a, b) => toFloat(a[name]) - toFloat(b[name]);
  const sorted = [...known].sort(by);
  return { known, lowest: sorted[0], highest: sorted.at(-1) };
}

/** Sentences that say what the pictures show. */
export function pnlSentence(rows) {
  const { known, lowest, highest } = extremes(rows, "pnl_eur");
  if (known.length === 0) return "No hour has a price yet, so there is no PnL to draw.";
  const missing = rows.length - known.length;
  const best =
    known.length > 1
      ? `, best ${highest.delivery_hour} (${signed(highest.pnl_eur)}), worst ${lowest.delivery_hour} (${signed(lowest.pnl_eur)})`
      : "";
  const without = missing ? `; ${plural(missing, "hour", "hours")} without a price not counted` : "";
  return `${signed(sum(known.map((row) => row.pnl_eur)))} EUR over ${plural(known.length, "hour", "hours")}${best}${without}.`;
}

/** Of [[hour, sum up to its end], …]. */
export function daySentence(sums) {
  if (sums.length === 0) return "No hour has a price yet, so there is no PnL to add up.";
  const [hour, last] = sums.at(-1);
  const sorted = [...sums].sort(([, a], [, b]) => toFloat(a) - toFloat(b));
  const [[lowHour, lowest], [highHour, highest]] = [sorted[0], sorted.at(-1)];
  const span =
    sums.length > 1 ? `; highest ${signed(highest)} after ${highHour}, lowest ${signed(lowest)} after ${lowHour}` : "";
  return `${signed(last)} EUR after ${hour}${span}.`;
}

export function priceSentence(rows) {
  const priced = rows.filter((row) => row.performance_eur_per_mwh !== null);
  if (priced.length === 0) return "No hour has a reference price yet.";
  const better = priced.filter((row) => toFloat(row.performance_eur_per_mwh) > 0).length;
  const worse = priced.filter((row) => toFloat(row.performance_eur_per_mwh) < 0).length;
  const { lowest, highest } = extremes(rows, "reference_price_eur_per_mwh");
  return (
    `Better than the reference price in ${plural(better, "hour", "hours")}, worse in ${count(worse)}; ` +
    `the reference price went from ${fixed(lowest.reference_price_eur_per_mwh)} to ${fixed(highest.reference_price_eur_per_mwh)} EUR/MWh.`
  );
}

export function positionSentence(rows, places) {
  const { lowest, highest } = extremes(rows, "net_position_mwh");
  if (!lowest) return "Nothing was traded.";
  const total = signed(sum(rows.map((row) => row.net_position_mwh)), places);
  return (
    `${total} MWh in all; from ${signed(lowest.net_position_mwh, places)} (${lowest.delivery_hour}) ` +
    `to ${signed(highest.net_position_mwh, places)} (${highest.delivery_hour}). Above zero is bought, below is sold.`
  );
}

export function historySentence(points, clock) {
  if (points.length === 0) return "Nothing has changed this day's PnL yet.";
  const [first, last] = [points[0], points.at(-1)];
  const value = (point) => signed(point.pnl_eur ?? point.priced_pnl_eur);
  if (points.length === 1) return `One state so far: ${value(last)} EUR at ${clock(Date.parse(last.at))}.`;
  return (
    `From ${value(first)} EUR at ${clock(Date.parse(first.at))} to ${value(last)} EUR at ${clock(Date.parse(last.at))} ` +
    `in ${plural(points.length - 1, "step", "steps")}.`
  );
}

/** What we did in a trade. */
export const side = ({ direction }) => (direction === "buy" ? "bought" : "sold");
