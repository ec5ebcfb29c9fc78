// Shares of traffic: a bar that reads from old to new, and above it both releases' names.

import { el, Keyed, setData, setText } from "./dom.js";
import { releaseName, wholePercent } from "./format.js";

const words = (release) => `${releaseName(release)} ${wholePercent(release.weight)}`;

export function weightBar() {
  const legend = el("p", "shares");
  legend.setAttribute("aria-hidden", "true"); // the bar's label says the same
  const bar = el("div", "weights");
  bar.setAttribute("role", "img");
  const [names, parts] = [new Keyed(legend, key, name), new Keyed(bar, key, part)];
  const update = (releases) => {
    names.update(releases);
    parts.update(releases);
    const label = `Shares of traffic: ${releases.map(words).join(", ")}`;
    if (bar.getAttribute("aria-label") !== label) bar.setAttribute("aria-label", label);
  };
  return { node: el("div", "", legend, bar), update };
}

const key = (release) => release.service;

function name() {
  const node = el("span", "share");
  const update = (release) => {
    setData(node, "role", release.role);
    setText(node, words(release));
  };
  return { node, update };
}

function part() {
  const node = el("span", "part");
  const update = (release) => {
    setData(node, "role", release.role);
    const width = `${(release.weight * 100).toFixed(1)}%`;
    if (node.style.flexBasis !== width) node.style.flexBasis = width;
  };
  return { node, update };
}
