// What the reader has chosen: in the address, so that it can be shared, and in the browser's memory.

import { isDay, today } from "./times.js";

const STORE = "trading-desk";

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
 * Choices: market ("" is the first one), trader ("" is the whole portfolio), day (null follows today), hour (shown in detail; null: none), view,
 * asOf, allColumns.
 *
 * No day is remembered: whoever opens the page wants today, and a day in the address is that day. No market is,
 * since it may be gone.
 */
export function readChoices({ withMemory = true } = {}) {
  const address = new URLSearchParams(location.search);
  const memory = withMemory ? remembered() : { allColumns: remembered().allColumns };
  const day = address.get("day");
  const hour = address.get("hour");
  const asOf = address.get("as_of");
  return {
    market: address.get("market") ?? "",
    trader: address.get("trader") ?? (typeof memory.trader === "string" ? memory.trader : ""),
    day: isDay(day) ? day : null,
    hour: /^\d\d-\d\d[AB]?$/.test(hour ?? "") ? hour : null,
    view: address.get("view") === "health" ? "health" : "desk",
    asOf: asOf && !Number.isNaN(Date.parse(asOf)) ? asOf : null,
    allColumns: memory.allColumns === true,
  };
}

/** Writes them into the address (no step in the browser's history unless asked for) and into memory. */
export function writeChoices(choices, { step = false } = {}) {
  const address = new URL(location.href);
  const put = (name, value) =>
    value ? address.searchParams.set(name, value) : address.searchParams.delete(name);
  put("market", choices.market);
  put("trader", choices.trader);
  put("day", choices.day);
  put("hour", choices.hour);
  put("view", choices.view === "health" ? "health" : null);
  put("as_of", choices.asOf);
  if (address.href !== location.href) history[step ? "pushState" : "replaceState"](null, "", address);
  remember({ trader: choices.trader, allColumns: choices.allColumns });
}

/** The chosen day, or today as it is now. */
export const shownDay = (choices) => choices.day ?? today();
