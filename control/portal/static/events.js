// What happened, newest first; kept for as long as the page is open, within a limit.

import { byId, el, Keyed, setAttribute, setData, setText, show } from "./dom.js";
import { ago, moment } from "./format.js";

const MOST = 200; // a few hours of a quiet day; all of them are in control's log
const RENEW_SECONDS = 10; // how often "3 min ago" is looked at again

export class Events {
  constructor(container) {
    this.events = new Map();
    this.overview = { hosts: [], apps: [] };
    this.kind = byId("events-kind");
    this.subject = byId("events-subject");
    this.rows = new Keyed(container, (e) => e.id, row);
    this.kind.addEventListener("change", () => this.render());
    this.subject.addEventListener("input", () => this.render());
    setInterval(() => this.render(), RENEW_SECONDS * 1000);
  }

  update({ events, hosts, apps }) {
    const places = new Map([
      ...hosts.map((h) => [h.name, "host"]),
      ...apps.map((a) => [a.name, "app"]),
    ]);
    const before = this.events.size;
    for (const event of events) {
      if (!this.events.has(event.id))
        this.events.set(event.id, { ...event, place: places.get(event.subject) });
    }
    if (this.events.size === before) return;
    const newest = [...this.events.values()].sort((a, b) => b.time - a.time).slice(0, MOST);
    this.events = new Map(newest.map((event) => [event.id, event]));
    this.offerKinds(newest);
    this.render();
  }

  offerKinds(events) {
    const offered = new Set([...this.kind.options].map((option) => option.value));
    for (const kind of [...new Set(events.map((e) => e.kind))].sort()) {
      if (!offered.has(kind)) this.kind.append(new Option(kind, kind));
    }
  }

  render() {
    const text = this.subject.value.trim().toLowerCase();
    const fits = (e) =>
      (!this.kind.value || e.kind === this.kind.value) &&
      (e.subject || "").toLowerCase().includes(text);
    const shown = [...this.events.values()].filter(fits);
    this.rows.update(shown);
    setText(
      byId("events-empty"),
      this.events.size ? "No event fits the filter." : "Nothing has happened yet.",
    );
    show(byId("events-empty"), shown.length === 0);
  }
}

const LEVELS = { info: "none", warning: "warning", error: "critical" };

function row(event) {
  const time = el("time");
  time.dateTime = new Date(event.time * 1000).toISOString();
  const subject = el(event.place ? "a" : "span", "subject", event.subject || "");
  if (event.place) subject.href = `#/${event.place}/${encodeURIComponent(event.subject)}`;
  const shape = el("span", "shape");
  shape.setAttribute("role", "img");
  shape.setAttribute("aria-label", event.level);
  const node = el(
    "li",
    "event",
    shape,
    el(
      "div",
      "",
      el("p", "line", el("span", "kind", event.kind), subject, time),
      el("p", "text", event.text),
    ),
  );
  setData(node, "level", LEVELS[event.level] ?? "none");
  setAttribute(time, "title", moment(event.time));
  const update = () => setText(time, ago(event.time, Date.now() / 1000));
  return { node, update };
}
