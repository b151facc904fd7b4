// Draws with uPlot: axes, colours of the theme, bars and lines; what is drawn is decided in pictures.js.

import { el, setText } from "./dom.js";

const { uPlot } = window;
const HEIGHT = 168;
const probe = el("span", { class: "unseen", "aria-hidden": "true" });

/** The colour behind a custom property in the theme of the moment. */
function colour(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const fontOf = () => `11px ${getComputedStyle(document.body).fontFamily}`;
const compact = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2, notation: "compact" });
const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const tick = (value) => (value === null ? "" : (Math.abs(value) < 10_000 ? plain : compact).format(value));

/** Bars from zero; a colour of its own for those below, if there is one. */
export const bars = (label, values, above, { scale = "y" } = {}) => ({
  label,
  values,
  scale,
  colourName: above,
  kind: "bars",
});

export const line = (
  label,
  values,
  colourName,
  { scale = "y", dash = null, points = true, stepped = false, gaps = true } = {},
) => ({ label, values, scale, colourName, dash, points, stepped, gaps, kind: "line" });

function seriesOf(part) {
  const stroke = () => colour(part.colourName);
  if (part.kind === "bars") {
    return {
      label: part.label,
      scale: part.scale,
      stroke,
      fill: stroke,
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.72, 40] }),
    };
  }
  return {
    label: part.label,
    scale: part.scale,
    stroke,
    width: 2,
    dash: part.dash ?? undefined,
    spanGaps: !part.gaps,
    points: { show: part.points, size: 5, stroke, fill: stroke },
    paths: part.stepped ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
  };
}

/** A range with room around the values, and zero in it where bars stand on it. */
function rangeOf(least, most, { withZero }) {
  if (least === null || most === null) return [-1, 1];
  const [from, to] = withZero ? [Math.min(0, least), Math.max(0, most)] : [least, most];
  const room = (to - from || Math.abs(to) || 1) * 0.08;
  return [withZero && from === 0 ? 0 : from - room, withZero && to === 0 ? 0 : to + room];
}

/** Widens ranges that hold zero so that their zeros lie at the same height. */
function alignZeros(ranges) {
  const below = Math.max(...ranges.map(([from, to]) => -from / (to - from)));
  const above = Math.max(...ranges.map(([from, to]) => to / (to - from)));
  const [down, up] = [below / (below + above), above / (below + above)];
  return ranges.map(([from, to]) => {
    const span = Math.max(down > 0 ? -from / down : 0, up > 0 ? to / up : 0);
    return [-span * down, span * up];
  });
}

function extent(parts, scale) {
  const values = parts
    .filter((part) => part.scale === scale)
    .flatMap((part) => part.values)
    .filter((value) => value !== null);
  return values.length === 0 ? [null, null] : [Math.min(...values), Math.max(...values)];
}

/**
 * One picture: a figure with heading, sentence, drawing and a line that says what is under the pointer.
 *
 * The sentence is the text alternative; the drawing itself is hidden from screen readers by its role.
 */
export class Chart {
  constructor(id, title, unit) {
    this.sentence = el("p", { class: "sentence", id: `${id}-sentence` });
    this.legend = el("p", { class: "legend", "aria-hidden": "true" });
    this.readout = el("p", { class: "readout", "aria-hidden": "true" });
    this.canvas = el("div", {
      class: "drawing",
      role: "img",
      "aria-label": title,
      "aria-describedby": `${id}-sentence`,
    });
    this.figure = el(
      "figure",
      { class: "picture", id },
      el("figcaption", {}, el("h3", {}, title, el("small", {}, unit)), this.sentence),
      this.legend,
      this.readout,
      this.canvas,
    );
    this.plot = null;
    this.resizes = new ResizeObserver(() => this.#resize());
    this.resizes.observe(this.canvas);
  }

  /** Draws {x, parts, xRange, splits, xLabel, readout, rightScale, withZero}; says the sentence. */
  show(picture, sentence) {
    this.picture = picture;
    setText(this.sentence, sentence);
    this.#legend(picture.parts);
    const data = [picture.x, ...picture.parts.map((part) => part.values)];
    const shape = picture.parts.map((part) => `${part.label} ${part.scale}`).join();
    if (this.plot !== null && this.shape === shape) {
      this.plot.setData(data);
    } else {
      this.plot?.destroy();
      this.shape = shape;
      this.plot = this.canvas.clientWidth > 0 ? new uPlot(this.#options(), data, this.canvas) : null;
    }
  }

  redraw() {
    this.plot?.redraw(false, true);
  }

  #legend(parts) {
    if (this.legend.childElementCount > 0) return;
    const shown = parts.filter((part) => part.label !== "");
    this.legend.append(
      ...shown.map((part) =>
        el(
          "span",
          { class: "key", "data-colour": part.colourName, "data-kind": part.dash ? "dashed" : part.kind },
          part.label,
        ),
      ),
    );
  }

  #ranges() {
    const { parts, withZero = false, rightScale } = this.picture;
    const left = rangeOf(...extent(parts, "y"), { withZero });
    if (!rightScale) return { y: left };
    const [y, right] = alignZeros([left, rangeOf(...extent(parts, rightScale), { withZero: true })]);
    return { y, [rightScale]: right };
  }

  #options() {
    const axis = {
      stroke: () => colour("muted"),
      font: fontOf(),
      ticks: { show: false },
      border: { show: false },
    };
    const grid = { stroke: () => colour("grid"), width: 1 };
    const { rightScale } = this.picture;
    const scaleOf = (name) => ({ auto: false, range: () => this.#ranges()[name] });
    const values = (_, splits) => splits.map(tick);
    return {
      width: this.canvas.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, rightScale ? 0 : 10, 0, 0],
      cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 7 } },
      scales: {
        x: { time: false, auto: false, range: () => this.picture.xRange },
        y: scaleOf("y"),
        ...(rightScale ? { [rightScale]: scaleOf(rightScale) } : {}),
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
        { ...axis, grid, size: 52, gap: 4, space: 30, values },
        ...(rightScale
          ? [
              {
                ...axis,
                scale: rightScale,
                side: 1,
                grid: { show: false },
                size: 52,
                gap: 4,
                space: 30,
                values,
              },
            ]
          : []),
      ],
      series: [{}, ...this.picture.parts.map(seriesOf)],
      hooks: {
        setCursor: [
          (plot) =>
            setText(
              this.readout,
              plot.cursor.idx === null || plot.cursor.idx === undefined
                ? ""
                : this.picture.readout(plot.cursor.idx),
            ),
        ],
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
    if (this.plot === null) this.show(this.picture, this.sentence.textContent);
    else if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }
}
