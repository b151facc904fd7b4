// The view of a range of days: its figures beside those of the range before, its days, its hours, its traders, files of it.

import { html, outside } from "./base.js";
import { Way } from "./around.js";
import { AsOf } from "./desk.js";
import { t } from "./language.js";
import { count } from "./numbers.js";
import { RangeFigures } from "./range-figures.js";
import { HoursOfDay, Extremes } from "./range-hours.js";
import { Days, DaysTable } from "./range-days.js";
import { RangeDownloads, RangeToolbar } from "./range-toolbar.js";
import { RangeTraders } from "./range-traders.js";
import { beforeInWords, clocksGoBackIn, isRunning, rangeInWords } from "./ranges.js";
import { desk, range } from "./reading.js";
import { dayInWords, minute } from "./times.js";

/** Steps from which on their table is as tall as what is beside it. */
const MANY = 12;

export const RangeView = () => html`
  <${RangeToolbar} />
  ${range.value && html`<${Range} range=${range.value} />`}
`;

function Range({ range }) {
  return html`
    ${range.as_of && html`<${AsOf} at=${range.as_of} />`}
    <${Heading} range=${range} />
    ${range.total ? html`<${Content} range=${range} />` : html`<${NothingThere} range=${range} />`}
  `;
}

function Content({ range }) {
  const isLong = range.from !== range.to;
  return html`
    <${RangeFigures} range=${range} />
    <${Unknown} total=${range.total} />
    <div id="range-pictures" class="pictures">
      ${isLong && html`<${Days} range=${range} />`}
      <${HoursOfDay} range=${range} doubledOn=${clocksGoBackIn(range)} />
    </div>
    ${range.traders.length > 0 && html`<${RangeTraders} range=${range} />`}
    <div class=${range.steps.length > MANY ? "range-tables beside" : "range-tables"}>
      ${isLong && html`<${DaysTable} range=${range} />`}
      <div class="range-column">
        <${Extremes} range=${range} />
        <${RangeDownloads} range=${range} />
      </div>
    </div>
  `;
}

function Heading({ range }) {
  minute.value; // a range ends at midnight
  const name = range.trader ? outside(range.trader) : t("Whole portfolio");
  const where = (desk.value?.markets.length ?? 0) > 1 ? ` ${t("in {market}", { market: range.market })}` : "";
  const before = { from: range.previous_from, to: range.previous_to };
  const note = isRunning(range)
    ? t("compared with the whole {before}: {range}", { before: beforeInWords(range), range: rangeInWords(before) })
    : t("compared with the {before}: {range}", { before: beforeInWords(range), range: rangeInWords(before) });
  return html`
    <h2 id="range-heading" class="heading">
      ${name}${`${where} · ${rangeInWords(range)} `}
      <small>${note}</small>
    </h2>
  `;
}

/** What the sums do not have: prices that are missing, and days that are not complete. */
function Unknown({ total }) {
  const notes = [];
  const { missing_price_count: missing, incomplete_day_count: incomplete } = total;
  const hours = { missing: count(missing), all: count(total.delivery_period_count) };
  const days = { incomplete: count(incomplete), all: count(total.delivery_day_count) };
  if (missing === 1 && total.delivery_period_count === 1) notes.push(t("The only hour has no price yet: its PnL is in no sum."));
  else if (missing === 1) notes.push(t("1 of {all} hours has no price yet: its PnL is in no sum.", hours));
  if (missing > 1) notes.push(t("{missing} of {all} hours have no price yet: their PnL is in no sum.", hours));
  if (incomplete === 1 && total.delivery_day_count === 1) notes.push(t("This day is not complete: trades may be missing."));
  else if (incomplete === 1) notes.push(t("1 of {all} days is not complete: trades may be missing.", days));
  if (incomplete > 1) notes.push(t("{incomplete} of {all} days are not complete: trades may be missing.", days));
  return notes.length > 0 && html`<ul id="range-unknown" class="reasons">${notes.map((note) => html`<li>${`⚠ ${note}`}</li>`)}</ul>`;
}

function NothingThere({ range }) {
  const { first, last } = desk.value?.days ?? {};
  const then = first
    ? t("There are trades for delivery from {first} to {last}.", { first: dayInWords(first), last: dayInWords(last) })
    : t("No trades have arrived yet.");
  const shown = last && { from: last, to: last };
  const isOutside = shown && (last < range.from || first > range.to);
  return html`
    <div id="range-empty" class="empty">
      <h3>${t("No trades for delivery in this range are known.")}</h3>
      <p>${then}</p>
      ${
        isOutside &&
        html`<p class="buttons"><${Way} kind="button" to=${shown}>${t("Show {day}", { day: dayInWords(last) })}</${Way}></p>`
      }
    </div>
  `;
}
