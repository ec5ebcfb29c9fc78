// The walk from one release of an app to the next, in words. Pure: control's plan and progress go in.

import { countdown, duration, percent } from "./format.js";

const PHASES = {
  starting: "its tasks start",
  smoke: "its smoke test runs, before its first request",
  shifting: "the edges follow",
  watching: "it is measured",
};
const BACK = ["rolled-back", "failed"];
const GRADES = { good: "well", bad: "critical", "no data": "warning" };

/** The walk that has not ended yet. */
export function underWay({ walk }) {
  return walk?.plan && !walk.progress?.outcome ? walk : null;
}

/** The last walk, when it led back and no other release has come since. */
export function turnedBack({ walk, rollout, releases }) {
  if (!walk?.plan || !BACK.includes(walk.progress?.outcome)) return null;
  const own = [walk.plan.old, walk.plan.new];
  const later = releases.some((r) => (r.weight > 0 || r.desired > 0) && !own.includes(r.service));
  return rollout || later ? null : walk;
}

/** What people call the new and the old release. */
export const namesOf = ({ plan }) => ({
  new: `r${plan.number}`,
  old: plan.old_number ? `r${plan.old_number}` : plan.old,
});

export const wasAborted = ({ progress }) => progress?.order === "abort";
export const lastVerdict = ({ progress }) => progress?.verdicts?.at(-1) ?? null;
export const grade = (verdict) => GRADES[verdict.verdict] ?? "none";

const goesBack = (walk) => wasAborted(walk) || BACK.includes(walk.progress?.ending);

/** How it goes, and how far it is: `canary, step 2 of 3: it is measured`. */
export function stage(walk) {
  const { plan, progress } = walk;
  if (!progress) return `${plan.strategy}: control is about to begin`;
  const names = namesOf(walk);
  if (goesBack(walk)) {
    return `${plan.strategy}: ${names.new} goes back to ${names.old}${why(walk)}`;
  }
  const phase =
    progress.phase === "draining"
      ? `${names.old} finishes what it has begun`
      : (PHASES[progress.phase] ?? "it goes on");
  return `${plan.strategy}${part(plan, progress)}: ${phase}`;
}

/** Who aborted it is told beside it. */
const why = (walk) =>
  walk.progress.reason && !wasAborted(walk) ? `: ${walk.progress.reason}` : "";

function part({ strategy, steps, replicas, surge }, { step }) {
  const length = strategy === "canary" ? steps.length : Math.ceil(replicas / (surge || 1));
  if (strategy === "blue-green" || length < 1) return "";
  if (step >= length) return ", after the last step";
  return `, ${strategy === "canary" ? "step" : "batch"} ${step + 1} of ${length}`;
}

/** The shares of a canary's steps and where it is: [{weight, state: done|now|next}]; none for other walks. */
export function steps({ plan, progress }) {
  if (plan.strategy !== "canary") return [];
  const weights = plan.steps.map((s) => s.weight);
  if (weights.at(-1) !== 100) weights.push(100);
  const at = progress?.step ?? -1;
  const last = Math.min(at, weights.length - 1);
  return weights.map((weight, index) => ({
    weight,
    state: index < last ? "done" : index === last ? "now" : "next",
  }));
}

/** What somebody ordered, or that it goes back: {level, text}, or null. */
export function ordered(walk) {
  const { progress } = walk;
  const by = progress?.by ? ` by ${progress.by}` : "";
  if (wasAborted(walk)) return { level: "warning", text: `aborted${by}` };
  if (progress && goesBack(walk)) return { level: "critical", text: "goes back" };
  if (progress?.paused) return { level: "warning", text: `paused${by}` };
  if (progress?.order === "promote") return { level: "none", text: `promoted${by}` };
  return null;
}

/** How long the step is still measured, or waited for; "" where nothing is timed. */
export function timeLeft(walk, now) {
  const { plan, progress } = walk;
  const pause = plan.steps?.[progress?.step]?.pause;
  if (progress?.phase !== "watching" || pause === undefined || progress.order || goesBack(walk))
    return "";
  if (progress.paused && !progress.paused_at) return "";
  const elapsed = (progress.paused ? progress.paused_at : now) - progress.since;
  const left = pause - elapsed;
  if (left > 0) return `${countdown(left)} of ${countdown(pause)} left`;
  const { on_no_data: policy, no_data_limit: limit } = plan.analysis ?? {};
  if (lastVerdict(walk)?.verdict !== "no data" || policy !== "wait" || !limit) return "";
  const more = Math.max(limit, pause) - elapsed;
  return `too few requests to judge it by; rolled back in ${countdown(more)} if that stays so`;
}

/** The numbers of the last look, new against old: `errors 5.1 % against 0.10 %, p95 480 ms against 42 ms`. */
export function compared(verdict) {
  const [ours, theirs] = [verdict.new ?? {}, verdict.old ?? {}];
  const pairs = [];
  if (ours.requests) pairs.push(["errors", percent(ours.errors / ours.requests), share(theirs)]);
  if (typeof ours.p95 === "number")
    pairs.push(["p95", duration(ours.p95), typeof theirs.p95 === "number" && duration(theirs.p95)]);
  return pairs
    .map(([name, value, other]) => `${name} ${value}${other ? ` against ${other}` : ""}`)
    .join(", ");
}

const share = ({ requests, errors }) => requests > 0 && percent(errors / requests);
