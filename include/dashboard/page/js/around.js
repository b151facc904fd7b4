// Around the table: why hours are incomplete, each reason once, and what the marks mean.

import { el, outside, setChildren } from "./dom.js";
import { PRICE_STATUS, hoursInWords, reasonsOf } from "./words.js";

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
