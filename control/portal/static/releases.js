// The releases of an app side by side: a bar of their weights, and a table of their numbers.

import { el, Keyed, setData, setText, show } from "./dom.js";
import { ago, duration, moment, percent, rate, releaseName, wholePercent } from "./format.js";

const NAMES = ["release", "weight", "tasks", "requests", "errors", "p95", "failures", "made"];

/** Those that have traffic or tasks, the newest last: a bar reads from old to new. */
export const living = (app) =>
  app.releases
    .filter((r) => r.weight > 0 || r.running > 0 || r.desired > 0 || r.pending > 0)
    .sort((a, b) => a.created - b.created);

export function weightBar() {
  const node = el("div", "weights");
  node.setAttribute("role", "img");
  const parts = new Keyed(
    node,
    (r) => r.service,
    () => {
      const text = el("span");
      const part = el("span", "part", text);
      const update = (release) => {
        const width = `${(release.weight * 100).toFixed(1)}%`;
        if (part.style.flexBasis !== width) part.style.flexBasis = width;
        setText(
          text,
          release.weight >= 0.15 ? `${releaseName(release)} ${wholePercent(release.weight)}` : "",
        );
      };
      return { node: part, update };
    },
  );
  const update = (releases) => {
    parts.update(releases);
    const words = releases.map((r) => `${releaseName(r)} ${wholePercent(r.weight)}`).join(", ");
    node.setAttribute("aria-label", `Shares of traffic: ${words}`);
  };
  return { node, update };
}

export function releaseTable(caption) {
  const body = el("tbody");
  const head = el(
    "tr",
    "",
    ...NAMES.map((name) => Object.assign(el("th", "", name), { scope: "col" })),
  );
  const table = el("table", "releases", el("caption", "", caption), el("thead", "", head), body);
  const node = el("div", "scroll", table);
  node.tabIndex = 0;
  node.setAttribute("role", "region");
  node.setAttribute("aria-label", caption);
  const rows = new Keyed(body, (r) => r.service, row);
  const update = (releases) => {
    show(node, releases.length > 0);
    rows.update(releases);
  };
  return { node, update };
}

function row() {
  const cells = NAMES.map((name, index) => el(index ? "td" : "th"));
  cells[0].scope = "row";
  const node = el("tr", "", ...cells);
  const update = (r) => {
    setData(node, "idle", r.weight > 0 ? "no" : "yes");
    const pending = r.pending ? `, ${r.pending} waiting` : "";
    const texts = [
      releaseName(r),
      wholePercent(r.weight),
      `${r.running}/${r.desired}${pending}`,
      rate(r.requests),
      percent(r.errors),
      duration(r.p95),
      r.failures ?? "–",
      ago(r.created, Date.now() / 1000),
    ];
    texts.forEach((text, index) => setText(cells[index], text));
    cells[0].title = r.service;
    cells[7].title = moment(r.created);
    setData(cells[2], "level", r.running < r.desired ? "warning" : "none");
    setData(
      cells[4],
      "level",
      r.errors >= 0.05 ? "critical" : r.errors >= 0.01 ? "warning" : "none",
    );
    setData(cells[6], "level", r.failures > 0 ? "warning" : "none");
  };
  return { node, update };
}
