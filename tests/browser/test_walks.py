"""Releases on their way, those that went back, those that are kept, and apps that follow their load."""

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import walks, world
from tests.browser.conftest import Photograph, Visit, Visitor

PHONE = {"width": 360, "height": 740}
NOT_WIDER = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
UNKNOWN = "–"  # noqa: RUF001 - what the page shows
Json = world.Json

# The contrast between what is painted for the old and for the new release, as WCAG counts it.
CONTRAST = """() => {
  const light = (part) => {
    const numbers = getComputedStyle(part).backgroundColor.match(/[\\d.]+/g).slice(0, 3);
    const [r, g, b] = numbers.map((n) => n / 255)
      .map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [a, b] = [...document.querySelectorAll("#detail .weights .part")].map(light);
  return Math.max(a, b) / Math.min(a, b);
}"""


def tell(visitor: Visitor, *apps: Json) -> None:
    """These apps in place of those of the same names."""
    names = {a["name"] for a in apps}
    others = [a for a in world.calm()["apps"] if a["name"] not in names]
    visitor.portal.source.change(apps=[*others, *apps])


def opened(visitor: Visitor, app: Json) -> Locator:
    """The view of an app."""
    tell(visitor, app)
    view = visitor.enter(f"#/app/{app['name']}").locator("#detail")
    expect(view.get_by_role("heading", name=app["name"])).to_be_visible()
    return view


