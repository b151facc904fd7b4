// Columns that several tables have: numbers of a record as it has them, by which it is sorted, too.

import { soFar } from "./around.js";
import { t } from "./language.js";
import { count, fixed, pnlOf, signOf, signed } from "./numbers.js";

/** A column of a number; `take` finds it in a row, `isResult`: its sign has a colour. */
export const numbers = (name, heading, unit, show, { kind = "number", take = (row) => row[name], isResult = false } = {}) => ({
  name,
  heading,
  unit,
  kind,
  of: (row) => show(take(row)),
  by: take,
  sign: isResult ? (row) => signOf(take(row)) : undefined,
});

/** PnL of what has a price; `take` finds the figures in a row. */
export const pnl = ({ name = "pnl_eur", heading = "PnL", kind = "number money", take = (row) => row } = {}) => ({
  ...numbers(name, heading, "EUR", signed, { kind, take: (row) => pnlOf(take(row)) }),
  of: (row) => soFar(take(row), signed(pnlOf(take(row)))),
});

export const performance = (more) =>
  numbers("performance_eur_per_mwh", t("How are we doing"), "EUR/MWh", signed, { kind: "number result", isResult: true, ...more });

/** Columns of trades and energies, which a phone shows only on demand; `net` is the class of the last one. */
export const measures = (places, { net = "number wide" } = {}) => [
  numbers("trade_count", t("Trades"), null, count, { kind: "number wide" }),
  numbers("buy_mwh", t("Bought"), "MWh", (text) => fixed(text, places), { kind: "number wide" }),
  numbers("sell_mwh", t("Sold"), "MWh", (text) => fixed(text, places), { kind: "number wide" }),
  netPosition(places, { kind: net }),
];

export const netPosition = (places, more) =>
  numbers("net_position_mwh", t("Net position"), "MWh", (text) => signed(text, places), more);
