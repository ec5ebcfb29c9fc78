// One chart over time, with Chart.js, which is only fetched once a chart is wanted.

import { el, setText, show } from "./dom.js";
import { moment, span, timeOfDay } from "./format.js";

const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200]; // seconds between ticks
const TICK_PIXELS = 70; // room that a time of day and a gap take
let loading = null;

/** Chart.js, or an error that says why there are no charts. */
export function library() {
  loading ??= new Promise((resolve, reject) => {
    const address = document.querySelector('meta[name="charts"]').content;
    if (!address)
      return reject(new Error("Charts are not installed on this control (libjs-chart.js)."));
    const script = el("script");
    script.src = address;
    script.onload = () => resolve(globalThis.Chart);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("The charts could not be loaded; trying again."));
    };
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class TimeChart {
  /** `format` makes a number readable; `least` is the smallest upper end of the axis. */
  constructor(title, format, least) {
    Object.assign(this, { title, format, least, chart: null, lines: [], isGone: false });
    this.legend = el("span", "legend");
    this.canvas = el("canvas");
    this.canvas.setAttribute("role", "img");
    this.none = el("p", "empty", "Waiting for numbers…");
    this.node = el(
      "figure",
      "chart",
      el("figcaption", "", el("h3", "", title), this.legend),
      el("div", "plot", this.canvas, this.none),
    );
  }

  /** `lines`: [{label, times, values, colour: 1..4}] */
  async draw(lines, minutes, empty = "There are no numbers for this time.") {
    const Chart = await library();
    if (this.isGone) return;
    this.lines = lines;
    const known = lines.some((line) => line.values.some((v) => v !== null));
    setText(this.none, empty);
    show(this.none, !known);
    show(this.canvas, known);
    this.tellLegend(lines);
    this.canvas.setAttribute("aria-label", this.words(lines, minutes));
    const times = lines.flatMap((line) => line.times);
    const range = { min: Math.min(...times), max: Math.max(...times) };
    if (!known) return;
    if (this.chart?.data.datasets.length !== lines.length) this.remake(Chart, lines);
    this.chart.data.datasets.forEach((set, index) => {
      set.data = points(lines[index]);
      set.label = lines[index].label;
    });
    Object.assign(this.chart.options.scales.x, range);
    this.chart.update("none");
  }

  remake(Chart, lines) {
    this.chart?.destroy();
    this.chart = new Chart(this.canvas, {
      type: "line",
      data: { datasets: lines.map((l) => dataset(l, lines.length)) },
      options: this.options(),
    });
  }

  /** The theme changed: the colours are looked up anew. */
  recolour() {
    if (!this.chart) return;
    this.chart.destroy();
    this.chart = null;
    this.draw(this.lines, this.minutes).catch(() => {});
  }

  destroy() {
    this.isGone = true;
    this.chart?.destroy();
    this.chart = null;
  }

  tellLegend(lines) {
    while (this.legend.children.length > lines.length) this.legend.lastElementChild.remove();
    lines.forEach((line, index) => {
      const entry =
        this.legend.children[index] ??
        this.legend.appendChild(el("span", "", el("i"), el("span"), el("b")));
      entry.className = `series-${line.colour}`;
      setText(entry.children[1], line.label);
      setText(entry.children[2], this.format(newest(line)));
    });
  }

  words(lines, minutes) {
    this.minutes = minutes;
    const told = lines.map((line) => `${line.label} now ${this.format(newest(line))}`).join(", ");
    return `${this.title}, last ${span(minutes * 60)}: ${told}`;
  }

  options() {
    const text = colour("--muted");
    const font = { family: getComputedStyle(document.body).fontFamily, size: 11 };
    const { format, least } = this;
    return {
      animation: false,
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: {
          type: "linear",
          grid: { display: false, borderColor: colour("--line") },
          afterBuildTicks: (axis) => {
            axis.ticks = ticks(axis.min, axis.max, axis.width);
          },
          ticks: {
            color: text,
            font,
            maxRotation: 0,
            autoSkip: false,
            callback: (value) => timeOfDay(value),
          },
        },
        y: {
          beginAtZero: true,
          suggestedMax: least,
          grid: { color: colour("--line"), drawBorder: false },
          ticks: { color: text, font, maxTicksLimit: 5, callback: (value) => format(value) },
        },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: colour("--ink"),
          titleColor: colour("--surface"),
          bodyColor: colour("--surface"),
          titleFont: font,
          bodyFont: font,
          callbacks: {
            title: (items) => (items.length ? moment(items[0].parsed.x) : ""),
            label: (item) => ` ${item.dataset.label}  ${format(item.parsed.y)}`,
          },
        },
      },
    };
  }
}

function dataset(line, number) {
  const stroke = colour(`--series-${line.colour}`);
  return {
    label: line.label,
    data: [],
    borderColor: stroke,
    backgroundColor: `${stroke}22`,
    fill: number === 1,
    borderWidth: 1.75,
    pointRadius: 0,
    pointHitRadius: 10,
    tension: 0.15,
  };
}

const points = (line) => line.times.map((x, index) => ({ x, y: line.values[index] ?? NaN }));
const newest = (line) => line.values.findLast((value) => value !== null) ?? null;

/** Round times of day, as many as fit. */
function ticks(min, max, width) {
  const wanted = Math.max(2, Math.floor(width / TICK_PIXELS));
  const step = STEPS.find((s) => (max - min) / s <= wanted) ?? STEPS.at(-1);
  const shift = new Date(min * 1000).getTimezoneOffset() * 60;
  const found = [];
  for (let t = Math.ceil((min - shift) / step) * step + shift; t <= max; t += step)
    found.push({ value: t });
  return found;
}
