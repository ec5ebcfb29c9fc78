"""What the edge is told of apps, from the labels of their services."""

import json
from typing import Any

import pytest

from components.app_spec import edge_label
from control.backend import (
    HOLD_SECONDS,
    ON_EVERY_MANAGER,
    Backend,
    Release,
    backends,
)
from control.edge_label import app_rules
from horcrux.settings import parse
from tests.support.swarm_objects import service, traffic

RULES: dict[str, Any] = {"port": 8080, "routes": [["web.test", "/"]]}


def one(*services: dict[str, Any], configs: list[dict[str, Any]] | None = None) -> Backend:
    found, problems = backends(services, configs or [])
    assert problems == []
    (backend,) = found
    return backend


def refused(label: Any) -> str:
    """The one problem with a service that carries this label."""
    found, problems = backends([service("web-1", label)], [traffic("web", {"web-1": 100})])
    assert found == []
    (problem,) = problems
    assert "web-1" in problem
    return problem


@pytest.mark.parametrize(
    "label",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"port": 80}',
        '{"routes": [["a.b", "/"]]}',
        '{"port": 80, "routes": null}',
        '{"port": 80, "routes": ["a.b/"]}',
        '{"port": 80, "routes": [["a.b", "/", "c"]]}',
        "[" * 100_000,
        '{"port": %s, "routes": []}' % ("1" * 5000),
    ],
    ids=lambda label: label[:30] or "empty",
)
def test_a_label_that_is_not_the_expected_json_leaves_its_service_out(label: str) -> None:
    assert "is not the JSON that the edge reads" in refused(label)


@pytest.mark.parametrize("port", [0, 65536, -1, 80.0, "80", True, None])
def test_a_port_that_is_none_leaves_its_service_out(port: Any) -> None:
    assert "is not a port" in refused({**RULES, "port": port})


@pytest.mark.parametrize(
    "route",
    [
        ["", "/"],
        ["a b", "/"],
        ["a.b\nbackend x", "/"],
        ["a.b.", "/"],
        ["-a", "/"],
        ["ä.b", "/"],
        ["a.b", "/a b"],
        ["a.b", "/a\nx app-y"],
        ["a.b", "/{x}"],
        ["a.b", "/%[env(HOME)]"],
        ["a" * 254, "/"],
    ],
)
def test_a_route_that_is_none_leaves_its_service_out(route: list[str]) -> None:
    assert "is not a route" in refused({**RULES, "routes": [["ok.test", "/"], route]})


@pytest.mark.parametrize("check", ["healthz", "/a b", "/a\nb", 1, ["/"]])
def test_a_check_that_is_no_path_leaves_its_service_out(check: Any) -> None:
    assert "is not a path to check" in refused({**RULES, "check": check})


@pytest.mark.parametrize("key", ["body_limit", "rate_limit", "timeout", "tunnel_timeout", "hold"])
@pytest.mark.parametrize("value", [-1, 1.5, "9", True])
def test_a_limit_that_is_no_whole_number_leaves_its_service_out(key: str, value: Any) -> None:
    assert f"{key}: {value!r} is not a whole number" in refused({**RULES, key: value})


@pytest.mark.parametrize("key", ["sticky", "sleeps"])
@pytest.mark.parametrize("value", [1, "true", []])
def test_a_switch_is_true_or_false_or_leaves_its_service_out(key: str, value: Any) -> None:
    assert f"{key}: {value!r} is not true or false" in refused({**RULES, key: value})


@pytest.mark.parametrize("tester", ["", "X Canary", "X-Canary\n", "x" * 64, "1x", "ä", 1, True])
def test_a_tester_s_header_that_is_none_leaves_its_service_out(tester: Any) -> None:
    assert "is not the name of a header" in refused({**RULES, "tester": tester})


