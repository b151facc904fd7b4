// The day in each market and in all of them together; choosing a market shows its hours.

import { html, outside } from "./base.js";
import { Warning } from "./by-trader.js";
import { choose } from "./choices.js";
import { measures, pnl } from "./columns.js";
import { Table } from "./grid.js";
import { t } from "./language.js";
import { energyPlaces } from "./numbers.js";

const NOTE = t("not complete: choose the market to see why");

/** Rows of by_market, the sum last. `first` is the market that needs no name in the address. */
export function ByMarket({ rows, first }) {
  if (rows.length === 0) return null;
  const places = energyPlaces(rows.flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]));
  const show = (market) => () => choose({ market: market === first ? "" : market, trader: "" });
  const name = ({ market, is_complete: isComplete }) => html`
    ${market === null ? t("All markets") : html`<button type="button" class="link" onClick=${show(market)}>${outside(market)}</button>`}
    ${!isComplete && html`<${Warning} note=${NOTE} />`}
  `;
  const columns = [{ name: "market", heading: t("Market"), of: name }, ...measures(places, { net: "number" }), pnl()];
  const title = t("PnL of the whole portfolio in each market on this delivery day");
  return html`
    <section id="by-market" class="by-trader">
      <h2>${t("By market, all traders")}</h2>
      <${Table} title=${title} columns=${columns} rows=${rows} keyOf=${(row) => row.market} />
    </section>
  `;
}
