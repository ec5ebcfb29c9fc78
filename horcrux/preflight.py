"""What must hold on this machine before an environment is made or changed on it."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import DockerException

from horcrux.docker_api import machine, machine_address
from horcrux.settings import Settings, SettingsError
from horcrux.settings.release_checks import Finding

DISK_BYTES = 4 << 30  # the platform's images take 1.5 GB, the sample apps' as much again


@contextlib.contextmanager
def check_machine(settings: Settings, environment: str) -> Iterator[docker.DockerClient]:
    """This machine's engine, once nothing stands in the way. Raises SettingsError."""
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(machine())
            engine.ping()
        except DockerException as error:
            raise SettingsError("this machine", [("docker", _no_engine(error))]) from None
        findings = [*taken_ports(settings, environment, engine), *disk_space(engine)]
        if findings:
            raise SettingsError("this machine", findings)
        yield engine


def taken_ports(
    settings: Settings, environment: str, engine: docker.DockerClient
) -> Iterator[Finding]:
    """Ports of the settings that something else on this machine listens on."""
    ours = _own_ports(environment, engine)
    ports = settings.local.ports
    for kind in type(ports).model_fields:
        port = getattr(ports, kind)
        if port not in ours and _listens(port):
            yield (
                f"local.ports.{kind}",
                (
                    f"{port} is taken on this machine{_holder(port, engine)}; "
                    f"free it, or set another one in stacks/Pulumi.{environment}.yaml"
                ),
            )


def disk_space(engine: docker.DockerClient) -> Iterator[Finding]:
    """Too little room where the engine keeps its data, when that is on this machine."""
    root = Path(engine.info()["DockerRootDir"])
    with contextlib.suppress(OSError):
        import shutil

        free = shutil.disk_usage(root).free
        if free < DISK_BYTES:
            yield (
                "disk",
                (
                    f"{free >> 20} MB are free where the Docker engine keeps its data, "
                    f"{DISK_BYTES >> 20} MB are "
                    "needed; `docker system df` shows what takes it, `docker system prune` frees some"
                ),
            )


def _no_engine(error: Exception) -> str:
    return (
        f"no Docker engine answers at {machine_address()} ({error}); start it, or run `make setup`, "
        "which installs one where it may"
    )


def _own_ports(environment: str, engine: docker.DockerClient) -> set[int]:
    found = engine.containers.list(filters={"label": f"horcrux.environment={environment}"})
    return {
        int(binding["HostPort"])
        for container in found
        for bindings in container.ports.values()
        for binding in bindings or []
    }


def _holder(port: int, engine: docker.DockerClient) -> str:
    found = engine.containers.list(filters={"publish": str(port)})
    return f" by the container {found[0].name}" if found else ""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
