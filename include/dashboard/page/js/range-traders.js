// Traders side by side over a range: a small picture of each on one scale, and a table; choosing one shows that trader.

import { html, outside, unseen, useMemo } from "./base.js";
import { Way } from "./around.js";
import { Warning } from "./by-trader.js";
import { choose } from "./choices.js";
import { netPosition, numbers, performance, pnl } from "./columns.js";
import { Table, inWords } from "./grid.js";
import { t } from "./language.js";
import { count, difference, energyPlaces, isPartial, pnlOf, signOf, signed, toFloat } from "./numbers.js";
import { beforeInWords, monthToDate, slotsOf, traded } from "./ranges.js";

const [WIDTH, HEIGHT] = [150, 44];

/** Those with trades in the range first, by name. */
const byName = (a, b) =>
  Number(a.total === null) - Number(b.total === null) || inWords.compare(a.trader_id, b.trader_id);

export function RangeTraders({ range }) {
  const traders = useMemo(() => [...range.traders].sort(byName), [range]);
  return html`
    <section id="range-traders" class="range-traders">
      <h2>${t("Traders side by side")}</h2>
      <div class="side-by-side">
        ${range.from !== range.to && html`<${Multiples} range=${range} traders=${traders} />`}
        <div><${TradersTable} range=${range} traders=${traders} /></div>
      </div>
    </section>
  `;
}

function Multiples({ range, traders }) {
  const drawn = useMemo(() => {
    const lines = traders
      .filter(({ total }) => total !== null)
      .map((trader) => ({ trader, values: sumsOf(range, trader) }));
    const slots = slotsOf(range).length;
    const all = [0, ...lines.flatMap(({ values }) => values)];
    return { lines, slots, least: Math.min(...all), most: Math.max(...all) };
  }, [range, traders]);
  const { lines, slots, least, most } = drawn;
  return html`
    <div>
      <p class="hint">${t("Cumulative PnL, all on one scale; dashed where prices are missing.")}</p>
      <ul class="multiples">
        ${lines.map(({ trader, values }) => html`<${Multiple} key=${trader.trader_id} trader=${trader} values=${values} slots=${slots} least=${least} most=${most} />`)}
      </ul>
    </div>
  `;
}

/** From zero, after each slot up to the last one with trades of anybody; one without trades leaves the sum as it was. */
function sumsOf(range, { steps }) {
  const sums = [0];
  for (const { row } of traded(slotsOf({ ...range, steps }), range)) sums.push(toFloat(row?.cumulative_pnl_eur ?? null) ?? sums.at(-1));
  return sums;
}

function Multiple({ trader: { trader_id: id, total }, values, slots, least, most }) {
  const pnl = pnlOf(total);
  const x = (i) => (i / slots) * WIDTH;
  const y = (value) => 2 + (1 - (value - least) / (most - least || 1)) * (HEIGHT - 4);
  const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const isDashed = total.missing_price_count > 0;
  return html`
    <li>
      <${Way} to=${{ trader: id }}>
        <span class="name">${outside(id)}</span>
        <span class="value" data-sign=${signOf(pnl, 0)}>${signed(pnl, 0)}${isPartial(total) && unseen(` ${t("so far")}`)}</span>
        <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" data-sign=${signOf(pnl, 0)}>
          <line class="zero" x1="0" x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
          <polyline points=${points} stroke-dasharray=${isDashed ? "4 3" : null} />
        </svg>
      </${Way}>
    </li>
  `;
}

function TradersTable({ range, traders }) {
  const places = energyPlaces(traders.map(({ total }) => total?.net_position_mwh));
  const columns = useMemo(() => {
    const more = ({ total, previous }) => difference(pnlOf(total), pnlOf(previous));
    return [
      {
        name: "trader_id",
        heading: t("Trader"),
        of: ({ trader_id: id, total }) => html`
          <button type="button" class="link" onClick=${() => choose({ trader: id })}>${outside(id)}</button>
          ${total?.incomplete_day_count > 0 && html`<${Warning} note=${t("not complete: trades may be missing")} />`}
        `,
        by: (row) => row.trader_id,
      },
      numbers("trade_count", t("Trades"), null, count, { kind: "number wide", take: ({ total }) => total?.trade_count ?? 0 }),
      netPosition(places, { kind: "number wide", take: ({ total }) => total?.net_position_mwh }),
      performance({ take: ({ total }) => total?.performance_eur_per_mwh }),
      pnl({ heading: t("PnL"), take: ({ total }) => total }),
      pnl({ name: "previous_pnl_eur", heading: capital(beforeInWords(range)), kind: "number wide", take: ({ previous }) => previous }),
      numbers("difference_eur", t("Difference"), "EUR", signed, { kind: "number result wide", take: more, isResult: true }),
      pnl({ name: "month_pnl_eur", heading: monthToDate(range), kind: "number", take: ({ month }) => month }),
    ];
  }, [range]);
  return html`<${Table}
    table="range_traders"
    title=${t("PnL of each trader in the range")}
    columns=${columns}
    rows=${traders}
    keyOf=${(row) => row.trader_id}
  />`;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
