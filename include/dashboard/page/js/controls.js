// Choosers, tabs and keys: what they do, and how they show what is chosen.

import { shownDay } from "./choices.js";
import { el, isFramed, openFromParent, setAttribute, setChildren } from "./dom.js";
import { decimalSeparator } from "./numbers.js";
import { isolated } from "./outside.js";
import { address, setMarket } from "./server.js";
import { addDays, isDay } from "./times.js";

const VIEWS = ["desk", "health"];
const by = (id) => document.getElementById(id);

/** Wires all of them to a page with choices, choose(), download() and stepBack(). */
export function wireControls(page) {
  const step = (days) => page.choose({ day: addDays(shownDay(page.choices), days) });
  by("market").addEventListener("change", (event) => page.choose({ market: event.target.value, trader: "" }));
  by("trader").addEventListener("change", (event) => page.choose({ trader: event.target.value }));
  by("day").addEventListener(
    "change",
    (event) => isDay(event.target.value) && page.choose({ day: event.target.value }),
  );
  by("day").addEventListener("blur", () => showChoices(page.choices, page.desk));
  by("day-before").addEventListener("click", () => step(-1));
  by("day-after").addEventListener("click", () => step(1));
  by("today").addEventListener("click", () => page.choose({ day: null }));
  by("all-columns").addEventListener("change", (event) => page.choose({ allColumns: event.target.checked }));
  for (const view of VIEWS) by(`tab-${view}`).addEventListener("click", () => page.choose({ view }));
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => tabByKey(page, event));
  document.addEventListener("keydown", (event) => {
    const days = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!days || page.choices.view !== "desk" || isMeantOtherwise(event)) return;
    event.preventDefault();
    step(days);
  });
  by("csv").addEventListener("click", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return; // what the browser has for links
    event.preventDefault();
    page.download(by("csv").href);
  });
  window.addEventListener("popstate", () => page.stepBack());
  by("own-tab").hidden = !isFramed();
  by("own-tab").addEventListener("click", () => openFromParent(location.href, "_blank"));
}

function tabByKey(page, event) {
  const next = { ArrowLeft: 1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
  if (next === undefined) return;
  const at = VIEWS.indexOf(page.choices.view) + next;
  const view = VIEWS[Number.isFinite(at) ? at % VIEWS.length : at < 0 ? 0 : VIEWS.length - 1];
  page.choose({ view });
  by(`tab-${view}`).focus();
}

/** Arrow keys that a field, a tab or something that scrolls sideways needs, or that a browser has a use for. */
function isMeantOtherwise(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return true;
  if (event.target.closest("input, select, textarea, dialog, [role=tab]")) return true;
  const region = event.target.closest(".scroll");
  return region !== null && region.scrollWidth > region.clientWidth;
}

/** Shows the choices, and asks for their market from now on; a desk knows which traders there are. */
export function showChoices({ market, trader, day, view, allColumns, asOf }, desk) {
  setMarket(market);
  const shown = shownDay({ day });
  const markets = desk?.markets ?? [];
  setChildren(
    by("market"),
    markets.map((id, number) => el("option", { value: number === 0 ? "" : id }, isolated(id))),
  );
  by("market").value = market === markets[0] ? "" : market;
  by("market").parentElement.hidden = markets.length < 2;
  const names = [...new Set([...(desk?.traders ?? []), ...(trader ? [trader] : [])])];
  const options = names.map((name) => el("option", { value: name }, isolated(name)));
  setChildren(by("trader"), el("option", { value: "" }, "Whole portfolio"), options);
  by("trader").value = trader;
  // who is typing a date is not interrupted
  if (document.activeElement !== by("day")) by("day").value = shown;
  by("today").disabled = day === null;
  by("all-columns").checked = allColumns;
  document.body.classList.toggle("all-columns", allColumns);
  // what is so now says nothing about the moment of the past that is shown; Health is always of now
  const isPast = asOf !== null && view === "desk";
  document.querySelector(".freshness").hidden = isPast;
  by("troubles").hidden = isPast;
  const csv = { from: shown, to: shown, trader, as_of: asOf, format: "csv", decimal: decimalSeparator() };
  setAttribute(by("csv"), "href", address("pnl_hourly", csv));
  for (const name of VIEWS) {
    const isChosen = view === name;
    setAttribute(by(`tab-${name}`), "aria-selected", isChosen ? "true" : "false");
    setAttribute(by(`tab-${name}`), "tabindex", isChosen ? null : "-1");
    by(`view-${name}`).hidden = !isChosen;
  }
}
