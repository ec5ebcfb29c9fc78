"""The host's own network: from there an app reaches what only the platform may."""

from collections.abc import Iterator

from policies.known import at, items
from policies.rule import Rule
from policies.views import SERVICE, Resource


def check(resource: Resource) -> Iterator[str]:
    """No service joins the network `host`."""
    for one in items(resource.props, "taskSpec", "networksAdvanceds"):
        if at(one, "name") == "host":
            yield (
                f"{resource.title} joins its host's own network, where it reaches the Docker API "
                "and every port there; take `host` out of its networks: apps reach each other by "
                f"{resource.setting('bind', 'a binding')} and are reached by "
                f"{resource.setting('routes', 'a route')}"
            )


NO_HOST_NETWORK = Rule(
    id="no-host-network",
    title="No service joins its host's own network.",
    remedy="`apps.APP.bind`, `apps.APP.routes`",
    kinds=(SERVICE,),
    check=check,
)
