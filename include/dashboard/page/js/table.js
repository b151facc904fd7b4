// The traders' table: a row per delivery hour; a cell whose number has changed lights up for a moment.

import { html, unseen, useLayoutEffect, useRef, useState } from "./base.js";
import { Mark } from "./around.js";
import { choose } from "./choices.js";
import { Found, Heading, arranged } from "./grid.js";
import { t } from "./language.js";
import { count, energyPlaces, fixed, isPartial, signOf, signed } from "./numbers.js";
import { LimitMark, limitsOf } from "./limits.js";
import { isolated } from "./outside.js";
import { clock, dayInWords, duration, hoursOf, marketDay, minute, now, utc } from "./times.js";
import { incompleteBecause, plural, reasonsOf, statusOf, totalNote, who } from "./words.js";

const gain = (value) => signed(value, 2);
const price = (value) => fixed(value, 2);

const COUNTED = t("A block or another trade of several hours counts in each of its hours, and once in the total of the day.");

/** Columns: extra ones show only with "All columns", wide ones on a phone only with it. */
const COLUMNS = [
  { name: "trade_count", heading: t("Trades"), show: count, kind: "number wide", title: COUNTED },
  { name: "buy_mwh", heading: t("Bought"), unit: "MWh", show: fixed, kind: "number wide" },
  { name: "sell_mwh", heading: t("Sold"), unit: "MWh", show: fixed, kind: "number wide" },
  { name: "net_position_mwh", heading: t("Net position"), unit: "MWh", show: signed, kind: "number wide" },
  { name: "average_price_eur_per_mwh", heading: t("Our average price"), unit: "EUR/MWh", show: price, kind: "number" },
  { name: "reference_price_eur_per_mwh", heading: t("Reference price"), unit: "EUR/MWh", show: price, kind: "number" },
  { name: "price_status", heading: t("Price is"), kind: "status" },
  { name: "performance_eur_per_mwh", heading: t("How are we doing"), unit: "EUR/MWh", show: gain, kind: "number result" },
  { name: "pnl_eur", heading: "PnL", unit: "EUR", show: gain, kind: "number money" },
  { name: "realised_pnl_eur", heading: t("Realised"), unit: "EUR", show: gain, kind: "number extra" },
  { name: "unrealised_pnl_eur", heading: t("Unrealised"), unit: "EUR", show: gain, kind: "number extra" },
  { name: "note", heading: t("Note"), kind: "note" },
];

/** What an hour without a reference price does not have. */
const PRICED = new Set(["reference_price_eur_per_mwh", "performance_eur_per_mwh", "pnl_eur", "unrealised_pnl_eur"]);

/** Milliseconds before gate closure from which on a row says how long is left. */
const CLOSES_SOON = 3_600_000;

/** Rows that share a reason before it is said above the table only. */
const MAX_NOTES = 2;

/** The lines of a desk; `shownFor` changes with what is chosen: then everything is another, and nothing lights up. */
export function TradersTable({ desk, lines, shownFor }) {
  const at = (minute.value, desk.as_of ? -Infinity : now());
  const places = energyPlaces(
    [...desk.rows, desk.total ?? {}].flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]),
  );
  const notes = notesOf(desk, lines);
  const gates = new Map(desk.gates.map((gate) => [gate.delivery_hour, Date.parse(gate.tradable_until)]));
  const columns = [
    { name: "period", heading: t("Delivery"), of: (row) => row.delivery_hour, by: (row) => row.delivery_start_at },
    ...COLUMNS.map((column) => ({
      ...column,
      by: column.kind === "note" ? (row) => notes.get(row) : (row) => row[column.name],
      of: {
        note: (row) => notes.get(row),
        status: (row) => row.price_status && statusOf(row.price_status).word,
      }[column.kind] ?? ((row) => column.show(row[column.name], places)),
    })),
  ];
  const shown = arranged("hours", columns, lines);
  const rows = shown.map((row) => {
    const key = `${shownFor} ${row.delivery_start_at} ${row.delivery_hour}`;
    const [start, end] = [Date.parse(row.delivery_start_at), Date.parse(row.delivery_end_at)];
    const when = at >= end ? "past" : at >= start ? "now" : "";
    const limits = limitsOf(desk, row.delivery_hour);
    return html`
      <${Line} key=${key} row=${row} places=${places} note=${notes.get(row)} when=${when} isFixed=${Boolean(desk.as_of)}
        limits=${limits} closesIn=${gates.get(row.delivery_hour) - at} />
    `;
  });
  const isInOrder = shown.every((row, i) => row === lines[i]) && shown.length === lines.length;
  const line = isInOrder ? nowLine(desk, lines, at) : null;
  if (line !== null) rows.splice(line, 0, html`<${NowLine} key="now" at=${at} />`);
  return html`
    <${Found} table="hours" shown=${shown.length} all=${lines.length} />
    <div class="scroll" id="hours" role="region" aria-labelledby="hours-caption" tabindex="0">
      <table id="hours-table" class=${[...notes.values()].some(Boolean) ? null : "no-notes"}>
        <caption id="hours-caption" class="unseen">
          ${t("PnL of {who} by delivery hour, {day}, times in {timezone}", {
            who: who(desk.trader),
            day: dayInWords(desk.day),
            timezone: desk.market_timezone,
          })}
        </caption>
        <thead>
          <tr>${columns.map((column) => html`<${Heading} key=${column.name} table="hours" column=${column} />`)}</tr>
        </thead>
        <tbody>${rows}</tbody>
        <tfoot>${desk.total && html`<${Total} total=${desk.total} places=${places} limits=${limitsOf(desk, null)} />`}</tfoot>
      </table>
    </div>
  `;
}

