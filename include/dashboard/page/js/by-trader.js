// The portfolio by trader: who did what that day; choosing a name shows that trader's hours.

import { el, outside, setChildren } from "./dom.js";
import { count, energyPlaces, fixed, signOf, signed } from "./numbers.js";
import { totalNote } from "./words.js";

const HEADINGS = [
  ["Trades", "", "wide"],
  ["Bought", "MWh", "wide"],
  ["Sold", "MWh", "wide"],
  ["Net position", "MWh", "wide"],
  ["Our average price", "EUR/MWh", ""],
  ["How are we doing", "EUR/MWh", ""],
  ["PnL", "EUR", ""],
];

export class ByTrader {
  constructor(section, onChoice) {
    this.section = section;
    this.body = el("tbody");
    section.append(
      el("h2", {}, "By trader"),
      el(
        "div",
        { class: "scroll", role: "region", "aria-label": "The day by trader", tabindex: "0" },
        el(
          "table",
          {},
          el("caption", { class: "unseen" }, "PnL of each trader on this delivery day"),
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              el("th", { scope: "col" }, "Trader"),
              HEADINGS.map(([name, unit, kind]) =>
                el(
                  "th",
                  { scope: "col", class: `number ${kind}` },
                  el("span", {}, name),
                  unit ? el("small", {}, unit) : null,
                ),
              ),
            ),
          ),
          this.body,
        ),
      ),
    );
    this.body.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) onChoice(button.dataset.trader);
    });
  }

  /** Rows of pnl_daily, one a trader; hidden without any. */
  show(rows) {
    this.section.hidden = rows.length === 0;
    const places = energyPlaces(rows.flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]));
    const sorted = [...rows].sort((a, b) =>
      a.trader_id.localeCompare(b.trader_id, undefined, { numeric: true }),
    );
    setChildren(
      this.body,
      sorted.map((row) => line(row, places)),
    );
  }
}

function line(row, places) {
  const isPartial = row.pnl_eur === null && row.priced_pnl_eur !== null;
  // what lacks a price says "so far"
  const note = row.incomplete_period_count > 0 ? totalNote(row) : "";
  const number = (text, kind = "") => el("td", { class: `number ${kind}` }, text);
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("button", { type: "button", class: "link", "data-trader": row.trader_id }, outside(row.trader_id)),
      note
        ? el("span", { class: "warn", title: note }, "⚠", el("span", { class: "unseen" }, ` ${note}`))
        : null,
    ),
    number(count(row.trade_count), "wide"),
    number(fixed(row.buy_mwh, places), "wide"),
    number(fixed(row.sell_mwh, places), "wide"),
    number(signed(row.net_position_mwh, places), "wide"),
    number(fixed(row.average_price_eur_per_mwh)),
    el(
      "td",
      { class: "number result", "data-sign": signOf(row.performance_eur_per_mwh) },
      signed(row.performance_eur_per_mwh),
    ),
    el(
      "td",
      { class: "number money" },
      signed(row.pnl_eur ?? row.priced_pnl_eur),
      isPartial ? el("small", {}, " so far") : null,
    ),
  );
}
