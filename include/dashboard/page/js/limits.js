// Limits that were reached, and what can still be done about them: the positions of hours before gate closure.

import { html, outside, unseen } from "./base.js";
import { Table, inWords } from "./grid.js";
import { t } from "./language.js";
import { NONE, asSet, count, energyPlaces, fixed, isLessRounded, signed, sum } from "./numbers.js";
import { isolated } from "./outside.js";
import { clock, duration, minute, now } from "./times.js";

const MEASURES = {
  position_mwh: [t("position"), "MWh"],
  loss_eur: [t("loss"), "EUR"],
  price_distance_eur_per_mwh: [t("distance from the reference price"), "EUR/MWh"],
};

/** The limits of a desk that were reached for an hour; null: for the whole day. */
export const limitsOf = (desk, hour) => desk.limits.filter((limit) => limit.delivery_hour === hour);

/** "trader_1: position +120.0 MWh at 12:03, limit 100, within it again". */
function limitInWords({ measure, trader_id: trader, value, net_position_mwh: position, limit_value: limit, reached_at: at, is_over: isOver }) {
  // a page that is open for long may be older than the server
  const [what, unit] = MEASURES[measure] ?? [measure, ""];
  const places = measure === "position_mwh" ? energyPlaces([value]) : 2;
  // what was reached never seems to be within the limit: then it has all its digits
  const seemsWithin = isLessRounded(value, limit, places);
  const rounded = position ? signed(position, places) : fixed(value, places);
  const shown = seemsWithin ? asSet(position ?? value, position ? "exceptZero" : "negative") : rounded;
  const who = trader === null ? "" : `${isolated(trader)}: `;
  const amount = [shown, unit].filter(Boolean).join(" ");
  const values = { what, amount, at: clock(Date.parse(at)), limit: asSet(limit) };
  const reached = t("{what} {amount} at {at}, limit {limit}", values);
  return `${who}${reached}${isOver === false ? t(", within it again") : ""}`;
}

/** One mark, however many limits; a paler one if all are kept again. */
export function LimitMark({ limits }) {
  if (limits.length === 0) return null;
  const isOver = limits.some((limit) => limit.is_over !== false);
  const word = isOver ? t("over a limit") : t("was over a limit");
  const title = t("Limit: {limits}", { limits: limits.map(limitInWords).join("; ") });
  return html`<span class=${isOver ? "limit" : "limit kept"} title=${title}>▲${unseen(` ${word}`)}</span>`;
}

/** Limits above the table before the others are folded away. */
const MAX_LIMITS = 5;

const Limit = ({ limit }) =>
  html`<li><b><${LimitMark} limits=${[limit]} />${` ${limit.delivery_hour ?? t("Day")}: `}</b>${limitInWords(limit)}</li>`;

/** Each limit that was reached, above the table. */
export function Limits({ limits }) {
  if (limits.length === 0) return null;
  const items = limits.map((limit) => html`<${Limit} limit=${limit} />`);
  const more = limits.length - MAX_LIMITS;
  return html`
    <ul id="limits" class="reasons">
      ${items.slice(0, MAX_LIMITS)}
      ${
        more > 0 &&
        html`<li><details><summary>${t("{count} more", { count: count(more) })}</summary><ul class="reasons">${items.slice(MAX_LIMITS)}</ul></details></li>`
      }
    </ul>
  `;
}

/** The hours of a desk that can still be traded: [[hour, gate closure in ms], …], in order of time. */
export function openHours(desk) {
  minute.value;
  if (desk.as_of) return [];
  return desk.gates
    .map((gate) => [gate.delivery_hour, Date.parse(gate.tradable_until)])
    .filter(([, gate]) => gate > now());
}

/** Net positions in hours that can still be traded, one row per hour and one column per trader. `positions` are in order of time. */
export function OpenPositions({ desk, positions }) {
  const open = new Map(openHours(desk));
  const rows = desk.rows.filter((row) => open.has(row.delivery_hour));
  const some = positions.filter((position) => open.has(position.delivery_hour));
  if (rows.length === 0 || some.length === 0) return null;
  const traders = [...new Set(some.map((position) => position.trader_id))].sort(inWords.compare);
  const found = new Map(some.map((each) => [`${each.delivery_hour} ${each.trader_id}`, each.net_position_mwh]));
  const places = energyPlaces([...rows, ...some].map((each) => each.net_position_mwh));
  const of = (row, trader) => found.get(`${row.delivery_hour} ${trader}`) ?? null;
  const markOf = (row, trader) =>
    html`<${LimitMark} limits=${limitsOf(desk, row.delivery_hour).filter((limit) => limit.trader_id === trader)} />`;
  const position = (value) => (value === null ? NONE : signed(value, places));
  const columns = [
    { name: "delivery_hour", heading: t("Delivery"), of: (row) => row.delivery_hour, by: (row) => row.delivery_start_at },
    {
      name: "closes",
      heading: t("Gate closes"),
      kind: "moment",
      of: (row) => t("{at}, in {wait}", {
          at: clock(open.get(row.delivery_hour)),
          wait: duration(open.get(row.delivery_hour) - now()),
        }),
      by: (row) => row.delivery_start_at,
    },
    {
      name: "portfolio",
      heading: t("Portfolio"),
      unit: "MWh",
      kind: "number",
      of: (row) => html`${markOf(row, null)} ${position(row.net_position_mwh)}`,
      by: (row) => row.net_position_mwh,
    },
    ...traders.map((trader) => ({
      name: `trader ${trader}`,
      heading: html`${outside(trader)}`,
      unit: "MWh",
      kind: "number",
      of: (row) => html`${markOf(row, trader)} ${position(of(row, trader))}`,
      by: (row) => of(row, trader),
    })),
  ];
  return html`
    <section id="open-positions" class="by-trader">
      <h2>${t("Open positions")}</h2>
      <p class="hint">
        ${t("Net positions in hours that can still be traded; {total} MWh in total.", {
          total: signed(sum(rows.map((row) => row.net_position_mwh)), places),
        })}
      </p>
      <${Table}
        table="open"
        title=${t("Net position of each trader in each hour that can still be traded")}
        columns=${columns}
        rows=${rows}
        keyOf=${(row) => row.delivery_hour}
      />
    </section>
  `;
}
