// Time on the desk: the server's clock, the market's days and hours, and how they are written.

import { computed, signal } from "./base.js";
import { language, locale, t } from "./language.js";

const HOUR = 3_600_000;
const QUARTER = 900_000;

const timezone = signal("UTC");
let ahead = 0;
const formats = new Map();
const hoursCache = new Map();

export const setTimezone = (name) => {
  timezone.value = name;
};

/** The market's timezone, as people look for it. */
export const timezoneName = () => timezone.value;

/** Takes over the server's clock: a reader's own may be wrong by minutes. */
export const synchronise = (isoNow) => {
  ahead = Date.parse(isoNow) - Date.now();
};

export const now = () => Date.now() + ahead;

/** Moves on with the clock while the page is seen: what says how long ago something was reads it. */
export const second = signal(now());

/** What says what time it is: hours begin and end on full minutes. */
export const minute = computed(() => Math.floor(second.value / 60_000));

function format(options, zone = timezone.value, language = locale) {
  const key = JSON.stringify([options, zone, language]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language, { timeZone: zone, ...options }));
  return formats.get(key);
}

/** Day and month, as Intl has them: in numbers in German. */
export const DATE = language === "de" ? { day: "2-digit", month: "2-digit" } : { day: "numeric", month: "short" };
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** The market's day of a moment, YYYY-MM-DD. */
export function marketDay(at) {
  const parts = format({ year: "numeric", month: "2-digit", day: "2-digit" }, timezone.value, "en").formatToParts(at);
  const of = (type) => parts.find((part) => part.type === type).value;
  return `${of("year")}-${of("month")}-${of("day")}`;
}

export const today = () => marketDay(now());

export const isDay = (text) =>
  /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(Date.parse(`${text}T00:00Z`));

export const addDays = (day, days) =>
  new Date(Date.parse(`${day}T00:00Z`) + days * 24 * HOUR).toISOString().slice(0, 10);

/** "Wed, 25 Nov 2026" in the reader's way of writing; "Mi., 25.11.2026" in German. */
export const dayInWords = (day) =>
  format({ weekday: "short", ...DATE, year: "numeric" }, "UTC").format(
    Date.parse(`${day}T12:00Z`),
  );

/** Hours and minutes in market time; with the day when that is another one than today. */
export function clock(at, { seconds = false } = {}) {
  const options = seconds ? { ...CLOCK, second: "2-digit" } : CLOCK;
  const text = format(options).format(at);
  return marketDay(at) === today() ? text : `${format(DATE).format(at)}, ${text}`;
}

/** For axes: hours and minutes, and at midnight the day that begins. */
export const timeOrDay = (at) =>
  wallTime(at) % (24 * HOUR) === 0
    ? format(DATE).format(at)
    : format(CLOCK).format(at);

/** What the market's clocks show, in ms since 1970 as if it were UTC. */
export function wallTime(at) {
  return Date.parse(`${marketDay(at)}T${format(CLOCK, timezone.value, "en-GB").format(at)}Z`);
}

/** A market's date and time as a field for them has it, to the second. */
export const wallText = (at) => new Date(wallTime(at) + (at % 60_000)).toISOString().slice(0, 19);

/** The moment of such a text, in ms; of the two of an hour that happens twice the earlier one. */
export function momentOf(wall) {
  const local = Date.parse(`${wall}Z`);
  const minute = local - (local % 60_000);
  const found = [-24 * HOUR, 24 * HOUR].map((away) => local - (wallTime(minute + away) - (minute + away)));
  return found.find((at) => wallTime(at) === minute) ?? found[0];
}

/** "2026-11-25 11:00 UTC", for titles. */
export const utc = (at, { seconds = false } = {}) =>
  `${new Date(at)
    .toISOString()
    .slice(0, seconds ? 19 : 16)
    .replace("T", " ")} UTC`;

/** Attributes of a time element that says UTC on hover. */
export const timeAttributes = (iso) => ({ datetime: iso, title: utc(Date.parse(iso), { seconds: true }) });

/** A duration in words of at most two units. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return seconds || milliseconds <= 0 ? `${seconds} s` : t("less than 1 s");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return t("{count} days", { count: Math.floor(hours / 24) });
}

/**
 * The hours of a market day in order: [{label, start, end}], times in ms.
 *
 * 23 on the day in March on which the clocks go forward; in October the hour that happens twice is one of
 * two hours' length, since the sources give it one label.
 */
export function hoursOf(day) {
  const key = `${day} ${timezone.value}`;
  if (hoursCache.has(key)) return hoursCache.get(key);
  const hours = [];
  let at = Date.parse(`${day}T00:00Z`) - 15 * HOUR;
  while (marketDay(at) < day) at += QUARTER;
  for (; marketDay(at) === day; at += HOUR) {
    const start = Number(format({ hour: "2-digit", hourCycle: "h23" }, timezone.value, "en").format(at));
    const two = (hour) => String(hour).padStart(2, "0");
    const label = `${two(start)}-${two(start + 1)}`;
    if (hours.at(-1)?.label === label) hours.at(-1).end = at + HOUR;
    else hours.push({ label, start: at, end: at + HOUR });
  }
  hoursCache.set(key, hours);
  return hours;
}

/** What a change of the clocks does to a day, as a sentence, or null. */
export function clockChange(day) {
  const hours = hoursOf(day);
  const doubled = hours.find((hour) => hour.end - hour.start > HOUR);
  if (doubled) {
    return t("The clocks go back on this day: the hour {hour} happens twice, and its row holds the trades of both.", {
      hour: doubled.label,
    });
  }
  if (hours.length >= 24) return null;
  const after = hours.find((hour, i) => i > 0 && hours[i - 1].label.slice(3) !== hour.label.slice(0, 2));
  const missing = after ? `${hours[hours.indexOf(after) - 1].label.slice(3)}-${after.label.slice(0, 2)}` : null;
  return missing
    ? t("The clocks go forward on this day: it has {count} hours, and none is {hour}.", { count: hours.length, hour: missing })
    : t("The clocks go forward on this day: it has {count} hours.", { count: hours.length });
}