def rows(of: Locator) -> list[list[str]]:
    """A table's texts."""
    found = of.locator("tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in found]


def test_a_canary_is_followed_step_by_step(visitor: Visitor, photograph: Photograph) -> None:
    view = opened(visitor, walks.walking("shop"))
    rollout = view.locator(".rollout:visible")
    expect(rollout.get_by_role("status")).to_have_text("canary, step 2 of 3: it is measured")
    expect(rollout).to_contain_text("r6 → r7, for 1 min")
    expect(rollout).to_contain_text(re.compile(r"1 min \d+ s of 2 min left"))
    expect(rollout.locator(".shares")).to_have_text("r6 75 %r7 25 %")
    shares = rollout.get_by_role("img", name="Shares of traffic: r6 75 %, r7 25 %")
    expect(shares).to_be_visible()
    steps = rollout.get_by_role("list", name="Steps, in percent of the requests")
    expect(steps.get_by_role("listitem")).to_have_text(
        ["✓5 %, done", "●25 %, under way", "○50 %, to come", "○100 %, to come"]
    )
    expect(steps.locator("[aria-current=step]")).to_contain_text("25 %")
    photograph(visitor.page, "canary")
    tell(visitor, walks.walking("shop", 0.5, walks.progress(step=2)))
    expect(rollout.get_by_role("status")).to_contain_text("step 3 of 3")
    expect(rollout.locator(".shares")).to_have_text("r6 50 %r7 50 %")
    tell(visitor, world.app("shop", walk={"plan": walks.plan("shop"), "progress": ended()}))
    expect(rollout).to_have_count(0)
    assert visitor.complaints == []


def ended() -> Json:
    """The progress of a walk that was promoted."""
    return walks.progress(phase="over", step=3, ending="promoted", outcome="promoted")


def test_the_last_look_is_shown_with_its_numbers(visitor: Visitor) -> None:
    view = opened(visitor, walks.walking("shop"))
    verdict = view.locator(".verdict:visible")
    expect(verdict.locator(".badge")).to_have_text("good")
    expect(verdict).to_contain_text(re.compile(r"last look \d+ s ago, at 25 %, over 38 s"))
    expect(verdict).to_contain_text(walks.TEXT)
    expect(verdict.get_by_role("columnheader", name="r7, new")).to_be_visible()
    assert rows(verdict) == [
        ["requests", "2,411", "7,232", UNKNOWN, UNKNOWN],
        ["errors", "0.12 %", "0.10 %", "46 %", "good"],
        ["p95", "43 ms", "42 ms", "21 %", "good"],
        ["p99", "119 ms", "118 ms", "50 %", "good"],
        ["orders", "1.25", "1.5", UNKNOWN, "good"],
    ]
    tell(visitor, walks.walking("shop", told=waiting()))
    expect(verdict.locator(".badge")).to_have_text("no data")
    expect(verdict).to_contain_text("41 requests, and 100 are needed")


def waiting() -> Json:
    """A step that is over, but for requests to judge it by."""
    told = walks.progress(since=time.time() - 180)
    return told | {"verdicts": [walks.verdict(), walks.no_data()]}


def test_too_few_requests_are_said_with_what_follows(visitor: Visitor) -> None:
    view = opened(visitor, walks.walking("shop", told=waiting()))
    expect(view.locator(".left")).to_contain_text(
        re.compile(r"too few requests to judge it by; rolled back in [67] min( \d+ s)? if that")
    )


ORDERS: dict[str, Json] = {
    "paused by anna": {"paused": True, "by": "anna", "paused_at": 0.0},
    "promoted by anna": {"order": "promote", "by": "anna", "phase": "starting", "step": 3},
    "aborted by anna": {"order": "abort", "by": "anna", "phase": "shifting"},
}


@pytest.mark.parametrize("said", ORDERS)
def test_an_order_is_told_with_who_gave_it(visitor: Visitor, said: str) -> None:
    told = walks.progress()
    told |= ORDERS[said] | ({"paused_at": told["since"] + 30} if "paused" in said else {})
    view = opened(visitor, walks.walking("shop", told=told))
    status = view.locator(".rollout").get_by_role("status").first
    expect(status).to_contain_text(said, use_inner_text=True)
    stands = view.locator(".left")
    expect(stands).to_have_text("1 min 30 s of 2 min left" if "paused" in said else "")
    tell(visitor, walks.walking("shop"))
    expect(status).not_to_contain_text("anna", use_inner_text=True)


def test_a_pause_stops_the_clock(visitor: Visitor, photograph: Photograph) -> None:
    told = walks.progress(paused=True, by="anna")
    view = opened(visitor, walks.walking("shop", told=told | {"paused_at": told["since"] + 48}))
    expect(view.locator(".left")).to_have_text("1 min 12 s of 2 min left")
    photograph(visitor.page, "canary-paused")


PHASES: dict[str, tuple[Json, Json | None]] = {
    "canary: control is about to begin": ({}, None),
    "rolling, batch 2 of 4: its tasks start": (
        {"strategy": "rolling"},
        {"phase": "starting", "verdicts": []},
    ),
    "blue-green: its smoke test runs, before its first request": (
        {"strategy": "blue-green"},
        {"phase": "smoke", "verdicts": []},
    ),
    "canary, after the last step: r6 finishes what it has begun": (
        {},
        {"phase": "draining", "step": 3},
    ),
    "canary: r7 goes back to r6: failed 3 times": (
        {},
        {"phase": "shifting", "ending": "failed", "reason": "failed 3 times"},
    ),
}


@pytest.mark.parametrize("said", PHASES)
def test_each_phase_of_each_strategy_is_told(visitor: Visitor, said: str) -> None:
    of_plan, told = PHASES[said]
    app = walks.walking("shop", told=walks.progress(**(told or {})), **of_plan)
    app["walk"]["progress"] = told and app["walk"]["progress"]
    view = opened(visitor, app)
    expect(view.locator(".rollout .stage > span").first).to_have_text(said)
    assert visitor.complaints == []


def test_after_a_rollback_the_reason_stays_until_the_next_release(
    visitor: Visitor, photograph: Photograph
) -> None:
    view = opened(visitor, walks.back("shop"))
    notice = view.locator(".turned:visible")
    expect(notice.get_by_role("status")).to_contain_text(
        "rolled backr7 did not take over; r6 serves4 min ago"
    )
    expect(notice.locator(".reason")).to_have_text(walks.BAD)
    expect(notice.locator(".sentence")).to_be_hidden()
    found = rows(notice)
    assert found[1] == ["errors", "5.1 %", "0.10 %", "<0.01 %", "worse"]
    assert found[2] == ["p95", "48 ms", "42 ms", "4.0 %", "good"]
    photograph(visitor.page, "rolled-back")
    later = walks.back("shop")
    later["releases"].append(world.release("shop", 8))
    tell(visitor, later)
    expect(notice).to_have_count(0)
    assert visitor.complaints == []


def test_a_release_that_failed_or_was_aborted_is_told_apart(visitor: Visitor) -> None:
    view = opened(visitor, walks.back("shop", "failed", "is not healthy after 300 s"))
    notice = view.locator(".turned")
    expect(notice.locator(".badge").first).to_have_text("failed")
    expect(notice).to_contain_text("is not healthy after 300 s")
    expect(notice.locator(".verdict")).to_be_hidden()
    tell(visitor, walks.back("shop", reason="aborted by anna", order="abort", by="anna"))
    expect(notice.locator(".badge").first).to_have_text("rolled back")
    expect(notice.locator(".badge").first).to_have_attribute("data-level", "none")
    expect(notice).to_contain_text("aborted by anna")


def test_parked_releases_are_named_with_the_way_back(visitor: Visitor) -> None:
    view = opened(visitor, walks.walking("shop"))
    table = view.get_by_role("region", name="Releases", exact=True)
    assert [row[:2] for row in rows(table)] == [["00000005", "parked"], ["00000004", "parked"]]
    expect(table).to_contain_text("One comes back with horcrux rollback shop")
    both = view.get_by_role("region", name="Releases side by side")
    assert [row[:2] for row in rows(both)] == [["r6", "old"], ["r7", "canary"]]
    tell(visitor, walks.back("shop"))
    expect(table.locator("tbody tr")).to_have_count(4)
    assert [row[:2] for row in rows(table)] == [
        ["r7", "rolled back"],
        ["r6", "serving"],
        ["00000005", "parked"],
        ["00000004", "parked"],
    ]
    tell(visitor, world.app("shop"))
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table.locator(".hint")).to_be_hidden()


