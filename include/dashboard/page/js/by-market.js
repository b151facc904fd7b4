// The day in each market and in all of them together; choosing a market shows its hours.

import { el, outside, setChildren } from "./dom.js";
import { count, energyPlaces, fixed, signed } from "./numbers.js";

const HEADINGS = [
  ["Trades", "", "wide"],
  ["Bought", "MWh", "wide"],
  ["Sold", "MWh", "wide"],
  ["Net position", "MWh", ""],
  ["PnL", "EUR", ""],
];

export class ByMarket {
  constructor(section, onChoice) {
    this.section = section;
    this.body = el("tbody");
    const heading = ([name, unit, kind]) =>
      el("th", { scope: "col", class: `number ${kind}` }, el("span", {}, name), unit ? el("small", {}, unit) : null);
    section.append(
      el("h2", {}, "By market, all traders"),
      el(
        "div",
        { class: "scroll", role: "region", "aria-label": "The day by market", tabindex: "0" },
        el(
          "table",
          {},
          el("caption", { class: "unseen" }, "PnL of the whole portfolio in each market on this delivery day"),
          el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Market"), HEADINGS.map(heading))),
          this.body,
        ),
      ),
    );
    this.body.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) onChoice(button.dataset.market);
    });
  }

  /** Rows of by_market, the sum last; hidden without any. `first` is the market that needs no name in the address. */
  show(rows, first) {
    this.section.hidden = rows.length === 0;
    const places = energyPlaces(rows.flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]));
    setChildren(
      this.body,
      rows.map((row) => line(row, places, first)),
    );
  }
}

function line(row, places, first) {
  const number = (text, kind = "") => el("td", { class: `number ${kind}` }, text);
  const isPartial = row.pnl_eur === null && row.priced_pnl_eur !== null;
  const name =
    row.market === null
      ? "All markets"
      : el(
          "button",
          { type: "button", class: "link", "data-market": row.market === first ? "" : row.market },
          outside(row.market),
        );
  const note = "not complete: choose the market to see why";
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      name,
      row.is_complete ? null : el("span", { class: "warn", title: note }, "⚠", el("span", { class: "unseen" }, note)),
    ),
    number(count(row.trade_count), "wide"),
    number(fixed(row.buy_mwh, places), "wide"),
    number(fixed(row.sell_mwh, places), "wide"),
    number(signed(row.net_position_mwh, places)),
    el(
      "td",
      { class: "number money" },
      signed(row.pnl_eur ?? row.priced_pnl_eur),
      isPartial ? el("small", {}, " so far") : null,
    ),
  );
}
