"""The policies of the pack: every rule at the level that the environment asks for."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Policy

from policies.levels import Levels
from policies.rule import Rule
from policies.rules import RULES, SETTINGS_ID
from policies.views import STACK, Resource


def policies(levels: Levels) -> list[Policy]:
    """All policies; a disabled rule is left out, and wrong settings are a violation themselves."""
    found = [settings_rule(levels.problems).policy()]
    for rule in RULES:
        level, reason = levels.changed.get(rule.id, (rule.level, ""))
        if level is not EnforcementLevel.DISABLED:
            found.append(rule.policy(level, reason))
    return found


def settings_rule(problems: tuple[str, ...]) -> Rule:
    """The rule that the setting `policies` itself must hold to: a typing error lowers nothing."""

    def check(_: Resource) -> Iterator[str]:
        yield from problems

    return Rule(
        id=SETTINGS_ID,
        title="The setting `policies` names policies that there are, and levels that there are.",
        remedy="mend `policies` in the environment's stack file",
        kinds=(STACK,),
        check=check,
    )
