"""Connections to Docker engines: this machine's, and the hosts' over mutual TLS.

The hosts' engines are reached at one address, the front door's; a host is chosen by its name in the
TLS handshake (SNI), else the first manager that lives answers. Certificates are those of the
environment's own CA and nothing else: what the system trusts, or environment variables name, does
not count here.
"""

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from requests.adapters import HTTPAdapter

from engine import docker_endpoint

API_VERSION = "1.41"  # of the engine in the hosts' image (Debian's docker.io 20.10)
ANSWER_SECONDS = 30  # engines answer in milliseconds; a manager without a quorum says so after 20
MACHINE_SECONDS = 600  # one call may import or push an image


@dataclass(frozen=True)
class Access:
    """How to reach the hosts' engines: address (host:port) and a client certificate (PEM)."""

    address: str
    ca: str
    certificate: str
    key: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Access":
        """From a resource's properties or a stack's output."""
        return cls(**{k: value[k] for k in ("address", "ca", "certificate", "key")})


class _PinnedAdapter(HTTPAdapter):
    """HTTPS with one fixed TLS context and one fixed server name."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._context, self._server_name = context, server_name
        super().__init__(pool_maxsize=16)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(
            ssl_context=self._context,
            server_hostname=self._server_name,
            assert_hostname=self._server_name,
        )
        super().init_poolmanager(*args, **kwargs)

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """The context says it all."""


def connect(access: Access, host: str | None = None) -> docker.APIClient:
    """A client of the engine of `host`, or of a manager that lives."""
    client = docker.APIClient(
        base_url=f"https://{access.address}", version=API_VERSION, timeout=ANSWER_SECONDS
    )
    client.trust_env = False
    client.mount("https://", _PinnedAdapter(_context(access), host or "cluster"))
    return client


@contextlib.contextmanager
def machine() -> Iterator[docker.DockerClient]:
    """A client of this machine's engine, where the user's own tools find it."""
    client = docker.DockerClient(
        base_url=machine_address(), version="auto", timeout=MACHINE_SECONDS
    )
    try:
        yield client
    finally:
        client.close()


def machine_address() -> str:
    """DOCKER_HOST, else the current Docker context's, else the usual socket."""
    return docker_endpoint.current().address


def _context(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.ca)
    with _private_file(access.certificate + access.key) as path:
        context.load_cert_chain(path)
    return context


@contextlib.contextmanager
def _private_file(text: str) -> Iterator[Path]:
    """A file for the moment that OpenSSL needs one, in memory where the system has such a place."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
    handle, name = tempfile.mkstemp(dir=memory)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        yield Path(name)
    finally:
        Path(name).unlink()
