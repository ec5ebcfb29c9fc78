"""What stands before pushes: tags that keep their meaning, chunks in their order, and the wait while room
is freed.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote
from weakref import WeakValueDictionary

from aiohttp import web

from supply import oci
from supply.registry import answers
from supply.registry.admission import Admission, BusyError
from supply.registry.distribution import Distribution
from supply.registry.immutable import Immutable, refusal
from supply.registry.metrics import Metrics
from supply.registry.tokens import Tokens

UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/")
CHUNK = re.compile(r"(?:bytes )?(\d+)-\d+(?:/.*)?")


@dataclass
class Gate:
    """What the answers need."""

    tokens: Tokens
    distribution: Distribution
    admission: Admission
    immutable: Immutable
    metrics: Metrics
    pushed: Callable[[], None] = lambda: None  # told of each manifest that has come
    _locks: "WeakValueDictionary[str, asyncio.Lock]" = field(default_factory=WeakValueDictionary)

    def routes(self) -> list[web.RouteDef]:
        """What nginx asks of it; see nginx.conf."""
        manifest, blob = "/v2/{repository:.+}/manifests/{reference}", "/v2/{repository:.+}/blobs/"
        return [
            web.put(manifest, self.put),
            web.delete(manifest, self.delete),
            web.head(blob + "{reference}", self.known),
            web.delete(blob + "{reference}", self.delete),
            web.get("/admitted", self.admitted),
        ]

    async def put(self, request: web.Request) -> web.Response:
        """A manifest comes. A tag that may not change its meaning does not."""
        repository, reference = request.match_info["repository"], request.match_info["reference"]
        data = await request.read()
        if not self._pushes(request, repository):
            return await self.distribution.pass_on(request, data)
        try:
            async with (
                self.admission.changing(repository),
                self.naming(repository, reference),
            ):
                answer = await self._put(request, repository, reference, data)
        except BusyError as error:
            self.metrics.refused.labels("busy").inc()
            return answers.busy(f"{error}; push again in a moment")
        if answer.status == 201:
            named = {reference.digest for reference in _read(data).references}
            await self.admission.named(repository, named)
            self.pushed()
        return answer

    async def _put(
        self, request: web.Request, repository: str, reference: str, data: bytes
    ) -> web.Response:
        if self.immutable.has(repository, reference):
            known = await self.distribution.meaning(repository, reference)
            if known not in (None, oci.digest_of(data)):
                self.metrics.refused.labels("immutable").inc()
                return answers.refused(409, "DENIED", refusal(repository, reference, str(known)))
        answer = await self.distribution.pass_on(request, data)
        subject = _read(data).subject if answer.status == 201 else None
        if subject:
            answer.headers["OCI-Subject"] = subject  # we list it among what refers to that
        return answer

    def naming(self, repository: str, reference: str) -> asyncio.Lock:
        """Who holds it is the only one who gives a tag a meaning."""
        return self._locks.setdefault(f"{repository}:{reference}", asyncio.Lock())

    async def delete(self, request: web.Request) -> web.Response:
        """Something is to go; not while the collector reads."""
        try:
            async with self.admission.changing(request.match_info["repository"]):
                return await self.distribution.pass_on(request)
        except BusyError as error:
            return answers.busy(f"{error}; try again in a moment")

    async def known(self, request: web.Request) -> web.Response:
        """Whether a layer is there. Who pushes will rely on it, as if he had brought it."""
        repository, digest = request.match_info["repository"], request.match_info["reference"]
        if not self._pushes(request, repository):
            return await self.distribution.pass_on(request)
        try:
            async with self.admission.changing(repository):
                answer = await self.distribution.pass_on(request)
                if answer.status == 200:
                    await self.admission.relies(repository, digest)
                return answer
        except BusyError as error:
            return answers.busy(str(error))

    async def admitted(self, request: web.Request) -> web.Response:
        """Whether a part of a layer may be written now; it waits while room is freed."""
        path, _, query = request.headers.get("X-Original-URI", "").partition("?")
        method, found = request.headers.get("X-Original-Method"), UPLOAD.match(unquote(path))
        if found is None or not self._pushes(request, found[1]):
            return web.Response(status=204)  # distribution says what is wrong
        asked = parse_qs(query)
        digest = (asked.get("digest") or asked.get("mount") or [""])[0]
        try:
            await self.admission.begin(found[1], digest, goes_on=method != "POST")
        except BusyError:
            self.metrics.refused.labels("busy").inc()
            return web.Response(status=500)  # nginx tells the client; see nginx.conf
        return web.Response(status=204 if await self._in_order(request, found[1]) else 403)

    async def _in_order(self, request: web.Request, repository: str) -> bool:
        """Whether a chunk begins where the layer ends so far; one that does not say where begins there."""
        chunk = CHUNK.fullmatch(request.headers.get("Content-Range", ""))
        if chunk is None:
            return True
        uri = request.headers["X-Original-URI"]
        written = await self.distribution.written(repository, uri)
        # Distribution says 0-0 of nothing, as of one byte.
        return written is None or int(chunk[1]) == written or (int(chunk[1]), written) == (0, 1)

    def _pushes(self, request: web.Request, repository: str) -> bool:
        return self.tokens.allows(request.headers.get("Authorization"), repository, "push")


def _read(data: bytes) -> oci.Manifest:
    """A manifest; one that names nothing where distribution has taken what we cannot read."""
    try:
        return oci.manifest(data)
    except oci.ManifestError:
        return oci.Manifest(data, "", ())
