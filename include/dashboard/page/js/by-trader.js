// The portfolio by trader: who did what that day; choosing a name shows that trader's hours.

import { html, outside, unseen } from "./base.js";
import { choose } from "./choices.js";
import { measures, numbers, performance, pnl } from "./columns.js";
import { Table, inWords } from "./grid.js";
import { t } from "./language.js";
import { energyPlaces, fixed } from "./numbers.js";
import { totalNote } from "./words.js";

const byName = (a, b) => inWords.compare(a.trader_id, b.trader_id);

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
  const columns = [
    { name: "trader_id", heading: t("Trader"), of: name, by: (row) => row.trader_id },
    ...measures(places),
    numbers("average_price_eur_per_mwh", t("Our average price"), "EUR/MWh", fixed),
    performance(),
    pnl(),
  ];
  return html`
    <section id="by-trader" class="by-trader">
      <h2>${t("By trader")}</h2>
      <${Table}
        table="traders"
        title=${t("PnL of each trader on this delivery day")}
        columns=${columns}
        rows=${[...rows].sort(byName)}
        keyOf=${(row) => row.trader_id}
      />
    </section>
  `;
}