@pytest.mark.parametrize("name", ["a b", "a\nb", "a..b", "-a", "", "a" * 64, "a/b", "ä"])
def test_a_name_that_haproxy_cannot_have_leaves_its_service_out(name: str) -> None:
    found, problems = backends([service("web-1", RULES, app=name)], [])
    assert found == []
    assert "cannot be a name at the edge" in problems[0]


def test_a_bad_service_takes_no_other_with_it() -> None:
    found, problems = backends([service("web-1", "{"), service("api", RULES, app="api")], [])
    assert [b.app for b in found] == ["api"]
    assert len(problems) == 1


def test_services_without_an_app_or_rules_are_none_of_the_edge_s_business() -> None:
    assert backends([service("a", RULES, app=None), service("b", None)], []) == ([], [])
    bare = {"ID": "x", "Spec": {"Name": "x", "Labels": None}}
    assert backends([bare], []) == ([], [])


def test_limits_above_what_haproxy_counts_are_the_most_that_it_counts() -> None:
    rules = {**RULES, "timeout": 10**9, "tunnel_timeout": 10**12, "body_limit": 10**25}
    backend = one(service("web", rules, release=False))
    assert backend.timeout == backend.tunnel_timeout == 2_147_483
    assert backend.body_limit == 2**53


def test_no_body_at_all_is_a_limit_too() -> None:
    assert one(service("web", {**RULES, "body_limit": 0}, release=False)).body_limit == 0


def test_a_route_stays_with_the_first_app_that_has_it() -> None:
    api = {"port": 80, "routes": [["web.test", "/"], ["web.test", "/api/"]]}
    found, problems = backends([service("web-1", RULES), service("api-1", api, app="api")], [])
    routes = {b.app: b.routes for b in found}
    assert routes == {"api": (("web.test", "/"), ("web.test", "/api")), "web": ()}
    assert problems == ["web: web.test/ is a route of api already; it stays there"]


def test_a_route_that_one_app_has_twice_is_one_route() -> None:
    rules = {**RULES, "routes": [["Web.test", "/shop"], ["web.test", "/shop/"]]}
    assert one(service("web", rules)).routes == (("web.test", "/shop"),)


def test_weights_say_which_releases_get_requests() -> None:
    backend = one(
        service("web-1", RULES),
        service("web-2", RULES),
        service("web-3", RULES),
        configs=[traffic("web", {"web-1": 90, "web-2": 10, "gone": 5})],
    )
    assert {r.service: r.weight for r in backend.releases} == {"web-1": 90, "web-2": 10}


def test_a_release_without_weights_is_parked() -> None:
    assert one(service("web-1", RULES)).releases == ()


def test_weights_that_name_nobody_leave_the_routes_and_no_server() -> None:
    backend = one(service("web-1", RULES), configs=[traffic("web", {})])
    assert backend.releases == ()
    assert backend.routes == (("web.test", "/"),)


@pytest.mark.parametrize(
    ("weights", "main"),
    [
        ({"web-1": 100}, "web-1"),
        ({"web-2": 100}, "web-2"),
        ({"web-1": 100, "web-2": 0}, "web-1"),
        ({"web-1": 1, "web-2": 9999}, "web-1"),
        ({"web-1": 0, "web-2": 100}, "web-2"),
        ({"web-1": 0, "web-2": 0}, "web-2"),
        ({}, "web-2"),
    ],
)
def test_the_main_release_is_the_oldest_with_weight_and_its_rules_hold(
    weights: dict[str, int], main: str
) -> None:
    old = service("web-1", {**RULES, "timeout": 1}, created="2026-01-01T00:00:00Z")
    new = service("web-2", {**RULES, "timeout": 2}, created="2026-01-02T00:00:00Z")
    found = one(new, old, configs=[traffic("web", weights)])
    assert (found.main, f"web-{found.timeout}") == (main, main)
    assert [r.service for r in found.releases] == sorted(weights), "the oldest first"


