// Texts from outside that tell moments: shown in market time like everything else on the page, with UTC on hover.

import { html } from "./base.js";
import { visibleOutside } from "./outside.js";
import { clock, dayInWords, isDay, timeAttributes } from "./times.js";

const MOMENT = /\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(?: ?(?:UTC|Z)|([+-]\d\d)(?::?(\d\d))?)(?![\w:])/g;

const DAY = /(?<![\w\-=/.])\d{4}-\d\d-\d\d(?![\w\-/])/g;

/** A moment in market time. */
export const moment = (iso, text = clock(Date.parse(iso), { seconds: true })) =>
  html`<time ...${timeAttributes(iso)}>${text}</time>`;

/** A text of the server for people, each day in it as the page writes days. */
export const withDays = (text) => text.replace(DAY, (day) => (isDay(day) ? dayInWords(day) : day));

/** The text in an element of its own, each moment in it as a time of the market. */
export function withMoments(text, between = (part) => part) {
  const parts = [];
  let after = 0;
  for (const found of text.matchAll(MOMENT)) {
    const [all, day, minute, seconds = "", hours = "+00", minutes = "00"] = found;
    const at = Date.parse(`${day}T${minute}${seconds.slice(0, 7)}${hours}:${minutes}`);
    if (Number.isNaN(at)) continue;
    parts.push(
      visibleOutside(between(text.slice(after, found.index))),
      moment(new Date(at).toISOString(), clock(at, { seconds: seconds !== "" })),
    );
    after = found.index + all.length;
  }
  return html`<bdi>${parts}${visibleOutside(between(text.slice(after)))}</bdi>`;
}
