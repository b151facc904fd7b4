// Around the table: why hours are incomplete, each reason once, what the marks mean, and what is there without a table.

import { html, isPlain, outside } from "./base.js";
import { addressOf, choices, choose } from "./choices.js";
import { t } from "./language.js";
import { isPartial } from "./numbers.js";
import { dayInWords, minute, today } from "./times.js";
import { PRICE_STATUS, hoursInWords, nothingThere, reasonsOf } from "./words.js";

export function Reasons({ lines }) {
  const reasons = reasonsOf(lines);
  return (
    reasons.length > 0 &&
    html`
      <ul class="reasons">
        ${reasons.map(
          ([reason, some]) =>
            html`<li><b>${`⚠ ${t("{hours} incomplete:", { hours: hoursInWords(some, lines) })} `}</b><${Reason} reason=${reason} hour=${some[0].delivery_hour} /></li>`,
        )}
      </ul>
    `
  );
}

/** Leads to the first hour that has it, and so to its messages; at a moment of the past nobody knows these. */
function Reason({ reason, hour }) {
  if (choices.value.asOf) return outside(reason);
  return html`<${Way} to=${{ hour }} title=${t("Trades and messages of {hour}", { hour })}>${outside(reason)}</${Way}>`;
}

/** A link within the page: to where these choices lead, of the hour and the message only what they name. */
export function Way({ to, title, kind, children }) {
  const go = (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    choose(to);
  };
  const href = addressOf({ ...choices.value, hour: null, message: null, ...to });
  return html`<a class=${kind} href=${href} title=${title} onClick=${go}>${children}</a>`;
}

/** A text about a row's PnL, with "so far" after it where prices are missing. */
export const soFar = (row, text) => (isPartial(row) ? html`${text}<small>${` ${t("so far")}`}</small>` : text);

export const Mark = ({ mark }) => html`<span class="mark" aria-hidden="true">${mark}</span>`;

export const Marks = () => html`
  <div id="below-table" class="below">
    <p class="hint">
      ${`${t("Reference price:")} `}
      ${Object.values(PRICE_STATUS).map(({ mark, word }) => html`<${Mark} mark=${mark} />${` ${word}  `}`)}
      ${`· ${t("How are we doing: PnL per MWh traded, + better than the reference price, - worse")}`}
    </p>
  </div>
`;

/** Says why a day has no lines and what to expect. */
export function NothingThere({ desk }) {
  minute.value; // what to expect changes with the time of day
  const [what, then] = nothingThere(desk);
  const last = desk.days?.last;
  const goTo = (day, text) => html`<button type="button" onClick=${() => choose({ day })}>${text}</button>`;
  return html`
    <div id="empty" class="empty">
      <h3>${what}</h3>
      <p>${then}</p>
      <p class="buttons">
        ${last && ![desk.day, today()].includes(last) && goTo(last, t("Show {day}", { day: dayInWords(last) }))}
        ${desk.day !== today() && goTo(null, t("Show today"))}
      </p>
    </div>
  `;
}
