// Tables: sorted by a click on a heading, filtered by typing; both are in the address.

import { html, signal, unseen, useEffect, useMemo, useState } from "./base.js";
import { filterBy, filters, sortBy, sorts } from "./choices.js";
import { inTurn } from "./in-turn.js";
import { locale, t } from "./language.js";
import { comparable, count as inDigits } from "./numbers.js";

/** Rows from which on a table has a field for words to look for. */
const MANY = 6;

/** Rows that are drawn at once, how many more with each turn, and from which on only if somebody asks for them. */
const [FIRST_ROWS, ROWS_PER_FRAME, MAX_UNASKED_ROWS] = [30, 35, 100];

/** Paper waits for nothing: all rows are drawn before the browser prints. */
const isPrinting = signal(false);
addEventListener("beforeprint", () => (isPrinting.value = true));
addEventListener("afterprint", () => (isPrinting.value = false));

/** A region that scrolls, for the keyboard too. */
export const Scroll = ({ title, kind = "", children }) => html`
  <div class=${`scroll ${kind}`.trim()} role="region" aria-label=${title} tabindex="0">${children}</div>
`;

const isNumber = ({ kind }) => typeof kind === "string" && kind.includes("number");
const isNothing = (value) => value === null || value === undefined || value === "";

/** A heading that sorts, in turn: largest numbers or first letters, the other way round, not at all. */
export function Heading({ table, column }) {
  const { name, heading, unit, kind, by, title } = column;
  const content = html`<span>${heading}</span>${unit && html`<small>${unit}</small>`}`;
  const className = typeof kind === "string" ? kind : null;
  if (!table || !by) return html`<th scope="col" class=${className} title=${title}>${content}</th>`;
  const order = isNumber(column) ? [`-${name}`, name, null] : [name, `-${name}`, null];
  const sort = sorts.value[table];
  const next = order[(order.indexOf(sort ?? null) + 1) % order.length];
  const sorted = sort === name ? "ascending" : sort === `-${name}` ? "descending" : null;
  return html`
    <th scope="col" class=${className} title=${title} aria-sort=${sorted}>
      <button type="button" class="sort" onClick=${() => sortBy(table, next)}>${content}</button>
    </th>
  `;
}

