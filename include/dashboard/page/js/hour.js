// An hour in detail: which trades deliver in it, which messages about it do not count, why, and what to do.

import { html, outside, useMemo } from "./base.js";
import { choices, choose, chosenHour } from "./choices.js";
import { numbers } from "./columns.js";
import { Dialog } from "./dialog.js";
import { Table, useDrawn } from "./grid.js";
import { parts, t } from "./language.js";
import { AsItArrived } from "./message.js";
import { moment } from "./moments.js";
import { count, energyPlaces, fixed, signed } from "./numbers.js";
import { visibleOutside } from "./outside.js";
import { failure, hourKey, lists } from "./reading.js";
import { Differences } from "./statements.js";
import { dayInWords, minute } from "./times.js";
import { Download } from "./toolbar.js";
import { side } from "./words.js";

const MOST = 500; // rows of each list that the server sends

const LISTS = [
  { key: "trades", Content: Trades, title: t("Trades that count"), none: t("No trade that counts delivers in this hour.") },
  {
    key: "statement",
    Content: Differences,
    title: t("Different in the exchange's end-of-day file"),
    hint: t("Added and changed trades count as the file says."),
  },
  { key: "cancelled", Content: Trades, title: t("Cancelled by the exchange") },
  {
    key: "quarantined",
    Content: ({ rows }) => html`<${Messages} rows=${rows} of=${held} />`,
    title: t("Held back"),
    hint: t("Each breaks a rule, and counts only if an engineer accepts it."),
  },
  {
    key: "rejected",
    Content: ({ rows }) => html`<${Messages} rows=${rows} of=${reject} />`,
    title: t("Messages that could not be used"),
    hint: t("Each may be a trade that is missing here, until an engineer has reviewed it."),
  },
];

/** A name that may go on in the next line after an underscore. */
const breakable = (name) =>
  html`<bdi>${visibleOutside(name).split(/(?<=_)/).flatMap((part, i) => (i ? [html`<wbr />`, part] : [part]))}</bdi>`;

/** Columns of trades; what no row needs is left out, wide ones are not shown on a phone. */
const COLUMNS = [
  { name: "received_at", heading: t("Received"), of: (row) => moment(row.received_at), by: (row) => row.received_at },
  {
    name: "trader_id",
    heading: t("Trader"),
    kind: "name",
    of: (row) => breakable(row.trader_id),
    by: (row) => row.trader_id,
    isNeeded: (rows, { trader }) => !trader,
  },
  { name: "direction", heading: t("Side"), kind: "side", of: side, by: side },
  { ...numbers("quantity_mw", t("Power"), "MW", fixed, { kind: "number wide" }), of: (row, { mw }) => fixed(row.quantity_mw, mw) },
  { ...numbers("energy_mwh", t("Energy in the hour"), "MWh", fixed), of: (row, { mwh }) => fixed(row.energy_mwh, mwh) },
  numbers("price_eur_per_mwh", t("Price"), "EUR/MWh", fixed),
  { ...numbers("pnl_eur", "PnL", "EUR", signed, { kind: "number money" }), isNeeded: (rows) => rows.some((row) => "pnl_eur" in row) },
  {
    name: "delivery_hour",
    heading: t("Delivery"),
    of: (row, { hour }) => (row.delivery_hour === hour ? "" : row.delivery_hour),
    by: (row) => row.delivery_hour,
    isNeeded: (rows, { hour }) => rows.some((row) => row.delivery_hour !== hour),
  },
  {
    name: "note",
    heading: t("Note"),
    kind: "note",
    of: (row) => notes(row),
    by: noteText,
    isNeeded: (rows) => rows.some((row) => notes(row).length),
  },
  {
    name: "trade_id",
    heading: t("Trade"),
    kind: "id",
    of: (row) => html`<${AsItArrived} row=${row}>${outside(row.trade_id)}</${AsItArrived}>`,
    by: (row) => row.trade_id,
  },
];

const command = (text) => html`<code class="command">${outside(text)}</code>`;
const badge = (text, { kind = "", title } = {}) => html`<span class=${`badge ${kind}`.trim()} title=${title}>${text}</span>`;

const notes = (row) =>
  [
    row.source === "statement" && badge(t("from the file"), { title: t("As the exchange's end-of-day file says") }),
    row.revision > 0 && badge(t("revision {number}", { number: row.revision })),
    row.is_disputed &&
      badge(t("disputed"), {
        kind: "disputed",
        title: t("A party disputes it or asks to recall it; it counts until it is cancelled"),
      }),
    row.cancelled_at && html`<span>${parts("cancelled {at}", { at: moment(row.cancelled_at) })}</span>`,
  ].filter(Boolean);

/** The same as a text, to be sorted and looked for. */
function noteText(row) {
  const revision = row.revision > 0 ? t("revision {number}", { number: row.revision }) : "";
  return [
    row.source === "statement" && t("from the file"),
    revision,
    row.is_disputed && t("disputed"),
    row.cancelled_at && t("cancelled"),
  ]
    .filter(Boolean)
    .join(" ");
}

