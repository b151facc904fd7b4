// The figures of a range, each with the same of the range before and the difference.

import { html } from "./base.js";
import { soFar } from "./around.js";
import { Figure } from "./figures.js";
import { t } from "./language.js";
import { count, difference, energyPlaces, fixed, isPartial, pnlOf, signOf, signed } from "./numbers.js";
import { beforeInWords, daysOf, monthInWords, monthToDate } from "./ranges.js";

/** What the range before has, and by how much this one has more. */
function Compared({ before, text, more, isGood }) {
  return html`
    <span class="hint before">${before}${": "}<b>${text}</b></span>
    ${more !== null && html`<span class="hint more" data-sign=${isGood}>${t("difference {amount}", { amount: more })}</span>`}
  `;
}

export function RangeFigures({ range }) {
  const { total, previous, month } = range;
  const places = energyPlaces([total, previous ?? {}].flatMap((of) => [of.buy_mwh, of.sell_mwh, of.net_position_mwh]));
  const before = beforeInWords(range);
  /** Of a measure: how it is shown, and how many places decide about the sign of its difference. */
  const compared = (name, show, digits, isResult = false) => {
    if (previous === null)
      return name === "pnl_eur" && html`<span class="hint before">${t("{before}: no trades", { before })}</span>`;
    const [own, other] = name === "pnl_eur" ? [total, previous].map(pnlOf) : [total[name], previous[name]];
    const more = difference(own, other);
    return html`<${Compared}
      before=${before}
      text=${name === "pnl_eur" ? soFar(previous, show(other, digits)) : show(other, digits)}
      more=${more === null ? null : signed(more, digits)}
      isGood=${isResult ? signOf(more, digits) : undefined}
    />`;
  };
  const position = ["short", "flat", "long"][signOf(total.net_position_mwh, places) + 1];
  const [pnl, performance] = [pnlOf(total), total.performance_eur_per_mwh];
  return html`
    <dl id="range-figures" class="figures range-figures">
      <${Figure}
        name=${isPartial(total) ? t("PnL so far") : t("PnL")}
        value=${signed(pnl)}
        unit="EUR"
        sign=${signOf(pnl)}
        note=${compared("pnl_eur", signed, 2, true)}
        isMain
      />
      <${Figure}
        name=${t("How are we doing")}
        value=${signed(performance)}
        unit="EUR/MWh"
        sign=${signOf(performance)}
        note=${html`${performance === null && html`<span class="hint">${t("when all have a price")}</span>`}${compared("performance_eur_per_mwh", signed, 2, true)}`}
      />
      <${Figure}
        name=${t("Net position")}
        value=${signed(total.net_position_mwh, places)}
        unit=${`MWh ${t(position)}`}
        note=${compared("net_position_mwh", signed, places)}
      />
      <${Figure} name=${t("Bought")} value=${fixed(total.buy_mwh, places)} unit="MWh" note=${compared("buy_mwh", fixed, places)} />
      <${Figure} name=${t("Sold")} value=${fixed(total.sell_mwh, places)} unit="MWh" note=${compared("sell_mwh", fixed, places)} />
      <${Figure} name=${t("Trades")} value=${count(total.trade_count)} note=${compared("trade_count", fixed, 0)} />
      <${Figure}
        name=${t("Days with trades")}
        value=${count(total.delivery_day_count)}
        unit=${t("of {days}", { days: count(daysOf(range)) })}
        note=${compared("delivery_day_count", fixed, 0)}
      />
      <${MonthToDate} month=${month} range=${range} />
    </dl>
  `;
}

function MonthToDate({ month, range }) {
  const value = pnlOf(month);
  const name = monthToDate(range);
  return html`
    <${Figure}
      name=${isPartial(month) ? t("{name}, so far", { name }) : name}
      value=${signed(value)}
      unit="EUR"
      sign=${signOf(value)}
      note=${monthInWords(range.month_from)}
    />
  `;
}
