"""A whole registry as environments have it: the real nginx and CNCF distribution, and the gate."""

import asyncio
import base64
import datetime
import ipaddress
import json
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from supply import challenge
from supply.children import run_together
from supply.registry.__main__ import Places, children, forever, made
from supply.registry.keys import Keys
from supply.registry.server import Server
from tests.support.replaced import replaced
from tests.support.upstream import Image, digest_of

RIGHT = "right"
HASH = bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(4)).decode()
ACCOUNTS: dict[str, dict[str, Any]] = {
    "push": {"pull": ["*"], "push": ["*"], "delete": True, "admin": True},
    "pull": {"pull": ["*"], "push": []},
    "shop-ci": {"pull": ["shop/*", "base"], "push": ["shop/*"]},
}
SETTINGS = {"immutable": ["*:source-*", "*:v*"]}


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """What pushes and pulls as engines do: it asks, is told where tokens are, gets one, and asks again."""

    url: str
    session: aiohttp.ClientSession
    account: str | None = "push"
    password: str = RIGHT
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def basic(self) -> dict[str, str]:
        if self.account is None:
            return {}
        word = base64.b64encode(f"{self.account}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}

    async def raw(self, method: str, path: str, data: Any = None, **headers: str) -> Answer:
        url = path if path.startswith("https:") else self.url + path
        async with self.session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as answer:
            return Answer(answer.status, await answer.read(), answer.headers)

    async def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Answer:
        scope = re.split(r"\?|/manifests/|/blobs/", path, maxsplit=1)[0]
        if scope in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[scope]}"
        answer = await self.raw(method, path, data, **headers)
        told = challenge.parse(answer.headers.get("WWW-Authenticate", ""))
        if answer.status != 401 or told is None:
            return answer
        asked = {k: v for k, v in told.parameters.items() if k in ("service", "scope")}
        given = await self.token(told.parameters["realm"], asked)
        if given.status != 200:
            return given
        self.tokens[scope] = given.json["token"]
        headers["Authorization"] = f"Bearer {self.tokens[scope]}"
        return await self.raw(method, path, data, **headers)

    async def token(self, realm: str, asked: Mapping[str, str]) -> Answer:
        async with self.session.get(realm, params=asked, headers=self.basic) as given:
            return Answer(given.status, await given.read(), given.headers)

    async def authorized(self, repository: str) -> None:
        """Ask for all that a push needs at once, as engines do."""
        asked = {"service": "horcrux", "scope": f"repository:{repository}:pull,push"}
        given = await self.token(f"{self.url}/auth/token", asked)
        assert given.status == 200, given
        self.tokens[f"/v2/{repository}"] = given.json["token"]

    async def blob(self, repository: str, content: bytes) -> Answer:
        """A layer, in one part."""
        upload = await self.begun(repository)
        return await self.ended(await self.part(upload, content), digest_of(content))

    async def begun(self, repository: str) -> str:
        """Where an upload goes to."""
        answer = await self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert answer.status == 202, answer
        return str(answer.headers["Location"])

    async def part(self, upload: str, content: bytes) -> str:
        kind = {"Content-Type": "application/octet-stream"}
        answer = await self.ask("PATCH", upload, content, **kind)
        assert answer.status == 202, answer
        return str(answer.headers["Location"])

    async def ended(self, upload: str, digest: str) -> Answer:
        return await self.ask("PUT", f"{upload}&digest={digest}")

    async def manifest(self, repository: str, reference: str, data: bytes, kind: str) -> Answer:
        return await self.ask(
            "PUT", f"/v2/{repository}/manifests/{reference}", data, **{"Content-Type": kind}
        )

    async def push(self, repository: str, tag: str, image: Image) -> Answer:
        await self.authorized(repository)
        for digest, content in image.blobs.items():
            known = await self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")
            if known.status == 404:
                assert (await self.blob(repository, content)).status == 201
            else:
                assert known.headers["Content-Length"] == str(len(content)), known
        for digest, (data, kind) in image.manifests.items():
            if digest != image.digest:
                assert (await self.manifest(repository, digest, data, kind)).status == 201
        return await self.manifest(repository, tag, *image.manifests[image.digest])

    async def pull(self, repository: str, tag: str, image: Image) -> None:
        """All of an image; it is what it should be."""
        for reference, digest in ((tag, image.digest), *((d, d) for d in image.manifests)):
            data, kind = image.manifests[digest]
            answer = await self.ask("GET", f"/v2/{repository}/manifests/{reference}", Accept=kind)
            assert (answer.status, answer.body) == (200, data), answer
        for digest, content in image.blobs.items():
            answer = await self.ask("GET", f"/v2/{repository}/blobs/{digest}")
            assert (answer.status, answer.body) == (200, content)

    async def admin(self, method: str, path: str, told: Any = None) -> Answer:
        data = None if told is None else json.dumps(told)
        return await self.raw(method, path, data, **self.basic)


