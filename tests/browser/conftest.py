"""A browser, a portal, and pages that complain of what they should not have done."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.island import Island
from tests.browser.portal import PASSWORD, RunningPortal
from tests.support.chromium import ARGUMENTS, CHROMIUM

SCREENSHOTS = Path("build/screenshots")
PATIENCE_MS = 10_000  # news takes a second; a busy machine with two cores some more
DESK = {"width": 1360, "height": 900}

Photograph = Callable[[Page, str], None]
Visit = Callable[..., "Visitor"]


class Visitor:
    """A page, and what it did that a good page does not."""

    def __init__(self, page: Page, portal: RunningPortal) -> None:
        self.page, self.portal = page, portal
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda m: self._heard(m.type, m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("request", lambda r: self._asked(r.url))

    def login(self, password: str = PASSWORD) -> None:
        """Fill in the form."""
        self.page.goto(f"{self.portal.url}/login")
        self.page.get_by_label("User name").fill("admin")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def enter(self, hash_route: str = "") -> Page:
        """Log in, and wait until the page is alive."""
        self.login()
        if hash_route:
            self.page.goto(f"{self.portal.url}/{hash_route}")
        expect(self.page.locator("#pulse")).to_have_attribute("data-live", "yes")
        return self.page

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if urlsplit(url).netloc != f"127.0.0.1:{self.portal.port}":
            self.foreign.append(url)


@pytest.fixture(scope="session")
def island() -> Iterator[Island]:
    """Where the portal and the browser are."""
    found = Island()
    yield found
    found.close()


@pytest.fixture(scope="module")
def browser(island: Island, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for a module: Playwright's loop must be gone before tests with loops of their own."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: `make setup-test` installs it", pytrace=False)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        program = island.program(CHROMIUM, tmp_path_factory.mktemp("browser"))
        found = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def portal(island: Island) -> Iterator[RunningPortal]:
    """A portal of the test's own."""
    running = RunningPortal(island)
    yield running
    running.stop()


@pytest.fixture
def visit(browser: Browser, portal: RunningPortal) -> Iterator[Visit]:
    """Opens pages, each with cookies of its own."""
    contexts: list[BrowserContext] = []

    def opened(**options: object) -> Visitor:
        context = browser.new_context(**({"viewport": DESK, "locale": "en-GB"} | options))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return Visitor(context.new_page(), portal)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A page at a desk."""
    return visit()


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """A page at a desk, logged in."""
    return visitor.enter()


@pytest.fixture
def photograph() -> Photograph:
    """Keeps how a page looks."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return take
