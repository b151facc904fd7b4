// The days of a range, or its weeks or months: PnL and cumulative PnL of each, as charts and as a table.

import { html, useMemo } from "./base.js";
import { Way } from "./around.js";
import { Warning } from "./by-trader.js";
import { Chart, line, over, pnlBars } from "./charts.js";
import { measures, numbers, performance, pnl } from "./columns.js";
import { Table } from "./grid.js";
import { t } from "./language.js";
import { count, energyPlaces, extremes, isPartial, pnlOf, signed, toFloat } from "./numbers.js";
import { shortDay, shortMonth, slotsOf, stepInWords, traded } from "./ranges.js";
import { plural } from "./words.js";

/** What there is one of: headings and sentences name it. */
const TITLES = { day: t("PnL by day"), week: t("PnL by week"), month: t("PnL by month") };
const HEADINGS = { day: t("Day"), week: t("Week"), month: t("Month") };

export const amount = (figures) => {
  if (figures === null) return t("no trades");
  const pnl = pnlOf(figures);
  return pnl === null ? t("no price yet") : `${signed(pnl)} EUR${isPartial(figures) ? ` ${t("so far")}` : ""}`;
};

export function Days({ range }) {
  const [pnl, sums] = useMemo(() => drawings(range), [range]);
  return html`
    <${Chart} id="picture-range-pnl" title=${TITLES[range.step]} unit="EUR" ...${pnl} />
    <${Chart} id="picture-range-sum" title=${t("Cumulative PnL")} unit="EUR" ...${sums} />
  `;
}

function drawings(range) {
  const slots = slotsOf(range);
  const label = ({ from }) => (range.step === "month" ? shortMonth(from) : shortDay(from));
  const name = (slot) => stepInWords(range.step, slot);
  const pnl = over(
    slots,
    label,
    pnlBars(slots.map(({ row }) => row), true),
    (i) => (slots[i] ? `${name(slots[i])}: ${amount(slots[i].row)}` : ""),
  );
  // a step without trades leaves the sum as it was
  let last = null;
  const sums = traded(slots, range).map(({ row }) => {
    if (row) last = row;
    return last;
  });
  const firstMissing = sums.findIndex((row) => row?.cumulative_missing_price_count > 0);
  const from = firstMissing < 0 ? slots.length : firstMissing; // dashed from here on
  const value = (row) => toFloat(row?.cumulative_pnl_eur ?? null);
  const options = { gaps: false, points: slots.length < 40 };
  const cumulative = over(
    slots,
    label,
    [
      line(from > 0 && from < slots.length ? t("all prices known") : "", slots.map((_, i) => (i < from ? value(sums[i]) : null)), "accent", options),
      ...(from < slots.length
        ? [
            line(t("so far: prices are missing"), slots.map((_, i) => (i >= from - 1 ? value(sums[i]) : null)), "second", {
              ...options,
              dash: [5, 4],
            }),
          ]
        : []),
    ],
    (i) => (slots[i] ? sumReadout(name(slots[i]), sums[i]) : ""),
  );
  return [
    { picture: pnl, sentence: pnlSentence(range, slots, name) },
    { picture: cumulative, sentence: sumSentence(range, name) },
  ];
}

function sumReadout(name, row) {
  if (!row || row.cumulative_pnl_eur === null) return `${name}: ${t("no price yet")}`;
  const values = { name, amount: signed(row.cumulative_pnl_eur) };
  return row.cumulative_missing_price_count > 0
    ? t("{name}: {amount} EUR up to its end, so far", values)
    : t("{name}: {amount} EUR up to its end", values);
}

function pnlSentence(range, slots, name) {
  const { known, lowest: worst, highest: best } = extremes(slots, ({ row }) => pnlOf(row));
  if (known.length === 0) return t("No hour has a price yet, so there is no PnL to draw.");
  const gains = known.filter(({ row }) => toFloat(pnlOf(row)) > 0).length;
  const values = { gains: count(gains), all: count(known.length), best: name(best), most: amount(best.row), worst: name(worst), least: amount(worst.row) };
  const partial = slots.filter(({ row }) => row?.missing_price_count > 0).length;
  const sentences = [known.length === 1 ? `${values.best}: ${values.most}.` : t("Positive in {gains} of {all}; best {best} ({most}), worst {worst} ({least}).", values)];
  if (partial > 0) sentences.push(t("Prices are missing in {partial}.", { partial: count(partial) }));
  return sentences.join(" ");
}

function sumSentence({ steps }, name) {
  const { known, lowest: low, highest: high } = extremes(steps, (row) => row.cumulative_pnl_eur);
  if (known.length === 0) return t("No hour has a price yet, so there is no PnL to add up.");
  const last = known.at(-1);
  const values = {
    sum: signed(last.cumulative_pnl_eur),
    high: signed(high.cumulative_pnl_eur),
    highest: name(high),
    low: signed(low.cumulative_pnl_eur),
    lowest: name(low),
  };
  if (steps.length === 1 && !last.cumulative_missing_price_count) return `${values.highest}: ${values.sum} EUR.`;
  return last.cumulative_missing_price_count > 0
    ? plural(
        last.cumulative_missing_price_count,
        "{sum} EUR so far, without {count} hour whose price is missing; highest {high} after {highest}, lowest {low} after {lowest}.",
        "{sum} EUR so far, without {count} hours whose prices are missing; highest {high} after {highest}, lowest {low} after {lowest}.",
        values,
      )
    : t("{sum} EUR in total; highest {high} after {highest}, lowest {low} after {lowest}.", values);
}

function step(range, row) {
  const to = range.step === "day" ? { view: "desk", day: row.from } : { from: row.from, to: row.to };
  return html`
    <${Way} to=${to}>${stepInWords(range.step, row)}</${Way}>
    ${row.incomplete_day_count > 0 && html`<${Warning} note=${t("not complete: trades may be missing")} />`}
  `;
}

/** The sum up to the end of a step, with the names that figures have. */
const sumOf = ({ cumulative_pnl_eur: sum, cumulative_missing_price_count: missing }) => ({
  pnl_eur: missing > 0 ? null : sum,
  priced_pnl_eur: sum,
});

export function DaysTable({ range }) {
  const { steps } = range;
  const places = energyPlaces(steps.flatMap((row) => [row.buy_mwh, row.sell_mwh, row.net_position_mwh]));
  const columns = useMemo(
    () => [
      { name: "from", heading: HEADINGS[range.step], of: (row) => step(range, row), by: (row) => row.from },
      ...measures(places),
      numbers("missing_price_count", t("Prices missing"), null, (missing) => (missing > 0 ? count(missing) : ""), { kind: "number wide" }),
      performance({ kind: "number result wide" }),
      pnl(),
      pnl({ name: "cumulative_pnl_eur", heading: t("Cumulative"), kind: "number", take: sumOf }),
    ],
    [range],
  );
  return html`
    <section id="range-steps" class="range-table wide-table">
      <h2>${TITLES[range.step]}</h2>
      <${Table} table="range_steps" title=${TITLES[range.step]} columns=${columns} rows=${steps} keyOf=${(row) => row.from} />
    </section>
  `;
}
