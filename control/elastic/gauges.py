"""What Prometheus is told of elastic apps. Only the control that leads tells: each app once."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from control.elastic.state import State
from control.elastic.told import summary


class ElasticCollector(Collector):
    """The states as metrics, made anew at each scrape."""

    def __init__(self, states: Callable[[], Mapping[str, State]], acts: Callable[[], bool]) -> None:
        """`acts`: whether it is for this control to scale them."""
        self._states, self._acts = states, acts

    def collect(self) -> Iterator[Metric]:
        """All families."""
        replicas = _gauge("replicas", "Tasks that the app is to have.")
        wanted = _gauge("wanted", "Tasks that it would have if nothing limited them.")
        limited = _gauge("limited", "Whether its maximum or the hosts' room keeps it from more.")
        short = _gauge("short", "Tasks more that it should have, and for which no host has room.")
        for app, state in self._states().items() if self._acts() else ():
            if decision := state.decision:
                replicas.add_metric([app], decision.replicas)
                wanted.add_metric([app], decision.wanted)
                limited.add_metric([app], bool(decision.limited))
                short.add_metric([app], (summary(state) or {}).get("short", 0))
        yield from (replicas, wanted, limited, short)


def _gauge(name: str, help_: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"horcrux_elastic_{name}", help_, labels=["app"])