@dataclass
class Played:
    """The registry under test. `port` is nginx's, with TLS."""

    server: Server
    keys: Keys
    port: int
    folder: Path
    session: aiohttp.ClientSession

    def client(
        self, account: str | None = "push", host: str = "127.0.0.1", password: str = RIGHT
    ) -> Client:
        return Client(f"https://{host}:{self.port}", self.session, account, password)

    def has_blob(self, digest: str) -> bool:
        name = digest.partition(":")[2]
        blobs = self.folder / "storage" / "docker" / "registry" / "v2" / "blobs" / "sha256"
        return (blobs / name[:2] / name / "data").exists()


@asynccontextmanager
async def registry(folder: Path) -> AsyncIterator[Played]:
    """A registry with ports and folders of its own."""
    with free_ports(3) as (port, distribution, gate):
        ports = {"5000": port, "5001": distribution, "5002": gate}
    places = _places(folder, ports)
    keys = Keys(places.bundle)
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    connector = aiohttp.TCPConnector(ssl=trust)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as own,
        aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
    ):
        server = made(places, keys, own)
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", gate).start()
        running = asyncio.create_task(run_together(children(places), forever()))
        played = Played(server, keys, port, folder, session)
        try:
            await _answers(played, running)
            yield played
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await runner.cleanup()


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        yield [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


async def _answers(played: Played, running: "asyncio.Task[None]") -> None:
    while not running.done():
        try:
            if (await played.client().raw("GET", "/v2/")).status == 401:
                return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.02)
    running.result()


def _places(folder: Path, ports: dict[str, int]) -> Places:
    """The product's two configurations with other ports and folders."""
    folder.mkdir(exist_ok=True)
    (folder / "run").mkdir()
    certificate(folder)
    accounts = {name: {**rights, "bcrypt": HASH} for name, rights in ACCOUNTS.items()}
    (folder / "accounts.json").write_text(json.dumps(accounts))
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    own = Places()
    user = "user root;\n" if os.geteuid() == 0 else ""
    run, one = {str(own.bundle.parent): str(folder / "run")}, "127.0.0.1:5001"
    distribution = {one: f"127.0.0.1:{ports['5001']}", str(own.storage): str(folder / "storage")}
    nginx = {
        "listen 5000": f"listen 127.0.0.1:{ports['5000']}",
        one: distribution[one],
        "127.0.0.1:5002": f"127.0.0.1:{ports['5002']}",
        str(own.folder): str(folder),
    }
    told = replaced(own.distribution.read_text(), run | distribution)
    (folder / own.distribution.name).write_text(told)
    (folder / own.nginx.name).write_text(user + replaced(own.nginx.read_text(), run | nginx))
    return Places(
        folder=folder,
        storage=folder / "storage",
        bundle=folder / "run" / own.bundle.name,
        distribution=folder / own.distribution.name,
        nginx=folder / own.nginx.name,
        port=ports["5002"],
        address=f"http://127.0.0.1:{ports['5001']}",
    )


def certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 and localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
