"""The portal of a real environment, in a real browser, through the front door."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.support.chromium import ARGUMENTS, CHROMIUM, LOCAL_NAMES
from tests.support.observed import serving
from tests.support.sandbox import PROJECT, Sandbox, eventually

SCREENSHOTS = PROJECT / "build" / "screenshots"
SHOWN_MS = 30_000  # renewed every three seconds, by figures that are five seconds old


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, LOCAL_NAMES])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, cloud: Sandbox) -> Iterator[Page]:
    """The portal's page, logged in."""
    url, account, password = (
        line.partition(": ")[2] or line
        for line in cloud.horcrux("open", "portal", "-s", cloud.name).stdout.splitlines()
    )
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()

    def there() -> bool:
        try:
            found.goto(url)
        except Error:  # Docker changes the machine's interfaces, and Chromium begins anew
            return False
        return found.locator("input[name=password]").is_visible()

    eventually(there, 30, "the login is there")
    found.fill("input[name=username]", account)
    found.fill("input[name=password]", password)
    found.click("button[type=submit]")
    expect(found.get_by_text("manager-1").first).to_be_visible(timeout=SHOWN_MS)
    yield found
    context.close()


def shot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"real-{name}.png", full_page=True)


def test_hosts_and_apps_are_shown_with_their_figures(page: Page, cloud: Sandbox) -> None:
    for name in ("manager-1", "manager-2", "manager-3", "hello", "wiki", "db"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_text("3 of 3 hosts ready")).to_be_visible(timeout=SHOWN_MS)
    shot(page, "overview")
    page.goto(f"{page.url.partition('#')[0]}#/app/hello")
    expect(page.locator("canvas").first).to_be_visible(timeout=SHOWN_MS)
    shot(page, "app")


def test_a_release_under_way_and_a_lost_task_appear_by_themselves(
    page: Page, cloud: Sandbox
) -> None:
    cloud.horcrux("deploy", "hello", "-s", cloud.name, "--set", "env.SEEN=by-the-portal")
    following = next(a["release"] for a in cloud.status()["apps"] if a["name"] == "hello")
    expect(page.get_by_text(f"hello: {following} is healthy").first).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_text(f"traffic goes to {following}").first).to_be_visible(timeout=SHOWN_MS)
    service = serving(cloud, "hello")
    kill = f"docker ps -qf name={service} | head -1 | xargs -r docker kill"
    for manager in ("manager-1", "manager-2", "manager-3"):
        if cloud.inside(manager, "sh", "-c", kill).strip():
            break
    expect(page.get_by_text("failed: ").first).to_be_visible(timeout=SHOWN_MS)
    shot(page, "events")


def test_the_portal_is_closed_to_whoever_has_not_logged_in(cloud: Sandbox) -> None:
    for path in ("/api/overview", "/api/stream", "/api/series?what=app&name=hello&minutes=15"):
        assert cloud.get("portal", path).status_code == 401
    assert cloud.get("portal", "/", allow_redirects=False).status_code in (302, 303)
    login = cloud.get("portal", "/login")
    assert login.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'self'" in login.headers["Content-Security-Policy"]
    port = cloud.ports["http"]
    answers = [
        requests.post(
            f"http://127.0.0.1:{port}/api/silence",
            headers={"Host": f"portal.{cloud.name}.localhost:{port}"},
            json={"matchers": {"alertname": "HostDown"}, "seconds": 60},
            timeout=5,
        ).status_code
    ]
    assert answers == [401]


def test_the_internal_api_is_not_reached_through_the_edge(cloud: Sandbox) -> None:
    for path in ("/v1/overview", "/v1/edge/config", "/metrics"):
        answer = cloud.get("portal", path, allow_redirects=False)
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/login")
