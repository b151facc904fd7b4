// The portfolio by trader: who did what that day; choosing a name shows that trader's hours.

import { html, outside, unseen } from "./base.js";
import { choose } from "./choices.js";
import { Table } from "./grid.js";
import { count, energyPlaces, fixed, signOf, signed } from "./numbers.js";
import { totalNote } from "./words.js";

const byName = (a, b) => a.trader_id.localeCompare(b.trader_id, undefined, { numeric: true });

/** PnL of the periods with a price, and whether that is all. */
export const pnlSoFar = (row) =>
  html`${signed(row.pnl_eur ?? row.priced_pnl_eur)}${row.pnl_eur === null && row.priced_pnl_eur !== null && html`<small>${" so far"}</small>`}`;

/** A mark with what it means, for those who hover and those who listen. */
export const Warning = ({ note }) => html`<span class="warn" title=${note}>⚠${unseen(` ${note}`)}</span>`;

function name(row) {
  // what lacks a price says "so far"
  const note = row.incomplete_period_count > 0 ? totalNote(row) : "";
  return html`
    <button type="button" class="link" onClick=${() => choose({ trader: row.trader_id })}>${outside(row.trader_id)}</button>
    ${note && html`<${Warning} note=${note} />`}
  `;
}

/** Rows of pnl_daily, one a trader. */
export function ByTrader({ rows }) {
  if (rows.length === 0) return null;
  const places = energyPlaces(rows.flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]));
  const performance = "performance_eur_per_mwh";
  const columns = [
    { heading: "Trader", of: name },
    { heading: "Trades", kind: "number wide", of: (row) => count(row.trade_count) },
    { heading: "Bought", unit: "MWh", kind: "number wide", of: (row) => fixed(row.buy_mwh, places) },
    { heading: "Sold", unit: "MWh", kind: "number wide", of: (row) => fixed(row.sell_mwh, places) },
    { heading: "Net position", unit: "MWh", kind: "number wide", of: (row) => signed(row.net_position_mwh, places) },
    { heading: "Our average price", unit: "EUR/MWh", kind: "number", of: (row) => fixed(row.average_price_eur_per_mwh) },
    {
      heading: "How are we doing",
      unit: "EUR/MWh",
      kind: "number result",
      of: (row) => signed(row[performance]),
      sign: (row) => signOf(row[performance]),
    },
    { heading: "PnL", unit: "EUR", kind: "number money", of: pnlSoFar },
  ];
  return html`
    <section id="by-trader" class="by-trader">
      <h2>By trader</h2>
      <${Table} title="PnL of each trader on this delivery day" columns=${columns} rows=${[...rows].sort(byName)} keyOf=${(row) => row.trader_id} />
    </section>
  `;
}
