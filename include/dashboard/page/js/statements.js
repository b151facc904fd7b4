// What the exchange's end-of-day files say beside what was captured: the days of trading, and the trades that differ.

import { html, outside } from "./base.js";
import { State } from "./figures.js";
import { Scroll, Table } from "./grid.js";
import { parts, t } from "./language.js";
import { AsItArrived } from "./message.js";
import { count, energyPlaces, fixed, signed } from "./numbers.js";
import { addDays, dayInWords } from "./times.js";
import { Download } from "./toolbar.js";
import { side } from "./words.js";

const STATES = {
  reconciled: { mark: "●", word: t("reconciled"), kind: "good", meaning: t("All trades of that day are known.") },
  differences: {
    mark: "▲",
    word: t("differences"),
    kind: "bad",
    meaning: t("Captured trades that it does not have, or cancelled ones that it has, wait for a review."),
  },
  held: { mark: "▲", word: t("held"), kind: "bad" },
  rejects: { mark: "▲", word: t("unreadable lines"), kind: "bad", meaning: t("Lines of the file wait for a review.") },
};
const NOT_YET = { mark: "○", word: t("no file yet"), kind: "other", meaning: t("It comes shortly after the day has ended.") };

const SIDES = [
  ["captured", t("Captured")],
  ["statement", t("In the file")],
  ["matched", t("Matched")],
  ["missing", t("Added")],
  ["differs", t("Changed")],
  ["cancelled", t("Cancelled")],
  ["unexpected", t("Unexpected")],
];

const OUTCOMES = {
  missing: { word: t("added"), meaning: t("It was not captured and counts as the file says") },
  differs: { word: t("changed"), meaning: t("It was captured with other content and counts as the file says") },
  cancelled: {
    word: t("cancelled"),
    meaning: t("It was cancelled and is in the file all the same; it stays cancelled until it is accepted"),
  },
  unexpected: {
    word: t("unexpected"),
    meaning: t("It was captured and is not in the file; it counts until it is discarded"),
  },
};

const HELD = { word: t("held"), meaning: t("It differs in the file, which is held: it counts as captured, if it was captured") };

const DAYS_IN_FILE = 31;

function stateOf(day) {
  if (day.row?.state !== "held") return STATES[day.row?.state] ?? NOT_YET;
  const said = { count: count(day.row.alike_count) };
  const meaning = t(
    "Nothing of it counts: {count} of its trades equal captured ones in all but their id. Are ids written differently?",
    said,
  );
  return { ...STATES.held, meaning };
}

/** The answer's `statements`; nothing where no day of trading has one. */
export function Statements({ statements }) {
  const days = statements?.days ?? [];
  if (!days.some((day) => day.row)) return null;
  const { differences } = statements;
  const title = t("Trades for this delivery day in which the files differ from what was captured");
  return html`
    <section id="statements" class="by-trader statements">
      <h2>${t("The exchange's end-of-day files")}</h2>
      <${Days} days=${days} />
      ${
        differences.length > 0 &&
        html`
          <h3>${title} <span class="badge">${count(differences.length)}</span></h3>
          <${Differences} title=${title} rows=${differences} />
        `
      }
      <${Files} days=${days} />
    </section>
  `;
}

function Days({ days }) {
  const rows = days.filter(({ row }) => row).map(({ row }) => row);
  const places = energyPlaces(rows.flatMap((row) => SIDES.map(([each]) => row[`${each}_mwh`])));
  const cell = (row, each) => html`
    <td class=${`number side-${each}`} data-none=${row[`${each}_count`] === 0 || null}>
      <span>${count(row[`${each}_count`])}</span>
      <small>${fixed(row[`${each}_mwh`], places)} MWh</small>
      <small>${signed(row[`${each}_cash_flow_eur`])} EUR</small>
    </td>
  `;
  const line = (day) => html`
    <tr key=${day.statement_day}>
      <th scope="row"><span>${dayInWords(day.statement_day)}</span><${State} ...${stateOf(day)} /></th>
      ${
        day.row
          ? SIDES.map(([each]) => cell(day.row, each))
          : html`<td colspan=${SIDES.length} class="hint">${stateOf(day).meaning}</td>`
      }
    </tr>
  `;
  const title = t("What was captured and what is in the file");
  return html`
    <${Scroll} title=${title}>
      <table>
        <caption class="unseen">${title}</caption>
        <thead>
          <tr>
            <th scope="col">${t("File of")}</th>
            ${SIDES.map(([, name]) => html`<th scope="col" class="number">${name}</th>`)}
          </tr>
        </thead>
        <tbody>${days.map(line)}</tbody>
      </table>
    </${Scroll}>
  `;
}

