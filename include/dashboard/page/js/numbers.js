// Decimal strings for people: formatted exactly in the reader's locale, added exactly; floats only for drawing.

import { locale } from "./language.js";

export const NONE = "–";

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const formats = new Map();

function formatOf(least, most, signDisplay) {
  const key = `${least} ${most} ${signDisplay}`;
  if (!formats.has(key)) {
    formats.set(
      key,
      new Intl.NumberFormat(locale, {
        minimumFractionDigits: least,
        maximumFractionDigits: most,
        signDisplay,
      }),
    );
  }
  return formats.get(key);
}

/** A decimal string with so many places, rounded half up like the other reports; null as a dash. */
export function fixed(text, places = 2) {
  // a string goes to format() as it is: a number would have lost digits
  return isNone(text) ? NONE : formatOf(places, places, "negative").format(String(text));
}

/** The same with a sign for gains too, none for zero. */
export function signed(text, places = 2) {
  return isNone(text) ? NONE : formatOf(places, places, "exceptZero").format(String(text));
}

/** A number that somebody set, with the decimals it was set with; zeros at their end say nothing. */
export const asSet = (text, sign = "negative") => (isNone(text) ? NONE : formatOf(0, 20, sign).format(String(text)));

/** How the reader's spreadsheet writes 1.5: "comma" or "point". */
export const decimalSeparator = () =>
  formatOf(1, 1, "negative")
    .formatToParts(1.5)
    .find((part) => part.type === "decimal").value === ","
    ? "comma"
    : "point";

export const count = (value) => fixed(value, 0);

/** +1, 0 or -1: the sign of what fixed() shows with so many places. */
export function signOf(text, places = 2) {
  if (isNone(text)) return 0;
  const parts = formatOf(places, places, "exceptZero").formatToParts(String(text));
  if (parts.some((part) => part.type === "plusSign")) return 1;
  return parts.some((part) => part.type === "minusSign") ? -1 : 0;
}

/** Places that energies of a table need: 1 to 3, since 0.1 MW for a quarter of an hour are 0.025 MWh. */
export function energyPlaces(texts) {
  let places = 1;
  for (const text of texts) {
    if (isNone(text)) continue;
    const { digits, scale } = parse(text);
    let needed = scale;
    for (let rest = digits; needed > 0 && rest % 10n === 0n; rest /= 10n) needed -= 1;
    places = Math.max(places, Math.min(needed, 3));
  }
  return places;
}

/** The exact sum of decimal strings; nulls count nothing, no number at all gives null. */
export function sum(texts) {
  let total = null;
  for (const text of texts) {
    if (isNone(text)) continue;
    const next = parse(text);
    if (total === null) total = { digits: 0n, scale: 0 };
    const scale = Math.max(total.scale, next.scale);
    total = {
      digits:
        total.digits * 10n ** BigInt(scale - total.scale) + next.digits * 10n ** BigInt(scale - next.scale),
      scale,
    };
  }
  return total === null ? null : write(total);
}

/** The exact difference of two; null if one is none. */
export const difference = (text, other) =>
  isNone(text) || isNone(other) ? null : sum([text, String(other).startsWith("-") ? String(other).slice(1) : `-${other}`]);

/** The PnL of what has a price; null: of nothing yet. */
export const pnlOf = (row) => row?.pnl_eur ?? row?.priced_pnl_eur ?? null;

/** Whether there is more to come: prices are missing. */
export const isPartial = (row) => row?.pnl_eur === null && row.priced_pnl_eur !== null;

/** Decimal strings as integers of one scale, which compare as they do; null for what is no number. */
export function comparable(texts) {
  const numbers = texts.map((text) => (isNone(text) ? null : parse(text)));
  const scale = Math.max(0, ...numbers.map((number) => number?.scale ?? 0));
  return numbers.map((number) => number && number.digits * 10n ** BigInt(scale - number.scale));
}

/** Whether a number with so many places is less than another one. */
export function isLessRounded(text, other, places) {
  const rounded = new Intl.NumberFormat("en", { maximumFractionDigits: places, useGrouping: false }).format(String(text));
  const [first, second] = comparable([rounded, other]);
  return first < second;
}

/** For drawing only. */
export const toFloat = (text) => (isNone(text) ? null : Number(text));

/** Those of which a number is known, in their order, and the ones with the least and the most of it. */
export function extremes(all, take) {
  const known = all.filter((each) => !isNone(take(each)));
  const sorted = [...known].sort((a, b) => toFloat(take(a)) - toFloat(take(b)));
  return { known, lowest: sorted[0], highest: sorted.at(-1) };
}

const isNone = (text) => text === null || text === undefined || text === "";

function parse(text) {
  const match = DECIMAL.exec(String(text));
  if (match === null || (match[2] === "" && !match[3])) throw new RangeError(`no decimal number: ${text}`);
  const [, sign, whole, part = "", exponent = "0"] = match;
  let digits = BigInt(`${whole}${part}` || "0");
  let scale = part.length - Number(exponent);
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { digits: sign === "-" ? -digits : digits, scale };
}

function write({ digits, scale }) {
  const sign = digits < 0n ? "-" : "";
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
