// The charts of one thing, kept up to date for as long as they are looked at.

import { series } from "./api.js";
import { TimeChart } from "./charts.js";
import { el, setText, show } from "./dom.js";
import { byteRate, duration, percent, rate, releaseName, wholePercent } from "./format.js";

// How often charts are asked for anew: about as often as a pixel's worth of time goes by.
const RENEW_SECONDS = { 15: 5, 60: 10, 360: 60, 1440: 120 };
const MOST_COMPARED = 4; // lines that an eye can still tell apart

export const APP_PANELS = [
  { title: "Requests", format: rate, least: 1, lines: [["requests", "requests", 1]] },
  { title: "Error ratio", format: percent, least: 0.02, lines: [["errors", "errors", 4]] },
  {
    title: "Time to answer",
    format: duration,
    least: 0.01,
    lines: [
      ["p50", "p50", 2],
      ["p95", "p95", 1],
      ["p99", "p99", 3],
    ],
  },
];
export const HOST_PANELS = [
  { title: "CPU", format: wholePercent, least: 1, lines: [["cpu", "used", 1]] },
  { title: "Memory", format: wholePercent, least: 1, lines: [["memory", "used", 3]] },
  { title: "Disk", format: wholePercent, least: 1, lines: [["disk", "fullest file system", 2]] },
  {
    title: "Network",
    format: byteRate,
    least: 1000,
    lines: [
      ["receive", "received", 1],
      ["transmit", "sent", 2],
    ],
  },
];
const COMPARED = [
  ["requests", "Requests by release", rate, 1],
  ["errors", "Error ratio by release", percent, 0.02],
  ["p95", "p95 by release", duration, 0.01],
];

/** Asks with `load(minutes, signal)` and hands to `draw(data, minutes)`, again and again. */
class Renewal {
  constructor(load, draw, complain) {
    Object.assign(this, { load, draw, complain, timer: 0, minutes: 60, abort: null });
    this.onVisible = () => document.hidden || this.now(this.minutes);
    document.addEventListener("visibilitychange", this.onVisible);
  }

  async now(minutes) {
    this.minutes = minutes;
    clearTimeout(this.timer);
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    try {
      const data = await this.load(minutes, abort.signal);
      if (abort.signal.aborted) return;
      await this.draw(data, minutes);
      this.complain("");
    } catch (error) {
      if (abort.signal.aborted) return;
      this.complain(error.message);
    }
    if (!document.hidden)
      this.timer = setTimeout(() => this.now(this.minutes), RENEW_SECONDS[minutes] * 1000);
  }

  stop() {
    clearTimeout(this.timer);
    this.abort?.abort();
    document.removeEventListener("visibilitychange", this.onVisible);
  }
}

class Panels {
  constructor(charts) {
    this.charts = charts;
    this.problem = el("p", "problem");
    this.problem.setAttribute("role", "status");
    const grid = el("div", "charts", ...charts.map((c) => c.node));
    grid.dataset.count = charts.length;
    this.node = el("div", "", this.problem, grid);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => this.charts.forEach((chart) => chart.recolour());
    this.scheme.addEventListener("change", this.onScheme);
    this.renewal = new Renewal(
      (minutes, signal) => this.load(minutes, signal),
      (data, minutes) => this.draw(data, minutes),
      (text) => setText(this.problem, text && `Charts: ${text}`),
    );
  }

  renew(minutes) {
    return this.renewal.now(minutes);
  }

  destroy() {
    this.renewal.stop();
    this.scheme.removeEventListener("change", this.onScheme);
    this.charts.forEach((chart) => chart.destroy());
  }
}

export class SeriesPanels extends Panels {
  constructor(what, name, specs) {
    super(specs.map((s) => new TimeChart(s.title, s.format, s.least)));
    Object.assign(this, { what, name, specs });
  }

  load(minutes, signal) {
    return series(this.what, this.name, minutes, signal);
  }

  draw({ times, series: all }, minutes) {
    const lines = (spec) =>
      spec.lines.map(([key, label, colour]) => ({ label, colour, times, values: all[key] ?? [] }));
    return Promise.all(
      this.specs.map((spec, index) => this.charts[index].draw(lines(spec), minutes)),
    );
  }
}

/** Releases of one app against each other; hidden while there is only one. */
export class ComparedPanels extends Panels {
  constructor() {
    super(COMPARED.map(([, title, format, least]) => new TimeChart(title, format, least)));
    this.releases = [];
    this.section = el("section", "", el("h2", "", "Releases compared"), this.node);
    show(this.section, false);
  }

  /** Whether other releases are compared now than before. */
  compare(releases) {
    const newest = releases.slice(-MOST_COMPARED);
    const same = newest.map((r) => r.service).join() === this.releases.map((r) => r.service).join();
    this.releases = newest;
    show(this.section, newest.length > 1);
    return !same;
  }

  async load(minutes, signal) {
    const releases = this.releases.length > 1 ? this.releases : [];
    const found = await Promise.all(
      releases.map((r) => series("release", r.service, minutes, signal)),
    );
    return releases.map((release, index) => ({ release, ...found[index] }));
  }

  draw(found, minutes) {
    if (!found.length) return undefined;
    const lines = (key) =>
      found.map((f, index) => ({
        label: releaseName(f.release),
        colour: found.length - index,
        times: f.times,
        values: f.series[key] ?? [],
      }));
    return Promise.all(
      COMPARED.map(([key], index) => this.charts[index].draw(lines(key), minutes)),
    );
  }
}
