// The engineer's view: what the platform knows of itself, section by section.

import { html, outside } from "./base.js";
import { Figure, State } from "./figures.js";
import { outsideLink } from "./frame.js";
import { Table } from "./grid.js";
import { AsItArrived } from "./message.js";
import { withMoments } from "./moments.js";
import { NONE, count, fixed } from "./numbers.js";
import { health } from "./reading.js";
import { marketArgument } from "./server.js";
import { clock, duration, timeAttributes, timezoneName } from "./times.js";

const GOOD = new Set(["success", "connected", "running", "passed", "ok"]);
const BAD = new Set(["failed", "lost", "not connected", "upstream_failed", "critical"]);

/** Sections: key in the reply, heading, columns to begin with, and what no rows mean. */
const SECTIONS = [
  {
    key: "alarms",
    title: "Alarms",
    first: ["alarm", "severity", "since_at", "detail"],
    hidden: ["raised_at"],
    none: "Nothing is late or broken.",
  },
  {
    key: "lines",
    title: "Capture instances",
    first: ["name", "host", "is_connected", "connected_since", "last_message_at", "messages_last_minute"],
    none: "No capture has ever connected: start capture_trades, or python -m include.capture.",
  },
  {
    key: "gaps",
    title: "Capture gaps",
    first: ["gap_start_at", "gap_end_at", "gap_seconds", "is_ongoing"],
    none: "At every moment at least one line was connected.",
  },
  {
    key: "quarantined",
    title: "Trades in quarantine, by the rule that they break",
    first: ["expectation", "count", "oldest_received_at", "review_command"],
    headings: { count: "waiting", oldest_received_at: "oldest" },
    hint: () => `make review${marketArgument()} lists each that waits; EXPECTATION=… instead of TRADE=… decides on all that break a rule.`,
    none: "No trade waits for a decision.",
  },
  {
    key: "rejects",
    title: "Rejected messages by reason",
    first: ["reason_code", "unreviewed_count", "oldest_unreviewed_at", "review_command", "count", "last_at", "detail", "raw"],
    headings: { unreviewed_count: "waiting", oldest_unreviewed_at: "oldest", count: "ever", last_at: "last" },
    hint: () => `make review${marketArgument()} lists each that waits; REJECT=reason instead of FILE=… and LINE=… decides on all with a reason.`,
    none: "Nothing was rejected.",
  },
  {
    key: "operational_messages",
    title: "Messages that are about no trade",
    first: ["kind", "message_count", "first_received_at", "last_received_at"],
    none: "The exchange sends nothing but trades.",
  },
  {
    key: "unknown_fields",
    title: "Fields of trades that mean nothing to us",
    first: ["name", "message_count", "first_seen_at", "last_seen_at"],
    none: "All fields of trades are known.",
  },
  {
    key: "orphan_cancellations",
    title: "Cancellations of trades that never came",
    first: ["trade_id", "direction", "revision", "received_at", "landing_file", "line_number"],
    none: "Every cancellation has its trade.",
  },
  {
    key: "validations",
    title: "Validation results",
    first: ["validated_at", "suite", "success", "failed_count", "expectation_count", "detail"],
    hidden: ["validation_id"],
    none: "Nothing has been validated yet.",
  },
  {
    key: "runs",
    title: "Last runs",
    first: ["dag_id", "state", "started_at", "window", "error"],
    hidden: ["run_id"],
    none: "No run yet.",
  },
];

const HEADINGS = {
  expectation: "breaks the rule that",
  review_command: "review the oldest with",
  reason_code: "reason",
  message_count: "messages",
  messages_last_minute: "loaded a minute",
  is_connected: "connected",
  is_ongoing: "ongoing",
  run_id: "run",
  dag_id: "DAG",
};

/** The sections that are no tables stand after these. */
const AFTER = { gaps: [Ledger, Prices] };

export function Health() {
  if (!health.value) return null;
  return html`
    <p class="hint">All times are market time, ${timezoneName()}; hover over one for UTC.</p>
    <div class="panels">
      ${SECTIONS.flatMap((section) => [
        html`<${Section} key=${section.key} name=${section.key} ...${section} rows=${health.value[section.key] ?? []} />`,
        ...(AFTER[section.key] ?? []).map((Part) => html`<${Part} key=${Part.name} health=${health.value} />`),
      ])}
    </div>
  `;
}

function Section({ name, title, hint, none, rows, ...shown }) {
  return html`
    <section class="panel" id=${`health-${name}`}>
      <h2>${title} <span class="badge">${rows.length ? count(rows.length) : ""}</span></h2>
      ${rows.length > 0 && html`<${Table} table=${name} title=${title} columns=${columnsOf(rows, shown)} rows=${rows} />`}
      ${rows.length === 0 ? html`<p class="hint">${none}</p>` : hint && html`<p class="hint">${hint()}</p>`}
    </section>
  `;
}

