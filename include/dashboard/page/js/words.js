// What the page says in words: price status, empty tables, notes, summaries.

import { t } from "./language.js";
import { NONE, count, extremes, fixed, pnlOf, signed, sum, toFloat } from "./numbers.js";
import { isolated } from "./outside.js";
import { addDays, clock, dayInWords, now, today } from "./times.js";

/** Shape and word tell them apart; the colour only helps. */
export const PRICE_STATUS = {
  final: { mark: "●", word: t("final"), meaning: t("The reference price includes the last trades of the hour.") },
  provisional: {
    mark: "◐",
    word: t("provisional"),
    meaning: t("Trading goes on, or the provider has not updated the price since it ended: it may still move."),
  },
  missing: { mark: "○", word: t("missing"), meaning: t("No reference price is published yet: PnL comes with it.") },
};

export const statusOf = (name) => PRICE_STATUS[name] ?? { mark: "?", word: name ? isolated(name) : NONE, meaning: "" };

export const who = (trader) => (trader ? isolated(trader) : t("the whole portfolio"));

/** Why an hour is not all it should be: texts from outside, none if nothing is missing. */
export function incompleteBecause(row) {
  const reasons = (row.incomplete_because ?? []).filter(Boolean);
  return reasons.length > 0 || row.is_complete ? reasons : [t("something is missing, the reason is not known")];
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
  if (some.length === all.length && all.length > 2) return t("all hours");
  const runs = [];
  for (const row of some) {
    const run = runs.at(-1);
    if (run?.at(-1).delivery_end_at === row.delivery_start_at) run.push(row);
    else runs.push([row]);
  }
  const words = (run) =>
    run.length > 2
      ? t("{first} to {last}", { first: run[0].delivery_hour, last: run.at(-1).delivery_hour })
      : run.map((row) => row.delivery_hour).join(", ");
  return runs.map(words).join(", ");
}

/** Gaps that are told one by one. */
const MAX_GAPS = 3;

/** When nothing was connected, in words. */
function gapsInWords(gaps) {
  const at = (iso) => clock(Date.parse(iso));
  const spans = gaps
    .slice(0, MAX_GAPS)
    .map(({ gap_start_at: start, gap_end_at: end, is_ongoing: isOngoing }) =>
      isOngoing ? t("since {at}", { at: at(start) }) : t("from {start} to {end}", { start: at(start), end: at(end) }),
    )
    .join(", ");
  return gaps.length > MAX_GAPS ? t("{spans} and at other times", { spans }) : spans;
}

/** Sentences for a day without rows: why, and what to expect when. */
export function nothingThere(desk) {
  const { day, trader, days } = desk;
  const opensAt = Date.parse(desk.trading_opens_at);
  const values = { trader: trader && isolated(trader), day: dayInWords(day), opens: clock(opensAt) };
  const isOpen = opensAt <= now();
  const unknown = trader
    ? t("No trades of {trader} for delivery on {day} are known.", values)
    : t("No trades for delivery on {day} are known.", values);
  if (desk.capture_gaps?.length > 0) {
    return [
      unknown,
      t("Nothing was connected to the exchange {spans}, while this day was tradable: trades may be missing.", {
        spans: gapsInWords(desk.capture_gaps),
      }),
    ];
  }
  if (!days?.first) {
    return [
      t("No trades have arrived yet."),
      t(
        "The first trades appear here by themselves within a minute of their arrival, and their PnL with the next reference price: one is published every ten minutes.",
      ),
    ];
  }
  if (desk.as_of)
    return [t("Nothing was on this page at that moment."), t("Choose a later moment, or go back to now.")];
  if (day > addDays(today(), 1)) {
    return [
      t("Delivery on {day} is not traded yet.", values),
      t("Trading for it opens on {opens} market time.", values),
    ];
  }
  if (day > today()) {
    return [
      t("No trades for delivery on {day} yet.", values),
      isOpen
        ? t(
            "Trading for tomorrow opened at {opens} market time; trades appear here by themselves within a minute of their arrival.",
            values,
          )
        : t(
            "Trading for tomorrow opens at {opens} market time; trades appear here by themselves within a minute of their arrival.",
            values,
          ),
    ];
  }
  if (day === today()) {
    return [
      trader ? t("{trader} has no trades for delivery today yet.", values) : t("No trades for delivery today yet."),
      t("They appear here by themselves within a minute of their arrival; there is no need to reload."),
    ];
  }
  const nothing = trader
    ? t("{trader} did not trade for delivery on {day}.", values)
    : t("Nobody traded for delivery on {day}.", values);
  return [
    day < days.first ? unknown : nothing,
    t("There are trades for delivery from {first} to {last}.", {
      first: dayInWords(days.first),
      last: dayInWords(days.last),
    }),
  ];
}

