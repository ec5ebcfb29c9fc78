"""The overview shows how it is, by itself, in words and without reload."""

import re

from playwright.sync_api import Page, expect

from tests.browser import world
from tests.browser.conftest import Photograph, Visitor

UNKNOWN = "–"  # noqa: RUF001 - what the page shows


def mark(page: Page) -> None:
    """What a reload would wipe out."""
    page.evaluate("window.marked = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.marked === true"))


def test_all_is_well(page: Page, visitor: Visitor, photograph: Photograph) -> None:
    expect(page.locator("#state")).to_have_text("All well")
    expect(page.locator("#environment")).to_have_text("dev")
    expect(page.locator("#pulse")).to_contain_text("live")
    expect(page.locator("#summary")).to_contain_text("4 of 4 hosts ready")
    expect(page.locator("#alerts-section")).to_be_hidden()
    card = page.locator(".host", has_text="manager-1")
    for text in ("ready", "leader", "zone a", "23 %", "38 %", "41 %", "7 tasks", "edge current"):
        expect(card).to_contain_text(text)
    expect(card).to_contain_text("↓ 12 kB/s")
    row = page.locator(".app", has_text="wiki")
    for text in ("well", "2.3/s", "0.04 %", "88 ms", "410 ms", "1.3 s", "2/2", "r1"):
        expect(row).to_contain_text(text)
    link = row.get_by_role("link", name="wiki.dev.localhost:8080")
    expect(link).to_have_attribute("href", "http://wiki.dev.localhost:8080/")
    expect(page.locator(".app", has_text="db")).to_contain_text(UNKNOWN)
    photograph(page, "light")
    assert visitor.complaints == []
    assert visitor.foreign == []


def test_trouble_appears_and_goes_without_a_reload(
    page: Page, visitor: Visitor, photograph: Photograph
) -> None:
    mark(page)
    visitor.portal.source.tell(world.trouble())
    expect(page.locator("#state")).to_have_text("Act now")
    expect(page).to_have_title("(2) Act now · dev · Horcrux")
    expect(page.locator(".host", has_text="manager-3")).to_contain_text("down")
    expect(page.locator(".host", has_text="manager-3")).to_contain_text("no edge")
    expect(page.locator("#summary")).to_contain_text("Host manager-3 is down")
    expect(page.locator("#summary")).to_contain_text("App wiki is degraded")
    alert = page.locator(".alert").first
    for text in ("Critical", "Host manager-3 is down", "since 3 min", "docs/alerts.md#hostdown"):
        expect(alert).to_contain_text(text)
    expect(page.locator(".alert").last).to_contain_text("Warning, silenced")
    expect(page.locator(".app").first).to_contain_text("degraded")
    photograph(page, "alerts")
    visitor.portal.source.tell(world.calm())
    expect(page.locator("#state")).to_have_text("All well")
    expect(page.locator("#alerts-section")).to_be_hidden()
    assert is_marked(page)
    assert visitor.complaints == []


def test_a_rollout_is_seen_with_both_releases_and_moves_on(page: Page, visitor: Visitor) -> None:
    source = visitor.portal.source
    apps = source.told["apps"]
    source.change(apps=[world.rolling("hello", 0.3), *apps[2:]])
    rollout = page.locator(".app", has_text="hello").locator(".rollout").first
    expect(rollout).to_contain_text("r1 → r2, for 34 s")
    expect(rollout.get_by_role("img")).to_have_attribute(
        "aria-label", "Shares of traffic: r1 70 %, r2 30 %"
    )
    rows = rollout.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("3.1 %")
    expect(rows.nth(1)).to_contain_text("87 ms")
    source.change(apps=[world.rolling("hello", 0.75, 61), *apps[2:]])
    expect(rollout.get_by_role("img")).to_have_attribute(
        "aria-label", "Shares of traffic: r1 25 %, r2 75 %"
    )
    expect(rollout).to_contain_text("for 1 min")
    source.change(apps=apps)
    expect(rollout).to_be_hidden()


def test_apps_and_hosts_come_and_go(page: Page, visitor: Visitor) -> None:
    source = visitor.portal.source
    source.change(
        apps=[*source.told["apps"], world.app("brand-new", state="stopped")],
        hosts=[*source.told["hosts"][:3], world.host("worker-2", "worker", state="drained")],
    )
    expect(page.locator(".app", has_text="brand-new")).to_contain_text("stopped")
    expect(page.locator(".host", has_text="worker-2")).to_contain_text("drained")
    expect(page.locator(".host", has_text="worker-1")).to_have_count(0)
    expect(page.locator("#state")).to_have_text("All well")


def test_a_monitoring_that_is_silent_is_said_in_words(page: Page, visitor: Visitor) -> None:
    told = world.calm() | {"monitoring": {"answering": False}}
    told["hosts"] = [world.host("manager-1", cpu=None, memory=None, disk=None)]
    visitor.portal.source.tell(told)
    expect(page.locator("#summary")).to_contain_text("Monitoring does not answer")
    expect(page.locator("#state")).to_have_text("Needs a look")
    expect(page.locator(".host .value").first).to_have_text(UNKNOWN)


