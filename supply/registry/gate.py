"""The gate's HTTP server: tokens, pushes of manifests, and the registry's upkeep."""

import asyncio
import fnmatch
import logging
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from supply import oci
from supply.registry.accounts import Account, Accounts, granted
from supply.registry.admission import Admission, BusyError
from supply.registry.collection import CollectionError, collect
from supply.registry.distribution import Distribution
from supply.registry.retention import forgettable
from supply.registry.storage import Storage, Tagged
from supply.registry.tokens import Tokens

UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/")
RETRY = {"Retry-After": "30"}

log = logging.getLogger("registry")


@dataclass
class Gate:
    """What answers need. `immutable`: patterns of REPOSITORY:TAG."""

    accounts: Accounts
    tokens: Tokens
    distribution: Distribution
    storage: Storage
    admission: Admission
    configuration: Path
    immutable: tuple[str, ...] = ()
    _locks: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=oci.LARGEST_MANIFEST)
        app.add_routes(
            [
                web.get("/auth/token", self.token),
                web.get("/token", self.token),
                web.put("/v2/{repository:.+}/manifests/{reference}", self.put),
                web.delete("/v2/{repository:.+}/manifests/{reference}", self.delete),
                web.get("/admitted", self.admitted),
                web.get("/horcrux/catalog", self.catalog),
                web.post("/horcrux/gc", self.gc),
                web.post("/horcrux/prune", self.prune),
            ]
        )
        return app

    async def token(self, request: web.Request) -> web.Response:
        """A token for what of the scopes an account may have."""
        account = await self.accounts.of(request.headers.get("Authorization"))
        if account is None:
            return _unauthorized()
        scopes = [s for told in request.query.getall("scope", []) for s in told.split()]
        return web.json_response(self.tokens.make(account.name, granted(account, scopes)))

    async def put(self, request: web.Request) -> web.Response:
        """A manifest comes. A tag that may not change its meaning does not."""
        repository, reference = request.match_info["repository"], request.match_info["reference"]
        data = await request.read()
        if not self.tokens.allows(request.headers.get("Authorization"), repository, "push"):
            return await self._passed_on(request, data)
        try:
            await self.admission.begin(repository)
        except BusyError as error:
            return _refused(503, "UNAVAILABLE", f"{error}; push again in a moment", RETRY)
        async with self._locks[f"{repository}:{reference}"]:
            if self._fixed(repository, reference):
                known = await self.distribution.meaning(repository, reference)
                if known not in (None, oci.digest_of(data)):
                    return _refused(
                        409,
                        "DENIED",
                        f"{repository}:{reference} is {known} and stays that: tags like it never change "
                        "their meaning (registry.immutable). Push under another tag.",
                    )
            answer = await self._passed_on(request, data)
        await self.admission.end(repository)
        return answer

    async def delete(self, request: web.Request) -> web.Response:
        """A manifest, or a tag, is to go."""
        return await self._passed_on(request, b"")

    async def admitted(self, request: web.Request) -> web.Response:
        """Whether a part of a layer may be written now; it waits while room is freed."""
        found = UPLOAD.match(request.headers.get("X-Original-Path", ""))
        if found and request.headers.get("X-Original-Method") in ("POST", "PATCH", "PUT"):
            try:
                await self.admission.begin(found[1])
            except BusyError:
                return web.Response(status=500)  # nginx tells the client; see nginx.conf
        return web.Response(status=204)

    async def catalog(self, request: web.Request) -> web.Response:
        """All tags, with sizes and the time of their last push."""
        return await self._for_admins(request, self._catalog)

    async def gc(self, request: web.Request) -> web.Response:
        """Free room."""
        return await self._for_admins(request, self._collected)

    async def prune(self, request: web.Request) -> web.Response:
        """Forget what is beyond the newest and not used."""
        told = await request.json() if request.can_read_body else {}

        async def pruned() -> dict[str, Any]:
            return await self._pruned(
                int(told["keep"]), set(told["used"]), dry_run=bool(told.get("dry_run"))
            )

        return await self._for_admins(request, pruned)

    async def _for_admins(
        self, request: web.Request, action: Callable[[], Awaitable[dict[str, Any]]]
    ) -> web.Response:
        account: Account | None = await self.accounts.of(request.headers.get("Authorization"))
        if account is None:
            return _unauthorized()
        if not account.admin:
            return _refused(403, "DENIED", f"the account {account.name} may not do this")
        try:
            return web.json_response(await action())
        except (KeyError, TypeError, ValueError) as error:
            return _refused(400, "UNSUPPORTED", f"the request lacks something: {error!r}")
        except BusyError as error:
            return _refused(503, "UNAVAILABLE", f"{error}; nothing was removed", RETRY)
        except CollectionError as error:
            return _refused(500, "UNKNOWN", f"the collection failed: {error}")

    async def _catalog(self) -> dict[str, Any]:
        tags = await asyncio.to_thread(lambda: list(self.storage.tags()))
        by_name: dict[str, list[dict[str, Any]]] = {}
        for each in tags:
            by_name.setdefault(each.repository, []).append(self._told(each))
        return {"repositories": [{"name": n, "tags": its} for n, its in by_name.items()]}

    async def _collected(self) -> dict[str, Any]:
        freed = await collect(self.admission, self.storage, self.configuration)
        return {"freed": freed}

    async def _pruned(self, keep: int, used: set[str], *, dry_run: bool) -> dict[str, Any]:
        tags = await asyncio.to_thread(lambda: list(self.storage.tags()))
        gone = forgettable(tags, keep, used, self._children)
        told = [self._told(each) for each in gone]
        if not dry_run:
            for repository, digest in dict.fromkeys((t.repository, t.digest) for t in gone):
                log.info("forgetting %s@%s", repository, digest)
                await self.distribution.forget(repository, digest)
        kept = [self._told(each) for each in tags if each not in gone]
        return {"deleted": told, "kept": kept, "freed": sum(each["size"] for each in told)}

    def _children(self, digest: str) -> list[str]:
        found = self.storage.manifest(digest)
        return [r.digest for r in found.references if r.kind == "manifest"] if found else []

    def _told(self, each: Tagged) -> dict[str, Any]:
        return {
            "repository": each.repository,
            "tag": each.tag,
            "digest": each.digest,
            "size": self.storage.size(each.digest),
            "pushed": each.pushed,
        }

    def _fixed(self, repository: str, reference: str) -> bool:
        named = f"{repository}:{reference}"
        return not oci.is_digest(reference) and any(
            fnmatch.fnmatchcase(named, pattern) for pattern in self.immutable
        )

    async def _passed_on(self, request: web.Request, data: bytes) -> web.Response:
        status, headers, body = await self.distribution.pass_on(
            request.method, request.path_qs, request.headers, data
        )
        return web.Response(status=status, headers=headers, body=body)


def _unauthorized() -> web.Response:
    headers = {"WWW-Authenticate": 'Basic realm="horcrux registry"'}
    return _refused(401, "UNAUTHORIZED", "no such account, or another password", headers)


def _refused(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    return web.json_response(oci.error(code, message), status=status, headers=headers)
