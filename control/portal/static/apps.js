// Apps as rows: those that need somebody first, then by name.

import { byId, el, Keyed, safeUrl, setAttribute, setData, setText, show } from "./dom.js";
import { elasticPart, isAsleep } from "./elastic.js";
import { duration, percent, rate, releaseName } from "./format.js";
import { badge } from "./hosts.js";
import { living } from "./releases.js";
import { backPart, rolloutPart } from "./rollout.js";
import { turnedBack } from "./walk.js";

const APP_LEVELS = { well: "well", degraded: "warning", down: "critical", stopped: "none" };
const RANK = { down: 0, degraded: 1 };
const CELLS = ["requests", "errors", "p50", "p95", "p99", "tasks", "release"];

export class Apps {
  constructor(container) {
    this.apps = [];
    this.filter = byId("apps-filter");
    this.unwell = byId("apps-unwell");
    const names = CELLS.map((name) => el("span", "cell", name));
    const head = el("div", "head", el("span", "", "app"), el("div", "numbers", ...names));
    head.setAttribute("aria-hidden", "true");
    const list = el("div", "list");
    container.append(head, list);
    this.rows = new Keyed(list, (a) => a.name, row);
    for (const [node, event] of [
      [this.filter, "input"],
      [this.unwell, "change"],
    ]) {
      node.addEventListener(event, () => this.apply());
    }
  }

  update({ apps }) {
    const order = (a) => RANK[a.state] ?? (a.rollout || turnedBack(a) ? 2 : 3);
    this.apps = [...apps].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name));
    this.rows.update(this.apps);
    this.apply();
  }

  apply() {
    const text = this.filter.value.trim().toLowerCase();
    let shown = 0;
    for (const app of this.apps) {
      const visible =
        app.name.toLowerCase().includes(text) &&
        !(this.unwell.checked && ["well", "stopped"].includes(app.state));
      show(this.rows.parts.get(app.name).node, visible);
      shown += visible;
    }
    setText(
      byId("apps-count"),
      shown === this.apps.length ? shown : `${shown} of ${this.apps.length}`,
    );
    setText(
      byId("apps-empty"),
      this.apps.length ? "No app fits the filter." : "There are no apps yet.",
    );
    show(byId("apps-empty"), shown === 0);
  }
}

/** How an app is: the level of a badge, and its word. */
export const stateOf = (app) =>
  isAsleep(app) ? ["none", "asleep"] : [APP_LEVELS[app.state] ?? "none", app.state];

/** A link to the app itself, in a new tab. */
export function appLink() {
  const node = el("a", "url");
  node.target = "_blank";
  node.rel = "noreferrer";
  const update = (url) => {
    const safe = safeUrl(url);
    show(node, Boolean(safe));
    setAttribute(node, "href", safe || null);
    setText(node, safe.replace(/^https?:\/\//, "").replace(/\/$/, ""));
  };
  return { node, update };
}

function cell(name) {
  const value = el("dd");
  return { node: el("div", `cell ${name}`, el("dt", "", name), value), value };
}

function row(first) {
  const link = el("a", "name", first.name);
  link.href = `#/app/${encodeURIComponent(first.name)}`;
  const state = badge();
  const url = appLink();
  const cells = CELLS.map(cell);
  const parts = [rolloutPart(), backPart(), elasticPart()];
  const main = el(
    "div",
    "main",
    el("div", "who", el("h3", "", link), state.node, url.node),
    el("dl", "numbers", ...cells.map((c) => c.node)),
  );
  const node = el("article", "app", main, ...parts.map((part) => part.node));
  const update = (app) => {
    state.update(...stateOf(app));
    setData(node, "state", app.state);
    url.update(app.urls[0]);
    const { running, desired } = app.replicas;
    const texts = [
      rate(app.requests),
      percent(app.errors),
      duration(app.p50),
      duration(app.p95),
      duration(app.p99),
      `${running}/${desired}`,
      releaseWords(app),
    ];
    texts.forEach((text, index) => setText(cells[index].value, text));
    setData(
      cells[1].value,
      "level",
      app.errors >= 0.05 ? "critical" : app.errors >= 0.01 ? "warning" : "none",
    );
    setData(cells[5].value, "level", running < desired ? "warning" : "none");
    for (const part of parts) part.update(app);
  };
  return { node, update };
}

function releaseWords(app) {
  const releases = living(app);
  return releases.length ? releases.map(releaseName).join(" → ") : "–";
}
