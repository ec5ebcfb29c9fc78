// Alerts, the worst first, and the way to silence one.

import { silence } from "./api.js";
import { byId, el, Keyed, safeUrl, setAttribute, setData, setText, show } from "./dom.js";
import { moment, span } from "./format.js";

const SECONDS = 3600;
const RANK = { critical: 0, warning: 1, info: 2 };
const WORDS = { critical: "Critical", warning: "Warning", info: "Info" };

export class Alerts {
  constructor(container) {
    this.dialog = new Dialog();
    this.cards = new Keyed(
      container,
      (a) => a.fingerprint,
      (a) => card(a, this.dialog),
    );
  }

  update({ alerts }) {
    const order = (a) => (a.silenced ? 10 : 0) + (RANK[a.severity] ?? 3);
    const sorted = [...alerts].sort((a, b) => order(a) - order(b) || b.since - a.since);
    show(byId("alerts-section"), alerts.length > 0);
    setText(byId("alerts-count"), alerts.length);
    this.cards.update(sorted);
  }
}

function card(first, dialog) {
  const word = el("span", "severity");
  const since = el("time", "since");
  const title = el("h3");
  const text = el("p", "description");
  const labels = el("p", "labels");
  const runbook = el("p", "runbook");
  const button = el("button", "quiet", "Silence for 1 h");
  button.type = "button";
  const side = el("div", "side", button);
  const node = el(
    "article",
    "alert",
    el(
      "div",
      "body",
      el("div", "line", word, title),
      text,
      el("p", "foot", since, labels, runbook),
    ),
    side,
  );
  let alert = first;
  button.addEventListener("click", () => dialog.ask(alert));
  const update = (item) => {
    alert = item;
    const known = WORDS[item.severity] || item.severity;
    setData(node, "severity", item.severity);
    setData(node, "silenced", item.silenced ? "yes" : "no");
    setText(word, item.silenced ? `${known}, silenced` : known);
    setText(title, item.summary || item.name);
    setText(text, item.description);
    setText(since, `since ${span(Date.now() / 1000 - item.since)}`);
    setAttribute(since, "title", moment(item.since));
    setText(labels, item.name);
    if (runbook.dataset.of !== item.runbook) {
      runbook.dataset.of = item.runbook;
      runbook.replaceChildren(...runbookParts(item.runbook));
    }
    show(button, !item.silenced);
    setAttribute(button, "aria-label", `Silence ${item.name} for 1 h: ${item.summary}`);
  };
  return { node, update };
}

function runbookParts(runbook) {
  if (!runbook) return [];
  const url = safeUrl(runbook);
  if (!url) return ["Runbook: ", el("code", "", runbook)];
  const link = el("a", "", "Runbook");
  link.href = url;
  link.rel = "noreferrer";
  link.target = "_blank";
  return [link];
}

/** Asks once more, and why; the alert goes on, only nobody is notified. */
class Dialog {
  constructor() {
    this.node = byId("silence");
    this.alert = null;
    byId("silence-yes").addEventListener("click", () => this.confirm());
    byId("silence-comment").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.confirm();
    });
  }

  ask(alert) {
    this.alert = alert;
    setText(
      byId("silence-text"),
      `“${alert.summary || alert.name}” stays on this page, and nobody is notified of it for an hour.`,
    );
    setText(byId("silence-problem"), "");
    byId("silence-comment").value = "";
    this.node.showModal();
    byId("silence-comment").focus();
  }

  async confirm() {
    const button = byId("silence-yes");
    if (button.disabled) return;
    button.disabled = true;
    try {
      const why = byId("silence-comment").value.trim() || "silenced in the portal";
      await silence(this.alert.labels, SECONDS, why);
      this.node.close();
    } catch (error) {
      setText(byId("silence-problem"), error.message);
    } finally {
      button.disabled = false;
    }
  }
}
