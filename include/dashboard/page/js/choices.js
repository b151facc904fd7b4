// What the reader has chosen: in the address, so that it can be shared, and in the browser's memory.

import { computed, signal } from "./base.js";
import { MAX_DAYS, daysOf, rangeOf } from "./ranges.js";
import { isDay, today } from "./times.js";

const STORE = "trading-desk";
const VIEWS = ["desk", "range", "health"];

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {}; // no memory here, or something else lies in it: the defaults do
  }
}

function remember(choices) {
  try {
    localStorage.setItem(STORE, JSON.stringify(choices));
  } catch {
    // a browser that keeps nothing: the address still does
  }
}

/**
 * No day is remembered: whoever opens the page wants today, and a day in the address is that day. The trader only fills in an
 * address that says nothing: any other one shows what its sender saw.
 */
function read({ withMemory }) {
  const address = new URLSearchParams(location.search);
  const memory = withMemory && address.size === 0 ? remembered() : { allColumns: remembered().allColumns };
  const day = address.get("day");
  const hour = address.get("hour");
  const asOf = address.get("as_of");
  return {
    market: address.get("market") ?? "",
    trader: address.get("trader") ?? (typeof memory.trader === "string" ? memory.trader : ""),
    day: isDay(day) ? day : null,
    hour: /^\d\d-\d\d[AB]?$/.test(hour ?? "") ? hour : null,
    view: VIEWS.includes(address.get("view")) ? address.get("view") : "desk",
    ...rangeIn(address),
    asOf: asOf && !Number.isNaN(Date.parse(asOf)) ? asOf : null,
    message: /^.+:[1-9]\d*$/.test(address.get("message") ?? "") ? address.get("message") : null,
    sorts: ofTables(address, "sort.", /^-?\w+$/),
    filters: ofTables(address, "filter.", /^.{1,200}$/),
    allColumns: memory.allColumns === true,
  };
}

/** First and last day of a range; null: this week. */
function rangeIn(address) {
  const [from, to] = [address.get("from"), address.get("to")];
  const isRange = isDay(from) && isDay(to) && from <= to && daysOf({ from, to }) <= MAX_DAYS;
  return isRange ? { from, to } : { from: null, to: null };
}

/** What is chosen of each table: `sort.hours=-pnl_eur` in the address is {hours: "-pnl_eur"}. */
const ofTables = (address, prefix, pattern) =>
  Object.fromEntries(
    [...address]
      .filter(([name, value]) => name.startsWith(prefix) && pattern.test(value))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );

/** The address of the page with these choices. */
export function addressOf({ market, trader, day, from, to, hour, view, asOf, message, sorts, filters }) {
  const address = new URL(location.href);
  const put = (name, value) =>
    value ? address.searchParams.set(name, value) : address.searchParams.delete(name);
  put("market", market);
  put("trader", trader);
  put("day", day);
  put("hour", hour);
  put("view", view === "desk" ? null : view);
  put("from", view === "range" ? from : null);
  put("to", view === "range" ? to : null);
  put("as_of", asOf);
  put("message", message);
  for (const name of [...address.searchParams.keys()]) if (/^(sort|filter)\./.test(name)) put(name, null);
  for (const [table, sort] of Object.entries(sorts)) put(`sort.${table}`, sort);
  for (const [table, words] of Object.entries(filters)) put(`filter.${table}`, words);
  return address.href;
}

/** Into the address; no step in the browser's history unless asked for. */
function write({ step }) {
  const address = addressOf(choices.value);
  if (address !== location.href) history[step ? "pushState" : "replaceState"](null, "", address);
}

/**
 * market ("" is the first one; not remembered, since it may be gone), trader ("" is the whole portfolio), day
 * (null follows today), from and to (of a range of days; null follow this week), hour (shown in detail; null: none), view, asOf, message (a landing file and its line,
 * `file:1`; null: none), sorts and filters (by the name of the table), allColumns.
 */
export const choices = signal(read({ withMemory: true }));
write({ step: false });

/** What decides which numbers there are to see; other choices are how they look. */
const ASKED = ["market", "trader", "day", "from", "to", "hour", "view", "asOf"];

/** Changes with everything that the server has to be asked for. */
export const asked = computed(() => JSON.stringify(ASKED.map((name) => choices.value[name])));

/** Takes over a choice; another one of what is asked for is a step in the browser's history. */
export function choose(change) {
  const isOther = ASKED.some((name) => name in change && change[name] !== choices.value[name]);
  // an hour is one of the trader and day that were chosen with it, a message one of the hour
  const { hour, message } = isOther ? { hour: null, message: null } : choices.value;
  const chosen = { ...choices.value, hour, message, ...change };
  if (chosen.day === today()) chosen.day = null;
  const week = rangeOf("week", today());
  if (chosen.from === week.from && chosen.to === week.to) chosen.from = chosen.to = null;
  choices.value = chosen;
  write({ step: isOther || "message" in change });
  remember({ trader: chosen.trader, allColumns: chosen.allColumns }); // a link that was only looked at changes nothing
}

/** By the name of a table; they change only with a table, so what shows one does not follow other choices. */
export const sorts = computed(() => choices.value.sorts);
export const filters = computed(() => choices.value.filters);

/** The column by which a table is sorted, "-" before it: the largest first; null: in its own order. */
export const sortBy = (table, sort) => choose({ sorts: { ...choices.value.sorts, [table]: sort } });

/** The words that a row of a table must have. */
export const filterBy = (table, text) => choose({ filters: { ...choices.value.filters, [table]: text } });

/** A step in the browser's history leads to what the address says. */
window.addEventListener("popstate", () => {
  choices.value = read({ withMemory: false });
});

/** The address of a message, in which everything else stays as it is. */
const withoutMessage = computed(() => addressOf({ ...choices.value, message: null }));
export const addressOfMessage = (message) => {
  const address = withoutMessage.peek();
  return `${address}${address.includes("?") ? "&" : "?"}message=${encodeURIComponent(message)}`;
};

/** The chosen day, or today as it is now. */
export const shownDay = () => choices.value.day ?? today();

/** The chosen range of days, or this week as it is now. */
export function shownRange() {
  const { from, to } = choices.value;
  return from === null ? rangeOf("week", today()) : { from, to };
}

/** The hour that is shown in detail: of now, since nobody knows which trades counted at a moment of the past. */
export const chosenHour = computed(() => {
  const { hour, view, asOf } = choices.value;
  return view === "desk" && !asOf ? hour : null;
});
