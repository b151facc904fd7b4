// The hours of a range: the best and the worst ones, and what each hour of the day made.

import { html, useMemo } from "./base.js";
import { Way } from "./around.js";
import { Chart, over, pnlBars } from "./charts.js";
import { choices } from "./choices.js";
import { netPosition, numbers, performance, pnl } from "./columns.js";
import { Table } from "./grid.js";
import { t } from "./language.js";
import { count, energyPlaces, extremes, pnlOf, signed } from "./numbers.js";
import { amount } from "./range-days.js";
import { doubledHour } from "./ranges.js";
import { dayInWords } from "./times.js";

const LABELS = Array.from({ length: 24 }, (_, hour) => [hour, hour + 1].map((each) => String(each).padStart(2, "0")).join("-"));

/** `doubledOn`: a day of the range on which an hour happens twice, or null. */
export function HoursOfDay({ range, doubledOn }) {
  const drawn = useMemo(() => drawing(range), [range]);
  const title = range.from === range.to ? t("PnL by hour") : t("PnL by hour of the day");
  const twice = doubledOn && t("{hour} happens twice on {day}: both are in the hour {hour}.", { hour: doubledHour(doubledOn), day: dayInWords(doubledOn) });
  return html`
    <${Chart} id="picture-range-hours" title=${title} unit="EUR" ...${drawn}>
      ${twice && html`<p class="hint" id="range-doubled">${twice}</p>`}
      <details class="changes">
        <summary>${range.from === range.to ? t("The same as a table") : t("The same as a table, with the mean of a day")}</summary>
        <${Table} table="range_hours" title=${title} columns=${COLUMNS} rows=${range.hours_of_day} keyOf=${(row) => row.delivery_hour} />
      </details>
    </${Chart}>
  `;
}

function drawing({ hours_of_day: rows }) {
  const slots = LABELS.map((label) => ({ label, row: rows.find((row) => row.delivery_hour === label) ?? null }));
  const readout = (i) => (slots[i] ? `${slots[i].label}: ${amount(slots[i].row)}${mean(slots[i].row)}` : "");
  const picture = over(
    slots,
    ({ label }) => label.slice(0, 2),
    pnlBars(slots.map(({ row }) => row), false),
    readout,
    24,
  );
  return { picture, sentence: sentenceOf(rows) };
}

const mean = (row) =>
  row && row.mean_pnl_eur !== null ? t(", {mean} EUR a day on average", { mean: signed(row.mean_pnl_eur) }) : "";

function sentenceOf(rows) {
  const { known, lowest: worst, highest: best } = extremes(rows, pnlOf);
  if (known.length === 0) return t("No hour has a price yet, so there is no PnL to draw.");
  return t("Best {best} ({most}), worst {worst} ({least}).", {
    best: best.delivery_hour,
    most: amount(best),
    worst: worst.delivery_hour,
    least: amount(worst),
  });
}

const COLUMNS = [
  { name: "delivery_hour", heading: t("Hour"), of: (row) => row.delivery_hour, by: (row) => row.delivery_hour },
  numbers("delivery_day_count", t("Days"), null, count),
  pnl({ heading: t("PnL"), kind: "number" }),
  numbers("mean_pnl_eur", t("Mean of a day"), "EUR", signed),
];

export const Extremes = ({ range }) => html`
  <${Hours} id="range-best" title=${t("Best hours")} none=${t("No hour has a gain.")} rows=${range.best} />
  <${Hours} id="range-worst" title=${t("Worst hours")} none=${t("No hour has a loss.")} rows=${range.worst} />
`;

function Hours({ id, title, none, rows }) {
  const places = energyPlaces(rows.map((row) => row.net_position_mwh));
  const isFixed = choices.value.asOf !== null; // nobody knows which trades counted at a moment of the past
  const columns = useMemo(
    () => [
      {
        name: "delivery_hour",
        heading: t("Delivery"),
        of: ({ delivery_day: day, delivery_hour: hour }) => html`
          <${Way} to=${{ view: "desk", day, hour: isFixed ? null : hour }} title=${t("Trades and messages of {hour}", { hour })}>
            ${`${dayInWords(day)}, ${hour}`}
          </${Way}>
        `,
      },
      netPosition(places),
      performance({ kind: "number", isResult: false }),
      numbers("pnl_eur", t("PnL"), "EUR", signed, { kind: "number result", isResult: true }),
    ],
    [rows, isFixed],
  );
  const content = html`<${Table} title=${title} columns=${columns} rows=${rows} keyOf=${(row) => `${row.delivery_day} ${row.delivery_hour}`} />`;
  return html`
    <section id=${id} class="range-table">
      <h2>${title}</h2>
      ${rows.length > 0 ? content : html`<p class="hint">${none}</p>`}
    </section>
  `;
}