@pytest.mark.parametrize(
    "weights",
    ["", "[]", "null", '{"web-1": -1}', '{"web-1": 10001}', '{"web-1": 1.5}', '{"web-1": true}',
     '{"web-1": "1"}', "[" * 100_000],
    ids=lambda text: text[:20] or "empty",
)  # fmt: skip
def test_weights_that_cannot_be_read_are_a_problem_and_nothing_else(weights: str) -> None:
    found, problems = backends([service("web-1", RULES)], [traffic("web", weights)])
    assert [b.releases for b in found] == [()]
    assert "config horcrux-traffic-web" in problems[0]


def test_configs_of_others_are_left_alone() -> None:
    other = {"Spec": {"Name": "nginx.conf", "Labels": None}}
    assert backends([], [other]) == ([], [])


def test_a_plain_service_gets_everything_and_of_two_the_newest() -> None:
    old = service("site-a", RULES, release=False, created="2026-01-01T00:00:00Z")
    new = service("site-b", RULES, release=False, created="2026-01-02T00:00:00Z")
    (release,) = one(old, new).releases
    assert (release.service, release.weight) == ("site-b", 100)


@pytest.mark.parametrize(
    ("replicas", "slots"), [(0, 4), (2, 4), (3, 8), (4, 8), (5, 16), (500, 1024), (10**6, 1024)]
)  # fmt: skip
def test_there_is_room_for_twice_the_tasks(replicas: int, slots: int) -> None:
    (release,) = one(service("web", RULES, release=False, replicas=replicas)).releases
    assert release.slots == slots


def released(name: str, day: int, **more: Any) -> dict[str, Any]:
    """A release that was made on that day."""
    return service(name, {**RULES, **more}, created=f"2026-01-0{day}T00:00:00Z")


def walk(new: str, old: str) -> str:
    """The plan of a walk from one release to another."""
    plan = {"id": "1", "strategy": "rolling", "new": new, "release": "1", "number": 2, "old": old}
    times = {"drain": 1, "start_timeout": 1, "began": 1}
    return json.dumps({**plan, "replicas": 2, "routed": True, **times})


def test_the_release_that_a_walk_leads_to_comes_last_however_old_it_is() -> None:
    config = traffic("web", {"web-1": 5, "web-2": 95})
    config["Spec"]["Labels"]["horcrux.walk"] = walk(new="web-1", old="web-2")
    backend = one(released("web-1", 1), released("web-2", 2), configs=[config])
    assert [r.service for r in backend.releases] == ["web-2", "web-1"]
    assert backend.main == "web-2"


@pytest.mark.parametrize("plan", ["", "{", "null", "[]", '{"new": 1}', walk("gone", "web-2")])
def test_a_walk_that_says_nothing_changes_nothing(plan: str) -> None:
    config = traffic("web", {"web-1": 5, "web-2": 95})
    config["Spec"]["Labels"]["horcrux.walk"] = plan
    assert one(released("web-1", 1), released("web-2", 2), configs=[config]).main == "web-1"


def test_rules_are_those_of_the_main_release_but_for_what_each_has_its_own() -> None:
    old = released("web-1", 1, timeout=5, check="/old", tester="X-Old", sleeps=True, hold=7)
    new = released("web-2", 2, timeout=9, check="/new", sticky=True, port=81)
    both = one(old, new, configs=[traffic("web", {"web-1": 1, "web-2": 99})])
    assert (both.timeout, both.sticky, both.sleeps, both.hold) == (5, False, True, 7)
    assert [(r.port, r.check, r.tester) for r in both.releases] == [
        (8080, "/old", "X-Old"),
        (81, "/new", None),
    ]
    last = one(old, new, configs=[traffic("web", {"web-1": 0, "web-2": 100})])
    assert (last.timeout, last.sticky, last.sleeps, last.hold) == (9, True, False, HOLD_SECONDS)


def test_releases_in_play_have_the_same_room_so_that_a_walk_reloads_nothing_for_it() -> None:
    old, new = service("web-1", RULES, replicas=5), service("web-2", RULES, replicas=0)
    backend = one(old, new, configs=[traffic("web", {"web-1": 100, "web-2": 0})])
    assert {r.slots for r in backend.releases} == {16}