const Figures = ({ title, figures }) => html`
  <section class="panel">
    <h2>${title}</h2>
    <dl class="figures">${figures.map(([name, value, note]) => html`<${Figure} name=${name} value=${value} note=${note} />`)}</dl>
  </section>
`;

function Ledger({ health: { ledger = {} } }) {
  const { files, lines, loaded, duplicates, rejected, events } = ledger;
  const parts = [loaded, duplicates, rejected, events];
  const isKnown = parts.every((each) => each !== undefined && each !== null);
  const difference = isKnown ? parts.reduce((rest, part) => rest - BigInt(part), BigInt(lines)) : 0n;
  const note = difference === 0n ? "all accounted for" : `${count(String(difference))} not accounted for: make audit`;
  const figures = [
    ["Files", count(files)],
    ["Lines", count(lines), isKnown ? note : null],
    ["Trades", count(loaded)],
    ["Duplicates", count(duplicates)],
    ["Rejected", count(rejected)],
    ["Journal events", count(events)],
  ];
  return html`<${Figures} title="Ledger: every captured line accounted for" figures=${figures} />`;
}

function Prices({ health: { prices = {} } }) {
  const budget = (spent, limit) => `${count(spent)} of ${count(limit)}`;
  const figures = [
    ["Open periods", count(prices.open_periods)],
    ["With a price", count(prices.with_price)],
    ["Final", count(prices.final)],
    ["Missing", count(prices.missing)],
    ["Requests, last minute", budget(prices.spent_last_minute, prices.per_minute)],
    ["Requests, last hour", budget(prices.spent_last_hour, prices.per_hour)],
  ];
  return html`<${Figures} title="Prices and the provider's budget" figures=${figures} />`;
}

/** Of whatever records the server sends: known columns first, the others after them. */
function columnsOf(rows, { first, hidden = [], headings = {} }) {
  const all = new Set(rows.flatMap((row) => Object.keys(row)));
  for (const name of ["href", ...hidden]) all.delete(name);
  const names = [...first.filter((name) => all.has(name)), ...[...all].filter((name) => !first.includes(name))];
  return names.map((name, i) => ({
    name,
    heading: headings[name] ?? heading(name),
    kind: i === 0 ? null : isNumber(rows, name) ? "number" : (row) => kindOf(row, name),
    by: (row) => (row[name] !== null && typeof row[name] === "object" ? JSON.stringify(row[name]) : row[name]),
    of: (row) => (row.href && i === 0 ? outsideLink(row.href, value(row, name)) : value(row, name)),
  }));
}

const heading = (name) =>
  HEADINGS[name] ??
  name
    .replace(/^is_/, "")
    .replace(/_seconds$/, "")
    .replace(/_at$/, "")
    .replaceAll("_", " ");

const isNumber = (rows, name) =>
  rows.some((row) => typeof row[name] === "number") || /_seconds$|count$/.test(name);

const WIDE = { raw: "raw", review_command: "review" };

/** The class of a cell: what is short is not broken into lines. */
const kindOf = (row, name) =>
  WIDE[name] ?? (isNothing(row[name]) || String(row[name]).length <= 24 ? "short-text" : null);

const isNothing = (raw) => raw === null || raw === undefined || raw === "";

function value(row, name) {
  const raw = row[name];
  if (isNothing(raw)) return NONE;
  if (/_seconds$/.test(name)) return duration(Number(raw) * 1000);
  if (/(_at|_since|^since)$/.test(name) && !Number.isNaN(Date.parse(raw)))
    return html`<time ...${timeAttributes(raw)}>${clock(Date.parse(raw), { seconds: true })}</time>`;
  if (name === "is_connected") return state(raw ? "connected" : "not connected");
  if (name === "success") return state(raw === true ? "passed" : raw === false ? "failed" : String(raw));
  if (typeof raw === "boolean") return raw ? "yes" : "no";
  if (name === "line_number") return html`<${AsItArrived} row=${row}>${outside(raw)}</${AsItArrived}>`;
  if (/_id$/.test(name)) return outside(raw);
  if (name === "review_command") return html`<code class="command">${outside(raw)}</code>`;
  if (typeof raw === "number") return Number.isInteger(raw) ? count(raw) : fixed(raw, 2);
  if (["state", "severity"].includes(name)) return state(String(raw));
  const isRecord = typeof raw === "object" && !Array.isArray(raw);
  const text = Array.isArray(raw) ? raw.join(", ") : isRecord ? JSON.stringify(raw) : String(raw);
  return name === "raw" ? outside(text) : withMoments(text); // a message is quoted as it is
}

function state(word) {
  const [kind, mark] = GOOD.has(word) ? ["good", "●"] : BAD.has(word) ? ["bad", "▲"] : ["other", "○"];
  return html`<${State} kind=${kind} mark=${mark} word=${outside(word)} />`;
}
