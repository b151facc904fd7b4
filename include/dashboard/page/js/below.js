// Below the table: why hours are incomplete, each reason once, and what the marks mean.

import { el, setChildren } from "./dom.js";
import { PRICE_STATUS, reasonsOf } from "./words.js";

/** Fills the place below the table for the rows of a day. */
export function showBelow(place, rows) {
  const reasons = reasonsOf(rows).map(([reason, hours]) =>
    el("li", {}, el("b", {}, `⚠ ${hours} incomplete: `), reason),
  );
  const marks = Object.values(PRICE_STATUS).map(({ mark, word }) => [
    el("span", { class: "mark", "aria-hidden": "true" }, mark),
    ` ${word}  `,
  ]);
  const results = "· How are we doing: + better than the reference price, - worse";
  setChildren(
    place,
    reasons.length > 0 ? el("ul", { class: "reasons" }, reasons) : null,
    el("p", { class: "hint" }, "Reference price: ", marks, results),
  );
}
