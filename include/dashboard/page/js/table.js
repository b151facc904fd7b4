// The traders' table: a row a delivery hour, changed cell by cell so that scroll, focus and selection stay.

import { el, setAttribute, setChildren, setText, unseen } from "./dom.js";
import { count, energyPlaces, fixed, signOf, signed } from "./numbers.js";
import { isolated } from "./outside.js";
import { clock, hoursOf, marketDay, now, utc } from "./times.js";
import { incompleteBecause, plural, reasonsOf, statusOf, totalNote } from "./words.js";

const energy = (value, places) => fixed(value, places);
const position = (value, places) => signed(value, places);
const price = (value) => fixed(value, 2);
const gain = (value) => signed(value, 2);

/** Columns: extra ones show only with "All columns", wide ones on a phone only with it. */
const COLUMNS = [
  { name: "trade_count", heading: "Trades", unit: "", show: count, kind: "wide" },
  { name: "buy_mwh", heading: "Bought", unit: "MWh", show: energy, kind: "wide" },
  { name: "sell_mwh", heading: "Sold", unit: "MWh", show: energy, kind: "wide" },
  { name: "net_position_mwh", heading: "Net position", unit: "MWh", show: position, kind: "wide" },
  { name: "average_price_eur_per_mwh", heading: "Our average price", unit: "EUR/MWh", show: price },
  { name: "reference_price_eur_per_mwh", heading: "Reference price", unit: "EUR/MWh", show: price },
  { name: "price_status", heading: "Price is", unit: "", kind: "status" },
  { name: "performance_eur_per_mwh", heading: "How are we doing", unit: "EUR/MWh", show: gain, kind: "result" },
  { name: "pnl_eur", heading: "PnL", unit: "EUR", show: gain, kind: "money" },
  { name: "realised_pnl_eur", heading: "Realised", unit: "EUR", show: gain, kind: "extra" },
  { name: "unrealised_pnl_eur", heading: "Unrealised", unit: "EUR", show: gain, kind: "extra" },
  { name: "note", heading: "Note", unit: "", kind: "note" },
];

/** Rows that share a reason before it is said above the table only. */
const MAX_NOTES = 2;

const classOf = (column) =>
  ["status", "note"].includes(column.kind) ? column.kind : `number ${column.kind ?? ""}`.trim();

