// The engineer's view: what the platform knows of itself, section by section.

import { html, outside } from "./base.js";
import { Figure, State } from "./figures.js";
import { outsideLink } from "./frame.js";
import { Table } from "./grid.js";
import { t } from "./language.js";
import { AsItArrived } from "./message.js";
import { moment, withMoments } from "./moments.js";
import { NONE, count, fixed } from "./numbers.js";
import { health } from "./reading.js";
import { marketArgument } from "./server.js";
import { duration, timezoneName } from "./times.js";

const GOOD = new Set(["success", "connected", "running", "passed", "ok"]);
const BAD = new Set(["failed", "lost", "not connected", "upstream_failed", "critical"]);

/** Sections: key in the reply, heading, columns to begin with, and what no rows mean. */
const SECTIONS = [
  {
    key: "alarms",
    title: t("Alarms"),
    first: ["alarm", "severity", "since_at", "detail"],
    hidden: ["raised_at"],
    none: t("Nothing is late or broken."),
  },
  {
    key: "lines",
    title: t("Capture instances"),
    first: ["name", "host", "is_connected", "connected_since", "last_line_at", "messages_per_minute"],
    none: t("No capture has ever connected: start capture_trades, or python -m include.capture."),
  },
  {
    key: "gaps",
    title: t("Capture gaps"),
    first: ["gap_start_at", "gap_end_at", "gap_seconds", "is_ongoing"],
    none: t("At least one capture instance was connected at all times."),
  },
  {
    key: "quarantined",
    title: t("Trades in quarantine by rule"),
    first: ["expectation", "count", "oldest_received_at", "review_command"],
    headings: { count: t("waiting"), oldest_received_at: t("oldest") },
    hint: () =>
      t("make review{market} lists each that waits; EXPECTATION=… instead of TRADE=… decides on all that break a rule.", {
        market: marketArgument(),
      }),
    none: t("No trade waits for a decision."),
  },
  {
    key: "rejects",
    title: t("Rejected messages by reason"),
    first: ["reason_code", "unreviewed_count", "oldest_unreviewed_at", "review_command", "count", "last_at", "detail", "raw"],
    headings: { unreviewed_count: t("waiting"), oldest_unreviewed_at: t("oldest"), count: t("ever"), last_at: t("last") },
    hint: () =>
      t(
        "make review{market} lists each that waits; REJECT=reason instead of FILE=… and LINE=… decides on all with a reason.",
        { market: marketArgument() },
      ),
    none: t("Nothing was rejected."),
  },
  {
    key: "operational_messages",
    title: t("Operational messages"),
    first: ["kind", "message_count", "first_received_at", "last_received_at"],
    none: t("The exchange sends nothing but trades."),
  },
  {
    key: "unknown_fields",
    title: t("Unknown fields of trades"),
    first: ["name", "message_count", "first_seen_at", "last_seen_at"],
    none: t("All fields of trades are known."),
  },
  {
    key: "orphan_cancellations",
    title: t("Cancellations without a trade"),
    first: ["trade_id", "direction", "revision", "received_at", "landing_file", "line_number"],
    none: t("Every cancellation has its trade."),
  },
  {
    key: "validations",
    title: t("Validation results"),
    first: ["validated_at", "suite", "success", "failed_count", "expectation_count", "detail"],
    hidden: ["validation_id"],
    none: t("Nothing has been validated yet."),
  },
  {
    key: "runs",
    title: t("Last runs"),
    first: ["dag_id", "state", "started_at", "window", "error", "ended_at"],
    hidden: ["run_id"],
    none: t("No run yet."),
  },
];

const HEADINGS = {
  expectation: t("breaks the rule that"),
  review_command: t("review the oldest with"),
  reason_code: t("reason"),
  message_count: t("messages"),
  messages_per_minute: t("messages per minute"),
  success: t("result"),
  failed_count: t("not met"),
  expectation_count: t("expectations"),
  is_connected: t("connected"),
  is_ongoing: t("ongoing"),
  run_id: t("run"),
  dag_id: "DAG",
};

/** The sections that are no tables stand after these. */
const AFTER = { gaps: [Ledger, Prices] };

export function Health() {
  if (!health.value) return null;
  return html`
    <p class="hint">${t("All times are market time, {timezone}; hover over one for UTC.", { timezone: timezoneName() })}</p>
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
  const note = difference === 0n ? t("all accounted for") : t("{count} not accounted for: make audit", { count: count(String(difference)) });
  const figures = [
    [t("Files"), count(files)],
    [t("Lines"), count(lines), isKnown ? note : null],
    [t("Trades"), count(loaded)],
    [t("Duplicates"), count(duplicates)],
    [t("Rejected"), count(rejected)],
    [t("Journal events"), count(events)],
  ];
  return html`<${Figures} title=${t("Ledger: every captured line accounted for")} figures=${figures} />`;
}

function Prices({ health: { prices = {} } }) {
  const budget = (spent, limit) => t("{part} of {all}", { part: count(spent), all: count(limit) });
  const figures = [
    [t("Open periods"), count(prices.open_periods)],
    [t("With a price"), count(prices.with_price)],
    [t("Final"), count(prices.final)],
    [t("Missing"), count(prices.missing)],
    [t("Requests, last minute"), budget(prices.spent_last_minute, prices.per_minute)],
    [t("Requests, last hour"), budget(prices.spent_last_hour, prices.per_hour)],
  ];
  return html`<${Figures} title=${t("Prices and the provider's budget")} figures=${figures} />`;
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
  t(
    name
      .replace(/^is_/, "")
      .replace(/_seconds$/, "")
      .replace(/_at$/, "")
      .replaceAll("_", " "),
  );

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
    return moment(raw);
  if (name === "is_connected") return raw ? state("connected", t("connected")) : state("not connected", t("not connected"));
  if (name === "success") return typeof raw !== "boolean" ? state(String(raw)) : raw ? state("passed", t("passed")) : state("failed", t("failed"));
  if (typeof raw === "boolean") return raw ? t("yes") : t("no");
  if (name === "line_number") return html`<${AsItArrived} row=${row}>${outside(raw)}</${AsItArrived}>`;
  if (/_id$/.test(name)) return outside(raw);
  if (name === "review_command") return html`<code class="command">${outside(raw)}</code>`;
  if (typeof raw === "number") return Number.isInteger(raw) ? count(raw) : fixed(raw, 2);
  if (name === "state" && raw === "running" && row.error) return state("with errors", t("running, with errors"));
  if (["state", "severity"].includes(name)) return state(String(raw));
  const isRecord = typeof raw === "object" && !Array.isArray(raw);
  const text = Array.isArray(raw) ? raw.join(", ") : isRecord ? JSON.stringify(raw) : String(raw);
  if (name === "error") return text.split("\n").flatMap((line, i) => (i ? [html`<br />`, outside(line)] : [outside(line)]));
  return name === "raw" ? outside(text) : withMoments(text); // a message or an error is quoted as it is
}

function state(word, shown = word) {
  const [kind, mark] = GOOD.has(word) ? ["good", "●"] : BAD.has(word) ? ["bad", "▲"] : ["other", "○"];
  return html`<${State} kind=${kind} mark=${mark} word=${outside(shown)} />`;
}
