"""Which Docker engine is meant, and whether it answers."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import docker
import docker.errors
import requests
from docker.context import ContextAPI

DEFAULT = "unix:///var/run/docker.sock"
# An engine on this machine answers in milliseconds; one that is far away is given a few seconds.
ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Endpoint:
    """An engine's address, and what chose it: DOCKER_HOST, a docker context, or nothing."""

    address: str
    chosen_by: str | None = None

    def __str__(self) -> str:
        """Return the address, and who chose it."""
        return f"{self.address} (from {self.chosen_by})" if self.chosen_by else self.address


@dataclass(frozen=True)
class Answer:
    """What an engine said: its version, or why it said nothing."""

    version: str | None
    why: str = ""
    refused: bool = False  # it is there, but this user may not use it


def current(environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the engine that the user means: DOCKER_HOST, else the current docker context."""
    if environ.get("DOCKER_HOST"):
        return Endpoint(environ["DOCKER_HOST"], "DOCKER_HOST")
    try:
        context = ContextAPI.get_current_context()
    except docker.errors.DockerException:
        context = None
    if context is None or context.Name == "default" or not context.Host:
        return Endpoint(DEFAULT)
    return Endpoint(context.Host, f"the docker context {context.Name!r}")


def variables(endpoint: Endpoint, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what to add to the environment, so that programs that know no contexts find it."""
    if endpoint.chosen_by is None or environ.get("DOCKER_HOST"):
        return {}
    return {"DOCKER_HOST": endpoint.address}


def ask(endpoint: Endpoint, environ: Mapping[str, str] = os.environ) -> Answer:
    """Ask the engine for its version, within ANSWER_SECONDS."""
    merged = {**environ, **variables(endpoint, environ)}
    try:
        client = docker.from_env(timeout=ANSWER_SECONDS, environment=merged)
        try:
            return Answer(str(client.version()["Version"]))
        finally:
            client.close()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        refused = "Permission denied" in str(error) or "PermissionError" in str(error)
        return Answer(None, _short(str(error)), refused)


def _short(text: str) -> str:
    return text if len(text) < 200 else f"{text[:200]}..."


Ask = Callable[[Endpoint], Answer]
