// The last look at a new release: in one line, or with all that was compared.

import { el, Keyed, setData, setText, show } from "./dom.js";
import { ago, countdown, duration, moment, percent, plain } from "./format.js";
import { badge } from "./hosts.js";
import { compared, grade, lastVerdict, namesOf } from "./walk.js";

const RESULTS = { true: ["good", "none"], false: ["worse", "critical"], null: ["–", "none"] };

/** One line: how it was found, and its numbers against the old release's. */
export function verdictLine() {
  const [found, text] = [badge(), el("span")];
  const node = el("p", "verdict-line", found.node, text);
  const update = (walk) => {
    const verdict = lastVerdict(walk);
    show(node, Boolean(verdict));
    if (!verdict) return;
    found.update(grade(verdict), verdict.verdict);
    setText(text, compared(verdict) || verdict.text);
  };
  return { node, update };
}

/** All of it; `update(walk, told)` leaves out a sentence that stands elsewhere. */
export function verdictPart() {
  const [found, when, sentence] = [badge(), el("span", "when"), el("p", "sentence")];
  const table = comparison();
  const head = el("p", "verdict-line", found.node, when);
  const node = el("div", "verdict", head, sentence, table.node);
  const update = (walk, told = "") => {
    const verdict = lastVerdict(walk);
    show(node, Boolean(verdict));
    if (!verdict) return;
    found.update(grade(verdict), verdict.verdict);
    const age = ago(verdict.at, Date.now() / 1000);
    setText(
      when,
      `last look ${age}, at ${verdict.weight} %, over ${countdown(Math.round(verdict.window))}`,
    );
    when.title = moment(verdict.at);
    setText(sentence, verdict.text);
    show(sentence, Boolean(verdict.text) && !told.includes(verdict.text));
    table.update(verdict, namesOf(walk));
  };
  return { node, update };
}

function comparison() {
  const names = ["", "", "", "by chance", "result"].map((name) => el("th", "", name));
  for (const cell of names) cell.scope = "col";
  names[0].append(el("span", "unseen", "measured"));
  names[3].title = "how often chance alone makes such a difference, or a larger one";
  const body = el("tbody");
  const table = el(
    "table",
    "releases compared",
    el("caption", "", "New against old"),
    el("thead", "", el("tr", "", ...names)),
    body,
  );
  const node = el("div", "", table);
  const rows = new Keyed(body, (r) => r.name, row);
  const update = (verdict, { new: ours, old: theirs }) => {
    setText(names[1], `${ours}, new`);
    setText(names[2], `${theirs}, old`);
    const found = lines(verdict);
    rows.update(found);
    show(node, found.length > 0);
  };
  return { node, update };
}

/** What was compared, as rows: numbers of requests, then each check. */
function lines(verdict) {
  const { new: ours, old: theirs, checks } = verdict;
  if (!checks?.length) return [];
  const requests = {
    name: "requests",
    new: ours?.requests,
    old: theirs?.requests,
    ok: null,
    format: plain,
  };
  return [requests, ...checks.map((check) => ({ ...check, format: formatOf(check.name) }))];
}

function formatOf(name) {
  if (name === "errors") return percent;
  return name === "p95" || name === "p99" ? duration : plain;
}

function row() {
  const cells = ["th", "td", "td", "td", "td"].map((name) => el(name));
  cells[0].scope = "row";
  const update = (line) => {
    const [word, level] = RESULTS[line.ok] ?? RESULTS.null;
    const { name, format, p } = line;
    const texts = [name, format(line.new), format(line.old), percent(p), word];
    texts.forEach((text, index) => setText(cells[index], text));
    setData(cells[1], "level", level);
    setData(cells[4], "level", level);
  };
  return { node: el("tr", "", ...cells), update };
}
