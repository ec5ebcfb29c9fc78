"""An environment whose engines, registry and cache are one server that answers as a test says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound
from typer.testing import CliRunner, Result

from horcrux import registry
from horcrux.cli import app
from horcrux.context import Context, Outputs
from horcrux.exits import HorcruxError
from horcrux.project import Project
from tests.support.answering import DIGEST, HOSTS, OTHER, Answering, Reply

CACHE_NAME, REGISTRY_NAME = "cache.dev.internal:5443", "registry.dev.internal:5000"
SHOP = f"{CACHE_NAME}/quay.io/acme/shop:1@{DIGEST}"
WEB = f"{REGISTRY_NAME}/web:source-1@{OTHER}"
THERE = Reply(headers={"Docker-Content-Digest": DIGEST})
STALE = "quay.io does not answer; this is as of 90 s ago"


def node(host: str, state: str = "ready") -> dict[str, Any]:
    return {
        "Description": {"Hostname": host},
        "Spec": {"Availability": "active"},
        "Status": {"State": state},
    }


class Played:
    """The environment `dev` with the apps `shop` and `web`."""

    def __init__(self, server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.monkeypatch = server, monkeypatch
        self.answers = server.answers
        self.answers["GET", "/nodes"] = Reply(content=[node(host) for host in HOSTS])
        self.values: dict[str, Any] = {
            "access": vars(server.access),
            "registry": {
                **server.place, "name": REGISTRY_NAME,
                "accounts": {"shop-ci": {"username": "shop-ci", "password": "of-the-shop"}},
            },
            "cache": {**server.place, "name": CACHE_NAME, "upstreams": ["docker.io", "quay.io"]},
            "images": {
                "shop": {"written": "quay.io/acme/shop:1", "pulled": SHOP},
                "web": {"written": "build web", "pulled": WEB},
            },
            "releases": {"web": {"history": [{"image": WEB}]}, "shop": {"history": []}},
        }  # fmt: skip
        outputs = Outputs(Project(Path("/nowhere"), "dev"), self.values)
        monkeypatch.setattr(Context, "outputs", lambda *_: outputs)
        keep = SimpleNamespace(registry=SimpleNamespace(keep=10))
        monkeypatch.setattr(Project, "settings", lambda _: keep)

    @property
    def outputs(self) -> Outputs:
        return Outputs(Project(Path("/nowhere"), "dev"), self.values)

    def bodies(self, path: str) -> list[Any]:
        return [question.body for question in self.server.asked if question.path == path]

    def engine_has(self, *images: str) -> None:
        """What this machine's engine has."""

        class Engine:
            images = self

            def __enter__(self) -> "Engine":
                return self

            def __exit__(self, *_: object) -> None:
                """Nothing to close."""

        self.local = images
        self.monkeypatch.setattr(registry, "machine", Engine)

    def get(self, image: str) -> None:
        if image not in self.local:
            raise ImageNotFound(image)


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(*words: str) -> HorcruxError:
    with pytest.raises(HorcruxError) as error:
        run(*words)
    return error.value


@contextmanager
def playing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    """The environment, and an engine of this machine that has none of its images."""
    with Answering() as server:
        played = Played(server, monkeypatch)
        played.engine_has()
        yield played
