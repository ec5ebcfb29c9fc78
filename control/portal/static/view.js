// What the views of an app and of a host have in common: title, range, facts, charts and events.

import { el, setData, setText, show } from "./dom.js";
import { ago, moment } from "./format.js";
import { badge } from "./hosts.js";

const RANGES = [
  [15, "15 min"],
  [60, "1 h"],
  [360, "6 h"],
  [1440, "24 h"],
];
const MOST_EVENTS = 15;
let minutes = 60; // kept from one view to the next

export class View {
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
    this.head = el(
      "div",
      "detail-head",
      back,
      el("div", "bar", this.title, this.state.node, this.links, this.ranges),
    );
    this.parts = el("div", "parts");
    const events = el("section", "", el("h2", "", "Events"), this.events);
    this.node = el(
      "div",
      "detail",
      this.head,
      this.gone,
      this.facts,
      this.parts,
      ...panels.map((p) => p.section ?? p.node),
      events,
    );
    show(this.gone, false);
  }

  renew() {
    this.panels.forEach((panel) => this.renewPanel(panel));
  }

  renewPanel(panel) {
    return panel.renew(minutes);
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
  const mark = () =>
    buttons.forEach((b, index) =>
      b.setAttribute("aria-pressed", String(RANGES[index][0] === minutes)),
    );
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
