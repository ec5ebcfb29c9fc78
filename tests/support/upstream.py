"""A registry of the tests' own, which can be gone, slow, wrong or private, and counts what it sends."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.image import Image, digest_of, image

__all__ = ["FakeUpstream", "Image", "digest_of", "image", "upstream"]

PIECE = 64 << 10


@dataclass
class FakeUpstream:
    """The registry; its knobs may be turned at any time."""

    port: int = 0
    limit_rate: float | None = None  # bytes a second, of all transfers together
    gone: bool = False
    status: int | None = None
    retry_after: str | None = None
    busy_times: int | None = None  # how often `status` is answered; None: always
    html: bool = False
    wrong_digest: bool = False
    break_after: int | None = None  # bytes after which the next transfer is cut, once
    page: int = 100  # tags in a list, unless it is asked for another number
    account: tuple[str, str] = ("puller", "secret")
    private: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    bytes_sent: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    redirect_blobs: str | None = None
    seen_elsewhere: list[str | None] = field(default_factory=list)
    _repositories: dict[str, Image] = field(default_factory=dict)
    _tags: dict[tuple[str, str], str] = field(default_factory=dict)
    _free_at: float = 0.0

    def put(self, repository: str, tag: str, found: Image) -> None:
        """A repository's tag means this image from now on."""
        known = self._repositories.setdefault(repository, Image("", {}, {}))
        known.manifests |= found.manifests
        known.blobs |= found.blobs
        self._tags[repository, tag] = found.digest

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, part: str, method: str = "GET") -> int:
        """How often something was asked for whose path has this part."""
        return sum(m == method and part in path for m, path in self.requests)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        trouble = self._trouble(request)  # without a body it is false in older versions of aiohttp
        return await self._content(request) if trouble is None else trouble

    def _trouble(self, request: web.Request) -> web.Response | None:
        if self.gone:
            assert request.transport
            request.transport.abort()
            return web.Response()
        if self.status and self.busy_times != 0:
            self.busy_times = self.busy_times - 1 if self.busy_times else self.busy_times
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return web.Response(status=self.status, headers=headers)
        if self.html:
            page = "<html>log in to this network</html>"
            return web.Response(text=page, content_type="text/html")
        return None

    async def _content(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return self._token(request)
        if request.path.startswith("/elsewhere/"):
            self.seen_elsewhere.append(request.headers.get("Authorization"))
            return await self._blob(request, *request.path[11:].rsplit("/blobs/", 1))
        path = request.path.removeprefix("/v2/")
        for kind in ("manifests", "blobs", "tags"):
            repository, slash, reference = path.rpartition(f"/{kind}/")
            if not slash:
                continue
            if (refused := self._refused(request, repository)) is not None:
                return refused
            return await self._found(request, kind, repository, reference)
        return web.json_response({})

    async def _found(
        self, request: web.Request, kind: str, repository: str, reference: str
    ) -> web.StreamResponse:
        if kind == "blobs":
            if self.redirect_blobs:
                target = f"{self.redirect_blobs}/elsewhere/{repository}/blobs/{reference}"
                return web.HTTPTemporaryRedirect(target)
            return await self._blob(request, repository, reference)
        if kind == "tags":
            return self._listed(request, repository)
        return self._manifest(repository, reference)

    def _listed(self, request: web.Request, repository: str) -> web.Response:
        """A page of as many tags as are asked for, and where the next one is."""
        tags = sorted(t for r, t in self._tags if r == repository)
        after = [tag for tag in tags if tag > request.query.get("last", "")]
        page = after[: int(request.query.get("n", self.page))]
        headers = {}
        if page != after:
            following = f"{request.path}?n={len(page)}&last={page[-1]}"
            headers["Link"] = f'<{following}>; rel="next"'
        return web.json_response({"name": repository, "tags": page}, headers=headers)

    def _token(self, request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "")
        pair = base64.b64encode(":".join(self.account).encode()).decode()
        repository = request.query["scope"].split(":")[1]
        if repository in self.private and shown != f"Basic {pair}":
            return web.json_response({}, status=401)
        return web.json_response({"token": f"for-{repository}", "expires_in": 300})

    def _refused(self, request: web.Request, repository: str) -> web.Response | None:
        """Who has no token is sent to get one, as Docker Hub does."""
        if not self.private or request.headers.get("Authorization") == f"Bearer for-{repository}":
            return None
        told = f'Bearer realm="http://{request.host}/token",service="fake",scope="x"'
        return web.json_response({}, status=401, headers={"WWW-Authenticate": told})

    def _manifest(self, repository: str, reference: str) -> web.Response:
        known = self._repositories.get(repository)
        digest = self._tags.get((repository, reference), reference)
        if known is None or digest not in known.manifests:
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        data, media_type = known.manifests[digest]
        if self.wrong_digest:
            data += b" "
        self.bytes_sent += len(data)
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
        return web.Response(body=data, headers=headers)

    async def _blob(self, request: web.Request, repository: str, digest: str) -> web.StreamResponse:
        known = self._repositories.get(repository)
        if known is None or digest not in known.blobs or digest in self.missing:
            return web.json_response({"errors": [{"code": "BLOB_UNKNOWN"}]}, status=404)
        data = known.blobs[digest]
        if self.wrong_digest:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = request.http_range.start or 0
        if start and start >= len(data):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        answer = web.StreamResponse(status=206 if start else 200)
        answer.content_length = len(data) - start
        if start:
            answer.headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        await answer.prepare(request)
        if request.method == "HEAD":
            return answer
        cut, self.break_after = self.break_after, None
        for at in range(start, len(data), PIECE):
            if cut is not None and at - start >= cut:
                assert request.transport
                request.transport.abort()
                return answer
            piece = data[at : at + PIECE]
            await self._slowly(len(piece))
            await answer.write(piece)
            self.bytes_sent += len(piece)
        return answer

    async def _slowly(self, size: int) -> None:
        """Wait for this piece's turn on a line that all transfers share."""
        if self.limit_rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self.limit_rate
        await asyncio.sleep(self._free_at - now)


@contextmanager
def upstream(address: str = "127.0.0.1", port: int = 0) -> Iterator[FakeUpstream]:
    """The registry at work, in a thread of its own."""
    fake, loop, ready = FakeUpstream(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", fake.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, address, port)
        await site.start()
        assert site._server
        fake.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def run() -> None:
        asyncio.set_event_loop(loop)
        task = loop.create_task(serve())
        tasks.append(task)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.close()

    tasks: list[asyncio.Task[None]] = []
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(tasks[0].cancel)
        thread.join(10)
