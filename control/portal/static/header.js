// The top of the page: how it all is, how old that is, and whether the connection holds.

import { byId, el, Keyed, setAttribute, setData, setText, show } from "./dom.js";
import { isAsleep } from "./elastic.js";
import { ago, count, NONE, rate, timeWithSeconds } from "./format.js";
import { WORDS } from "./judge.js";

const OLD_SECONDS = 20; // news comes every 2 to 5 s: by then it is no hiccup
const MOST_REASONS = 6; // more than that nobody reads at a glance

export class Header {
  constructor() {
    this.time = null;
    this.isLive = false;
    this.lostAt = null;
    this.ever = false;
    this.reasons = new Keyed(byId("summary-reasons"), (r) => r.text, reason);
    setInterval(() => this.tick(), 1000);
  }

  update(overview, { level, reasons }) {
    this.time = overview.time;
    setData(byId("state"), "level", level);
    setText(byId("state-word"), WORDS[level]);
    setData(byId("summary"), "level", level);
    setText(byId("summary-title"), TITLES[level]);
    setText(byId("summary-text"), facts(overview));
    const shown = reasons.slice(0, MOST_REASONS);
    const more = reasons.length - shown.length;
    this.reasons.update(
      more ? [...shown, { level: "none", text: `and ${more} more`, href: "" }] : shown,
    );
    const bad = reasons.filter((r) => r.level === level).length;
    const mark = level === "well" ? "" : `(${bad}) `;
    const title = `${mark}${WORDS[level]} · ${overview.environment} · Horcrux`;
    if (document.title !== title) document.title = title;
    this.tick();
  }

  live(isLive) {
    if (isLive === this.isLive && this.ever) return;
    this.isLive = isLive;
    this.ever = true;
    this.lostAt = isLive ? null : (this.lostAt ?? Date.now() / 1000);
    this.tick();
  }

  complain(text) {
    setText(byId("lost"), text);
    show(byId("lost"), true);
  }

  tick() {
    const now = Date.now() / 1000;
    const old = this.time !== null && now - this.time > OLD_SECONDS;
    const lost = this.ever && !this.isLive;
    setData(byId("pulse"), "live", lost ? "no" : old ? "old" : this.isLive ? "yes" : "no");
    setText(byId("pulse-word"), this.word(now, lost));
    setData(document.body, "stale", lost || old ? "yes" : "no");
    show(byId("lost"), lost || old);
    if (lost) {
      const age =
        this.time === null
          ? "Nothing has come yet."
          : `What you see is from ${timeWithSeconds(this.time)}.`;
      setText(
        byId("lost"),
        `Connection lost at ${timeWithSeconds(this.lostAt)}. ${age} Trying again by itself…`,
      );
    } else if (old) {
      const since = timeWithSeconds(this.time);
      setText(
        byId("lost"),
        `No news since ${since}. The connection holds, but control knows nothing newer.`,
      );
    }
  }

  word(now, lost) {
    if (this.time === null) return lost ? "no connection" : "connecting";
    return `${lost ? "not live" : "live"} · ${ago(this.time, now)}`;
  }
}

const TITLES = {
  well: "All is well",
  warning: "Something needs a look",
  critical: "Something needs you now",
};

function facts({ hosts, apps, alerts }) {
  const ready = hosts.filter((h) => h.state === "ready").length;
  const well = apps.filter((a) => a.state === "well" || isAsleep(a)).length;
  const rates = apps.map((a) => a.requests).filter((r) => typeof r === "number");
  const open = alerts.filter((a) => !a.silenced).length;
  const silenced = alerts.length - open;
  const parts = [
    `${ready} of ${count(hosts.length, "host")} ready`,
    `${well} of ${count(apps.length, "app")} well`,
    `${rates.length ? rate(rates.reduce((a, b) => a + b, 0)).replace("/s", "") : NONE} requests/s`,
    `${open ? count(open, "alert") : "no alerts"}${silenced ? `, ${silenced} silenced` : ""}`,
  ];
  const rollouts = apps.filter((a) => a.rollout).length;
  if (rollouts) parts.push(`${count(rollouts, "rollout")} under way`);
  return parts.join("  ·  ");
}

function reason({ text }) {
  const link = el("a", "", text);
  const node = el("li", "", link);
  const update = (item) => {
    setData(node, "level", item.level);
    setAttribute(link, "href", item.href || null);
  };
  return { node, update };
}