@pytest.mark.parametrize(
    ("label", "slots"),
    [
        ('{"max": 10, "target": {"cpu": 0.5}}', 16),
        ('{"max": 2, "target": {"cpu": 0.5}, "schedule": [{"at": "8:00", "min": 1, "max": 20}]}', 32),
        ('{"max": 100000, "target": {"cpu": 0.5}}', 1024),
        ('{"max": 1e999, "target": {"cpu": 0.5}}', 4),
        ("{", 4),
        ("null", 4),
        ("", 4),
    ],
)  # fmt: skip
def test_an_elastic_app_has_room_for_all_that_it_may_get(label: str, slots: int) -> None:
    elastic = service("web", RULES, release=False, replicas=1)
    elastic["Spec"]["Labels"]["horcrux.elastic"] = label
    (release,) = one(elastic).releases
    assert release.slots == slots


def test_what_settings_say_is_what_the_edge_understands() -> None:
    settings = parse(
        {
            "domain": "example.org",
            "apps": {
                "web": {
                    "image": "web",
                    "port": 8080,
                    "routes": ["/", "/shop/", "www.example.org/"],
                    "health": {"http": "/healthz?deep=1"},
                    "edge": {"rate_limit": 7, "body_limit": "1M", "timeout": 5},
                    "canary": {"sticky": True, "tester": "X-New"},
                    "elastic": {"max": 3, "target": {"queue": 5}, "scale_to_zero": 60},
                }
            },
        },
        "dev",
    )
    label = edge_label("web", settings.apps["web"], "dev", settings.domain)
    assert one(service("web", label, release=False)) == Backend(
        "web",
        (("web.dev.example.org", "/"), ("web.dev.example.org", "/shop"), ("www.example.org", "/")),
        (Release("web", 8080, 100, 4, "/healthz?deep=1", "X-New"),),
        "web",
        body_limit=1 << 20,
        rate_limit=7,
        timeout=5,
        tunnel_timeout=3600,
        sticky=True,
        sleeps=True,
    )
    assert json.loads(label)["port"] == 8080


def page(name: str = "horcrux-control", **labels: str) -> dict[str, Any]:
    """A service of the platform's on every manager, with a page at the edge."""
    found = service(name, RULES, app=None, release=False)
    found["Spec"]["Labels"] |= {"horcrux.page": "portal", **labels}
    found["Spec"]["Mode"] = {"Global": {}}
    return found


def test_a_page_of_the_platform_s_is_reached_like_an_app() -> None:
    backend = one(page())
    assert (backend.app, backend.routes) == ("portal", (("web.test", "/"),))
    (release,) = backend.releases
    assert (release.service, release.weight) == ("horcrux-control", 100)


def test_a_service_that_runs_everywhere_has_room_for_every_manager() -> None:
    (release,) = one(page()).releases
    assert release.slots == 16 >= 2 * ON_EVERY_MANAGER


def test_a_service_that_is_an_app_is_no_page() -> None:
    assert one(page(**{"horcrux.app": "web"})).app == "web"


def test_a_page_with_a_bad_name_or_rules_is_left_out() -> None:
    for label in ({"horcrux.page": "a b"}, {"horcrux.page": ""}, {"horcrux.edge": "{"}):
        found, problems = backends([page(**label)], [])
        assert found == []
        assert "horcrux-control" in problems[0]


@pytest.mark.parametrize(
    "raw", [None, {}, {"port": 80}, {**RULES, "port": 0}, {**RULES, "check": 1}]
)
def test_rules_that_cannot_be_used_are_none(raw: Any) -> None:
    assert app_rules(raw) is None


def test_rules_that_can_be_used_are_checked_ones() -> None:
    rules = app_rules({**RULES, "routes": [["Web.Test", "/shop/"]], "timeout": 10**9, "other": 1})
    assert rules == {"port": 8080, "routes": [("web.test", "/shop")], "timeout": 2_147_483}