export function HourDialog() {
  const hour = chosenHour.value;
  const answer = lists.value?.key === (minute.value, hourKey()) ? lists.value : null;
  const { day, trader } = answer ?? {};
  const asked = { day, hour, trader, limit: "10000" };
  return html`
    <${Dialog}
      id="hour"
      chosen=${hour}
      isBusy=${!answer}
      title=${html`${t("Delivery {hour}", { hour })}${answer && html`${` · ${dayInWords(day)} · `}${trader ? outside(trader) : t("Whole portfolio")}`}`}
      tools=${
        answer &&
        html`
          <${Download} table="trades" asked=${asked} format="csv">${t("Download CSV")}</${Download}>
          <${Download} table="trades" asked=${asked} format="xlsx">XLSX</${Download}>
        `
      }
      below=${answer?.trades?.length > 0 && html`<${Below} answer=${answer} />`}
      onClose=${() => choices.value.hour && choose({ hour: null })}
    >
      ${answer ? LISTS.map((list) => html`<${List} ...${list} name=${list.key} answer=${answer} />`) : html`<${Waiting} />`}
    </${Dialog}>
  `;
}

/** What lies below the trades that count, and leads there. */
function Below({ answer }) {
  const below = LISTS.filter(({ key }) => key !== "trades" && answer[key]?.length);
  const button = ({ key, title }) => html`
    <button type="button" class="link" onClick=${(event) => jump(event, key)}>
      ${title} <span class="badge">${count(answer[key].length)}</span>
    </button>
  `;
  return below.length > 0 && html`<nav class="below" aria-label=${t("Below the trades that count")}>${below.map(button)}</nav>`;
}

/** To a list of the dialog, below the head, which stays where it is. */
function jump({ currentTarget }, key) {
  const dialog = currentTarget.closest("dialog");
  const section = dialog.querySelector(`section.${key}`);
  dialog.scrollTo({ top: section.offsetTop - dialog.querySelector("header").offsetHeight - 8 });
  section.focus({ preventScroll: true });
}

/** Says why there is nothing to show yet. */
const Waiting = () =>
  failure.value
    ? html`<p class="banner bad">${outside(failure.value.error.message)}</p>`
    : html`<p class="hint">${t("Loading …")}</p>`;

function List({ name, title, hint, none, Content, answer }) {
  const rows = answer[name] ?? [];
  if (rows.length === 0 && !none) return null;
  const said = rows.length === MOST ? t("The last {count}.", { count: count(MOST) }) : rows.length ? hint : none;
  return html`
    <section class=${name} tabindex="-1">
      <h3>${title} <span class="badge">${count(rows.length)}</span></h3>
      ${said && html`<p class="hint">${said}</p>`}
      ${rows.length > 0 && html`<${Content} name=${name} title=${title} rows=${rows} answer=${answer} />`}
    </section>
  `;
}

function Trades({ name, title, rows, answer }) {
  const columns = useMemo(() => {
    const about = {
      mw: energyPlaces(rows.map((row) => row.quantity_mw)),
      mwh: energyPlaces(rows.map((row) => row.energy_mwh)),
      hour: answer.hour,
    };
    const needed = COLUMNS.filter(({ isNeeded }) => !isNeeded || isNeeded(rows, answer));
    return needed.map((column) => ({ ...column, of: (row) => column.of(row, about) }));
  }, [rows, answer]);
  const keyOf = (row) => `${row.trade_id} ${row.direction}`;
  return html`<${Table} table=${name} title=${title} columns=${columns} rows=${rows} keyOf=${keyOf} />`;
}

function Messages({ rows, of }) {
  const [drawn, rest] = useDrawn(rows.length);
  return html`<ul>${rows.slice(0, drawn).map(of)}</ul>${rest}`;
}

function held(row) {
  const power = fixed(row.quantity_mw, energyPlaces([row.quantity_mw]));
  const price = fixed(row.price_eur_per_mwh, energyPlaces([row.price_eur_per_mwh, "0.01"]));
  const revision = row.revision > 0 ? t(", revision {number}", { number: row.revision }) : "";
  const values = { trader: outside(row.trader_id), power, price };
  const content =
    row.direction === "buy"
      ? parts("{trader} bought {power} MW at {price} EUR/MWh", values)
      : parts("{trader} sold {power} MW at {price} EUR/MWh", values);
  const id = html`<${AsItArrived} row=${row}>${outside(row.trade_id)}</${AsItArrived}>`;
  return html`
    <li>
      <p>
        ${moment(row.received_at)}${" · "}<b>${content}</b>
        ${`${t(" for {hour}", { hour: row.delivery_hour })}${revision} · `}${id}
      </p>
      <p class="hint">${parts("It breaks the rule that {rule}.", { rule: outside(row.expectation) })}</p>
      ${command(row.review_command)}
    </li>
  `;
}

const reject = (row) => html`
  <li>
    <p>
      ${moment(row.received_at)}${" · "}<b><${AsItArrived} row=${row}>${outside(row.reason)}</${AsItArrived}></b>${": "}
      ${outside(row.detail)}
    </p>
    <p class="hint">${concerned(row)}</p>
    <pre class="raw">${outside(row.raw)}</pre>
    ${command(row.review_command)}
  </li>
`;

const concerned = ({ delivery_hours: hours }) =>
  hours
    ? t("It is about {hours}.", { hours: hours.join(", ") })
    : t("It names no hour: it may concern any hour that was tradable then.");
