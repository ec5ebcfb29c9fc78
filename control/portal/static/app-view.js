// One app: its numbers, releases and charts.

import { APP_LEVELS, appLink, rolloutPart } from "./apps.js";
import { duration, percent, rate } from "./format.js";
import { APP_PANELS, ComparedPanels, SeriesPanels } from "./panels.js";
import { living, releaseTable } from "./releases.js";
import { View } from "./view.js";

export class AppView extends View {
  constructor(name) {
    const compared = new ComparedPanels();
    super("app", name, [new SeriesPanels("app", name, APP_PANELS), compared]);
    this.compared = compared;
    this.rollout = rolloutPart();
    this.releases = releaseTable("Releases");
    this.parts.append(this.rollout.node, this.releases.node);
    this.urls = [];
  }

  tell(app) {
    this.state.update(APP_LEVELS[app.state] ?? "none", app.state);
    if (this.urls.join() !== app.urls.join()) {
      this.urls = app.urls;
      this.links.replaceChildren(
        ...app.urls.map((url) => {
          const link = appLink();
          link.update(url);
          return link.node;
        }),
      );
    }
    const { running, desired } = app.replicas;
    this.fact("Requests", rate(app.requests));
    this.fact(
      "Errors",
      percent(app.errors),
      app.errors >= 0.05 ? "critical" : app.errors >= 0.01 ? "warning" : "none",
    );
    this.fact("p50", duration(app.p50));
    this.fact("p95", duration(app.p95));
    this.fact("p99", duration(app.p99));
    this.fact("Tasks", `${running} of ${desired}`, running < desired ? "warning" : "none");
    this.rollout.update(app);
    this.releases.update(
      app.rollout ? [] : [...app.releases].sort((a, b) => b.created - a.created),
    );
    if (this.compared.compare(living(app))) this.renewPanel(this.compared);
  }
}
