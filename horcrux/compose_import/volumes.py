"""`volumes` → `volumes` of named data; what is on the one machine that Compose runs on → notes."""

from pathlib import PurePosixPath
from typing import Any, NamedTuple

from horcrux.compose_import.context import Context
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.notes import ComposeError
from horcrux.compose_import.values import flag, listed, mapping, scalar

DOCKER_SOCKET = "docker.sock"
ALWAYS_WRITABLE = "/tmp"  # noqa: S108 (a path in containers)


class Mount(NamedTuple):
    """One element of `volumes`."""

    kind: str
    source: str
    target: str
    read_only: bool


def add_volumes(draft: Draft, service: dict[str, Any], context: Context) -> None:
    """The named volumes of a service."""
    volumes: list[dict[str, Any]] = []
    paths: set[str] = set()
    for i, item in enumerate(listed(service.get("volumes"), f"{draft.path}.volumes")):
        path = f"{draft.path}.volumes[{i}]"
        mount = _long(item, path) if isinstance(item, dict) else _short(scalar(item, path), path)
        if mount.kind != "volume" or not mount.source:
            _note(draft, mount, path, context)
            continue
        _check_target(mount.target, path)
        place = str(PurePosixPath(mount.target))
        if place in paths:
            context.notes.add(path, f"is left out: {place} is mounted already")
            continue
        paths.add(place)
        name = context.volume_names[mount.source]
        volumes.append(
            {"name": name, "path": mount.target} | ({"read_only": True} if mount.read_only else {})
        )
    for item in listed(service.get("tmpfs"), f"{draft.path}.tmpfs"):
        target = scalar(item, f"{draft.path}.tmpfs").partition(":")[0]
        _note(draft, Mount("tmpfs", "", target, False), f"{draft.path}.tmpfs", context)
    draft.app["volumes"] = volumes
    if draft.known.data and not volumes:
        what = f"keeps {draft.known.data} in no named volume, so every release would lose it"
        context.notes.add(draft.path, f"{what}; add one to apps.{draft.name}.volumes")


def named_volumes(services: dict[str, dict[str, Any]]) -> list[str]:
    """All volumes that services use by name."""
    found: dict[str, None] = {}
    for name, service in services.items():
        for i, item in enumerate(listed(service.get("volumes"), f"services.{name}.volumes")):
            path = f"services.{name}.volumes[{i}]"
            mount = (
                _long(item, path) if isinstance(item, dict) else _short(scalar(item, path), path)
            )
            if mount.kind == "volume" and mount.source:
                found[mount.source] = None
    return list(found)


def _short(text: str, path: str) -> Mount:
    """`SOURCE:TARGET:MODE`, or a target alone."""
    parts = text.split(":")
    if len(parts) == 1:
        return Mount("volume", "", text, False)
    if len(parts) > 3:
        raise ComposeError(path, f"{text!r} is not a volume; write it as data:/var/lib/data")
    source, target, mode = (*parts, "")[:3]
    kind = "bind" if source.startswith((".", "/", "~")) else "volume"
    return Mount(kind, source, target, "ro" in mode.split(","))


def _long(item: dict[str, Any], path: str) -> Mount:
    given = mapping(item, path)
    kind = scalar(given.get("type", "volume"), f"{path}.type")
    source = scalar(given.get("source", given.get("src", "")), f"{path}.source")
    target = given.get("target", given.get("dst", given.get("destination")))
    return Mount(kind, source, scalar(target, f"{path}.target"), flag(given.get("read_only")))


def _check_target(target: str, path: str) -> None:
    if not target.startswith("/") or ".." in PurePosixPath(target).parts or ":" in target:
        raise ComposeError(path, f"{target!r} is not an absolute path inside the container")


def _note(draft: Draft, mount: Mount, path: str, context: Context) -> None:
    """Why a mount is not carried over, and what to do."""
    app, target = draft.name, mount.target
    if mount.source.endswith(DOCKER_SOCKET):
        what = "the Docker socket is not given to apps: whoever has it has the host"
    elif mount.kind == "bind":
        what = (
            f"{mount.source} of this machine is not on the hosts; COPY it into the image "
            f"(apps.{app}.build), or make {target} a named volume if it is data"
        )
    elif mount.kind == "tmpfs" and str(PurePosixPath(target)) == ALWAYS_WRITABLE:
        return
    elif mount.kind == "tmpfs":
        what = f"{target} in memory is not carried over; let the app write to {ALWAYS_WRITABLE}"
    elif mount.kind == "volume":
        what = (
            f"{target} has no name, so it is not kept; name it in apps.{app}.volumes if it is data"
        )
    else:
        what = f"a mount of type {mount.kind} is not carried over"
    context.notes.add(path, what)
