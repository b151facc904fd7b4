// Around the table: why hours are incomplete, each reason once, what the marks mean, and what is there without a table.

import { el, outside, setChildren } from "./dom.js";
import { dayInWords, today } from "./times.js";
import { PRICE_STATUS, hoursInWords, nothingThere, reasonsOf } from "./words.js";

/** Fills the places above and below the table for the rows of a day. */
export function showAround(above, below, rows) {
  const reasons = reasonsOf(rows).map(([reason, some]) =>
    el("li", {}, el("b", {}, `⚠ ${hoursInWords(some, rows)} incomplete: `), outside(reason)),
  );
  setChildren(above, reasons.length > 0 ? el("ul", { class: "reasons" }, reasons) : null);
  const marks = Object.values(PRICE_STATUS).map(({ mark, word }) => [
    el("span", { class: "mark", "aria-hidden": "true" }, mark),
    ` ${word}  `,
  ]);
  const results = "· How are we doing: + better than the reference price, - worse";
  setChildren(below, el("p", { class: "hint" }, "Reference price: ", marks, results));
}

/** Says why a day has no lines and what to expect; onDay shows another day, null today. */
export function showEmpty(place, desk, onDay) {
  const [what, then] = nothingThere(desk);
  const goTo = (day, text) => {
    const button = el("button", { type: "button" }, text);
    button.addEventListener("click", () => onDay(day));
    return button;
  };
  const last = desk.days?.last;
  setChildren(
    place,
    el("h3", {}, what),
    el("p", {}, then),
    el(
      "p",
      { class: "buttons" },
      last && ![desk.day, today()].includes(last) ? goTo(last, `Show ${dayInWords(last)}`) : null,
      desk.day === today() ? null : goTo(null, "Show today"),
    ),
  );
}
