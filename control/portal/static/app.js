// The page: brings the overview to the views, and shows the one that the address names.

import { follow, logout, returnTo } from "./api.js";
import { Alerts } from "./alerts.js";
import { Apps } from "./apps.js";
import { Detail } from "./detail.js";
import { byId, setText, show } from "./dom.js";
import { Events } from "./events.js";
import { Header } from "./header.js";
import { Hosts } from "./hosts.js";
import { judge } from "./judge.js";

const header = new Header();
const detail = new Detail(byId("detail"));
const views = [
  new Alerts(byId("alerts")),
  new Hosts(byId("hosts")),
  new Apps(byId("apps")),
  new Events(byId("events")),
];
let overview = null;

function render() {
  if (!overview) return;
  header.update(overview, judge(overview));
  for (const view of views) view.update(overview);
  detail.update(overview);
}

/** `#/app/NAME` and `#/host/NAME` are details, all else is the overview. */
function route() {
  const [, what, name] = location.hash.match(/^#\/(app|host)\/([^/]+)$/) || [];
  const open = Boolean(what);
  show(byId("overview"), !open);
  show(byId("detail"), open);
  if (open) detail.open(what, decoded(name), overview);
  else detail.close();
  return open;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand; there is nothing of that name
  }
}

addEventListener("hashchange", () => {
  const open = route();
  if (open) scrollTo(0, 0);
  (open ? byId("detail-title") : byId("content"))?.focus({ preventScroll: true });
});

byId("logout").addEventListener("click", () =>
  logout().catch((error) => header.complain(error.message)),
);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash is the route's
  byId("content").focus();
});

returnTo();
route();
follow(
  (news) => {
    overview = news;
    setText(byId("environment"), news.environment);
    render();
  },
  (live) => header.live(live),
);