/** One of two texts by a number, which is their field `count`. */
export const plural = (number, one, many, values = {}) =>
  t(Number(number) === 1 ? one : many, { count: count(number), ...values });

/** How many prices are missing and how many hours incomplete, as one text; "" if none. */
export function totalNote({ missing_price_count: missing, incomplete_period_count: incomplete }) {
  const notes = [];
  if (missing > 0) notes.push(plural(missing, "{count} hour without a price", "{count} hours without a price"));
  if (incomplete > 0) notes.push(plural(incomplete, "{count} hour incomplete", "{count} hours incomplete"));
  return notes.join("; ");
}

/** Sentences that say what the pictures show. */
export function pnlSentence(rows) {
  const { known, lowest, highest } = extremes(rows, (row) => row.pnl_eur);
  if (known.length === 0) return t("No hour has a price yet, so there is no PnL to draw.");
  const best =
    known.length > 1
      ? t(", best {highest} ({most}), worst {lowest} ({least})", {
          highest: highest.delivery_hour,
          most: signed(highest.pnl_eur),
          lowest: lowest.delivery_hour,
          least: signed(lowest.pnl_eur),
        })
      : "";
  const missing = rows.length - known.length;
  const without = missing
    ? plural(missing, "; {count} hour without a price not counted", "; {count} hours without a price not counted")
    : "";
  const pnl = signed(sum(known.map((row) => row.pnl_eur)));
  return `${plural(known.length, "{pnl} EUR over {count} hour", "{pnl} EUR over {count} hours", { pnl })}${best}${without}.`;
}

/** Of [[hour, sum up to its end], …]. */
export function daySentence(sums) {
  if (sums.length === 0) return t("No hour has a price yet, so there is no PnL to add up.");
  const [hour, last] = sums.at(-1);
  const { lowest, highest } = extremes(sums, ([, sum]) => sum);
  const span =
    sums.length > 1
      ? t("; highest {most} after {highest}, lowest {least} after {lowest}", {
          most: signed(highest[1]),
          highest: highest[0],
          least: signed(lowest[1]),
          lowest: lowest[0],
        })
      : "";
  return `${t("{pnl} EUR after {hour}", { pnl: signed(last), hour })}${span}.`;
}

export function priceSentence(rows) {
  const priced = rows.filter((row) => row.performance_eur_per_mwh !== null);
  if (priced.length === 0) return t("No hour has a reference price yet.");
  const better = priced.filter((row) => toFloat(row.performance_eur_per_mwh) > 0).length;
  const worse = priced.filter((row) => toFloat(row.performance_eur_per_mwh) < 0).length;
  const { lowest, highest } = extremes(rows, (row) => row.reference_price_eur_per_mwh);
  return plural(
    better,
    "Better than the reference price in {count} hour, worse in {worse}; the reference price went from {least} to {most} EUR/MWh.",
    "Better than the reference price in {count} hours, worse in {worse}; the reference price went from {least} to {most} EUR/MWh.",
    {
      worse: count(worse),
      least: fixed(lowest.reference_price_eur_per_mwh),
      most: fixed(highest.reference_price_eur_per_mwh),
    },
  );
}

export function positionSentence(rows, places) {
  const { lowest, highest } = extremes(rows, (row) => row.net_position_mwh);
  if (!lowest) return t("Nothing was traded.");
  return t("{total} MWh in total; from {least} ({lowest}) to {most} ({highest}). Above zero is net bought, below is net sold.", {
    total: signed(sum(rows.map((row) => row.net_position_mwh)), places),
    least: signed(lowest.net_position_mwh, places),
    lowest: lowest.delivery_hour,
    most: signed(highest.net_position_mwh, places),
    highest: highest.delivery_hour,
  });
}

export function historySentence(points, clock) {
  if (points.length === 0) return t("Nothing has changed this day's PnL yet.");
  const [first, last] = [points[0], points.at(-1)];
  const value = (point) => signed(pnlOf(point));
  const then = { pnl: value(last), at: clock(Date.parse(last.at)) };
  if (points.length === 1) return t("One state so far: {pnl} EUR at {at}.", then);
  return plural(
    points.length - 1,
    "From {before} EUR at {since} to {pnl} EUR at {at} in {count} step.",
    "From {before} EUR at {since} to {pnl} EUR at {at} in {count} steps.",
    { ...then, before: value(first), since: clock(Date.parse(first.at)) },
  );
}

/** What we did in a trade. */
export const side = ({ direction }) => (direction === "buy" ? t("bought") : t("sold"));
