// The day in a few figures above the table.

import { el, setChildren } from "./dom.js";
import { count, energyPlaces, fixed, signOf, signed } from "./numbers.js";
import { PRICE_STATUS } from "./words.js";

const figure = (name, value, unit, { sign = null, note = null, isMain = false } = {}) =>
  el(
    "div",
    { class: isMain ? "figure main" : "figure" },
    el("dt", {}, name),
    el(
      "dd",
      { "data-sign": sign },
      el("span", { class: "value" }, value),
      unit ? el("small", {}, ` ${unit}`) : null,
      note ? el("span", { class: "hint" }, note) : null,
    ),
  );

/** Fills the list of figures with a day's totals, and whether they are reconciled with the exchange, if that is known. */
export function showFigures(list, desk, reconciliation = null) {
  const { total, rows } = desk;
  list.hidden = !total;
  if (!total) return;
  const places = energyPlaces([total.buy_mwh, total.sell_mwh, total.net_position_mwh]);
  const isPartial = total.pnl_eur === null;
  const pnl = total.pnl_eur ?? total.priced_pnl_eur ?? null;
  const net = signOf(total.net_position_mwh, places);
  const statuses = Object.keys(PRICE_STATUS)
    .map((name) => [PRICE_STATUS[name], rows.filter((row) => row.price_status === name).length])
    .filter(([, number]) => number > 0);
  setChildren(
    list,
    figure(isPartial && pnl !== null ? "PnL so far" : "PnL", signed(pnl), "EUR", {
      isMain: true,
      sign: signOf(pnl),
    }),
    figure("How are we doing", signed(total.performance_eur_per_mwh), "EUR/MWh", {
      sign: signOf(total.performance_eur_per_mwh),
      note: total.performance_eur_per_mwh === null ? "when all have a price" : null,
    }),
    figure("Net position", signed(total.net_position_mwh, places), "MWh", {
      note: ["short", "flat", "long"][net + 1],
    }),
    figure("Bought", fixed(total.buy_mwh, places), "MWh"),
    figure("Sold", fixed(total.sell_mwh, places), "MWh"),
    figure("Trades", count(total.trade_count), ""),
    el(
      "div",
      { class: "figure prices" },
      el("dt", {}, "Prices"),
      el(
        "dd",
        {},
        statuses.map(([status, number]) =>
          el(
            "span",
            { class: "price-status" },
            el("span", { class: "mark", "aria-hidden": "true" }, status.mark),
            ` ${count(number)} ${status.word}`,
          ),
        ),
      ),
    ),
    reconciliation ? statementFigure(reconciliation) : null,
  );
}

const statementFigure = ({ mark, word, kind, meaning, note }) =>
  el(
    "div",
    { class: "figure statement" },
    el("dt", {}, "The exchange's file"),
    el(
      "dd",
      { title: meaning },
      el("span", { class: "state", "data-state": kind }, el("span", { "aria-hidden": "true" }, `${mark} `), word),
      note ? el("span", { class: "hint" }, note) : null,
    ),
  );
