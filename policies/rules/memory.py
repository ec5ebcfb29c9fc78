"""Memory limits: nobody takes a whole host, and no host takes the whole machine."""

from collections.abc import Iterator

from policies.known import UNKNOWN, at, number
from policies.rule import Rule
from policies.views import CONTAINER, SERVICE, Resource


def check(resource: Resource) -> Iterator[str]:
    """Services and hosts have a limit. Docker takes 0 for none."""
    if resource.kind == CONTAINER:
        limit = at(resource.props, "memory")
        if resource.is_host is True and _none(limit):
            yield (
                f"{resource.title} has no memory limit, so that it may take all of this machine; "
                "set `hosts.memory`"
            )
        return
    if _none(at(resource.props, "taskSpec", "resources", "limits", "memoryBytes")):
        mend = resource.setting("limits.memory", "`limits.memory_bytes` where it is declared")
        yield (
            f"{resource.title} has no memory limit, so that one task may starve all others on its "
            f"host; set {mend}"
        )


def _none(limit: object) -> bool:
    return limit is not UNKNOWN and (number(limit) or 0) <= 0


MEMORY_LIMIT = Rule(
    id="memory-limit",
    title="Every service and every host has a memory limit.",
    remedy="`apps.APP.limits.memory`, `hosts.memory`",
    kinds=(SERVICE, CONTAINER),
    check=check,
)
