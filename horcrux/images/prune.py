"""What nothing needs any more: in the registry, and on the hosts. What is in use is found out first."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError

from horcrux.docker_api import Access, connect
from horcrux.exits import HorcruxError
from horcrux.images import hosts, resolve
from horcrux.images.client import Client
from horcrux.images.listing import digests
from horcrux.images.names import split

PRUNE_SECONDS = 300  # a thousand manifests, one by one, take a minute
# It waits 60 s for pushes under way, then reads every manifest; nginx before it waits as long.
COLLECT_SECONDS = 900


@dataclass(frozen=True)
class Unused:
    """An image on a host that no service names; `names`: all that it goes by there."""

    names: tuple[str, ...]
    size: int


def named(access: Access, values: Mapping[str, Any]) -> set[str]:
    """All references in use: what services run, would go back to or are kept for, and releases remembered.

    Raises HorcruxError when the cluster cannot be asked: then nothing is known to be unused.
    """
    try:
        client = connect(access)
        try:
            services = client.services()
        finally:
            client.close()
    except hosts.FAILURES as error:
        raise HorcruxError(
            f"no manager answers ({hosts.why(error)}), so what is in use is not known, and nothing was "
            "removed; see: horcrux status"
        ) from error
    return {*of_services(services), *of_stack(values)}


def of_services(services: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The images of services as they are, with tasks or without, and as they were before."""
    for service in services:
        for spec in (service["Spec"], service.get("PreviousSpec")):
            image = ((spec or {}).get("TaskTemplate", {}).get("ContainerSpec") or {}).get("Image")
            if image:
                yield image


def of_stack(values: Mapping[str, Any]) -> Iterator[str]:
    """The images of apps and of all of their releases that are remembered."""
    for image in (values.get("images") or {}).values():
        yield image["pulled"]
    for told in values["releases"].values():
        for entry in told["history"]:
            if entry.get("image"):
                yield entry["image"]


def used_in_registry(registry: Mapping[str, Any], references: Iterable[str]) -> list[str]:
    """`REPOSITORY@DIGEST` of those that are the registry's; it is asked for those named by tag alone."""
    found = set()
    for reference in references:
        if not resolve.in_registry(registry, reference):
            continue
        name, version = split(reference)
        repository = name.partition("/")[2]
        if not version.startswith("sha256:"):
            try:
                version = resolve.of_registry(registry, reference).digest
            except resolve.AbsentError:
                continue
        found.add(f"{repository}@{version}")
    return sorted(found)


def in_registry(
    registry: Mapping[str, Any], keep: int, used: Sequence[str], *, dry_run: bool
) -> dict[str, Any]:
    """Let the registry forget what is beyond the newest `keep` and not used; what it answers."""
    question = {"keep": keep, "used": list(used), "dry_run": dry_run}
    with Client(resolve.REGISTRY, registry) as client:
        return client.json("POST", "/horcrux/prune", PRUNE_SECONDS, question)


def collect(registry: Mapping[str, Any]) -> dict[str, Any]:
    """Free the registry's room of what no manifest needs; what it answers."""
    with Client(resolve.REGISTRY, registry) as client:
        return client.json("POST", "/horcrux/gc", COLLECT_SECONDS, {})


def on_hosts(
    access: Access, names: Iterable[str], references: Collection[str], *, dry_run: bool
) -> tuple[dict[str, list[Unused]], dict[str, str]]:
    """Remove from hosts what `references` do not name; what went (or would) by host, and why not."""

    def one(engine: docker.APIClient) -> list[Unused]:
        found = unused(engine.images(), engine.containers(all=True), references)
        return found if dry_run else [image for image in found if _removed(engine, image)]

    return hosts.each(access, names, one)


def unused(
    images: Iterable[Mapping[str, Any]],
    containers: Iterable[Mapping[str, Any]],
    references: Collection[str],
) -> list[Unused]:
    """What was pulled, is not named, and no container holds, not even one that has ended."""
    held = {container["ImageID"] for container in containers}
    kept = {version for _, version in map(split, references) if version.startswith("sha256:")}
    tags = {":".join(split(r)) for r in references if "@" not in r}
    return [
        Unused(_all_names(image), int(image.get("Size") or 0))
        for image in images
        if image.get("RepoDigests")
        and image["Id"] not in held
        and not digests(image) & kept
        and not set(image.get("RepoTags") or ()) & tags
    ]


def _all_names(image: Mapping[str, Any]) -> tuple[str, ...]:
    """Tags first: an image goes with the last of its names."""
    names = (*(image.get("RepoTags") or ()), *image["RepoDigests"])
    return tuple(name for name in names if not name.startswith("<none>")) or (image["Id"],)


def _removed(engine: docker.APIClient, image: Unused) -> bool:
    """Whether it went; a container that was made meanwhile holds it, and that is well."""
    for name in image.names:
        try:
            engine.remove_image(name)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise
            if error.status_code == 409:
                return False
    return True
