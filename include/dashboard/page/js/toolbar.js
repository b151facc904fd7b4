// Choosers of the desk: what they do, by mouse and by keyboard, and how they show what is chosen.

import { html, isPlain, useEffect, useLayoutEffect, useRef } from "./base.js";
import { choices, choose, shownDay } from "./choices.js";
import { FilterField } from "./grid.js";
import { t } from "./language.js";
import { decimalSeparator } from "./numbers.js";
import { isolated } from "./outside.js";
import { desk, download } from "./reading.js";
import { address } from "./server.js";
import { addDays, isDay, minute, momentOf, wallText } from "./times.js";

const step = (days) => choose({ day: addDays(shownDay(), days) });

export function Toolbar() {
  useArrowKeys("desk", step);
  const { day, allColumns, trader, asOf } = choices.value;
  const shown = (minute.value, shownDay()); // today is another day after midnight
  const asked = { from: shown, to: shown, trader, as_of: asOf };
  return html`
    <div class="toolbar">
      <${MarketChooser} />
      <${TraderChooser} />
      <div class="field day" role="group" aria-label=${t("Delivery day")}>
        <button type="button" class="step" id="day-before" aria-label=${t("Day before")} title=${t("Day before (arrow left)")} onClick=${() => step(-1)}>‹</button>
        <label>${t("Delivery day")} <${DayField} id="day" day=${shown} onDay=${(day) => choose({ day })} /></label>
        <button type="button" class="step" id="day-after" aria-label=${t("Day after")} title=${t("Day after (arrow right)")} onClick=${() => step(1)}>›</button>
        <button type="button" id="today" disabled=${day === null} onClick=${() => choose({ day: null })}>${t("Today")}</button>
      </div>
      <label class="check">
        <input type="checkbox" id="all-columns" checked=${allColumns} onChange=${(event) => choose({ allColumns: event.target.checked })} />
        ${t("All columns")}
      </label>
      <label class="field">${t("As of")} <${MomentField} asOf=${asOf} /></label>
      <${FilterField} table="hours" title=${t("delivery hours")} />
      <span class="files">
        <${Download} id="csv" table="pnl_hourly" asked=${asked} format="csv">${t("Download CSV")}</${Download}>
        <${Download} id="xlsx" table="pnl_hourly" asked=${asked} format="xlsx">XLSX</${Download}>
      </span>
    </div>
  `;
}

export function MarketChooser({ id = "market" }) {
  const markets = desk.value?.markets ?? [];
  const { market } = choices.value;
  return html`
    <label class="field" hidden=${markets.length < 2}>
      ${t("Market")}
      <select
        id=${id}
        value=${market === markets[0] ? "" : market}
        onChange=${(event) => choose({ market: event.target.value, trader: "" })}
      >
        ${markets.map((id, number) => html`<option value=${number === 0 ? "" : id}>${isolated(id)}</option>`)}
      </select>
    </label>
  `;
}

export function TraderChooser({ id = "trader" }) {
  const { trader } = choices.value;
  const names = [...new Set([...(desk.value?.traders ?? []), ...(trader ? [trader] : [])])];
  return html`
    <label class="field">
      ${t("Trader")}
      <select id=${id} value=${trader} onChange=${(event) => choose({ trader: event.target.value })}>
        <option value="">${t("Whole portfolio")}</option>
        ${names.map((name) => html`<option key=${name} value=${name}>${isolated(name)}</option>`)}
      </select>
    </label>
  `;
}

/** Who is typing a date is not interrupted. */
export function DayField({ id, day, onDay }) {
  const field = useRef();
  const show = () => {
    field.current.value = day;
  };
  useLayoutEffect(() => {
    if (document.activeElement !== field.current) show();
  }, [day]);
  // somebody who types a year has others on the way
  const change = ({ target: { value } }) => isDay(value) && value >= "2000" && onDay(value);
  return html`<input type="date" id=${id} required ref=${field} onChange=${change} onBlur=${show} />`;
}

/** A moment of the past in market time; empty: now. */
export function MomentField({ asOf, id = "moment" }) {
  const field = useRef();
  const show = () => {
    const { asOf: at } = choices.value;
    field.current.value = at ? wallText(Date.parse(at)) : "";
  };
  useLayoutEffect(show, [asOf, desk.value?.market_timezone]);
  // somebody who types a year has others on the way
  const change = ({ target: { value } }) =>
    (value === "" || value >= "2000") && choose({ asOf: value ? new Date(momentOf(value)).toISOString().replace(".000", "") : null });
  const title = t("The page as it was at an earlier time (market time); empty: now");
  return html`<input type="datetime-local" id=${id} step="1" title=${title} ref=${field} onBlur=${show} onChange=${change} />`;
}

/** A link to a table as a file, which the page fetches itself, so that it can say what goes wrong. */
export function Download({ id, table, asked, format, children, isButton = true }) {
  const href = address(table, { ...asked, format, decimal: format === "csv" && decimalSeparator() });
  const click = (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    download(href);
  };
  return html`<a id=${id} class=${isButton ? "button" : null} href=${href} download onClick=${click}>${children}</a>`;
}

/** Arrow keys left and right go one step back and forward while a view is shown. */
export function useArrowKeys(view, go) {
  useEffect(() => {
    const byKey = (event) => {
      const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!direction || choices.value.view !== view || isMeantOtherwise(event)) return;
      event.preventDefault();
      go(direction);
    };
    document.addEventListener("keydown", byKey);
    return () => document.removeEventListener("keydown", byKey);
  }, []);
}

/** Arrow keys that a field, a tab or something that scrolls sideways needs, or that a browser has a use for. */
function isMeantOtherwise(event) {
  if (!isPlain(event)) return true;
  if (event.target.closest("input, select, textarea, dialog, [role=tab]")) return true;
  const region = event.target.closest(".scroll");
  return region !== null && region.scrollWidth > region.clientWidth;
}
