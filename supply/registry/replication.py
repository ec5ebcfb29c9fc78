"""The replica as the registry's clients see it: how it is, a comparison now, and the way back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from supply.cache.settings import Upstream
from supply.registry import answers
from supply.registry.copy import Copy
from supply.registry.gate import Gate
from supply.registry.own import Own
from supply.registry.place import Place
from supply.registry.replica import Replica
from supply.registry.replica_level import Level
from supply.registry.replica_settings import ReplicaSettings
from supply.registry.restore import Progress, Restore, Wanted
from supply.registry.storage import Storage
from supply.registry.telling import as_it_goes

LEVEL = "horcrux-replica.json"  # beside distribution's folder
NONE = "the registry has no replica: set horcrux:registry.replica, then horcrux up"


@dataclass
class Replication:
    """A replica and the way back from it; `session` is for the replica alone."""

    replica: Replica
    restore: Restore
    session: aiohttp.ClientSession

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Keep it level as long as the application runs (aiohttp's cleanup context)."""
        task = asyncio.create_task(self.replica.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.session.close()


def made(
    settings: ReplicaSettings,
    gate: Gate,
    storage: Storage,
    session: aiohttp.ClientSession,
    root: Path,
) -> Replication:
    """With all its parts; the gate tells it of pushes. `session`: for the registry here, below `root`."""
    own = settings.session()
    upstream = Upstream(settings.name, settings.url, 0.0, settings.username, settings.password)
    there = Place(upstream, own)
    here = Own(gate.distribution.address, session, gate.tokens, storage)
    replica = Replica(
        settings,
        Copy(here, there, target_prefix=settings.prefix),
        storage,
        gate.immutable,
        Level(root / LEVEL, settings.name),
    )
    gate.pushed = replica.pushed
    gate.metrics.registry.register(_Measured(replica))
    return Replication(replica, Restore(there, here, settings.prefix, gate), own)


async def told(replication: Replication | None, _: web.Request) -> web.Response:
    """How far the replica is."""
    return web.json_response(replication.replica.told() if replication else {"enabled": False})


async def compared(replication: Replication | None, request: web.Request) -> web.StreamResponse:
    """Compare all now, and bring what is missing; lines tell how far it is."""
    if replication is None:
        return answers.refused(404, "UNSUPPORTED", NONE)
    replica = replication.replica
    return await as_it_goes(request, replica.compare(), replica.told)


async def restored(replication: Replication | None, request: web.Request) -> web.StreamResponse:
    """Bring back what the request's `images` name, or everything; lines tell how far it is."""
    if replication is None:
        return answers.refused(404, "UNSUPPORTED", NONE)
    try:
        asked = (await request.json()).get("images")
        wanted = None if asked is None else [Wanted.of(str(each)) for each in asked]
    except (ValueError, TypeError, AttributeError) as error:
        return answers.refused(400, "UNSUPPORTED", f"{error}; send {{images: [...]}} or {{}}")
    progress = Progress()
    return await as_it_goes(request, replication.restore.run(wanted, progress), progress.told)


class _Measured(Collector):
    """What is measured when it is asked for."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def collect(self) -> Iterator[Metric]:
        replica, copied = self._replica, self._replica.copy.copied
        for name, about, value in (
            (
                "behind_seconds",
                "For how long it has lacked something or could not be asked; 0: it has all.",
                replica.behind(),
            ),
            ("pending", "Tags that it lacks.", len(replica.gap.pending())),
            (
                "conflicts",
                "Immutable tags that mean something else there.",
                len(replica.gap.conflicts),
            ),
        ):
            yield GaugeMetricFamily(f"horcrux_registry_replica_{name}", about, value)
        for name, about, value in (
            ("failures", "Tries to bring it up to date that failed.", replica.failures),
            ("copied_bytes", "Bytes that were copied to it.", copied.bytes),
            ("copied_manifests", "Manifests that were copied to it.", copied.manifests),
        ):
            yield CounterMetricFamily(f"horcrux_registry_replica_{name}", about, value)
