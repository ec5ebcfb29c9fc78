"""The pack as a whole: the levels of an environment, wrong settings, and the table of rules."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
from policy_cases import SERVICE, judge, service
from pulumi_policy import EnforcementLevel, Policy, ResourceValidationPolicy

import policies
from policies.levels import Levels, parse, read
from policies.pack import policies as all_policies
from policies.pack import settings_rule
from policies.rules import RULES, SETTINGS_ID
from policies.rules.images import IMAGE_DIGEST
from policies.views import STACK

README = Path(policies.__file__).with_name("README.md")
ADVISORY = {"level": "advisory", "reason": "we are moving"}


def by_id(levels: Levels) -> dict[str, Policy]:
    return {policy.name: policy for policy in all_policies(levels)}


def told(levels: Levels) -> list[str]:
    return judge(settings_rule(levels.problems), STACK, {})


def test_without_settings_every_rule_is_in_force_at_its_own_level() -> None:
    found = by_id(parse(None))
    assert set(found) == {SETTINGS_ID, *(rule.id for rule in RULES)}
    assert {policy.enforcement_level for policy in found.values()} == {EnforcementLevel.MANDATORY}
    assert told(parse(None)) == []


def test_ids_are_unique_and_can_be_keys_of_the_setting() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", one) for one in ids)


@pytest.mark.parametrize(
    "raw",
    [
        {"image-digest": ADVISORY},
        {"image-digest": json.dumps(ADVISORY)},
        json.dumps({"image-digest": ADVISORY}),
        json.dumps({"image-digest": json.dumps(ADVISORY)}),
    ],
)
def test_an_environment_lowers_a_rule_and_says_why(raw: Any) -> None:
    policy = by_id(parse(raw))["image-digest"]
    assert policy.enforcement_level is EnforcementLevel.ADVISORY
    assert "we are moving" in policy.description


def test_a_disabled_rule_is_left_out_and_no_other() -> None:
    found = by_id(parse({"image-digest": {"level": "disabled"}}))
    assert set(found) == {SETTINGS_ID, *(rule.id for rule in RULES)} - {"image-digest"}


def test_an_unknown_id_is_a_mandatory_violation_that_names_it_and_lists_the_ids() -> None:
    levels = parse({"image-digets": ADVISORY})
    (message,) = told(levels)
    assert "policies.image-digets" in message
    assert "did you mean image-digest?" in message
    assert all(rule.id in message for rule in RULES)
    policy = by_id(levels)[SETTINGS_ID]
    assert policy.enforcement_level is EnforcementLevel.MANDATORY


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"image-digest": {"level": "lax"}}, "policies.image-digest.level:"),
        ({"image-digest": {}}, "policies.image-digest.level:"),
        ({"image-digest": {"level": "remediate"}}, "policies.image-digest.level:"),
        ({"image-digest": "advisory"}, "policies.image-digest:"),
        ({"image-digest": None}, "policies.image-digest:"),
        ({SETTINGS_ID: {"level": "disabled"}}, f"policies.{SETTINGS_ID}:"),
        (["image-digest"], "policies:"),
        ("image-digest", "policies:"),
    ],
)
def test_a_setting_that_cannot_be_used_lowers_nothing_and_is_a_violation(
    raw: Any, path: str
) -> None:
    levels = parse(raw)
    assert levels.changed == {}
    (message,) = told(levels)
    assert message.startswith(path)


def test_the_rule_on_the_settings_cannot_be_lowered() -> None:
    (message,) = told(parse({SETTINGS_ID: {"level": "advisory"}}))
    assert "always mandatory" in message


def test_right_settings_count_beside_wrong_ones() -> None:
    levels = parse({"image-digest": ADVISORY, "nonsense": ADVISORY})
    assert list(levels.changed) == ["image-digest"]
    assert len(told(levels)) == 1


def configured(monkeypatch: pytest.MonkeyPatch, **config: str) -> None:
    """The stack `dev` with this configuration, as Pulumi tells it to a pack."""
    everything = {f"horcrux:{name}": value for name, value in config.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(everything))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")


def stack_file(project: Path, name: str, content: str) -> None:
    (project / "stacks").mkdir(exist_ok=True)
    (project / "stacks" / f"Pulumi.{name}.yaml").write_text(content)


def test_the_levels_come_from_the_configuration_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, policies=json.dumps({"image-digest": ADVISORY}))
    assert read(tmp_path).changed == {"image-digest": (EnforcementLevel.ADVISORY, "we are moving")}


def test_a_stack_without_the_setting_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch)
    assert read(tmp_path) == Levels({})


def test_configuration_that_is_no_mapping_is_a_violation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, policies="{broken")
    (message,) = told(read(tmp_path))
    assert message.startswith("policies:")


def test_an_environment_inherits_the_policies_of_the_one_that_it_extends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inherited = "{image-digest: {level: advisory}, memory-limit: {level: advisory}}"
    stack_file(tmp_path, "base", f"config: {{'horcrux:policies': {inherited}}}")
    own = {"memory-limit": {"level": "disabled"}, "nonsense": {"level": "disabled"}}
    configured(monkeypatch, extends="base", policies=json.dumps(own))
    levels = read(tmp_path)
    assert {name: level.value for name, (level, _) in levels.changed.items()} == {
        "image-digest": "advisory",
        "memory-limit": "disabled",
    }
    assert "policies.nonsense" in told(levels)[0]


def test_an_environment_that_extends_nothing_there_is_held_to_every_rule(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack_file(tmp_path, "dev", "config: {}")
    configured(monkeypatch, extends="bass", policies=json.dumps({"image-digest": ADVISORY}))
    levels = read(tmp_path)
    assert levels.changed == {}
    assert "Pulumi.bass.yaml" in told(levels)[0]


def test_a_rule_judges_only_the_kinds_that_it_is_about() -> None:
    assert judge(IMAGE_DIGEST, SERVICE, service(image="nginx"))
    assert judge(IMAGE_DIGEST, "other:index:Service", service(image="nginx")) == []
    assert isinstance(IMAGE_DIGEST.policy(), ResourceValidationPolicy)


def test_the_readme_lists_exactly_the_rules_there_are_in_their_order() -> None:
    row = re.compile(r"\| `(.+?)` \| (.+?) \| (.+) \| (.+) \|")
    rules = [settings_rule(()), *RULES]
    expected = [(rule.id, rule.level.value, rule.title, rule.remedy) for rule in rules]
    found = [match.groups() for match in row.finditer(README.read_text())]
    assert found == expected
