// One host: its numbers and charts.

import { byteRate, count } from "./format.js";
import { EDGE_WORDS, HOST_LEVELS, hostMeters } from "./hosts.js";
import { HOST_PANELS, SeriesPanels } from "./panels.js";
import { View } from "./view.js";

export class HostView extends View {
  constructor(name) {
    super("host", name, [new SeriesPanels("host", name, HOST_PANELS)]);
    this.meters = hostMeters();
    this.parts.append(this.meters.node);
  }

  tell(host) {
    this.state.update(HOST_LEVELS[host.state] ?? "none", host.state);
    this.fact("Role", host.leader ? `${host.role}, leader` : host.role);
    this.fact("Zone", host.zone || "–");
    this.fact("Tasks", count(host.tasks, "task"));
    this.fact(
      "Edge",
      (EDGE_WORDS[host.edge] ?? host.edge).replace(/^edge /, ""),
      host.edge === "current" ? "none" : "warning",
    );
    this.fact("Received", byteRate(host.receive));
    this.fact("Sent", byteRate(host.transmit));
    this.meters.update(host);
  }
}
