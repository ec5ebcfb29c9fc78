"""Volumes of kind `data`: no update removes them, and none is left behind on another host."""

import re
from collections.abc import Iterator

from policies.known import UNKNOWN, at, items, label
from policies.rule import Rule
from policies.views import SERVICE, VOLUME, Resource

ONE_HOST = re.compile(r"\s*node\.(hostname|id)\s*==\s*\S+\s*")


def protected(resource: Resource) -> Iterator[str]:
    """A data volume cannot be deleted by an update. Pulumi tells packs of `protect` alone."""
    if resource.label("kind") == "data" and not resource.protect:
        yield (
            f"{resource.title} holds data, and an update could delete it; declare it with "
            "protect=True (a policy pack cannot see retain_on_delete), or label it "
            "horcrux.kind=cache if what is in it can be made again (`apps.APP.volumes[].kind`)"
        )


def on_one_host(resource: Resource) -> Iterator[str]:
    """A service with a local data volume stays where the volume is."""
    constraints = at(resource.props, "taskSpec", "placement", "constraints")
    known = constraints if isinstance(constraints, list) else []
    if constraints is UNKNOWN or UNKNOWN in known or any(_one_host(one) for one in known):
        return
    for mount in items(resource.container, "mounts"):
        kind = label(at(mount, "volumeOptions"), "horcrux.kind")
        if at(mount, "type") == "volume" and kind == "data":
            yield (
                f"{resource.title} writes data to the volume {_name(at(mount, 'source'))} but may "
                "be started on any host, where it would find an empty one; set "
                f"{resource.setting('placement.host', 'the constraint node.hostname==HOST')}"
            )


def _one_host(constraint: object) -> bool:
    return isinstance(constraint, str) and ONE_HOST.fullmatch(constraint) is not None


def _name(source: object) -> str:
    return source if isinstance(source, str) else "(not known yet)"


PROTECTED_DATA = Rule(
    id="protected-data",
    title="A volume of kind `data` is protected from deletion.",
    remedy="protect=True on the Volume",
    kinds=(VOLUME,),
    check=protected,
)
DATA_ON_ONE_HOST = Rule(
    id="data-on-one-host",
    title="A service with a volume of kind `data` is bound to one host.",
    remedy="`apps.APP.placement.host`",
    kinds=(SERVICE,),
    check=on_one_host,
)
