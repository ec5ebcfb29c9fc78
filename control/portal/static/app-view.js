// One app: its numbers, releases and charts.

import { appLink, stateOf } from "./apps.js";
import { elasticPart } from "./elastic.js";
import { duration, percent, rate } from "./format.js";
import { APP_PANELS, ComparedPanels, SeriesPanels } from "./panels.js";
import { involved, living, parkedHint, releasesOf, releaseTable } from "./releases.js";
import { backPart, rolloutPart } from "./rollout.js";
import { View } from "./view.js";
import { underWay } from "./walk.js";

export class AppView extends View {
  constructor(name) {
    const compared = new ComparedPanels();
    super("app", name, [new SeriesPanels("app", name, APP_PANELS), compared]);
    this.compared = compared;
    this.rest = [rolloutPart(true), backPart(true), elasticPart()];
    this.releases = releaseTable("Releases");
    this.hint = parkedHint();
    this.releases.node.append(this.hint.node);
    this.parts.append(...this.rest.map((part) => part.node), this.releases.node);
    this.urls = [];
  }

  tell(app) {
    this.state.update(...stateOf(app));
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
    for (const part of this.rest) part.update(app);
    this.tellReleases(app);
    if (this.compared.compare(living(app))) this.renewPanel(this.compared);
  }

  /** The newest first; those of a rollout stand side by side already. */
  tellReleases(app) {
    const shown = new Set(app.rollout || underWay(app) ? involved(app).map((r) => r.service) : []);
    const rest = releasesOf(app).filter((r) => !shown.has(r.service));
    this.releases.update(rest.reverse());
    this.hint.update(app.name, rest);
  }
}
