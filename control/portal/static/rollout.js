// A rollout under way: how far it is, and both releases side by side; and one that led back.

import { el, Keyed, setAttribute, setData, setText, show } from "./dom.js";
import { ago, moment, span } from "./format.js";
import { badge } from "./hosts.js";
import { involved, releaseTable, weightBar } from "./releases.js";
import { verdictLine, verdictPart } from "./verdict.js";
import {
  namesOf,
  ordered,
  stage,
  steps,
  timeLeft,
  turnedBack,
  underWay,
  wasAborted,
} from "./walk.js";

const MARKS = { done: "✓", now: "●", next: "○" };
const SAID = { done: "done", now: "under way", next: "to come" };

/** `full`: for the app's own view, which also tells changes to a screen reader. */
export function rolloutPart(full = false) {
  const [title, order] = [el("p", "under-way"), badge()];
  const [how, left] = [el("span"), el("span", "left")];
  const track = stepTrack();
  const bar = weightBar();
  const table = releaseTable("Releases side by side");
  const verdict = full ? verdictPart() : verdictLine();
  const said = el("p", "stage", how, order.node);
  if (full) said.setAttribute("role", "status");
  const where = el("div", "where", said, left);
  const node = el("div", "rollout", title, where, track.node, bar.node, table.node, verdict.node);
  const update = (app) => {
    const walk = underWay(app);
    show(node, Boolean(app.rollout || walk));
    if (node.hidden) return;
    setText(title, headline(app, walk));
    show(where, Boolean(walk));
    if (walk) {
      setText(how, stage(walk));
      const asked = ordered(walk);
      show(order.node, Boolean(asked));
      if (asked) order.update(asked.level, asked.text);
      setText(left, timeLeft(walk, Date.now() / 1000));
    }
    track.update(full && walk ? steps(walk) : []);
    const releases = involved(app);
    bar.update(releases);
    table.update(releases);
    verdict.update(walk ?? {});
  };
  return { node, update };
}

function headline({ rollout }, walk) {
  const names = walk && namesOf(walk);
  const seconds = rollout?.seconds ?? Date.now() / 1000 - walk.plan.began;
  const from = names?.old ?? (rollout.from || "nothing");
  return `Rollout under way: ${from} → ${names?.new ?? rollout.to}, for ${span(seconds)}`;
}

function stepTrack() {
  const node = el("ol", "steps");
  node.setAttribute("aria-label", "Steps, in percent of the requests");
  const items = new Keyed(node, (s) => s.index, step);
  const update = (found) => {
    show(node, found.length > 0);
    items.update(found.map((s, index) => ({ ...s, index })));
  };
  return { node, update };
}

function step() {
  const [mark, weight, state] = [el("span", "mark"), el("span"), el("span", "unseen")];
  mark.setAttribute("aria-hidden", "true");
  const node = el("li", "", mark, weight, state);
  const update = (s) => {
    setData(node, "state", s.state);
    setAttribute(node, "aria-current", s.state === "now" ? "step" : null);
    setText(mark, MARKS[s.state]);
    setText(weight, `${s.weight} %`);
    setText(state, `, ${SAID[s.state]}`);
  };
  return { node, update };
}

/** The release that was rolled back, or failed, and why; until the next one. */
export function backPart(full = false) {
  const [word, text, when] = [badge(), el("span"), el("time", "since")];
  const reason = el("p", "reason");
  const verdict = full ? verdictPart() : null;
  const title = el("p", "under-way", word.node, text, when);
  if (full) title.setAttribute("role", "status");
  const node = el("div", "rollout turned", title, reason, ...(full ? [verdict.node] : []));
  const update = (app) => {
    const walk = turnedBack(app);
    show(node, Boolean(walk));
    if (!walk) return;
    const { progress } = walk;
    const names = namesOf(walk);
    const failed = progress.outcome === "failed";
    setData(node, "level", wasAborted(walk) ? "none" : "critical");
    word.update(wasAborted(walk) ? "none" : "critical", failed ? "failed" : "rolled back");
    setText(text, `${names.new} did not take over; ${names.old} serves`);
    setText(when, ago(progress.since, Date.now() / 1000));
    setAttribute(when, "title", moment(progress.since));
    setText(reason, progress.reason || "No reason was noted.");
    verdict?.update(walk, progress.reason);
  };
  return { node, update };
}
