// How it all is, in one word, and why: the reasons that the words at the top give.

import { count } from "./format.js";

export const WORDS = { well: "All well", warning: "Needs a look", critical: "Act now" };

/** {level, reasons: [{level, text, href}]}; a silenced alert is no reason, for somebody knows. */
export function judge(overview) {
  const reasons = [
    ...alerts(overview.alerts),
    ...overview.hosts.flatMap(host),
    ...overview.apps.flatMap(app),
  ];
  if (!overview.monitoring?.answering) {
    const text =
      "Monitoring does not answer: numbers and alerts are missing, traffic is not affected by that";
    reasons.push({ level: "warning", text, href: "" });
  }
  const level = ["critical", "warning"].find((l) => reasons.some((r) => r.level === l)) || "well";
  return { level, reasons: reasons.sort((a, b) => rank(a) - rank(b)) };
}

const rank = (reason) => (reason.level === "critical" ? 0 : 1);

function alerts(all) {
  return ["critical", "warning"].flatMap((level) => {
    const number = all.filter((a) => a.severity === level && !a.silenced).length;
    return number ? [{ level, text: count(number, `${level} alert`), href: "" }] : [];
  });
}

function host({ name, state, edge }) {
  const href = `#/host/${encodeURIComponent(name)}`;
  if (state === "down") return [{ level: "critical", text: `Host ${name} is down`, href }];
  if (state === "unknown") return [{ level: "warning", text: `Host ${name}: state unknown`, href }];
  if (state !== "ready") return [];
  if (edge === "refused")
    return [{ level: "warning", text: `Edge of ${name} refused its configuration`, href }];
  if (edge === "missing") return [{ level: "warning", text: `Host ${name} has no edge`, href }];
  return [];
}

function app({ name, state }) {
  const href = `#/app/${encodeURIComponent(name)}`;
  if (state === "down") return [{ level: "critical", text: `App ${name} is down`, href }];
  if (state === "degraded") return [{ level: "warning", text: `App ${name} is degraded`, href }];
  return [];
}
