// Choosers of a range: its kind, the one before and after, any two days; and the files of it.

import { html, unseen } from "./base.js";
import { choices, choose, shownRange } from "./choices.js";
import { t } from "./language.js";
import { KINDS, MAX_DAYS, anchorOf, current, daysOf, isCurrent, kindOf, moved, rangeOf } from "./ranges.js";
import { addDays, minute } from "./times.js";
import { DayField, Download, MarketChooser, MomentField, TraderChooser, useArrowKeys } from "./toolbar.js";

const go = (direction) => choose(moved(shownRange(), direction));

const NAMES = { day: t("Day"), week: t("Week"), month: t("Month"), year: t("Year") };
const CURRENT = {
  day: t("Today"),
  week: t("This week"),
  month: t("This month"),
  year: t("This year"),
  days: t("Up to today"),
};

export function RangeToolbar() {
  useArrowKeys("range", go);
  minute.value; // this week is another one after midnight
  const range = shownRange();
  const kind = kindOf(range);
  return html`
    <div class="toolbar">
      <${MarketChooser} id="range-market" />
      <${TraderChooser} id="range-trader" />
      <div class="field kinds" role="group" aria-label=${t("Length of the range")}>
        ${KINDS.map(
          (each) => html`
            <button
              type="button"
              key=${each}
              aria-pressed=${each === kind ? "true" : "false"}
              onClick=${() => choose(rangeOf(each, anchorOf(shownRange())))}
            >
              ${NAMES[each]}
            </button>
          `,
        )}
      </div>
      <div class="field span" role="group" aria-label=${t("Delivery days")}>
        <button type="button" class="step" id="range-before" aria-label=${t("Range before")} title=${t("Range before (arrow left)")} onClick=${() => go(-1)}>‹</button>
        <label>${t("From")} <${DayField} id="range-from" day=${range.from} onDay=${(day) => choose(withDay("from", day))} /></label>
        <label>${t("to")} <${DayField} id="range-to" day=${range.to} onDay=${(day) => choose(withDay("to", day))} /></label>
        <button type="button" class="step" id="range-after" aria-label=${t("Range after")} title=${t("Range after (arrow right)")} onClick=${() => go(1)}>›</button>
        <button type="button" id="range-current" disabled=${isCurrent(range)} onClick=${() => choose(current(shownRange()))}>
          ${CURRENT[kind]}
        </button>
      </div>
      <label class="field">${t("As of")} <${MomentField} asOf=${choices.value.asOf} id="range-moment" /></label>
    </div>
  `;
}

/** A day on one end of the range; the other end follows where they would change places or be too far apart. */
function withDay(name, day) {
  const { from, to } = shownRange();
  if (name === "from") {
    const last = addDays(day, MAX_DAYS - 1);
    return { from: day, to: to < day ? day : to > last ? last : to };
  }
  const first = addDays(day, 1 - MAX_DAYS);
  return { from: from > day ? day : from < first ? first : from, to: day };
}

/** Tables of the API, and for how many days each answers: of one trader or the portfolio, and of each trader. */
const FILES = [
  { name: "pnl_hourly", title: t("Hours"), most: 92, mostOfEach: 31 },
  { name: "pnl_daily", title: t("Days"), most: MAX_DAYS, mostOfEach: MAX_DAYS },
  { name: "pnl_weekly", title: t("Whole weeks"), most: MAX_DAYS, mostOfEach: MAX_DAYS },
  { name: "pnl_monthly", title: t("Whole months"), most: MAX_DAYS, mostOfEach: MAX_DAYS },
];

export function RangeDownloads({ range }) {
  const { from, to, trader, as_of: asOf } = range;
  const files = (name, who, most, title) => {
    if (daysOf(range) > most) return html`<span class="hint">${t("for {days} days at most", { days: most })}</span>`;
    const asked = { from, to, trader: who, as_of: asOf };
    const link = (format) =>
      html`<${Download} table=${name} asked=${asked} format=${format} isButton=${false}>${format.toUpperCase()}${unseen(` ${title}`)}</${Download}>`;
    return html`${link("csv")}${" · "}${link("xlsx")}`;
  };
  const own = trader ? t("This trader") : t("Portfolio");
  return html`
    <section id="range-downloads" class="range-table">
      <h2>${t("Download PnL of the range")}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">${t("By")}</th>
            <th scope="col">${own}</th>
            ${!trader && html`<th scope="col">${t("Each trader")}</th>`}
          </tr>
        </thead>
        <tbody>
          ${FILES.map(
            ({ name, title, most, mostOfEach }) => html`
              <tr key=${name}>
                <th scope="row">${title}</th>
                <td>${files(name, trader, most, `${title}, ${own}`)}</td>
                ${!trader && html`<td>${files(name, "*", mostOfEach, `${title}, ${t("Each trader")}`)}</td>`}
              </tr>
            `,
          )}
        </tbody>
      </table>
    </section>
  `;
}
