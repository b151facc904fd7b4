// The engineer's view: what the platform knows of itself, section by section.

import { el, outside, outsideLink, setChildren, setText } from "./dom.js";
import { withMoments } from "./moments.js";
import { NONE, count, fixed } from "./numbers.js";
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

export class HealthView {
  constructor(place) {
    this.ledger = el("dl", { class: "figures" });
    this.prices = el("dl", { class: "figures" });
    this.zone = el("p", { class: "hint" });
    this.tables = new Map();
    const parts = SECTIONS.map((section) => [section.key, this.#section(section)]);
    const order = new Map(parts);
    const listOf = (title, list) => el("section", { class: "panel" }, el("h2", {}, title), list);
    place.append(
      this.zone,
      el(
        "div",
        { class: "panels" },
        order.get("alarms"),
        order.get("lines"),
        order.get("gaps"),
        listOf("Ledger: every captured line accounted for", this.ledger),
        listOf("Prices and the provider's budget", this.prices),
        order.get("quarantined"),
        order.get("rejects"),
        order.get("operational_messages"),
        order.get("unknown_fields"),
        order.get("orphan_cancellations"),
        order.get("validations"),
        order.get("runs"),
      ),
    );
  }

  #section({ key, title }) {
    const content = el("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" });
    const number = el("span", { class: "badge" });
    this.tables.set(key, { content, number });
    return el(
      "section",
      { class: "panel", id: `health-${key}` },
      el("h2", {}, title, " ", number),
      content,
    );
  }

  show(health) {
    setText(this.zone, `All times are market time, ${timezoneName()}; hover over one for UTC.`);
    for (const section of SECTIONS) {
      const { content, number } = this.tables.get(section.key);
      const rows = health[section.key] ?? [];
      setText(number, rows.length ? count(rows.length) : "");
      setChildren(
        content,
        rows.length ? recordsTable(section.title, rows, section) : el("p", { class: "hint" }, section.none),
        rows.length && section.hint ? el("p", { class: "hint" }, section.hint()) : null,
      );
    }
    setChildren(this.ledger, ledgerFigures(health.ledger ?? {}));
    setChildren(this.prices, priceFigures(health.prices ?? {}));
  }
}

const figure = (name, value, note = null) =>
  el(
    "div",
    { class: "figure" },
    el("dt", {}, name),
    el("dd", {}, el("span", { class: "value" }, value), note ? el("span", { class: "hint" }, note) : null),
  );

function ledgerFigures({ files, lines, loaded, duplicates, rejected, events }) {
  const known = [loaded, duplicates, rejected, events].every((each) => each !== undefined && each !== null);
  const difference = known
    ? BigInt(lines) - BigInt(loaded) - BigInt(duplicates) - BigInt(rejected) - BigInt(events)
    : 0n;
  return [
    figure("Files", count(files)),
    figure(
      "Lines",
      count(lines),
      known
        ? difference === 0n
          ? "all accounted for"
          : `${count(String(difference))} not accounted for: make audit`
        : null,
    ),
    figure("Trades", count(loaded)),
    figure("Duplicates", count(duplicates)),
    figure("Rejected", count(rejected)),
    figure("Journal events", count(events)),
  ];
}

function priceFigures(prices) {
  const budget = (spent, limit) => `${count(spent)} of ${count(limit)}`;
  return [
    figure("Open periods", count(prices.open_periods)),
    figure("With a price", count(prices.with_price)),
    figure("Final", count(prices.final)),
    figure("Missing", count(prices.missing)),
    figure("Requests, last minute", budget(prices.spent_last_minute, prices.per_minute)),
    figure("Requests, last hour", budget(prices.spent_last_hour, prices.per_hour)),
  ];
}

/** A table of whatever records the server sends: known columns first, the others after them. */
function recordsTable(caption, rows, { first, hidden = [], headings = {} }) {
  const all = new Set(rows.flatMap((row) => Object.keys(row)));
  for (const name of ["href", ...hidden]) all.delete(name);
  const columns = [
    ...first.filter((name) => all.has(name)),
    ...[...all].filter((name) => !first.includes(name)),
  ];
  return el(
    "table",
    {},
    el("caption", { class: "unseen" }, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        columns.map((name) =>
          el("th", { scope: "col", class: isNumber(rows, name) ? "number" : null }, headings[name] ?? heading(name)),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          columns.map((name, i) => cell(rows, row, name, i === 0)),
        ),
      ),
    ),
  );
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

function cell(rows, row, name, isFirst) {
  const shown = value(row, name);
  const content =
    row.href && (isFirst || name === "href")
      ? outsideLink(row.href, shown)
      : shown;
  if (isFirst) return el("th", { scope: "row" }, content);
  const isShort = shown === NONE || String(row[name]).length <= 24;
  return el(
    "td",
    { class: isNumber(rows, name) ? "number" : (WIDE[name] ?? (isShort ? "short-text" : null)) },
    content,
  );
}

function value(row, name) {
  const raw = row[name];
  if (raw === null || raw === undefined || raw === "") return NONE;
  if (/_seconds$/.test(name)) return duration(Number(raw) * 1000);
  if (/(_at|_since|^since)$/.test(name) && !Number.isNaN(Date.parse(raw)))
    return el("time", timeAttributes(raw), clock(Date.parse(raw), { seconds: true }));
  if (name === "is_connected") return state(raw ? "connected" : "not connected");
  if (name === "success") return state(raw === true ? "passed" : raw === false ? "failed" : String(raw));
  if (typeof raw === "boolean") return raw ? "yes" : "no";
  if (/_(id|number)$/.test(name)) return outside(raw);
  if (name === "review_command") return el("code", { class: "command" }, outside(raw));
  if (typeof raw === "number") return Number.isInteger(raw) ? count(raw) : fixed(raw, 2);
  if (["state", "severity"].includes(name)) return state(String(raw));
  const isRecord = typeof raw === "object" && !Array.isArray(raw);
  const text = Array.isArray(raw) ? raw.join(", ") : isRecord ? JSON.stringify(raw) : String(raw);
  return name === "raw" ? outside(text) : withMoments(text); // a message is quoted as it is
}

const state = (word) =>
  el(
    "span",
    { class: "state", "data-state": GOOD.has(word) ? "good" : BAD.has(word) ? "bad" : "other" },
    el("span", { "aria-hidden": "true" }, GOOD.has(word) ? "● " : BAD.has(word) ? "▲ " : "○ "),
    outside(word),
  );
