// Draws with uPlot: axes, colours of the theme, bars and lines; what is drawn is decided in pictures.js.

import { html, signal, useLayoutEffect, useRef } from "./base.js";
import { colours } from "./colours.js";
import { inTurn } from "./in-turn.js";
import { locale, t } from "./language.js";
import { isPartial, pnlOf, toFloat } from "./numbers.js";

const { uPlot } = window;
const HEIGHT = 168;
const probe = Object.assign(document.createElement("span"), { className: "unseen", ariaHidden: "true" });

/** The colour behind a custom property in the theme of the moment. */
function colour(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const fontOf = () => `11px ${getComputedStyle(document.body).fontFamily}`;
const compact = new Intl.NumberFormat(locale, { maximumFractionDigits: 2, notation: "compact" });
const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const tick = (value) => (value === null ? "" : (Math.abs(value) < 10_000 ? plain : compact).format(value));

/** Bars from zero. */
export const bars = (label, values, colourName) => ({ label, values, colourName, kind: "bars" });

export const line = (
  label,
  values,
  colourName,
  { dash = null, points = true, stepped = false, gaps = true } = {},
) => ({ label, values, colourName, dash, points, stepped, gaps, kind: "line" });

/** A picture over slots, one after the other; a label takes so many pixels. */
export const over = (slots, labelOf, parts, readout, width = 48) => ({
  x: slots.map((_, i) => i),
  parts,
  xRange: [-0.6, slots.length - 0.4],
  splits: (room) => {
    const every = Math.max(1, Math.ceil(slots.length / Math.max(1, Math.floor((room - 60) / width))));
    return slots.map((_, i) => i).filter((i) => i % every === 0);
  },
  xLabel: (i) => (slots[i] ? labelOf(slots[i]) : ""),
  readout,
  withZero: true,
});

/** Bars of gains and losses, of each slot its figures or null; with `isMarked` in another colour what is not all known. */
export function pnlBars(figures, isMarked) {
  const isOpen = (each) => isMarked && isPartial(each);
  const of = (isWanted) => figures.map((each) => (each && pnlOf(each) !== null && isWanted(each) ? toFloat(pnlOf(each)) : null));
  const open = of(isOpen);
  return [
    bars(t("gain"), of((each) => !isOpen(each) && toFloat(pnlOf(each)) >= 0), "good"),
    bars(t("loss"), of((each) => !isOpen(each) && toFloat(pnlOf(each)) < 0), "bad"),
    ...(open.some((value) => value !== null) ? [bars(t("so far: prices are missing"), open, "second")] : []),
  ];
}

function seriesOf(part) {
  const stroke = () => colour(part.colourName);
  if (part.kind === "bars") {
    return {
      label: part.label,
      stroke,
      fill: stroke,
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.72, 40] }),
    };
  }
  return {
    label: part.label,
    stroke,
    width: 2,
    dash: part.dash ?? undefined,
    spanGaps: !part.gaps,
    points: { show: part.points, size: 5, stroke, fill: stroke },
    paths: part.stepped ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
  };
}

/** What makes one plot fit for other values, too: all of a part but these. */
const lookOf = (parts) => JSON.stringify(parts.map(({ values, ...look }) => look));

