// A bar with its name and number: CPU, memory, disk.

import { el, setAttribute, setData, setText } from "./dom.js";
import { wholePercent } from "./format.js";

const HIGH = 0.8; // worth a look
const FULL = 0.92; // about to fail

export function meter(name) {
  const value = el("span", "value");
  const detail = el("span", "of");
  const fill = el("span", "fill");
  const track = el("span", "track", fill);
  const node = el("div", "meter", el("span", "name", name), detail, value, track);
  track.setAttribute("role", "meter");
  track.setAttribute("aria-label", name);
  track.setAttribute("aria-valuemin", 0);
  track.setAttribute("aria-valuemax", 100);
  const update = (share, of = "") => {
    const known = typeof share === "number";
    const part = known ? Math.min(1, Math.max(0, share)) : 0;
    const width = `${(part * 100).toFixed(1)}%`;
    if (fill.style.width !== width) fill.style.width = width;
    setData(
      node,
      "level",
      !known ? "none" : part >= FULL ? "full" : part >= HIGH ? "high" : "well",
    );
    setAttribute(track, "aria-valuenow", Math.round(part * 100));
    setAttribute(
      track,
      "aria-valuetext",
      known ? `${wholePercent(share)} ${of}`.trim() : "not known",
    );
    setText(value, wholePercent(share));
    setText(detail, of);
  };
  return { node, update };
}
