// The desk's view of a day: choosers, figures, the table and what belongs to it, pictures.

import { html, outside } from "./base.js";
import { Marks, NothingThere, Reasons } from "./around.js";
import { ByMarket } from "./by-market.js";
import { ByTrader } from "./by-trader.js";
import { choices, choose } from "./choices.js";
import { Figures } from "./figures.js";
import { t } from "./language.js";
import { Limits, OpenPositions } from "./limits.js";
import { Pictures } from "./pictures.js";
import { page } from "./reading.js";
import { Statements, reconciled } from "./statements.js";
import { TradersTable } from "./table.js";
import { addDays, clock, clockChange, dayInWords, minute, today } from "./times.js";
import { Toolbar } from "./toolbar.js";
import { linesOf } from "./words.js";

export const Desk = () => html`
  <${Toolbar} />
  ${page.value && html`<${Day} page=${page.value} />`}
`;

function Day({ page: { desk, key: shownFor, statements, history, by_trader: byTrader, by_market: byMarket, open_positions: positions } }) {
  const lines = linesOf(desk);
  const change = clockChange(desk.day);
  return html`
    ${desk.as_of && html`<${AsOf} at=${desk.as_of} />`}
    <${Heading} desk=${desk} />
    ${change && html`<p id="clock-change" class="banner note">${change}</p>`}
    ${desk.total && html`<${Figures} desk=${desk} reconciliation=${reconciled(statements)} />`}
    ${lines.length === 0 && html`<${NothingThere} desk=${desk} />`}
    ${
      lines.length > 0 &&
      html`
        <div class="halves" id="content">
          <div class=${choices.value.allColumns ? "hours all-columns" : "hours"}>
            <${Limits} limits=${desk.limits} />
            <${Reasons} lines=${lines} />
            <${TradersTable} desk=${desk} lines=${lines} shownFor=${shownFor} />
            <${Marks} />
            <${OpenPositions} desk=${desk} positions=${positions} />
            <${ByTrader} rows=${byTrader} />
            <${Statements} statements=${statements} />
            <${ByMarket} rows=${byMarket} first=${desk.markets[0]} />
          </div>
          ${desk.rows.length > 0 && html`<${Pictures} desk=${desk} history=${history} />`}
        </div>
      `
    }
  `;
}

function Heading({ desk }) {
  minute.value; // today is another day after midnight
  const { day, trader, as_of: asOf, market, markets } = desk;
  const [yesterday, tomorrow] = [-1, 1].map((days) => addDays(today(), days));
  const name = { [today()]: t("Today"), [yesterday]: t("Yesterday"), [tomorrow]: t("Tomorrow") }[day];
  // a moment of the past may have had another today
  const when = name && !asOf ? `${name}, ${dayInWords(day)}` : dayInWords(day);
  return html`
    <h2 id="heading" class="heading">
      ${trader ? outside(trader) : t("Whole portfolio")}${`${markets.length > 1 ? ` ${t("in {market}", { market })}` : ""} · ${when}`}
      <small>${t("market time, {timezone}", { timezone: desk.market_timezone })}</small>
    </h2>
  `;
}

export const AsOf = ({ at }) => html`
  <div id="as-of" class="banner note">
    <span>${t("The page as of {at}; later trades and prices are not included.", { at: clock(Date.parse(at), { seconds: true }) })}</span>
    <button type="button" onClick=${() => choose({ asOf: null })}>${t("Back to now")}</button>
  </div>
`;
