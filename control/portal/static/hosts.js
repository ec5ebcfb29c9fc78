// Hosts as cards.

import { byId, el, Keyed, setAttribute, setData, setText, show } from "./dom.js";
import { byteRate, bytes, count } from "./format.js";
import { meter } from "./meter.js";

export const HOST_LEVELS = { ready: "well", down: "critical", unknown: "warning", drained: "none" };
export const EDGE_WORDS = {
  current: "edge current",
  refused: "edge refused its configuration",
  missing: "no edge",
};

export class Hosts {
  constructor(container) {
    this.cards = new Keyed(container, (h) => h.name, card);
  }

  update({ hosts }) {
    setText(byId("hosts-count"), hosts.length);
    this.cards.update(hosts);
  }
}

export function badge(className = "badge") {
  const word = el("span");
  const shape = el("span", "shape");
  shape.setAttribute("aria-hidden", "true");
  const node = el("span", className, shape, word);
  const update = (level, text) => {
    setData(node, "level", level);
    setText(word, text);
  };
  return { node, update };
}

/** CPU, memory and disk; also in the detail view. */
export function hostMeters() {
  const [cpu, memory, disk] = ["CPU", "Memory", "Disk"].map(meter);
  const node = el("div", "meters", cpu.node, memory.node, disk.node);
  const update = (host) => {
    const known = typeof host.memory === "number" && host.memory_limit > 0;
    cpu.update(host.cpu, typeof host.cpus === "number" ? `of ${count(host.cpus, "CPU")}` : "");
    memory.update(
      known ? host.memory / host.memory_limit : null,
      known ? `${bytes(host.memory)} / ${bytes(host.memory_limit)}` : bytesOr(host.memory),
    );
    disk.update(host.disk, typeof host.disk === "number" ? "fullest file system" : "");
  };
  return { node, update };
}

const bytesOr = (value) => (typeof value === "number" ? bytes(value) : "");

function card(first) {
  const link = el("a", "", first.name);
  link.href = `#/host/${encodeURIComponent(first.name)}`;
  const state = badge();
  const role = el("span");
  const leader = el("span", "chip", "leader");
  const meters = hostMeters();
  const [tasks, edge, network] = [el("span"), el("span"), el("span", "network")];
  const title = el("h3", "", link);
  const node = el(
    "article",
    "host",
    el("header", "", title, state.node),
    el("p", "role", role, leader),
    meters.node,
    el("footer", "", tasks, edge, network),
  );
  const update = (host) => {
    setData(node, "state", host.state);
    state.update(HOST_LEVELS[host.state] ?? "none", host.state);
    setText(role, `${host.role} · zone ${host.zone || "–"}`);
    show(leader, Boolean(host.leader));
    meters.update(host);
    setText(tasks, count(host.tasks, "task"));
    setText(edge, EDGE_WORDS[host.edge] ?? `edge ${host.edge}`);
    setData(edge, "level", host.edge === "current" ? "well" : "warning");
    setText(network, `↓ ${byteRate(host.receive)}  ↑ ${byteRate(host.transmit)}`);
    setAttribute(network, "title", "received and sent");
  };
  return { node, update };
}
