// What the page asks of its server, and the stream of overviews. A session that is over leads to the login.

const SILENT_SECONDS = 35; // two heartbeats late: the connection is dead, though nobody has said so
const RETRY_SECONDS = 3; // after an answer that makes the browser give up by itself
const RETURN_TO = "horcrux-return-to";

const token = document.querySelector('meta[name="csrf-token"]').content;

export function toLogin() {
  sessionStorage.setItem(RETURN_TO, location.hash);
  location.assign("/login");
}

/** The view that was open when the session ended. */
export function returnTo() {
  const hash = sessionStorage.getItem(RETURN_TO);
  sessionStorage.removeItem(RETURN_TO);
  if (hash && !location.hash) history.replaceState(null, "", hash);
}

async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  if (answer.status === 401) {
    toLogin();
    throw new Error("The session is over.");
  }
  const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `The portal answered ${answer.status}.`);
  return body;
}

const post = (path, body) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify(body),
  });

export const silence = (matchers, seconds, comment) =>
  post("/api/silence", { matchers, seconds, comment });

export function series(what, name, minutes, signal) {
  const query = new URLSearchParams({ what, name, minutes });
  return ask(`/api/series?${query}`, { signal });
}

export async function logout() {
  await post("/logout", {});
  location.assign("/login");
}

/** Calls `onOverview` with each overview, and `onLive` with whether the connection holds. */
export function follow(onOverview, onLive) {
  let source = null;
  let heard = Date.now();

  function open() {
    source?.close();
    heard = Date.now();
    source = new EventSource("/api/stream");
    source.addEventListener("open", () => onLive(true));
    source.addEventListener("overview", (event) => {
      heard = Date.now();
      onLive(true);
      onOverview(JSON.parse(event.data));
    });
    source.addEventListener("expired", toLogin);
    source.addEventListener("error", lost);
  }

  function lost() {
    onLive(false);
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    source.close();
    setTimeout(again, RETRY_SECONDS * 1000);
  }

  async function again() {
    try {
      await ask("/api/overview"); // says whether it is the session, which a stream cannot
    } catch {
      // no answer: the stream tries again, and says the same
    }
    open();
  }

  setInterval(() => {
    if (Date.now() - heard < SILENT_SECONDS * 1000) return;
    onLive(false);
    open();
  }, 5000);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}