/** The rows that have all the words, in the order of the chosen column; what has no value comes last. */
export function arranged(table, columns, rows) {
  const words = (filters.value[table] ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const known = texts.get(columns) ?? new WeakMap();
  texts.set(columns, known);
  const textOf = (row) => known.get(row) ?? known.set(row, text(columns, row)).get(row);
  const found = words.length ? rows.filter((row) => hasAll(textOf(row), words)) : [...rows];
  const sort = sorts.value[table];
  const column = columns.find(({ name, by }) => by && (sort === name || sort === `-${name}`));
  if (!column) return found;
  const values = found.map((row) => column.by(row));
  const keys = isNumber(column) ? comparable(values) : values.map((value) => (isNothing(value) ? null : String(value)));
  const direction = sort.startsWith("-") ? -1 : 1;
  const order = isNumber(column) ? (a, b) => (a < b ? -1 : Number(a > b)) : inWords.compare;
  return found
    .map((row, i) => [row, keys[i]])
    .sort(([, a], [, b]) => (a === null || b === null ? Number(a === null) - Number(b === null) : direction * order(a, b)))
    .map(([row]) => row);
}

/** Names as people sort them: trader_2 before trader_10. */
export const inWords = new Intl.Collator(locale, { numeric: true });

const hasAll = (text, words) => words.every((word) => text.includes(word));

/** The texts of rows, by the columns that show them: the next key that is typed looks into the same ones. */
const texts = new WeakMap();

/** What a row shows as text. */
const text = (columns, row) =>
  columns
    .map(({ of }) => textIn(of(row)))
    .join(" ")
    .toLowerCase();

/** The text in what a cell shows: a text, a number, an element or several of them. */
function textIn(shown) {
  if (Array.isArray(shown)) return shown.map(textIn).join("");
  return ["string", "number"].includes(typeof shown) ? String(shown) : shown?.props ? textIn(shown.props.children) : "";
}

/** A field for words to look for in a table. */
export const FilterField = ({ table, title }) => html`
  <label class="filter">
    ${t("Filter")}${unseen(` ${title}`)}
    <input type="search" value=${filters.value[table] ?? ""} onInput=${(event) => filterBy(table, event.target.value)} />
  </label>
`;

/**
 * How many of so many rows to draw: a few at once, soon MAX_UNASKED_ROWS, all if somebody asks; and the button for that.
 *
 * They begin anew with another order; those that are drawn stay when there are new numbers.
 */
export function useDrawn(all, order = "") {
  const [drawn, draw] = useState({ count: FIRST_ROWS, order });
  const [isWhole, askForAll] = useState(false);
  const most = isWhole ? all : Math.min(all, MAX_UNASKED_ROWS);
  const count = Math.min(most, drawn.order === order ? drawn.count : FIRST_ROWS);
  useEffect(() => (count < most ? inTurn(() => draw({ count: count + ROWS_PER_FRAME, order })) : undefined), [count, most, order]);
  if (isPrinting.value) return [all, null];
  const rest = most < all && html`
    <p class="hint rest">
      ${t("The first {some} of {all}.", { some: inDigits(most), all: inDigits(all) })}${" "}
      <button type="button" class="link" onClick=${() => askForAll(true)}>${t("Show all")}</button>
    </p>
  `;
  return [count, rest];
}

/** How many rows have the words. */
export const Found = ({ table, shown, all }) => html`
  <span class="hint found" role="status">${filters.value[table] && t("{shown} of {all} rows", { shown: inDigits(shown), all: inDigits(all) })}</span>
`;

/**
 * A table of records. The first column heads the rows.
 *
 * Columns: {name, heading, unit, title, kind, of, by}; `title` says more about the heading, `kind` is the class of its cells, `of(row)` what a cell shows, `by(row)` the
 * value by which rows are sorted. `keyOf(row)` is another one for each row, if there is such. `table` is the table's name in the address; without one it has a fixed order.
 */
export function Table({ table, title, columns, rows, keyOf }) {
  const shown = table ? arranged(table, columns, rows) : rows;
  const lines = useMemo(() => new WeakMap(), [columns]);
  const lineOf = (row) => {
    // the same line is not compared again: lists have hundreds, and each key that is typed draws them
    if (!lines.has(row))
      lines.set(row, html`<tr key=${keyOf?.(row)}>${columns.map((column, i) => cell(row, column, i === 0))}</tr>`);
    return lines.get(row);
  };
  const [drawn, rest] = useDrawn(shown.length, table && `${sorts.value[table]} ${filters.value[table]}`);
  const isLong = table && (rows.length >= MANY || filters.value[table]);
  return html`
    ${
      isLong &&
      html`<p><${FilterField} table=${table} title=${title} /> <${Found} table=${table} shown=${shown.length} all=${rows.length} /></p>`
    }
    <${Scroll} title=${title}>
      <table>
        <caption class="unseen">${title}</caption>
        <thead>
          <tr>${columns.map((column) => html`<${Heading} key=${column.name} table=${table} column=${column} />`)}</tr>
        </thead>
        <tbody>${shown.slice(0, drawn).map(lineOf)}</tbody>
      </table>
    </${Scroll}>
    ${rest}
  `;
}

function cell(row, { kind, of, sign }, isFirst) {
  const className = typeof kind === "function" ? kind(row) : kind;
  return isFirst
    ? html`<th scope="row" class=${className}>${of(row)}</th>`
    : html`<td class=${className} data-sign=${sign?.(row)}>${of(row)}</td>`;
}
