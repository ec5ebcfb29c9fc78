"""The page as such: connection, sizes, themes, keyboard."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import world
from tests.browser.conftest import Photograph, Visit, Visitor

FIRST_PAGE_BYTES = 60_000  # all but the charts
FIRST_LOAD_BYTES = 300_000
FIGURES = Path("build/portal.json")
PHONE = {"width": 360, "height": 740}
NOT_WIDER = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def test_a_lost_connection_is_told_and_mended_by_itself(
    page: Page, visitor: Visitor, photograph: Photograph
) -> None:
    page.evaluate("window.marked = true")
    visitor.portal.stop()
    notice = page.locator("#lost")
    expect(notice).to_contain_text("Connection lost at")
    expect(page.locator("#pulse")).to_contain_text("not live")
    photograph(page, "lost")
    visitor.portal.start()
    visitor.portal.source.tell(world.trouble())
    expect(notice).to_be_hidden()
    expect(page.locator("#state")).to_have_text("Act now")
    assert page.evaluate("window.marked === true"), "it was not reloaded"


def test_an_answer_that_ends_the_stream_is_tried_again(page: Page, visitor: Visitor) -> None:
    """As an edge's 503 does: browsers give up after it."""
    page.route("**/api/stream", lambda route: route.fulfill(status=503))
    visitor.portal.stop()
    visitor.portal.start()
    expect(page.locator("#lost")).to_contain_text("Connection lost")
    page.unroute("**/api/stream")
    expect(page.locator("#pulse")).to_have_attribute("data-live", "yes")


def test_news_that_does_not_come_is_told_though_the_connection_holds(
    visit: Visit,
) -> None:
    visitor = visit()
    visitor.page.clock.install()
    page = visitor.enter()
    visitor.portal.source.stalled = True
    page.clock.fast_forward(30_000)
    expect(page.locator("#lost")).to_contain_text("No news since")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("route", ["", "#/app/hello", "#/host/manager-3"])
def test_a_phone_shows_it_all_without_scrolling_sideways(
    visit: Visit, photograph: Photograph, route: str, scheme: str
) -> None:
    visitor = visit(viewport=PHONE, color_scheme=scheme, device_scale_factor=2, has_touch=True)
    visitor.portal.source.tell(world.trouble())
    page = visitor.enter(route)
    shown = page.get_by_role("heading", name="Hosts") if not route else page.locator(".chart").first
    expect(shown).to_be_visible()
    assert page.evaluate(NOT_WIDER)
    photograph(page, f"phone-{scheme}-{route.partition('/')[2].replace('/', '-') or 'overview'}")
    assert visitor.complaints == []


def test_the_login_fits_a_phone(visit: Visit, photograph: Photograph) -> None:
    visitor = visit(viewport=PHONE, color_scheme="dark")
    visitor.page.goto(visitor.portal.url)
    assert visitor.page.evaluate(NOT_WIDER)
    photograph(visitor.page, "phone-login")


def test_long_names_break_nothing(visit: Visit, photograph: Photograph) -> None:
    visitor = visit(viewport=PHONE)
    long = "an-app-whose-name-is-as-long-as-names-of-apps-may-ever-be-63"
    told = world.trouble()
    told["apps"] = [world.rolling(long)]
    told["hosts"] = [world.host(long, leader=True)]
    told["alerts"] = [world.alert(summary=long * 3, description=long * 4, runbook=long * 3)]
    told["events"] = [world.event(1, long * 2, subject=long)]
    visitor.portal.source.tell(told)
    page = visitor.enter()
    expect(page.locator(".app")).to_be_visible()
    assert page.evaluate(NOT_WIDER)
    photograph(page, "phone-long-names")


def test_the_dark_is_dark(visit: Visit, photograph: Photograph) -> None:
    visitor = visit(color_scheme="dark")
    visitor.portal.source.tell(world.trouble())
    page = visitor.enter()
    expect(page.locator(".alert").first).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(n) for n in ground.removeprefix("rgb(").removesuffix(")").split(",")) < 60
    photograph(page, "dark")
    page.goto(f"{visitor.portal.url}/#/app/hello")
    expect(page.get_by_role("img", name="Requests, last 1 h")).to_be_visible()
    expect(page.get_by_role("img", name="Requests by release")).to_be_visible()
    photograph(page, "dark-app")
    page.emulate_media(color_scheme="light")
    expect(page.get_by_role("img", name="Requests, last 1 h")).to_be_visible()
    assert visitor.complaints == []


def test_the_keyboard_is_enough(page: Page, visitor: Visitor) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="manager-1", exact=True).first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="manager-1")).to_be_focused()


def test_every_control_has_a_name(page: Page, visitor: Visitor) -> None:
    visitor.portal.source.tell(world.trouble())
    expect(page.locator(".alert").first).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a[href]")].filter((n) =>
          !(n.getAttribute("aria-label") || n.textContent.trim() || n.labels?.length || n.type === "hidden"
            || n.hidden)).map((n) => n.outerHTML)"""
    )
    assert nameless == []


def test_the_first_load_is_small(visitor: Visitor) -> None:
    """With the charts' library, though that is only loaded once a chart is looked at."""
    visitor.enter()
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
    visitor.page.goto(visitor.portal.url)
    expect(visitor.page.locator(".app").first).to_be_visible()
    overview = sum(sizes)
    paint = visitor.page.evaluate(
        "Object.fromEntries(performance.getEntriesByType('paint').map((p) => [p.name, p.startTime]))"
    )
    visitor.page.goto(f"{visitor.portal.url}/#/app/hello")
    expect(visitor.page.get_by_role("img", name="Requests, last 1 h")).to_be_visible()
    FIGURES.parent.mkdir(exist_ok=True)
    figures = {"bytes": overview, "bytes_with_charts": sum(sizes), "requests": len(sizes)} | paint
    FIGURES.write_text(json.dumps(figures, indent=2))
    print(figures)
    assert 10_000 < overview < FIRST_PAGE_BYTES
    assert sum(sizes) < FIRST_LOAD_BYTES
