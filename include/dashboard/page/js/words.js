// What the page says in words: price status, empty tables, notes, summaries.

import { NONE, count, fixed, signed, sum, toFloat } from "./numbers.js";
import { addDays, clock, dayInWords, now, today } from "./times.js";

/** Shape and word tell them apart; the colour only helps. */
export const PRICE_STATUS = {
  final: { mark: "●", word: "final", meaning: "The reference price will not move any more." },
  provisional: {
    mark: "◐",
    word: "provisional",
    meaning: "Trading goes on: the reference price may still move.",
  },
  missing: { mark: "○", word: "missing", meaning: "No reference price is published yet: PnL comes with it." },
};

export const statusOf = (name) => PRICE_STATUS[name] ?? { mark: "?", word: String(name ?? NONE), meaning: "" };

export const who = (trader) => trader || "the whole portfolio";

/** Why an hour is not all it should be, in one text; null if nothing is missing. */
export function incompleteBecause(row) {
  const reasons = (row.incomplete_because ?? []).filter(Boolean);
  if (reasons.length > 0) return reasons.join("; ");
  return row.is_complete ? null : "something is missing, the reason is not known";
}

/** The reasons of a day's rows, each once with its hours: [[reason, "09-10, 15-16"], …]. */
export function reasonsOf(rows) {
  const hours = new Map();
  for (const row of rows) {
    const reasons = (row.incomplete_because ?? []).filter(Boolean);
    const because = reasons.length > 0 ? reasons : [incompleteBecause(row)].filter((reason) => reason !== null);
    for (const reason of because) hours.set(reason, [...(hours.get(reason) ?? []), row.delivery_hour]);
  }
  return [...hours].map(([reason, labels]) => [
    reason,
    labels.length === rows.length && rows.length > 2 ? "all hours" : labels.join(", "),
  ]);
}

/** Sentences for a day without rows: why, and what to expect when. */
export function nothingThere(desk) {
  const { day, trader, days } = desk;
  const name = trader || "Nobody";
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
      trader ? `${trader} has no trades for delivery today yet.` : "No trades for delivery today yet.",
      "They appear here by themselves within a minute of their arrival; there is no need to reload.",
    ];
  }
  return [
    `${name} ${trader ? "did not trade" : "traded"} for delivery on ${dayInWords(day)}.`,
    `There are trades for delivery from ${dayInWords(days.first)} to ${dayInWords(days.last)}.`,
  ];
}

const plural = (number, one, many) => `${count(number)} ${Number(number) === 1 ? one : many}`;

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
