"""Managers: an odd number, for an even one survives no more failures than one less."""

from collections.abc import Iterator, Sequence

from policies.known import UNKNOWN
from policies.rule import StackRule
from policies.views import CONTAINER, Resource


def check(resources: Sequence[Resource]) -> Iterator[str]:
    """Count the hosts that are managers; a stack without hosts of its own has nothing to count."""
    roles = [resource.label("role") for resource in resources if resource.kind == CONTAINER]
    count = roles.count("manager")
    if UNKNOWN not in roles and count and count % 2 == 0:
        yield (
            f"{count} managers survive the loss of no more hosts than {count - 1}, and stop when "
            f"half of them are lost; set `hosts.managers` to {count - 1} or {count + 1}"
        )


ODD_MANAGERS = StackRule(
    id="odd-managers",
    title="The number of managers is odd.",
    remedy="`hosts.managers`: 1, 3, 5 or 7",
    check=check,
)
