"""The Docker objects of an environment on this machine, found by their labels."""

from typing import Any, NamedTuple

from docker.errors import NotFound

from horcrux.docker_api import machine

PROJECT = "horcrux.project"
STOP_SECONDS = 5  # what is removed here holds nothing that must end in order


class Object(NamedTuple):
    """A container, volume or network."""

    kind: str
    name: str
    object: Any


def leftovers(environment: str, project: str) -> list[Object]:
    """What carries the environment's label and was not made from another project's folder."""
    labels = {"label": f"horcrux.environment={environment}"}
    with machine() as engine:
        found = [
            Object("container", str(c.name), c)
            for c in engine.containers.list(all=True, filters=labels)
        ]
        found += [Object("volume", str(v.name), v) for v in engine.volumes.list(filters=labels)]
        found += [Object("network", str(n.name), n) for n in engine.networks.list(filters=labels)]
    return [o for o in found if _labels(o.object).get(PROJECT, project) == project]


def remove_leftovers(objects: list[Object]) -> None:
    """Remove them, containers first."""
    for kind, _, thing in objects:
        try:
            if kind == "container":
                thing.stop(timeout=STOP_SECONDS)
                thing.remove(force=True, v=True)
            else:
                thing.remove()
        except NotFound:
            continue


def _labels(thing: Any) -> dict[str, str]:
    return thing.attrs.get("Labels") or thing.attrs.get("Config", {}).get("Labels") or {}
