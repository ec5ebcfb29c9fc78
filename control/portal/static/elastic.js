// An app whose number of tasks follows its load: how many it has and wants, and why.

import { el, setText, show } from "./dom.js";
import { count } from "./format.js";
import { badge } from "./hosts.js";

const LIMITS = { max: "at its maximum", room: "no room on the hosts" };

/** An elastic app that nothing asks may have no task: the first request wakes it. */
export const isAsleep = ({ elastic, state }) => Boolean(elastic) && state === "stopped";

export function elasticPart() {
  const [numbers, limit, reason] = [el("span", "numbers-now"), badge(), el("span", "reason")];
  const node = el("p", "elastic", numbers, limit.node, reason);
  const update = ({ elastic, replicas }) => {
    show(node, Boolean(elastic));
    if (!elastic) return;
    setText(numbers, words(elastic, replicas));
    show(limit.node, Boolean(elastic.limited));
    limit.update("warning", LIMITS[elastic.limited] ?? "limited");
    setText(reason, elastic.reason || "");
  };
  return { node, update };
}

function words({ min, max, wanted }, { running, desired }) {
  const coming = running === desired ? "" : ` (${desired} ordered)`;
  return `Elastic: ${count(running, "task")} now${coming}, ${wanted} wanted, ${min} to ${max} allowed`;
}
