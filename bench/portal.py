"""The portal's first page in a real browser: bytes, first paint, and whom it asks."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from bench.environment import Environment
from bench.figures import Figure
from tests.support.chromium import ARGUMENTS, CHROMIUM, LOCAL_NAMES

PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Log in, then load the page anew with an empty cache, `runs` times."""
    environment.ensure_up()
    portal = environment.outputs().values["portal"]
    environment.say("opening the portal in a browser")
    paints, sizes, others = [], [], set()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, LOCAL_NAMES])
        for _ in range(runs):
            context = browser.new_context()
            page = context.new_page()
            _log_in(page, portal)
            seen = _Seen(context.new_cdp_session(page))
            page.reload(wait_until="load")
            page.wait_for_selector("text=manager-1")
            paints.append(float(page.evaluate(PAINTED)))
            sizes.append(seen.bytes / 1000)
            others |= seen.hosts - {urlsplit(portal["url"]).netloc}
            context.close()
        browser.close()
    note = f"hosts asked besides the portal's own: {', '.join(sorted(others)) or 'none'}"
    return [
        Figure("portal_paint", "portal: first paint", "ms", tuple(paints), "", note),
        Figure("portal_bytes", "portal: bytes of the first load", "kB", tuple(sizes), "under 300 kB", note),
    ]  # fmt: skip


class _Seen:
    """What went over the network since it was made; nothing comes from the browser's cache."""

    def __init__(self, session: Any) -> None:
        self.bytes, self.hosts = 0.0, set[str]()
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.requestWillBeSent", self._sent)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]

    def _sent(self, event: dict[str, Any]) -> None:
        self.hosts.add(urlsplit(event["request"]["url"]).netloc)


def _log_in(page: Any, portal: dict[str, str]) -> None:
    page.goto(portal["url"])
    page.fill("input[name=username]", portal["username"])
    page.fill("input[name=password]", portal["password"])
    page.click("button[type=submit]")
    page.wait_for_selector("text=manager-1")