def test_a_parked_release_that_takes_over_again_is_the_new_one(visitor: Visitor) -> None:
    """Its service is older than the one that it follows."""
    app = walks.walking("shop", strategy="blue-green")
    app["releases"][-1]["created"] = 1.0
    view = opened(visitor, app)
    expect(view.locator(".shares .share")).to_have_text(["r6 75 %", "r7 25 %"])
    expect(view.locator(".shares .share").last).to_have_attribute("data-role", "new")


def test_an_elastic_app_tells_its_tasks_bounds_and_reason(visitor: Visitor) -> None:
    view = opened(visitor, walks.elastic("hello"))
    told = view.locator(".elastic:visible")
    numbers = "Elastic: 4 tasks now (6 ordered), 6 wanted, 1 to 10 allowed"
    expect(told.locator(".numbers-now")).to_have_text(numbers)
    expect(told.locator(".reason")).to_have_text("290 requests/s, 50 a task wanted")
    expect(told.locator(".badge")).to_be_hidden()
    tell(visitor, walks.elastic("hello", wanted=14, limited="max"))
    expect(told.locator(".badge")).to_have_text("at its maximum")
    tell(visitor, walks.elastic("hello", limited="room"))
    expect(told.locator(".badge")).to_have_text("no room on the hosts")
    tell(visitor, world.app("hello"))
    expect(told).to_have_count(0)


def test_an_app_that_sleeps_is_well(visitor: Visitor) -> None:
    app = walks.elastic("hello", wanted=0, reason="asleep")
    app |= {"state": "stopped", "replicas": {"desired": 0, "running": 0}}
    tell(visitor, app)
    page = visitor.enter()
    expect(page.locator(".app", has_text="hello")).to_contain_text("asleep")
    expect(page.locator("#summary")).to_contain_text("4 of 4 apps well")