const outcome = (row) => {
  const isHeld = row.is_held && (row.outcome === "missing" || row.outcome === "differs");
  const { word, meaning } = isHeld ? HELD : (OUTCOMES[row.outcome] ?? { word: row.outcome });
  return html`<span class=${`badge outcome ${row.outcome}`} title=${meaning}>${word}</span>`;
};

const trade = (row) => html`
  <${AsItArrived} row=${row}>${outside(row.trade_id)}</${AsItArrived}>
  ${row.review_command && html`<code class="command">${outside(row.review_command)}</code>`}
  ${row.review && html`<small class="hint">${outside(row.review)}</small>`}
`;

const sideOf = (which, none) => ({
  kind: (row) => (row[`${which}_price_eur_per_mwh`] === null ? "content hint" : "content"),
  of: (row) => content(row, which, none),
  by: (row) => [row[`${which}_delivery_hour`], row[`${which}_trader_id`], row[`${which}_price_eur_per_mwh`]].filter(Boolean).join(" "),
});

const COLUMNS = [
  { name: "statement_day", heading: t("File of"), of: (row) => dayInWords(row.statement_day), by: (row) => row.statement_day },
  { name: "outcome", heading: t("Outcome"), of: outcome, by: (row) => OUTCOMES[row.outcome]?.word ?? row.outcome },
  { name: "direction", heading: t("Side"), of: side, by: side },
  { name: "captured", heading: t("Captured"), ...sideOf("captured", t("not captured")) },
  { name: "statement", heading: t("In the file"), ...sideOf("statement", t("not in it")) },
  { name: "trade_id", heading: t("Trade"), kind: "id", of: trade, by: (row) => row.trade_id },
];

const keyOf = (row) => `${row.statement_day} ${row.trade_id} ${row.direction}`;

/** A table of rows of `reconciliation_differences`. */
export const Differences = ({ title, rows }) => html`
  <${Table} table="differences" title=${title} columns=${COLUMNS} rows=${rows} keyOf=${keyOf} />
`;

/** One side of a trade; what the other one has otherwise stands out. */
function content(row, which, none) {
  const of = (name) => row[`${which}_${name}`];
  if (of("price_eur_per_mwh") === null) return none;
  const part = (name, text) => {
    const other = row[`${which === "captured" ? "statement" : "captured"}_${name}`];
    const isOther = row.outcome === "differs" && other !== null && other !== of(name);
    return isOther ? html`<b>${text}</b>` : html`<span>${text}</span>`;
  };
  const power = `${fixed(of("quantity_mw"), energyPlaces([of("quantity_mw")]))} MW`;
  const price = fixed(of("price_eur_per_mwh"), energyPlaces([of("price_eur_per_mwh"), "0.01"]));
  return html`
    ${parts("{power} at {price} for {hour}", {
      power: part("quantity_mw", power),
      price: part("price_eur_per_mwh", price),
      hour: part("delivery_hour", of("delivery_hour")),
    })}
    ${of("trader_id") && html`${", "}${part("trader_id", outside(of("trader_id")))}`}
  `;
}

function Files({ days }) {
  const to = days.at(-1).statement_day;
  const from = addDays(to, 1 - DAYS_IN_FILE);
  const link = (table, format, text) =>
    html`<${Download} table=${table} asked=${{ from, to }} format=${format} isButton=${false}>${text}</${Download}>`;
  return html`
    <p class="hint downloads">
      ${t("The {count} days up to {day}:", { count: DAYS_IN_FILE, day: dayInWords(to) })}${" "}
      ${link("reconciliations", "csv", t("report as CSV"))}
      ${" · "}${link("reconciliations", "xlsx", t("as XLSX"))}
      ${" · "}${link("reconciliation_differences", "csv", t("trades that differ as CSV"))}
      ${" · "}${link("reconciliation_differences", "xlsx", t("as XLSX"))}
    </p>
  `;
}

/** The day's figure: whether all of its days of trading are reconciled; null without any file. */
export function reconciled(statements) {
  const days = statements?.days ?? [];
  if (!days.some((day) => day.row)) return null;
  const worst = ["bad", "other", "good"].map((kind) => days.find((day) => stateOf(day).kind === kind)).find(Boolean);
  const state = stateOf(worst);
  if (worst.row?.state === "held") return { ...state, note: state.meaning };
  const word = state === NOT_YET && days.length > 1 ? t("reconciled in part") : state.word;
  const rows = days.filter(({ row }) => row).map(({ row }) => row);
  const total = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  const changes = [
    [total("missing_count"), t("added")],
    [total("differs_count"), t("changed")],
    [total("cancelled_count"), t("cancelled")],
    [total("unexpected_count"), t("unexpected")],
  ].filter(([number]) => number > 0);
  return { ...state, word, note: changes.map(([number, text]) => `${count(number)} ${text}`).join(", ") || null };
}