/** What is odd about each line, if it is not said above the table. */
function notesOf(desk, lines) {
  const shared = new Set(reasonsOf(lines).flatMap(([reason, rows]) => (rows.length > MAX_NOTES ? [reason] : [])));
  const doubled = hoursOf(desk.day).filter((hour) => hour.end - hour.start > 3_600_000);
  const noteOf = (row) => {
    const cancelled = row.cancelled_trade_count ?? 0;
    return [
      ...(doubled.some((hour) => hour.label === row.delivery_hour) ? [t("this hour happens twice")] : []),
      ...(cancelled > 0 ? [plural(cancelled, "{count} trade cancelled", "{count} trades cancelled")] : []),
      ...incompleteBecause(row)
        .filter((reason) => !shared.has(reason))
        .map(isolated),
    ].join("; ");
  };
  return new Map(lines.map((row) => [row, noteOf(row)]));
}

function Line({ row, places, note, when, isFixed, limits, closesIn }) {
  const [start, end] = [Date.parse(row.delivery_start_at), Date.parse(row.delivery_end_at)];
  const because = incompleteBecause(row);
  const kinds = [because.length > 0 ? "incomplete" : "", when, isFixed ? "" : "opens"];
  const open = () => choose({ hour: row.delivery_hour });
  // for the mouse; the keyboard has the button, and who selects a number wants the number
  const openByRow = (event) => !isFixed && !event.target.closest("button") && getSelection().isCollapsed && open();
  return html`
    <tr
      class=${kinds.filter(Boolean).join(" ")}
      aria-current=${when === "now" ? "time" : null}
      data-start=${start}
      data-end=${end}
      onClick=${openByRow}
    >
      <th scope="row" class="period">
        <button type="button" class="link" disabled=${isFixed} onClick=${open}>
          <time datetime=${row.delivery_start_at} title=${t("{first} to {last}", { first: utc(start), last: utc(end) })}>${row.delivery_hour}</time>
        </button>
        ${when === "now" && html`<span class="now-mark">${t("now")}</span>`}
        <span class="marks">
          <${LimitMark} limits=${limits} />
          ${
            because.length > 0 &&
            html`<span class="warn" title=${t("Incomplete: {reasons}", { reasons: because.map(isolated).join("; ") })}>⚠${unseen(` ${t("incomplete")}`)}</span>`
          }
        </span>
        ${closesIn > 0 && closesIn <= CLOSES_SOON && html`<span class="closes">${t("closes in {wait}", { wait: duration(closesIn) })}</span>`}
      </th>
      ${COLUMNS.map((column) => cell(column, row, places, note))}
    </tr>
  `;
}

function cell({ name, kind, show }, row, places, note) {
  if (kind === "status") return html`<td class="status"><${PriceStatus} name=${row.price_status} /></td>`;
  if (kind === "note") return html`<td class="note">${note && html`<span class="clamp" title=${note}>${note}</span>`}</td>`;
  const title = row.price_status === "missing" && PRICED.has(name) ? t("no reference price yet") : undefined;
  const sign = kind === "number result" ? signOf(row[name]) : null;
  return html`<${Value} kind=${kind} text=${show(row[name], places)} sign=${sign} title=${title} />`;
}

/** A cell that lights up when its text becomes another one. */
function Value({ kind, text, sign, title }) {
  const before = useRef(text);
  const [isLit, light] = useState(false);
  useLayoutEffect(() => {
    if (before.current !== text) light(true);
    before.current = text;
  }, [text]);
  return html`
    <td class=${isLit ? `${kind} changed` : kind} data-sign=${sign} title=${title} onAnimationEnd=${() => light(false)}>${text}</td>
  `;
}

function PriceStatus({ name }) {
  if (!name) return null; // of an hour without trades
  const { mark, word, meaning } = statusOf(name);
  return html`
    <span class="price-status" data-status=${name} title=${meaning}><${Mark} mark=${mark} /><span class="word">${word}</span></span>
  `;
}

function Total({ total, places, limits }) {
  const of = ({ name, kind, show }) => {
    if (kind === "status") return html`<${PriceStatus} name=${total.price_status} />`;
    if (kind === "note") return totalNote(total);
    if (name === "reference_price_eur_per_mwh") return "";
    if (name !== "pnl_eur" || !isPartial(total)) return show(total[name], places);
    return html`<span title=${t("only the hours that have a price")}>${signed(total.priced_pnl_eur)}<small>${t("so far")}</small></span>`;
  };
  return html`
    <tr>
      <th scope="row" class="period">${t("Total")} <span class="marks"><${LimitMark} limits=${limits} /></span></th>
      ${COLUMNS.map((column) => {
        const sign = column.kind === "number result" ? signOf(total[column.name]) : null;
        return html`<td class=${column.kind} data-sign=${sign} title=${column.title}>${of(column)}</td>`;
      })}
    </tr>
  `;
}

/** Where the line for now belongs: before which row, if no row is of the hour that is being delivered. */
function nowLine(desk, lines, at) {
  if (desk.as_of || lines.length === 0 || marketDay(at) !== desk.day) return null;
  const next = lines.findIndex((row) => Date.parse(row.delivery_start_at) > at);
  const place = next < 0 ? lines.length : next;
  const isCovered = lines.some((row) => at >= Date.parse(row.delivery_start_at) && at < Date.parse(row.delivery_end_at));
  return isCovered ? null : place;
}

const NowLine = ({ at }) => html`
  <tr class="now-line" aria-current="time">
    <td colspan=${COLUMNS.length + 1}><span>${t("now, {at}: no trades for this hour", { at: clock(at) })}</span></td>
  </tr>
`;
