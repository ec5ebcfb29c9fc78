"""Other proxies on the hosts of the environment, on the same footing as the edge.

Each is a Swarm service on every host, on the apps' network, with the edge's memory limit, published
in host mode, and reached through a front door like the edge's. All log each request to stdout.
"""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.auth import AuthConfig

from bench.environment import NAME
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine

FOLDER = Path(__file__).with_name("rivals")
IMAGE = f"horcrux-{NAME}/rivals"
BUILD_SECONDS = 900  # three packages from a mirror
MEMORY = 256 << 20  # as the edge has
NETWORK = "apps"
CONFIG = "/etc/rival"
DOOR = f"horcrux-{NAME}-rivals-door"
DOOR_MEMORY = 128 << 20  # as the front door has
LABELS = {"horcrux.environment": NAME}


@dataclass(frozen=True)
class Rival:
    """A proxy: the command that runs it, its port on the hosts, and on this machine's loopback."""

    name: str
    title: str
    config: str
    command: tuple[str, ...]
    port: int
    local_port: int


RIVALS = (
    Rival(
        "haproxy",
        "plain HAProxy, configuration written by hand",
        "haproxy.cfg",
        ("haproxy", "-W", "-db", "-f", CONFIG),
        8101,
        28101,
    ),
    Rival(
        "nginx",
        "nginx",
        "nginx.conf",
        ("nginx", "-c", CONFIG, "-g", "daemon off;"),
        8102,
        28102,
    ),
    Rival(
        "caddy",
        "Caddy",
        "Caddyfile",
        ("caddy", "run", "--config", CONFIG, "--adapter", "caddyfile"),
        8103,
        28103,
    ),
)


@contextmanager
def started(outputs: Outputs, subject: str) -> Iterator[None]:
    """All rivals before the Swarm service `subject`, until the block ends."""
    client: Any = connect(outputs.access)
    image = _pushed(outputs)
    account = outputs.values["registry"]
    pull = {"username": account["username"], "password": account["password"]}
    client._auth_configs = AuthConfig({"auths": {image.partition("/")[0]: pull}})
    try:
        for rival in RIVALS:
            _start(client, rival, image, subject)
        _open_door()
        yield
    finally:
        _stop(client)


def _pushed(outputs: Outputs) -> str:
    """The rivals' image, built and pushed to the environment's registry; how hosts call it."""
    with machine() as engine:
        base = engine.images.get("horcrux/base:bookworm").id
        words = ["docker", "build", "-q", "-t", IMAGE, "--build-arg", f"HORCRUX_BASE={base}", "."]
        subprocess.run(words, cwd=FOLDER, check=True, capture_output=True, timeout=BUILD_SECONDS)
        registry = outputs.values["registry"]
        target = f"{urlsplit(registry['url']).netloc}/rivals"
        engine.api.tag(IMAGE, target, "latest")
        account = {"username": registry["username"], "password": registry["password"]}
        digest = ""
        for event in engine.api.push(
            target, "latest", stream=True, decode=True, auth_config=account
        ):
            if "error" in event:
                raise RuntimeError(f"the rivals' image cannot be pushed: {event['error']}")
            digest = (event.get("aux") or {}).get("Digest", digest)
        engine.api.remove_image(f"{target}:latest", noprune=True)
    inside = outputs.release("subject")["image"].partition("/")[0]
    return f"{inside}/rivals@{digest}"


def configuration(rival: Rival, subject: str) -> str:
    """A rival's configuration, with the service that it is put before."""
    return (FOLDER / rival.config).read_text().replace("@SERVICE@", subject)


def _start(client: Any, rival: Rival, image: str, subject: str) -> None:
    """Make the service, in the Docker API's own words."""
    name = f"rival-{rival.name}"
    text = configuration(rival, subject)
    config = client.create_config(name, text.encode(), labels=LABELS)
    file = {"Name": CONFIG, "UID": "0", "GID": "0", "Mode": 0o444}
    network = next(n for n in client.networks(names=[NETWORK]) if n["Name"] == NETWORK)
    task = {
        "ContainerSpec": {
            "Image": image,
            "Command": list(rival.command),
            "Env": ["XDG_DATA_HOME=/tmp", "XDG_CONFIG_HOME=/tmp"],
            "Configs": [{"File": file, "ConfigID": config["ID"], "ConfigName": name}],
        },
        "Resources": {"Limits": {"MemoryBytes": MEMORY}},
        "Networks": [{"Target": network["Id"]}],
    }
    port = {"Protocol": "tcp", "TargetPort": 8080, "PublishedPort": rival.port}
    client.create_service(
        task,
        name=name,
        labels=LABELS,
        mode={"Global": {}},
        endpoint_spec={"Mode": "dnsrr", "Ports": [{**port, "PublishMode": "host"}]},
    )


def _open_door() -> None:
    """A front door like the environment's own, on loopback ports of its own."""
    with machine() as engine:
        own: Any = engine.containers.get(f"horcrux-{NAME}-front-door")
        project = own.labels["horcrux.project"]
        door = engine.containers.create(
            own.image.id,
            name=DOOR,
            mem_limit=DOOR_MEMORY,
            network=f"horcrux-{NAME}",
            ports={f"{r.port}/tcp": ("127.0.0.1", r.local_port) for r in RIVALS},
            labels={**LABELS, "horcrux.project": project},
        )
        door.put_archive("/etc/haproxy", archive("haproxy.cfg", FOLDER / "front_door.cfg"))
        door.start()


def archive(name: str, file: Path) -> bytes:
    """A file as `put_archive` wants it."""
    content, packed = file.read_bytes(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o644
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _stop(client: Any) -> None:
    """Take away all that was started, also half."""
    with machine() as engine:
        for container in engine.containers.list(all=True, filters={"name": DOOR}):
            container.remove(force=True)
    for service in client.services(filters={"name": "rival-"}):
        client.remove_service(service["ID"])
    for config in client.configs(filters={"name": "rival-"}):
        client.remove_config(config["ID"])
