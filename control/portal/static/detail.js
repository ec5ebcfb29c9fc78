// One app or one host, until another address is opened.

import { AppView } from "./app-view.js";
import { HostView } from "./host-view.js";

export class Detail {
  constructor(container) {
    Object.assign(this, { container, key: "", view: null });
  }

  open(what, name, overview) {
    if (this.key === `${what}/${name}`) return;
    this.close();
    this.key = `${what}/${name}`;
    this.view = what === "app" ? new AppView(name) : new HostView(name);
    this.container.replaceChildren(this.view.node);
    if (overview) this.view.update(overview);
    this.view.renew();
  }

  update(overview) {
    this.view?.update(overview);
  }

  close() {
    this.view?.destroy();
    this.container.replaceChildren();
    Object.assign(this, { key: "", view: null });
  }
}
