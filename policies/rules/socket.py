"""The Docker socket: who can talk to it owns the cluster. Control and what measures hosts may."""

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.known import UNKNOWN
from policies.rule import Rule
from policies.views import CONTAINER, SERVICE, VOLUME, Resource, bind_sources

# node-exporter is given the whole host to look at, and runs as nobody, who cannot open the socket.
ALLOWED = ("control", "exporter", "node-exporter")
SOCKETS = tuple(
    PurePosixPath(folder, name)
    for folder in ("/run", "/var/run")
    for name in ("docker.sock", "containerd/containerd.sock", "docker/containerd/containerd.sock")
)


def check(resource: Resource) -> Iterator[str]:
    """No mount of the socket, nor of a folder that it is in, nor a volume that stands for one."""
    if resource.platform is UNKNOWN or resource.platform in ALLOWED:
        return
    for source in bind_sources(resource):
        if reaches_socket(source):
            yield (
                f"{resource.title} mounts {source} of its host, where the Docker socket is: it "
                "would own the whole cluster; no setting gives it: take the mount out, and ask "
                "`control` for what it knows of the cluster"
            )


def reaches_socket(source: str) -> bool:
    """Whether the socket of Docker or containerd is `source` or somewhere in it."""
    path = PurePosixPath("/", posixpath.normpath(source).lstrip("/"))
    if path.name in ("docker.sock", "containerd.sock"):
        return True
    return any(path in socket.parents for socket in SOCKETS)


NO_DOCKER_SOCKET = Rule(
    id="no-docker-socket",
    title="Nothing but control and the exporters reaches the Docker socket.",
    remedy="take the mount out",
    kinds=(SERVICE, CONTAINER, VOLUME),
    check=check,
)
