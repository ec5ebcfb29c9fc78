"""What the cache has saved, since it was first started: of this task, and of all of them."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from supply.cache.metrics import Metrics
from supply.cache.peers import Peers
from supply.cache.settings import Settings
from supply.cache.store import Store

COUNTED = (
    *("requests", "hits", "served_bytes"),
    *("fetched_bytes", "upstream_seconds", "errors"),
)
Numbers = dict[str, Any]


class Stats:
    """Answers `horcrux images stats`."""

    def __init__(self, settings: Settings, store: Store, peers: Peers, metrics: Metrics) -> None:
        self._settings, self._store, self._peers = settings, store, peers
        self._metrics = metrics

    def own(self) -> Numbers:
        """This task's."""
        totals, up = self._store.index.totals(), self._metrics.up()
        return {
            "host": self._settings.host,
            "stored": self._store.index.stored(),
            "limit": self._store.limit,
            "upstreams": {
                name: {
                    **{key: totals.get(name, {}).get(key, 0) for key in COUNTED},
                    "up": up.get(name),
                }
                for name in self._settings.upstreams
            },
        }

    async def all(self) -> Numbers:
        """All tasks', each by itself and together."""
        others = await asyncio.gather(*map(self._peers.stats, self._peers.others()))
        hosts = [self.own(), *(found for found in others if found)]
        return {"hosts": hosts, "upstreams": together(hosts)}


def together(hosts: Iterable[Mapping[str, Any]]) -> dict[str, Numbers]:
    """The sum by upstream, with what was saved: bytes that hosts got and the upstream did not send, and
    the seconds that they would have taken at the speed that it was measured to have."""
    summed: dict[str, Numbers] = {}
    for host in hosts:
        for name, told in host["upstreams"].items():
            into = summed.setdefault(name, {**dict.fromkeys(COUNTED, 0), "up": None})
            for key in COUNTED:
                into[key] += told[key]
            if told["up"] is not None:
                into["up"] = bool(told["up"]) and into["up"] is not False
    for numbers in summed.values():
        saved = max(0, numbers["served_bytes"] - numbers["fetched_bytes"])
        seconds, fetched = numbers["upstream_seconds"], numbers["fetched_bytes"]
        numbers["saved_bytes"] = saved
        numbers["saved_seconds"] = saved * seconds / fetched if fetched else None
    return summed
