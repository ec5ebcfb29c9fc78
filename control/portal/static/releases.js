// The releases of an app: what each is doing, a bar of their weights, and a table of their numbers.

import { el, Keyed, setAttribute, setData, setText, show } from "./dom.js";
import { ago, duration, moment, percent, rate, releaseName, wholePercent } from "./format.js";
import { turnedBack, underWay } from "./walk.js";

const NAMES = [
  "release",
  "state",
  "weight",
  "tasks",
  "requests",
  "errors",
  "p95",
  "failures",
  "made",
];
const [, , , TASKS, , ERRORS, , FAILURES, MADE] = NAMES.keys();

const lives = (r) => r.weight > 0 || r.running > 0 || r.desired > 0 || r.pending > 0;

/**
 * All of them, the newest last, each with its `role` (new or old) and its `state` in a word. Numbers of
 * those that are out of play are known from the last walk alone.
 */
export function releasesOf(app) {
  const { plan } = app.walk ?? {};
  const numbers = plan ? { [plan.old]: plan.old_number, [plan.new]: plan.number } : {};
  const coming = underWay(app)?.plan.new;
  const sorted = [...app.releases].sort(
    (a, b) => (a.service === coming) - (b.service === coming) || a.created - b.created,
  );
  const newest = sorted.findLast(lives)?.service;
  return sorted.map((r) => ({
    ...r,
    number: r.number ?? numbers[r.service] ?? null,
    role: r.service === (coming ?? newest) ? "new" : "old",
    state: stateOf(r, app),
  }));
}

/** Those that have traffic or tasks. */
export const living = (app) => releasesOf(app).filter(lives);

/** Those between which a rollout goes, though one may have nothing yet. */
export function involved(app) {
  const { plan } = underWay(app) ?? {};
  return releasesOf(app).filter(
    (r) => lives(r) || r.service === plan?.new || r.service === plan?.old,
  );
}

function stateOf(release, app) {
  const walk = underWay(app);
  if (release.service === walk?.plan.new) return walk.plan.strategy === "canary" ? "canary" : "new";
  if (release.service === walk?.plan.old) return "old";
  if (release.weight > 0) {
    if (release.desired > 0) return "serving";
    return app.elastic ? "asleep" : "stopped";
  }
  if (lives(release)) return release.running > 0 ? "running" : "starting";
  const back = turnedBack(app);
  if (release.service !== back?.plan.new) return "parked";
  return back.progress.outcome === "failed" ? "failed" : "rolled back";
}

const shareWords = (release) => `${releaseName(release)} ${wholePercent(release.weight)}`;

/** Shares of traffic: a bar that reads from old to new, and above it the names. */
export function weightBar() {
  const legend = el("p", "shares");
  legend.setAttribute("aria-hidden", "true"); // the bar's label says the same
  const bar = el("div", "weights");
  bar.setAttribute("role", "img");
  const [names, parts] = [new Keyed(legend, key, shareName), new Keyed(bar, key, sharePart)];
  const update = (releases) => {
    names.update(releases);
    parts.update(releases);
    setAttribute(bar, "aria-label", `Shares of traffic: ${releases.map(shareWords).join(", ")}`);
  };
  return { node: el("div", "", legend, bar), update };
}

const key = (release) => release.service;

function shareName() {
  const node = el("span", "share");
  const update = (release) => {
    setData(node, "role", release.role);
    setText(node, shareWords(release));
  };
  return { node, update };
}

function sharePart() {
  const node = el("span", "part");
  const update = (release) => {
    setData(node, "role", release.role);
    const width = `${(release.weight * 100).toFixed(1)}%`;
    if (node.style.flexBasis !== width) node.style.flexBasis = width;
  };
  return { node, update };
}

/** How a parked release comes back; without a number it is the one that served last. */
export function parkedHint() {
  const [command, node] = [
    el("code"),
    el("p", "hint", "Parked releases have no tasks. One comes back with "),
  ];
  node.append(command);
  const update = (app, releases) => {
    const parked = releases.filter((r) => r.state === "parked");
    const named = parked.find((r) => r.number);
    show(node, parked.length > 0);
    setText(command, `horcrux rollback ${app}${named ? ` ${releaseName(named)}` : ""}`);
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
    setData(node, "role", r.role);
    const pending = r.pending ? `, ${r.pending} waiting` : "";
    const texts = [
      releaseName(r),
      r.state,
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
    cells[MADE].title = moment(r.created);
    setData(cells[TASKS], "level", r.running < r.desired ? "warning" : "none");
    setData(
      cells[ERRORS],
      "level",
      r.errors >= 0.05 ? "critical" : r.errors >= 0.01 ? "warning" : "none",
    );
    setData(cells[FAILURES], "level", r.failures > 0 ? "warning" : "none");
  };
  return { node, update };
}
