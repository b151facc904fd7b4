// Ranges of delivery days: days, weeks, months, years and any others; which one is before or after one, and their names.

import { locale, t } from "./language.js";
import { DATE, addDays, dayInWords, hoursOf, today, wallTime } from "./times.js";

/** What can be chosen at once: the one of today, or of the last day that is shown. */
export const KINDS = ["day", "week", "month", "year"];

/** The server answers for no more. */
export const MAX_DAYS = 366;

const DAY = 24 * 3_600_000;
const at = (day) => Date.parse(`${day}T00:00Z`);

/** How many days lie between two, both included. */
export const daysOf = ({ from, to }) => Math.round((at(to) - at(from)) / DAY) + 1;

const isFirst = (day) => day.endsWith("-01");
const firstOfMonth = (day, months = 0) => {
  const [year, month] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
};
const monday = (day) => addDays(day, -((new Date(at(day)).getUTCDay() + 6) % 7));

/** The day, week (Monday to Sunday), month or year that has a day. */
export function rangeOf(kind, day) {
  if (kind === "day") return { from: day, to: day };
  if (kind === "week") return { from: monday(day), to: addDays(monday(day), 6) };
  if (kind === "month") return { from: firstOfMonth(day), to: addDays(firstOfMonth(day, 1), -1) };
  return { from: `${day.slice(0, 4)}-01-01`, to: `${day.slice(0, 4)}-12-31` };
}

const isSame = (one, other) => one.from === other.from && one.to === other.to;

/** day, week, month, year, or days for any other range. */
export const kindOf = (range) => KINDS.find((kind) => isSame(range, rangeOf(kind, range.from))) ?? "days";

/** As many months further if it is whole months, else as many days; the server compares with the one before. */
export function moved({ from, to }, direction) {
  const after = addDays(to, 1);
  if (isFirst(from) && isFirst(after)) {
    const [years, months] = [0, 1].map((part) => Number(after.split("-")[part]) - Number(from.split("-")[part]));
    const length = (years * 12 + months) * direction;
    return { from: firstOfMonth(from, length), to: addDays(firstOfMonth(after, length), -1) };
  }
  const days = daysOf({ from, to }) * direction;
  return { from: addDays(from, days), to: addDays(to, days) };
}

/** The one of today of the same kind; of any days as many up to today. */
export function current(range) {
  const kind = kindOf(range);
  return kind === "days" ? { from: addDays(today(), 1 - daysOf(range)), to: today() } : rangeOf(kind, today());
}

export const isCurrent = (range) => isSame(range, current(range));

const formats = new Map();
function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }));
  return formats.get(key);
}

/** "16 Nov" in the reader's way. */
export const shortDay = (day) => format(DATE).format(at(day));
export const shortMonth = (day) => format({ month: "short" }).format(at(day));
export const monthInWords = (day) => format({ month: "long", year: "numeric" }).format(at(day));
const span = ({ from, to }) =>
  format({ ...DATE, year: "numeric" }).formatRange(at(from), at(to));

/** The month of an answer: that of today, or one up to a day. */
export const monthToDate = ({ month_to: to }) =>
  to === today() ? t("Month to date") : t("Month to {day}", { day: shortDay(to) });

/** The number of a week: the first one of a year has its first Thursday (ISO 8601). */
function week(day) {
  const thursday = addDays(monday(day), 3);
  return Math.ceil(daysOf({ from: `${thursday.slice(0, 4)}-01-01`, to: thursday }) / 7);
}

/** "Week 47, 16 – 22 Nov 2026", "November 2026", "2026", "Wed, 25 Nov 2026", or from when to when. */
export function rangeInWords(range) {
  const kind = kindOf(range);
  if (kind === "day") return dayInWords(range.from);
  if (kind === "week") return t("Week {number}, {days}", { number: week(range.from), days: span(range) });
  if (kind === "month") return monthInWords(range.from);
  return kind === "year" ? range.from.slice(0, 4) : span(range);
}

/** What the range before is called. */
export function beforeInWords(range) {
  const names = { day: t("day before"), week: t("week before"), month: t("month before"), year: t("year before") };
  return names[kindOf(range)] ?? t("{count} days before", { count: daysOf(range) });
}

/** Whether its last day is not over. */
export const isRunning = ({ to }) => to >= today();

/** All days, weeks or months of the answer in order, with the server's row of each that has one. */
export function slotsOf({ from, to, step, steps }) {
  const rows = new Map(steps.map((row) => [row.from, row]));
  const slots = [];
  for (let first = from; first <= to; ) {
    const last = { day: first, week: addDays(monday(first), 6), month: addDays(firstOfMonth(first, 1), -1) }[step];
    slots.push({ from: first, to: last < to ? last : to, row: rows.get(first) ?? null });
    first = addDays(last, 1);
  }
  return slots;
}

/** The slots up to the last one with trades: what comes after is not known. */
export const traded = (slots, { steps }) => slots.filter(({ from }) => from <= (steps.at(-1)?.from ?? ""));

/** A day, week or month of a range, which may cut the first and the last one. */
export function stepInWords(step, { from, to }) {
  if (step === "day") return dayInWords(from);
  return step === "month" && isSame({ from, to }, rangeOf("month", from)) ? monthInWords(from) : span({ from, to });
}

/** The day of a range on which the clocks go back, or null. */
export function clocksGoBackIn({ from, to }) {
  const ahead = (day) => wallTime(at(day) + DAY / 2) - (at(day) + DAY / 2);
  let before = ahead(addDays(from, -1));
  for (let day = from; day <= to; day = addDays(day, 1)) {
    const own = ahead(day);
    if (own < before) return day;
    before = own;
  }
  return null;
}

/** The hour that happens twice on such a day. */
export const doubledHour = (day) => hoursOf(day).find((hour) => hour.end - hour.start > DAY / 24)?.label ?? "";

/** A day for which a range of another kind is chosen: today if it is in the range, else the last one. */
export const anchorOf = ({ from, to }) => (from <= today() && today() <= to ? today() : to);
