// Tables: a region that scrolls, a caption, headings, and a row for each record.

import { html } from "./base.js";

/** A region that scrolls, for the keyboard too. */
export const Scroll = ({ title, kind = "", children }) => html`
  <div class=${`scroll ${kind}`.trim()} role="region" aria-label=${title} tabindex="0">${children}</div>
`;

export const Heading = ({ column: { heading, unit, kind } }) => html`
  <th scope="col" class=${typeof kind === "string" ? kind : null}><span>${heading}</span>${unit && html`<small>${unit}</small>`}</th>
`;

/**
 * A table of records. The first column heads the rows.
 *
 * Columns: {name, heading, unit, kind, of}; `kind` is the class of its cells, `of(row)` what a cell shows.
 */
export function Table({ title, columns, rows, keyOf }) {
  return html`
    <${Scroll} title=${title}>
      <table>
        <caption class="unseen">${title}</caption>
        <thead>
          <tr>${columns.map((column) => html`<${Heading} key=${column.name ?? column.heading} column=${column} />`)}</tr>
        </thead>
        <tbody>
          ${rows.map((row, number) => html`<tr key=${keyOf?.(row) ?? number}>${columns.map((column, i) => cell(row, column, i === 0))}</tr>`)}
        </tbody>
      </table>
    </${Scroll}>
  `;
}

function cell(row, { kind, of, sign }, isFirst) {
  const className = typeof kind === "function" ? kind(row) : kind;
  return isFirst
    ? html`<th scope="row" class=${className}>${of(row)}</th>`
    : html`<td class=${className} data-sign=${sign?.(row)}>${of(row)}</td>`;
}
