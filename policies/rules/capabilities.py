"""Privileges: a container that has them owns its host, and with it every app there."""

from collections.abc import Iterator

from policies.known import at, items
from policies.rule import Rule
from policies.views import CONTAINER, SERVICE, Resource

# Each of them is a known way out of a container: mounts, devices, kernel modules, other
# processes' memory, any file of the host; NET_ADMIN rules the networks that it is in.
DANGEROUS = {
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "NET_ADMIN",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
}


def check(resource: Resource) -> Iterator[str]:
    """Hosts of the local target run a Docker engine and are exempt; nothing else is."""
    if resource.kind == CONTAINER and resource.is_host is not False:
        return
    mend = "no setting gives it: take it out where the resource is declared"
    if at(resource.props, "privileged") is True:
        yield f"{resource.title} is privileged and so owns its host; {mend}"
    if resource.kind == SERVICE:
        added = items(resource.container, "capAdds")
    else:
        added = items(resource.props, "capabilities", "adds")
    asked = {one.upper().removeprefix("CAP_") for one in added if isinstance(one, str)}
    for name in sorted(asked & DANGEROUS):
        yield f"{resource.title} has the capability {name}, a way to take over its host; {mend}"
    if at(resource.container, "privileges", "seLinuxContext", "disable") is True:
        yield f"{resource.title} switches SELinux off for its tasks; {mend}"


NO_PRIVILEGES = Rule(
    id="no-privileges",
    title="Nothing but a host is privileged or has a capability that leads out of its container.",
    remedy="take the capability out; run what needs it outside the cluster",
    kinds=(SERVICE, CONTAINER),
    check=check,
)