/** A range with room around the values of all parts, and zero in it where bars stand on it. */
function rangeOf({ parts, withZero }) {
  const values = parts.flatMap((part) => part.values).filter((value) => value !== null);
  if (values.length === 0) return [-1, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [from, to] = withZero ? [Math.min(0, least), Math.max(0, most)] : [least, most];
  const room = (to - from || Math.abs(to) || 1) * 0.08;
  return [withZero && from === 0 ? 0 : from - room, withZero && to === 0 ? 0 : to + room];
}

/** uPlot in an element: made anew only when other parts are drawn, or when there was no room before. */
class Plot {
  constructor(canvas, onCursor) {
    this.canvas = canvas;
    this.onCursor = onCursor;
    this.plot = null;
    this.resizes = new ResizeObserver(() => this.#resize());
    this.resizes.observe(canvas);
  }

  show(picture) {
    this.picture = picture;
    const data = [picture.x, ...picture.parts.map((part) => part.values)];
    const look = lookOf(picture.parts);
    if (this.plot !== null && this.look === look) {
      this.plot.setData(data); // the ranges of both axes are asked for anew
    } else {
      this.plot?.destroy();
      this.look = look;
      this.plot = this.canvas.clientWidth > 0 ? new uPlot(this.#options(), data, this.canvas) : null;
    }
  }

  redraw() {
    this.plot?.redraw(false, true);
  }

  end() {
    this.resizes.disconnect();
    this.plot?.destroy();
  }

  #options() {
    const axis = {
      stroke: () => colour("muted"),
      font: fontOf(),
      ticks: { show: false },
      border: { show: false },
    };
    const grid = { stroke: () => colour("grid"), width: 1 };
    return {
      width: this.canvas.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 10, 0, 0],
      cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => this.picture.xRange },
        y: { range: () => rangeOf(this.picture) },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 4,
          grid: { show: false },
          splits: (plot) => this.picture.splits(plot.width),
          values: (_, splits) => splits.map((at) => this.picture.xLabel(at)),
        },
        { ...axis, grid, size: 52, gap: 4, space: 30, values: (_, splits) => splits.map(tick) },
      ],
      series: [{}, ...this.picture.parts.map(seriesOf)],
      hooks: {
        setCursor: [({ cursor }) => this.onCursor(cursor.idx ?? null)],
        drawAxes: [(plot) => this.#zeroLine(plot)],
      },
    };
  }

  #zeroLine(plot) {
    const { min, max } = plot.scales.y;
    if (!(min <= 0 && max >= 0)) return;
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(0, "y", true));
    ctx.save();
    ctx.strokeStyle = colour("axis");
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  #resize() {
    const width = this.canvas.clientWidth;
    if (width === 0 || !this.picture) return;
    if (this.plot === null) this.show(this.picture);
    else if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }
}

/**
 * One picture: a figure with heading, sentence, drawing and a line that says what is under the pointer.
 *
 * `picture` is {x, parts, xRange, splits, xLabel, readout, withZero}. The sentence is the text alternative; the drawing
 * itself is hidden from screen readers by its role.
 */
export function Chart({ id, title, unit, picture, sentence, isHidden = false, children }) {
  const canvas = useRef();
  const plot = useRef(null);
  const pointed = useRef(signal(null)).current;
  useLayoutEffect(() => {
    plot.current = new Plot(canvas.current, (index) => {
      pointed.value = index;
    });
    return () => plot.current.end();
  }, []);
  useLayoutEffect(() => inTurn(() => plot.current.show(picture)), [picture]);
  const theme = colours.value;
  useLayoutEffect(() => plot.current.redraw(), [theme]);
  const shown = picture.parts.filter((part) => part.label !== "");
  return html`
    <figure class="picture" id=${id} hidden=${isHidden}>
      <figcaption>
        <h3>${title}<small>${unit}</small></h3>
        <p class="sentence" id=${`${id}-sentence`}>${sentence}</p>
      </figcaption>
      <p class="legend" aria-hidden="true">
        ${shown.map(
          ({ label, colourName, dash, kind }) =>
            html`<span class="key" data-colour=${colourName} data-kind=${dash ? "dashed" : kind}>${label}</span>`,
        )}
      </p>
      <${Readout} pointed=${pointed} picture=${picture} />
      <div class="drawing" role="img" aria-label=${title} aria-describedby=${`${id}-sentence`} ref=${canvas}></div>
      ${children}
    </figure>
  `;
}

const Readout = ({ pointed, picture }) => html`
  <p class="readout" aria-hidden="true">${pointed.value === null ? "" : picture.readout(pointed.value)}</p>
`;
