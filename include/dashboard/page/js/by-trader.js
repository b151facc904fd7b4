// The portfolio by trader: who did what that day; choosing a name shows that trader's hours.

import { html, outside, unseen } from "./base.js";
import { soFar } from "./around.js";
import { choose } from "./choices.js";
import { Table, inWords } from "./grid.js";
import { t } from "./language.js";
import { count, energyPlaces, fixed, pnlOf, signOf, signed } from "./numbers.js";
import { totalNote } from "./words.js";

const byName = (a, b) => inWords.compare(a.trader_id, b.trader_id);

export const PNL = {
  name: "pnl_eur",
  heading: "PnL",
  unit: "EUR",
  kind: "number money",
  of: (row) => soFar(row, signed(pnlOf(row))),
  by: pnlOf,
};

/** Columns of trades and energies, which a phone shows only on demand; `net` is the class of the last one. */
export const measures = (places, { net }) => [
  { name: "trade_count", heading: t("Trades"), kind: "number wide", of: (row) => count(row.trade_count), by: (row) => row.trade_count },
  ...[
    ["buy_mwh", t("Bought"), "number wide", fixed],
    ["sell_mwh", t("Sold"), "number wide", fixed],
    ["net_position_mwh", t("Net position"), net, signed],
  ].map(([name, heading, kind, show]) => ({
    name,
    heading,
    unit: "MWh",
    kind,
    of: (row) => show(row[name], places),
    by: (row) => row[name],
  })),
];

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
    ...measures(places, { net: "number wide" }),
    {
      name: "average_price_eur_per_mwh",
      heading: t("Our average price"),
      unit: "EUR/MWh",
      kind: "number",
      of: (row) => fixed(row.average_price_eur_per_mwh),
      by: (row) => row.average_price_eur_per_mwh,
    },
    {
      name: "performance_eur_per_mwh",
      heading: t("How are we doing"),
      unit: "EUR/MWh",
      kind: "number result",
      of: (row) => signed(row.performance_eur_per_mwh),
      by: (row) => row.performance_eur_per_mwh,
      sign: (row) => signOf(row.performance_eur_per_mwh),
    },
    PNL,
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
