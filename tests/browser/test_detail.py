"""One app or host, with charts that renew by themselves."""

from playwright.sync_api import Page, expect

from tests.browser import world
from tests.browser.conftest import Photograph, Visitor

# A chart is drawn when its canvas has pixels that are not empty.
DRAWN = """() => [...document.querySelectorAll("figure.chart canvas")]
  .filter((c) => c.offsetParent && c.width && c.getContext("2d")
    .getImageData(0, 0, c.width, c.height).data.some((v) => v !== 0)).length"""
ALIVE = "() => Object.keys(Chart.instances).length"


def drawn(page: Page, number: int) -> None:
    """Wait for so many charts; a chart has its label when it is drawn."""
    expect(page.locator("figure.chart canvas[aria-label]:visible")).to_have_count(number)
    assert page.evaluate(DRAWN) == number


def test_an_app_opens_with_charts(page: Page, visitor: Visitor, photograph: Photograph) -> None:
    page.locator("#apps").get_by_role("link", name="wiki", exact=True).click()
    expect(page.get_by_role("heading", name="wiki")).to_be_visible()
    expect(page.get_by_role("heading", name="wiki")).to_be_focused()
    expect(page.locator("#overview")).to_be_hidden()
    drawn(page, 3)
    expect(page.locator(".facts")).to_contain_text("410 ms")
    expect(page.locator(".history")).to_contain_text("out of memory")
    chart = page.get_by_role("img", name="Time to answer, last 1 h: p50 now")
    expect(chart).to_be_visible()
    photograph(page, "app")
    assert visitor.portal.source.asked[-1] == ("app", "wiki", 60)
    assert visitor.complaints == []
    assert visitor.foreign == []


def test_a_range_is_chosen_and_kept(page: Page, visitor: Visitor) -> None:
    page.goto(f"{visitor.portal.url}/#/app/hello")
    page.get_by_role("button", name="6 h").click()
    expect(page.get_by_role("img", name="Requests, last 6 h")).to_be_visible()
    expect(page.get_by_role("button", name="6 h")).to_have_attribute("aria-pressed", "true")
    page.goto(f"{visitor.portal.url}/#/host/manager-1")
    expect(page.get_by_role("img", name="CPU, last 6 h")).to_be_visible()
    assert ("host", "manager-1", 360) in visitor.portal.source.asked


def test_a_host_opens_with_charts(page: Page, photograph: Photograph) -> None:
    page.get_by_role("link", name="manager-1", exact=True).first.click()
    drawn(page, 4)
    expect(page.locator(".facts")).to_contain_text("manager, leader")
    photograph(page, "host")


def test_releases_are_compared_while_there_are_two(
    page: Page, visitor: Visitor, photograph: Photograph
) -> None:
    source = visitor.portal.source
    page.goto(f"{visitor.portal.url}/#/app/hello")
    drawn(page, 3)
    apps = source.told["apps"]
    source.change(apps=[world.rolling("hello"), *apps[2:]])
    expect(page.get_by_role("heading", name="Releases compared")).to_be_visible()
    drawn(page, 6)
    words = page.get_by_role("img", name="p95 by release").get_attribute("aria-label") or ""
    assert "r1 now" in words
    assert "r2 now" in words
    photograph(page, "rollout")
    source.change(apps=apps)
    expect(page.get_by_role("heading", name="Releases compared")).to_be_hidden()


def test_charts_renew_by_themselves(page: Page, visitor: Visitor) -> None:
    page.goto(f"{visitor.portal.url}/#/app/hello")
    page.get_by_role("button", name="15 min").click()
    drawn(page, 3)
    with page.expect_response(lambda r: "minutes=15" in r.url):
        pass
    drawn(page, 3)


def test_charts_are_let_go_with_their_view(page: Page, visitor: Visitor) -> None:
    for name in ("hello", "wiki", "shop"):
        page.goto(f"{visitor.portal.url}/#/app/{name}")
        drawn(page, 3)
        assert page.evaluate(ALIVE) == 3
    page.get_by_role("link", name="← Overview").click()
    expect(page.locator("#overview")).to_be_visible()
    assert page.evaluate(ALIVE) == 0
    assert visitor.complaints == []


def test_monitoring_that_does_not_answer_is_said_and_charts_come_back(
    page: Page, visitor: Visitor
) -> None:
    visitor.portal.source.problem = "Prometheus does not answer."
    page.goto(f"{visitor.portal.url}/#/app/hello")
    expect(page.get_by_text("Charts: Prometheus does not answer.")).to_be_visible()
    visitor.portal.source.problem = ""
    page.get_by_role("button", name="15 min").click()
    drawn(page, 3)
    expect(page.get_by_text("Prometheus does not answer.")).to_be_hidden()


def test_no_numbers_are_said_in_words(page: Page, visitor: Visitor) -> None:
    visitor.portal.source.unknown.add("db")
    page.goto(f"{visitor.portal.url}/#/app/db")
    expect(page.get_by_text("There are no numbers for this time.").first).to_be_visible()
    assert visitor.complaints == []


def test_a_name_that_is_not_there_is_said_in_words(page: Page, visitor: Visitor) -> None:
    page.goto(f"{visitor.portal.url}/#/app/nobody")
    expect(page.get_by_text("There is no app of this name now.")).to_be_visible()


def test_the_way_back_is_the_browsers(page: Page) -> None:
    page.get_by_role("link", name="shop", exact=True).click()
    expect(page.get_by_role("heading", name="shop")).to_be_visible()
    page.go_back()
    expect(page.locator("#overview")).to_be_visible()
    expect(page.locator(".app")).to_have_count(4)
