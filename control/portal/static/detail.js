// One app or one host: its numbers, charts and events, until another address is opened.

import { el, setData, setText, show } from "./dom.js";
import { ago, byteRate, count, duration, moment, percent, rate } from "./format.js";
import { APP_LEVELS, appLink, rolloutPart } from "./apps.js";
import { badge, EDGE_WORDS, HOST_LEVELS, hostMeters } from "./hosts.js";
import { APP_PANELS, ComparedPanels, HOST_PANELS, SeriesPanels } from "./panels.js";
import { living, releaseTable } from "./releases.js";

const RANGES = [[15, "15 min"], [60, "1 h"], [360, "6 h"], [1440, "24 h"]];
const MOST_EVENTS = 15;
let minutes = 60; // kept from one view to the next

export class Detail {
  constructor(container) {
    Object.assign(this, { container, key: "", view: null });
  }

  open(what, name, overview) {
    if (this.key === `${what}/${name}`) return;
    this.close();
    this.key = `${what}/${name}`;
    this.view = what === "app" ? new AppView(name) : new HostView(name);
    this.container.replaceChildren(this.view.node);
    if (overview) this.view.update(overview);
    this.view.renew();
  }

  update(overview) {
    this.view?.update(overview);
  }

  close() {
    this.view?.destroy();
    this.container.replaceChildren();
    Object.assign(this, { key: "", view: null });
  }
}

class View {
  constructor(what, name, panels) {
    Object.assign(this, { what, name, panels });
    this.state = badge();
    this.title = el("h1", "", name);
    this.title.id = "detail-title";
    this.title.tabIndex = -1;
    this.links = el("p", "links");
    this.facts = el("dl", "facts");
    this.values = new Map();
    this.gone = el("p", "empty", `There is no ${what} of this name now.`);
    this.events = el("ol", "history");
    const back = el("a", "back", "← Overview");
    back.href = "#/";
    this.ranges = ranges(() => this.renew());
    this.head = el("div", "detail-head", back, el("div", "bar", this.title, this.state.node, this.links, this.ranges));
    this.parts = el("div", "parts");
    const events = el("section", "", el("h2", "", "Events"), this.events);
    this.node = el("div", "detail", this.head, this.gone, this.facts, this.parts, ...panels.map((p) => p.section ?? p.node), events);
    show(this.gone, false);
  }

  renew() {
    this.panels.forEach((panel) => panel.renew(minutes));
  }

  destroy() {
    this.panels.forEach((panel) => panel.destroy());
  }

  fact(name, text, level = "none") {
    let value = this.values.get(name);
    if (!value) {
      value = el("dd");
      this.values.set(name, value);
      this.facts.append(el("div", "", el("dt", "", name), value));
    }
    setText(value, text);
    setData(value, "level", level);
  }

  update(overview) {
    const things = this.what === "app" ? overview.apps : overview.hosts;
    const thing = things.find((t) => t.name === this.name);
    show(this.gone, !thing);
    show(this.state.node, Boolean(thing));
    this.updateEvents(overview.events);
    if (thing) this.tell(thing);
  }

  updateEvents(events) {
    const own = events.filter((e) => e.subject === this.name).slice(0, MOST_EVENTS);
    const key = own.map((e) => e.id + ago(e.time, Date.now() / 1000)).join();
    if (key === this.shown) return;
    this.shown = key;
    this.events.replaceChildren(...own.map(eventLine));
    if (!own.length) this.events.append(el("li", "empty", "None lately."));
  }
}

class AppView extends View {
  constructor(name) {
    const compared = new ComparedPanels();
    super("app", name, [new SeriesPanels("app", name, APP_PANELS), compared]);
    this.compared = compared;
    this.rollout = rolloutPart();
    this.releases = releaseTable("Releases");
    this.parts.append(this.rollout.node, this.releases.node);
    this.urls = [];
  }

  tell(app) {
    this.state.update(APP_LEVELS[app.state] ?? "none", app.state);
    if (this.urls.join() !== app.urls.join()) {
      this.urls = app.urls;
      this.links.replaceChildren(...app.urls.map((url) => {
        const link = appLink();
        link.update(url);
        return link.node;
      }));
    }
    const { running, desired } = app.replicas;
    this.fact("Requests", rate(app.requests));
    this.fact("Errors", percent(app.errors), app.errors >= 0.05 ? "critical" : app.errors >= 0.01 ? "warning" : "none");
    this.fact("p50", duration(app.p50));
    this.fact("p95", duration(app.p95));
    this.fact("p99", duration(app.p99));
    this.fact("Tasks", `${running} of ${desired}`, running < desired ? "warning" : "none");
    this.rollout.update(app);
    this.releases.update(app.rollout ? [] : [...app.releases].sort((a, b) => b.created - a.created));
    if (this.compared.compare(living(app))) this.compared.renew(minutes);
  }
}

class HostView extends View {
  constructor(name) {
    super("host", name, [new SeriesPanels("host", name, HOST_PANELS)]);
    this.meters = hostMeters();
    this.parts.append(this.meters.node);
  }

  tell(host) {
    this.state.update(HOST_LEVELS[host.state] ?? "none", host.state);
    this.fact("Role", host.leader ? `${host.role}, leader` : host.role);
    this.fact("Zone", host.zone || "–");
    this.fact("Tasks", count(host.tasks, "task"));
    this.fact("Edge", (EDGE_WORDS[host.edge] ?? host.edge).replace(/^edge /, ""), host.edge === "current" ? "none" : "warning");
    this.fact("Received", byteRate(host.receive));
    this.fact("Sent", byteRate(host.transmit));
    this.meters.update(host);
  }
}

function ranges(onChange) {
  const buttons = RANGES.map(([value, text]) => {
    const button = el("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => {
      minutes = value;
      mark();
      onChange();
    });
    return button;
  });
  const mark = () => buttons.forEach((b, index) => b.setAttribute("aria-pressed", String(RANGES[index][0] === minutes)));
  mark();
  const node = el("div", "ranges", ...buttons);
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", "Time shown");
  return node;
}

function eventLine(event) {
  const time = el("time", "", ago(event.time, Date.now() / 1000));
  time.dateTime = new Date(event.time * 1000).toISOString();
  time.title = moment(event.time);
  return el("li", "", time, el("span", "kind", event.kind), el("span", "text", event.text));
}