def test_an_empty_environment_is_no_error(page: Page, visitor: Visitor) -> None:
    visitor.portal.source.change(apps=[], hosts=[], events=[])
    expect(page.get_by_text("There are no apps yet.")).to_be_visible()
    assert visitor.complaints == []


def test_events_appear_newest_first_and_are_filtered(page: Page, visitor: Visitor) -> None:
    source = visitor.portal.source
    source.change(events=[world.event(0, "A task of shop was lost.", kind="task", subject="shop")])
    events = page.locator("#events .event")
    expect(events.first).to_contain_text("A task of shop was lost.")
    expect(events).to_have_count(8)
    expect(events.last.locator("time")).to_have_text("4 h 20 min ago")
    absolute = events.last.locator("time").get_attribute("title") or ""
    assert re.fullmatch(r"\d+ \w+ \d{4}, \d\d:\d\d:\d\d", absolute)
    page.get_by_label("Filter events by kind").select_option("task")
    expect(events).to_have_count(2)
    page.get_by_label("Filter events by subject").fill("wik")
    expect(events).to_have_count(1)
    page.get_by_label("Filter events by subject").fill("nobody")
    expect(page.get_by_text("No event fits the filter.")).to_be_visible()


def test_the_silence_button_asks_and_posts(
    page: Page, visitor: Visitor, photograph: Photograph
) -> None:
    source = visitor.portal.source
    source.tell(world.trouble())
    button = page.get_by_role("button", name="Silence HostDown")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("“Host manager-3 is down” stays on this page")
    photograph(page, "silence")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert source.silences == []
    button.click()
    page.get_by_label("Why").fill("the disk is being changed")
    dialog.get_by_role("button", name="Silence for 1 h").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".alert", has_text="manager-3")).to_contain_text("Critical, silenced")
    expect(button).to_be_hidden()
    labels = world.alert()["labels"]
    comment = "the disk is being changed"
    assert source.silences == [
        {"matchers": labels, "seconds": 3600, "comment": comment, "author": "admin"}
    ]
    assert visitor.complaints == []


def test_a_silence_that_fails_says_why(page: Page, visitor: Visitor) -> None:
    source = visitor.portal.source
    source.tell(world.trouble())
    source.problem = "Alertmanager does not answer."
    page.get_by_role("button", name="Silence HostDown").click()
    page.get_by_label("Why").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text("Alertmanager does not answer.")
    source.problem = ""
    page.get_by_label("Why").press("Enter")
    expect(dialog).to_be_hidden()


def test_text_is_only_ever_text(page: Page, visitor: Visitor) -> None:
    evil = "<img src=x onerror=alert(1)>"
    told = world.trouble()
    told["alerts"] = [
        world.alert(
            summary=evil, description=evil, runbook="javascript:alert(1)", labels={"a": evil}
        )
    ]
    told["apps"] = [world.app(evil, urls=["javascript:alert(1)"])]
    told["events"] = [world.event(0, evil, subject=evil, kind=evil)]
    visitor.portal.source.tell(told)
    expect(page.locator(".alert h3")).to_have_text(evil)
    expect(page.locator(".app h3")).to_have_text(evil)
    expect(page.locator("main img")).to_have_count(0)
    expect(page.locator("a[href^=javascript]")).to_have_count(0)
    assert visitor.complaints == []


def test_a_hundred_apps_are_found_by_the_filter(
    page: Page, visitor: Visitor, photograph: Photograph
) -> None:
    visitor.portal.source.tell(world.crowded())
    rows = page.locator(".app:visible")
    expect(rows).to_have_count(100)
    expect(rows.first).to_contain_text("app-017")
    photograph(page, "hundred-apps")
    page.get_by_label("Filter apps by name").fill("app-04")
    expect(rows).to_have_count(10)
    expect(page.locator("#apps-count")).to_have_text("10 of 100")
    page.get_by_label("Filter apps by name").fill("")
    page.get_by_label("only those not well").check()
    expect(rows).to_have_count(1)
    assert visitor.complaints == []


def test_news_touches_only_what_changed(page: Page, visitor: Visitor) -> None:
    visitor.portal.source.tell(world.crowded())
    expect(page.locator(".app")).to_have_count(100)
    page.evaluate(
        """() => {
          window.changes = 0;
          const count = (list) => { window.changes += list.length; };
          const what = { subtree: true, childList: true, characterData: true, attributes: true };
          new MutationObserver(count).observe(document.getElementById("apps"), what);
        }"""
    )
    told = world.crowded()
    told["apps"][42] |= {"requests": 4242.0}
    visitor.portal.source.tell(told)
    expect(page.locator(".app", has_text="app-042")).to_contain_text("4,242/s")
    assert page.evaluate("window.changes") < 10
