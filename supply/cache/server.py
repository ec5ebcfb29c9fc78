"""The cache's HTTP server, behind nginx: which sends files and speaks TLS."""

from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from yarl import URL

from supply import oci
from supply.cache import answers
from supply.cache.blob_answers import BlobAnswers
from supply.cache.blobs import Blobs
from supply.cache.failure import UpstreamError
from supply.cache.manifests import Manifests
from supply.cache.metrics import Metrics
from supply.cache.names import Wanted, parse
from supply.cache.peers import HEADER, Peers
from supply.cache.rights import Accounts, Rights, WrongPasswordError, may
from supply.cache.settings import Settings
from supply.cache.stats import Stats
from supply.cache.upstream import Client

WRONG = "there is no such account, its password is another, or the token is too old"
NOT_PUBLIC = "it is not public, and this account, if any, may not read it"


@dataclass
class Server:
    """What answers need."""

    settings: Settings
    clients: dict[str, Client]
    accounts: Accounts
    rights: Rights
    manifests: Manifests
    blobs: Blobs
    blob_answers: BlobAnswers
    metrics: Metrics
    stats: Stats
    peers: Peers

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/v2/", self.base),
                web.get("/token", self.token),
                web.get("/v2/{path:.+}", self.content),
                web.route("*", "/v2/{path:.*}", _read_only),
                web.get("/horcrux/stats", self.told),
                web.get("/horcrux/linked/{path:.+}", self.linked),
                web.get("/metrics", self.measured),
                web.get("/healthz", _well),
            ]
        )
        return app

    async def base(self, request: web.Request) -> web.Response:
        """Where clients begin: they are told where tokens are given, for an account or for nobody."""
        shown = request.headers.get("Authorization")
        try:
            await self.accounts.of(shown)
        except WrongPasswordError:
            return answers.unauthorized(request, WRONG)
        if not shown:
            return answers.unauthorized(request, "get a token; it may be nobody's")
        return web.json_response({}, headers=answers.VERSION)

    async def token(self, request: web.Request) -> web.Response:
        """A token. What it may read is decided when it is shown."""
        try:
            return web.json_response(
                await self.accounts.token(request.headers.get("Authorization"))
            )
        except WrongPasswordError:
            return answers.unauthorized(request, WRONG)

    async def content(self, request: web.Request) -> web.StreamResponse:
        """A manifest, a blob, or a list of tags."""
        wanted = parse(request.path, request.query.get("ns"), self.settings.upstreams)
        if wanted is None:
            told = oci.error("NAME_INVALID", f"{request.path} is nothing that a registry has")
            return web.json_response(told, status=404, headers=answers.VERSION)
        from_peer = HEADER in request.headers
        try:
            account = await self.accounts.of(request.headers.get("Authorization"))
        except WrongPasswordError:
            return answers.unauthorized(request, WRONG)
        public = from_peer or await self.rights.public(wanted)
        if not public and not may(account, wanted.name):
            self.metrics.request(wanted.name, wanted.kind, "denied")
            return answers.unknown(wanted) if account else answers.unauthorized(request, NOT_PUBLIC)
        try:
            return await self._answer(request, wanted, public, from_peer)
        except UpstreamError as error:
            result = "missing" if error.reason == "missing" else "error"
            self.metrics.request(wanted.name, wanted.kind, result)
            return answers.failed(error, wanted)

    async def _answer(
        self,
        request: web.Request,
        wanted: Wanted,
        public: bool,
        from_peer: bool,
    ) -> web.StreamResponse:
        if wanted.kind == "manifests":
            return await self._manifest(request, wanted, public, from_peer)
        if wanted.kind == "blobs":
            return await self.blob_answers.answer(
                request, wanted, public=public, from_peer=from_peer
            )
        return await self._tags(request, wanted)

    async def _tags(self, request: web.Request, wanted: Wanted) -> web.Response:
        pairs = [(name, value) for name, value in request.query.items() if name != "ns"]
        query = URL.build(query=pairs).raw_query_string
        client = self.clients[wanted.name.upstream]
        listed, following = await client.tags(wanted.name.repository, query)
        headers = dict(answers.VERSION)
        if following:
            headers["Link"] = f'<{wanted.path}?{following}>; rel="next"'
        return web.Response(body=listed, content_type="application/json", headers=headers)

    async def _manifest(
        self, request: web.Request, wanted: Wanted, public: bool, from_peer: bool
    ) -> web.Response:
        found = await self.manifests.get(wanted, for_peer=from_peer)
        data, digest = found.manifest.data, found.manifest.digest
        immutable = oci.is_digest(wanted.reference)
        headers = answers.content(digest, public=public, immutable=immutable)
        if found.warning:
            headers["Warning"] = found.warning
        served = len(data) if request.method == "GET" and not from_peer else 0
        if not from_peer:
            self.metrics.request(wanted.name, wanted.kind, found.result, served)
        headers["Content-Type"] = found.manifest.media_type
        return web.Response(body=data, headers=headers)

    async def told(self, request: web.Request) -> web.Response:
        """What has been saved; a task asks another for its own part."""
        if HEADER in request.headers:
            return web.json_response(self.stats.own())
        try:
            account = await self.accounts.of(request.headers.get("Authorization"))
        except WrongPasswordError:
            account = None
        if account is None:
            return answers.unauthorized(request, "this needs an account")
        return web.json_response(await self.stats.all())

    async def linked(self, request: web.Request) -> web.Response:
        """Whether a repository is known to have a blob: for peers alone."""
        if HEADER not in request.headers:
            return web.Response(status=404)
        wanted = parse(request.path[len("/horcrux/linked") :], None, self.settings.upstreams)
        known = wanted is not None and await self.blobs.linked(
            wanted.name, wanted.reference, for_peer=True
        )
        return web.Response(status=204 if known else 404)

    async def measured(self, request: web.Request) -> web.Response:
        """For Prometheus, which asks from within the cluster."""
        if HEADER not in request.headers:
            return web.Response(status=404)
        return web.Response(
            body=generate_latest(self.metrics.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )


async def _read_only(_: web.Request) -> web.Response:
    told = oci.error("UNSUPPORTED", "this is a cache; push to the image's own registry")
    return web.json_response(told, status=405, headers=answers.VERSION)


async def _well(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
