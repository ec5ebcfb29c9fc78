"""What a preview cannot know never breaks a rule, and never makes one cry wolf."""

from collections.abc import Iterator
from typing import Any

import pytest
from policy_cases import (
    CONTAINER,
    SERVICE,
    VOLUME,
    Props,
    changed,
    host,
    judge,
    judge_stack,
    platform,
    service,
    volume,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.known import UNKNOWN, at, label, plain
from policies.rule import AnyRule
from policies.rules import RULES
from policies.rules.managers import ODD_MANAGERS
from policies.rules.secrets import NO_PLAIN_SECRETS

EDGE_PORTS = [{"targetPort": 8080.0, "publishedPort": 80.0, "publishMode": "host"}]
EDGE = changed(platform("edge"), "endpointSpec.ports", EDGE_PORTS)
CHECKED_BY_DOCKER = changed(service(), "labels.2.value", '{"port": 80, "check": null}')
CHECKED_BY_EDGE = service(healthcheck=None)
PASSING = [
    (SERVICE, CHECKED_BY_DOCKER),
    (SERVICE, CHECKED_BY_EDGE),
    (SERVICE, EDGE),
    (CONTAINER, host()),
    (VOLUME, volume()),
]


def paths(value: Any, so_far: str = "") -> Iterator[str]:
    """The path of everything inside `value`."""
    keys = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in keys:
        path = f"{so_far}.{key}".lstrip(".")
        yield path
        if isinstance(inner, dict | list):
            yield from paths(inner, path)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize(("kind", "props"), PASSING)
def test_what_passes_still_passes_with_anything_in_it_unknown(
    rule: AnyRule, kind: str, props: Props
) -> None:
    assert judge(rule, kind, props, protect=True) == []
    for path in paths(props):
        unknown = changed(props, path, UNKNOWN_STRING_VALUE)
        assert judge(rule, kind, unknown, protect=True) == [], f"with {path} unknown"


def test_an_unknown_variable_does_not_hide_a_known_secret() -> None:
    props = service(env={"FIRST": UNKNOWN_STRING_VALUE, "DB_PASSWORD": "hunter2"})
    assert len(judge(NO_PLAIN_SECRETS, SERVICE, props)) == 1


def test_managers_are_not_counted_while_a_role_is_unknown() -> None:
    unknown = changed(host(), "labels.1.value", UNKNOWN_STRING_VALUE)
    assert judge_stack(ODD_MANAGERS, [(CONTAINER, host()), (CONTAINER, host())])
    assert not judge_stack(ODD_MANAGERS, [(CONTAINER, host())] * 2 + [(CONTAINER, unknown)])


def test_unknown_is_neither_there_nor_not_there() -> None:
    given = plain(unknown_checking_proxy({"a": {"b": UNKNOWN_STRING_VALUE}, "c": [1.0]}))
    assert given == {"a": {"b": UNKNOWN}, "c": [1.0]}
    assert at(given, "a", "b", "deeper") is UNKNOWN
    assert at(given, "a", "x", "deeper") is None


def test_a_label_may_be_among_labels_that_are_not_known() -> None:
    one = {"label": UNKNOWN, "value": "x"}
    assert label({"labels": [one]}, "horcrux.app") is UNKNOWN
    assert label({"labels": [one, {"label": "horcrux.app", "value": "a"}]}, "horcrux.app") == "a"
    assert label({"labels": []}, "horcrux.app") is None
