"""A second registry as a registry's replica, and a way there that can be closed, slow, or cut."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt

from supply.oci import MANIFEST_TYPES
from tests.support.image import Image, digest_of
from tests.support.played_registry import ACCOUNTS, RIGHT, Client, Played

PREFIX = "dev"


@dataclass
class Way:
    """A port that leads to another. `budget`, `back`: bytes towards it and back, after which lines break."""

    target: int
    port: int = 0
    budget: float = float("inf")
    back: float = float("inf")
    _server: asyncio.Server | None = None
    _lines: set["asyncio.Task[None]"] = field(default_factory=set)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._line, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Nobody gets there any more, and who is on the way is cut off."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._lines.add(task)
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
            with contextlib.closing(writer), contextlib.closing(there):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, there, "budget"))
                    group.create_task(self._pump(back, writer, "back"))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass  # it was cut
        finally:
            self._lines.discard(task)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: str
    ) -> None:
        while data := await reader.read(16 << 10):
            setattr(self, counted, getattr(self, counted) - len(data))
            if getattr(self, counted) < 0:
                raise EOFError
            writer.write(data)
            await writer.drain()
        raise EOFError  # both ends go


@asynccontextmanager
async def way(vault: Played) -> AsyncIterator[Way]:
    found = Way(vault.port)
    await found.open()
    try:
        yield found
    finally:
        await found.close()


def tell(
    folder: Path, vault: Played, port: int, password: str = RIGHT, prefix: str = PREFIX
) -> Path:
    """A registry's folder whose settings name the vault as its replica."""
    folder.mkdir(exist_ok=True)
    settings = {
        "url": f"https://127.0.0.1:{port}",
        "prefix": prefix,
        "username": "push",
        "password": password,
        "ca": (vault.folder / "cert.pem").read_text(),
    }
    (folder / "replica.json").write_text(json.dumps(settings))
    return folder


def blob_file(played: Played, digest: str) -> Path:
    """Where a registry has a blob, or a manifest, on its disk."""
    name = digest.partition(":")[2]
    blobs = played.folder / "storage/docker/registry/v2/blobs/sha256"
    return blobs / name[:2] / name / "data"


def new_password(vault: Played, password: str) -> None:
    """The vault's account `push` gets another password."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    accounts = {name: {**rights, "bcrypt": hashed} for name, rights in ACCOUNTS.items()}
    (vault.folder / "accounts.json").write_text(json.dumps(accounts))


async def has(client: Client, repository: str, reference: str) -> bool:
    """Whether a registry has a manifest, of whatever kind."""
    path, kinds = f"/v2/{repository}/manifests/{reference}", ", ".join(MANIFEST_TYPES)
    answer = await client.ask("HEAD", path, Accept=kinds)
    assert answer.status in (200, 404), answer
    return answer.status == 200


async def told(client: Client) -> dict[str, Any]:
    answer = await client.admin("GET", "/horcrux/replica")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


async def until(asked: Callable[[], Awaitable[Any]], good: Callable[[Any], bool]) -> Any:
    """What is answered as soon as it is good."""
    async with asyncio.timeout(30):
        while not good(found := await asked()):
            await asyncio.sleep(0.02)
    return found


async def level(client: Client) -> dict[str, Any]:
    """How the replica is, once it is level."""
    found: dict[str, Any] = await until(lambda: told(client), lambda now: now["level"])
    return found


async def lines(client: Client, path: str, asked: Any = None) -> list[dict[str, Any]]:
    """All that is told of something until it ends."""
    answer = await client.admin("POST", path, asked or {})
    assert answer.status == 200, answer
    found = [json.loads(line) for line in answer.body.splitlines()]
    assert found[-1]["ended"]
    return found


def platforms(*images: Image) -> Image:
    """An index of several images, one for each platform."""
    kind = "application/vnd.oci.image.index.v1+json"
    children = []
    for each, name in zip(images, ("amd64", "arm64", "riscv64"), strict=False):
        data, its = each.manifests[each.digest]
        platform = {"os": "linux", "architecture": name}
        children.append(
            {"mediaType": its, "digest": each.digest, "size": len(data), "platform": platform}
        )
    index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": children}).encode()
    found = Image(digest_of(index), {}, {})
    for each in images:
        found.manifests |= each.manifests
        found.blobs |= each.blobs
    found.manifests[found.digest] = (index, kind)
    return found