def test_the_list_tells_it_all_shortly(visitor: Visitor, photograph: Photograph) -> None:
    tell(visitor, *crowd())
    page = visitor.enter()
    shop = page.locator(".app", has_text="shop")
    for text in ("r6 → r7", "canary, step 2 of 3: it is measured", "r7 25 %"):
        expect(shop).to_contain_text(text)
    line = "good" + "errors 0.12 % against 0.10 %, p95 43 ms against 42 ms"
    expect(shop.locator(".verdict-line")).to_have_text(line)
    expect(shop.get_by_role("status")).to_have_count(0)
    wiki = page.locator(".app", has_text="wiki")
    expect(wiki).to_contain_text("r7 did not take over; r6 serves")
    expect(wiki.locator(".reason").first).to_have_text(walks.BAD)
    expect(page.locator(".app", has_text="hello")).to_contain_text("14 wanted, 1 to 10 allowed")
    expect(page.locator(".app h3")).to_have_text(["shop", "wiki", "db", "hello"])
    photograph(page, "walks")
    assert visitor.complaints == []


def crowd() -> list[Json]:
    """One app of each kind."""
    limited = {"wanted": 14, "limited": "max"}
    return [walks.walking("shop"), walks.back("wiki"), walks.elastic("hello", **limited)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_old_and_new_differ_in_brightness_too(
    visit: Visit, photograph: Photograph, scheme: str
) -> None:
    visitor = visit(color_scheme=scheme)
    view = opened(visitor, walks.walking("shop"))
    expect(view.locator(".weights .part")).to_have_count(2)
    assert visitor.page.evaluate(CONTRAST) >= 3, (
        "what WCAG asks of graphics that are to be told apart"
    )
    photograph(visitor.page, f"canary-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("route", ["", "#/app/shop", "#/app/wiki"])
def test_a_phone_shows_walks_without_scrolling_sideways(
    visit: Visit, photograph: Photograph, route: str, scheme: str
) -> None:
    visitor = visit(viewport=PHONE, color_scheme=scheme, device_scale_factor=2, has_touch=True)
    tell(visitor, *crowd())
    page = visitor.enter(route)
    expect(page.locator(".rollout:visible").first).to_be_visible()
    assert page.evaluate(NOT_WIDER)
    photograph(page, f"phone-{scheme}-walks-{route.rpartition('/')[2] or 'overview'}")


def test_a_walk_touches_only_what_changed(visitor: Visitor) -> None:
    """A screen reader is told of a step, and not of each second."""
    view = opened(visitor, walks.walking("shop"))
    expect(view.locator(".left")).to_contain_text("left")
    visitor.page.evaluate(
        """() => {
          window.changes = [];
          const what = { subtree: true, childList: true, characterData: true, attributes: true };
          const note = (list) => window.changes.push(...list.map((m) => m.target.textContent));
          new MutationObserver(note).observe(document.querySelector("#detail .rollout [role=status]"), what);
        }"""
    )
    before = view.locator(".left").inner_text()
    expect(view.locator(".left")).not_to_have_text(before)
    assert visitor.page.evaluate("window.changes") == []


def test_reasons_and_names_are_only_ever_text(visitor: Visitor) -> None:
    evil = "<img src=x onerror=alert(1)>"
    told = walks.progress(paused=True, by=evil, verdicts=[walks.no_data(evil)])
    app, back = walks.walking("shop", told=told), walks.back("wiki", reason=evil)
    tell(visitor, app, back, walks.elastic("hello", reason=evil))
    page = visitor.enter("#/app/shop")
    expect(page.locator("#detail .stage")).to_contain_text(evil)
    page.goto(f"{visitor.portal.url}/#/app/wiki")
    expect(page.locator("#detail .reason").first).to_have_text(evil)
    expect(page.locator("main img")).to_have_count(0)
    assert visitor.complaints == []


def test_the_keyboard_reaches_the_tables(visitor: Visitor) -> None:
    view = opened(visitor, walks.walking("shop"))
    table = view.get_by_role("region", name="Releases side by side")
    view.get_by_role("button", name="24 h").focus()
    visitor.page.keyboard.press("Tab")
    expect(table).to_be_focused()
