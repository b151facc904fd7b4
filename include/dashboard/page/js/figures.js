// The day in a few figures above the table.

import { html } from "./base.js";
import { Mark } from "./around.js";
import { t } from "./language.js";
import { openHours } from "./limits.js";
import { count, energyPlaces, fixed, isPartial, pnlOf, signOf, signed, sum } from "./numbers.js";
import { clock, duration, now } from "./times.js";
import { PRICE_STATUS } from "./words.js";

export const Figure = ({ name, value, unit, sign, note, isMain }) => html`
  <div class=${isMain ? "figure main" : "figure"}>
    <dt>${name}</dt>
    <dd data-sign=${sign}>
      <span class="value">${value}</span>
      ${unit && html`<small>${` ${unit}`}</small>`}
      ${note && html`<span class="hint">${note}</span>`}
    </dd>
  </div>
`;

/** A mark and a word for a state that is good, bad or neither. */
export const State = ({ kind, mark, word, meaning }) => html`
  <span class="state" data-state=${kind} title=${meaning}><span aria-hidden="true">${`${mark} `}</span>${word}</span>
`;

/** A day's totals, and whether they are reconciled with the exchange, if that is known. */
export function Figures({ desk, reconciliation }) {
  const { total, rows } = desk;
  const places = energyPlaces([total.buy_mwh, total.sell_mwh, total.net_position_mwh]);
  const pnl = pnlOf(total);
  const performance = total.performance_eur_per_mwh;
  const net = [t("short"), t("flat"), t("long")][signOf(total.net_position_mwh, places) + 1];
  return html`
    <dl id="figures" class="figures">
      <${Figure} name=${isPartial(total) ? t("PnL so far") : "PnL"} value=${signed(pnl)} unit="EUR" sign=${signOf(pnl)} isMain />
      <${Figure}
        name=${t("How are we doing")}
        value=${signed(performance)}
        unit="EUR/MWh"
        sign=${signOf(performance)}
        note=${performance === null && t("when all have a price")}
      />
      <${Figure} name=${t("Net position")} value=${signed(total.net_position_mwh, places)} unit="MWh" note=${net} />
      <${OpenPosition} desk=${desk} places=${places} />
      <${Figure} name=${t("Bought")} value=${fixed(total.buy_mwh, places)} unit="MWh" />
      <${Figure} name=${t("Sold")} value=${fixed(total.sell_mwh, places)} unit="MWh" />
      <${Figure} name=${t("Trades")} value=${count(total.trade_count)} />
      <${Prices} rows=${rows} />
      ${reconciliation && html`<${Reconciliation} ...${reconciliation} />`}
    </dl>
  `;
}

/** What can still be traded, and until when; nothing on a day that is over. */
function OpenPosition({ desk, places }) {
  const open = openHours(desk);
  if (open.length === 0) return null;
  const hours = new Set(open.map(([hour]) => hour));
  const [next, gate] = open[0];
  const positions = desk.rows.filter((row) => hours.has(row.delivery_hour)).map((row) => row.net_position_mwh);
  const note = t("next gate closure: {hour} at {at}, in {wait}", { hour: next, at: clock(gate), wait: duration(gate - now()) });
  return html`<${Figure} name=${t("Open position")} value=${signed(sum(positions) ?? "0", places)} unit="MWh" note=${note} />`;
}

function Prices({ rows }) {
  const found = Object.entries(PRICE_STATUS)
    .map(([name, status]) => [status, rows.filter((row) => row.price_status === name).length])
    .filter(([, number]) => number > 0);
  return html`
    <div class="figure prices">
      <dt>${t("Prices")}</dt>
      <dd>
        ${found.map(
          ([{ mark, word }, number]) =>
            html`<span class="price-status"><${Mark} mark=${mark} />${` ${count(number)} ${word}`}</span>`,
        )}
      </dd>
    </div>
  `;
}

const Reconciliation = ({ note, ...state }) => html`
  <div class="figure statement">
    <dt>${t("The exchange's file")}</dt>
    <dd><${State} ...${state} />${note && html`<span class="hint">${note}</span>`}</dd>
  </div>
`;
