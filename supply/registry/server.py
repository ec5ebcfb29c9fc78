"""The gate's HTTP server, behind nginx: tokens, the registry's upkeep, and what the gate itself answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from supply import oci
from supply.registry import answers, catalog, replication
from supply.registry.accounts import Accounts
from supply.registry.admission import BusyError
from supply.registry.collection import CollectionError, collect
from supply.registry.discovery import Discovery
from supply.registry.gate import Gate
from supply.registry.replication import Replication
from supply.registry.retention import Rule
from supply.registry.scopes import granted
from supply.registry.storage import Storage

log = logging.getLogger("registry")


@dataclass
class Server:
    """What answers need. `configuration`: distribution's."""

    accounts: Accounts
    gate: Gate
    discovery: Discovery
    storage: Storage
    configuration: Path
    replication: Replication | None = None

    def application(self) -> web.Application:
        """The routes. `/auth/token` is what distribution names to clients, at the name they asked for."""
        app = web.Application(client_max_size=oci.LARGEST_MANIFEST, middlewares=[_told])
        app.add_routes(
            [
                web.get("/auth/token", self.token),
                web.get("/token", self.token),
                web.get("/horcrux/catalog", self.for_admins(self.catalog)),
                web.post("/horcrux/gc", self.for_admins(self.collect)),
                web.post("/horcrux/prune", self.for_admins(self.prune)),
                *self._of_replica(),
                web.get("/metrics", self.measured),
                *self.discovery.routes(),
                *self.gate.routes(),
            ]
        )
        if self.replication:
            app.cleanup_ctx.append(self.replication.running)
        return app

    def _of_replica(self) -> list[web.RouteDef]:
        its = self.replication
        return [
            web.get("/horcrux/replica", self.for_admins(partial(replication.told, its))),
            web.post("/horcrux/replica", self.for_admins(partial(replication.compared, its))),
            web.post("/horcrux/restore", self.for_admins(partial(replication.restored, its))),
        ]

    async def token(self, request: web.Request) -> web.Response:
        """A token for what of the scopes an account may have."""
        header = request.headers.get("Authorization")
        account = await self.accounts.of(header)
        tokens = self.gate.metrics.tokens
        if account is None:
            tokens.labels("refused" if header else "anonymous").inc()
            return answers.unauthorized()
        tokens.labels("given").inc()
        scopes = [s for told in request.query.getall("scope", []) for s in told.split()]
        access = granted(account.rights, scopes)
        return web.json_response(self.gate.tokens.make(account.name, access))

    def for_admins(
        self, action: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that only accounts with `admin` reach."""

        async def handler(request: web.Request) -> web.StreamResponse:
            account = await self.accounts.of(request.headers.get("Authorization"))
            if account is None:
                return answers.unauthorized()
            if not account.rights.admin:
                return answers.refused(403, "DENIED", f"the account {account.name} may not do this")
            try:
                return await action(request)
            except BusyError as error:
                return answers.busy(f"{error}; nothing was removed")
            except CollectionError as error:
                return answers.refused(500, "UNKNOWN", f"the collection failed: {error}")

        return handler

    async def catalog(self, _: web.Request) -> web.Response:
        """All tags, with sizes and the time of their last push."""
        return web.json_response(await asyncio.to_thread(catalog.repositories, self.storage))

    async def collect(self, _: web.Request) -> web.Response:
        """Free room."""
        freed = await collect(self.gate.admission, self.storage, self.configuration)
        self.gate.metrics.collected.inc(max(0, freed))
        log.info("a collection freed %d bytes", freed)
        return web.json_response({"freed": freed})

    async def prune(self, request: web.Request) -> web.Response:
        """Forget what is beyond the newest and not used; its room is freed by the next collection."""
        try:
            told = await request.json()
            rule, dry_run = _rule(told), bool(told.get("dry_run"))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return answers.refused(
                400, "UNSUPPORTED", f"{error!r}: send {{keep: N >= 1, used: [REPOSITORY@DIGEST]}}"
            )
        look = partial(catalog.forgotten, self.storage, self.discovery.about, rule)
        if dry_run:
            _, answer = await asyncio.to_thread(look)
            return web.json_response(answer)
        async with self.gate.admission.collecting():  # what is pushed meanwhile may be the same
            found, answer = await asyncio.to_thread(look)
            for repository, digest in found.manifests:
                log.info("forgetting %s@%s", repository, digest)
                await self.gate.distribution.forget(repository, digest)
        return web.json_response(answer)

    async def measured(self, request: web.Request) -> web.Response:
        """What the gate has counted, for anybody with an account."""
        if await self.accounts.of(request.headers.get("Authorization")) is None:
            return answers.unauthorized()
        return web.Response(
            body=generate_latest(self.gate.metrics.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )


@web.middleware
async def _told(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What aiohttp refuses by itself, in the specification's words."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        largest = oci.LARGEST_MANIFEST
        return answers.refused(413, "SIZE_INVALID", f"a manifest has at most {largest} bytes")


def _rule(told: dict[str, Any]) -> Rule:
    keep, used = told["keep"], told["used"]
    if not isinstance(keep, int) or keep < 1:
        raise ValueError(f"keep is {keep!r}")
    if not isinstance(used, list):
        raise TypeError(f"{used!r} is no list")
    return Rule(keep, tuple(map(str, used)))
