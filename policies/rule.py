"""A rule: what must hold, how strictly, and the Pulumi policy that enforces it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.views import Resource

Findings = Iterable[str]
"""What is wrong and what to do, a message each. None ever shows the value of a secret."""


@dataclass(frozen=True)
class Rule:
    """What must hold of each resource of some kinds."""

    id: str
    title: str
    remedy: str
    kinds: tuple[str, ...]
    check: Callable[[Resource], Findings]
    level: EnforcementLevel = EnforcementLevel.MANDATORY

    def policy(self, level: EnforcementLevel | None = None, reason: str = "") -> Policy:
        """The Pulumi policy, at its own level or another one that has a reason."""

        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if args.resource_type in self.kinds:
                for message in self.check(Resource.of(args)):
                    report(message, None)

        return ResourceValidationPolicy(
            self.id, _described(self.title, reason), validate, level or self.level
        )


@dataclass(frozen=True)
class StackRule:
    """What must hold of all resources together."""

    id: str
    title: str
    remedy: str
    check: Callable[[Sequence[Resource]], Findings]
    level: EnforcementLevel = EnforcementLevel.MANDATORY

    def policy(self, level: EnforcementLevel | None = None, reason: str = "") -> Policy:
        """The Pulumi policy, at its own level or another one that has a reason."""

        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            for message in self.check([Resource.of(one) for one in args.resources]):
                report(message, None)

        return StackValidationPolicy(
            self.id, _described(self.title, reason), validate, level or self.level
        )


AnyRule = Rule | StackRule


def _described(title: str, reason: str) -> str:
    return f"{title} (Changed for this environment: {reason})" if reason else title