export class TradersTable {
  /** Calls onHour with the label of an hour that somebody wants to see in detail. */
  constructor(table, onHour) {
    this.table = table;
    [this.head, this.body, this.foot] = [table.tHead, table.tBodies[0], table.tFoot];
    this.rows = new Map();
    this.head.append(
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "Delivery"),
        COLUMNS.map((column) =>
          el(
            "th",
            { scope: "col", class: classOf(column) },
            el("span", {}, column.heading),
            column.unit ? el("small", {}, column.unit) : null,
          ),
        ),
      ),
    );
    this.body.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) onHour(button.textContent);
    });
    this.nowRow = el(
      "tr",
      { class: "now-line", "aria-current": "time" },
      el("td", { colspan: COLUMNS.length + 1 }, el("span", {})),
    );
  }

  /** Shows the lines of a desk; with highlights, cells that changed light up for a moment. */
  show(desk, lines, { highlights }) {
    this.desk = desk;
    const places = energyPlaces(
      [...desk.rows, desk.total ?? {}].flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]),
    );
    this.nowRow.remove();
    this.shared = new Set(
      reasonsOf(lines).flatMap(([reason, rows]) => (rows.length > MAX_NOTES ? [reason] : [])),
    );
    const kept = new Map();
    for (const row of lines) {
      const key = keyOf(row);
      kept.set(key, this.rows.get(key) ?? this.#newLine(row));
      this.#fill(kept.get(key), row, places, highlights && this.rows.has(key));
    }
    for (const [key, line] of this.rows) if (!kept.has(key)) line.remove();
    let place = this.body.firstElementChild;
    for (const line of kept.values()) {
      if (line === place) place = place.nextElementSibling;
      else this.body.insertBefore(line, place);
    }
    this.rows = kept;
    this.table.classList.toggle(
      "no-notes",
      ![...kept.values()].some((line) => line.lastElementChild.textContent),
    );
    this.#total(desk.total, places);
    this.markNow();
  }

  #newLine(row) {
    const [start, end] = [Date.parse(row.delivery_start_at), Date.parse(row.delivery_end_at)];
    const head = el(
      "th",
      { scope: "row", class: "period" },
      el(
        "button",
        { type: "button", class: "link" },
        el("time", { datetime: row.delivery_start_at, title: `${utc(start)} to ${utc(end)}` }, row.delivery_hour),
      ),
      el("span", { class: "marks" }),
    );
    return el(
      "tr",
      {},
      head,
      COLUMNS.map((column) => el("td", { class: classOf(column) })),
    );
  }

  #fill(line, row, places, highlights) {
    const because = incompleteBecause(row);
    const doubled = hoursOf(this.desk.day).some(
      (hour) => hour.label === row.delivery_hour && hour.end - hour.start > 3_600_000,
    );
    line.dataset.start = Date.parse(row.delivery_start_at);
    line.dataset.end = Date.parse(row.delivery_end_at);
    line.cells[0].firstElementChild.disabled = Boolean(this.desk.as_of);
    line.classList.toggle("incomplete", because.length > 0);
    setChildren(
      line.cells[0].lastElementChild,
      because.length === 0
        ? null
        : el(
            "span",
            { class: "warn", title: `Incomplete: ${because.map(isolated).join("; ")}` },
            "⚠",
            unseen(" incomplete"),
          ),
    );
    const own = because.filter((reason) => !this.shared.has(reason)).map(isolated);
    const cancelled = row.cancelled_trade_count ?? 0;
    const note = [
      ...(doubled ? ["this hour happens twice"] : []),
      ...(cancelled > 0 ? [plural(cancelled, "trade cancelled", "trades cancelled")] : []),
      ...own,
    ].join("; ");
    COLUMNS.forEach((column, i) => {
      const cell = line.cells[i + 1];
      if (column.kind === "status") setChildren(cell, statusWord(row.price_status));
      else if (column.kind === "note")
        setChildren(cell, note ? el("span", { class: "clamp", title: note }, note) : null);
      else if (setText(cell, column.show(row[column.name], places)) && highlights) light(cell);
      if (column.kind === "result") setAttribute(cell, "data-sign", signOf(row[column.name]));
      if (isMissing(column, row)) setAttribute(cell, "title", "no reference price yet");
      else if (column.kind !== "status") setAttribute(cell, "title", null);
    });
  }

  #total(total, places) {
    if (!total) {
      this.foot.replaceChildren();
      return;
    }
    if (this.foot.rows.length === 0) {
      this.foot.append(
        el(
          "tr",
          {},
          el("th", { scope: "row", class: "period" }, "Total"),
          COLUMNS.map((column) => el("td", { class: classOf(column) })),
        ),
      );
    }
    const line = this.foot.rows[0];
    const isPartial = total.pnl_eur === null && total.priced_pnl_eur !== null;
    COLUMNS.forEach((column, i) => {
      const cell = line.cells[i + 1];
      if (column.kind === "status") setChildren(cell, statusWord(total.price_status));
      else if (column.kind === "note") setText(cell, totalNote(total));
      else if (column.name === "reference_price_eur_per_mwh") setText(cell, "");
      else if (column.name === "pnl_eur" && isPartial) {
        setChildren(cell, signed(total.priced_pnl_eur), el("small", {}, "so far"));
        setAttribute(cell, "title", "only the hours that have a price");
      } else {
        setChildren(cell, column.show(total[column.name], places));
        setAttribute(cell, "title", null);
      }
      if (column.kind === "result") setAttribute(cell, "data-sign", signOf(total[column.name]));
    });
  }

  /** Marks the hour that is being delivered, or draws a line where it would be; a moment of the past has no now. */
  markNow() {
    const at = this.desk.as_of ? -Infinity : now();
    const lines = [...this.rows.values()];
    const current = lines.find((line) => at >= line.dataset.start && at < line.dataset.end);
    for (const line of lines) {
      line.classList.toggle("now", line === current);
      line.classList.toggle("past", at >= line.dataset.end);
      setAttribute(line, "aria-current", line === current ? "time" : null);
      if (line !== current) line.querySelector(".now-mark")?.remove();
      else if (!line.querySelector(".now-mark"))
        line.cells[0].firstElementChild.after(el("span", { class: "now-mark" }, "now"));
    }
    if (this.desk.as_of || current || lines.length === 0 || marketDay(at) !== this.desk.day) {
      this.nowRow.remove();
      return;
    }
    const next = lines.find((line) => line.dataset.start > at) ?? null;
    setText(this.nowRow.firstElementChild.firstElementChild, `now, ${clock(at)}: no trades for this hour`);
    const last = next ? next.previousElementSibling : this.body.lastElementChild;
    if (last !== this.nowRow) this.body.insertBefore(this.nowRow, next);
  }
}

const keyOf = (row) => `${row.delivery_start_at} ${row.delivery_hour}`;

const isMissing = (column, row) =>
  row.price_status === "missing" &&
  ["reference_price_eur_per_mwh", "performance_eur_per_mwh", "pnl_eur", "unrealised_pnl_eur"].includes(
    column.name,
  );

function statusWord(name) {
  if (!name) return null; // of an hour without trades
  const { mark, word, meaning } = statusOf(name);
  return el(
    "span",
    { class: "price-status", "data-status": name, title: meaning },
    el("span", { class: "mark", "aria-hidden": "true" }, mark),
    el("span", { class: "word" }, word),
  );
}

function light(cell) {
  cell.classList.remove("changed");
  void cell.offsetWidth; // starts the animation anew
  cell.classList.add("changed");
}
