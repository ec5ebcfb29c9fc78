"""Containers as metrics. Pure: from what the engine tells to families."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

LABELS = ("app", "service", "release", "task")
NANO = 1_000_000_000
Object = Mapping[str, Any]
Named = tuple[str, ...]


def labels_of(container: Object) -> Named:
    """Its app (empty for the platform's own), service, release and task."""
    labels = container.get("Labels") or {}
    platform = "horcrux.platform" in labels
    task = labels.get("com.docker.swarm.task.name", "")
    return (
        "" if platform else labels.get("horcrux.app", ""),
        labels.get("com.docker.swarm.service.name", ""),
        labels.get("horcrux.release", ""),
        task.rpartition(".")[0] or task,  # without the task's id: the slot is what people know
    )


def families(
    containers: Sequence[tuple[Object, Object]], killed: Mapping[Named, int]
) -> Iterator[Metric]:
    """`containers`: each as listed and its statistics; `killed`: how often for want of memory."""
    read = [(labels_of(listed), listed, stats) for listed, stats in containers]
    yield _counter("cpu_seconds", "Processor time.", [(n, _cpu(s)) for n, _, s in read])
    yield _gauge(
        "memory_bytes", "Memory in use, caches aside.", [(n, _memory(s)) for n, _, s in read]
    )
    limits = [(n, float(s["memory_stats"].get("limit", 0))) for n, _, s in read]
    yield _gauge("memory_limit_bytes", "Memory that it may use.", limits)
    for way, key in (("receive", "rx_bytes"), ("transmit", "tx_bytes")):
        values = [(n, _network(s, key)) for n, _, s in read]
        yield _counter(f"network_{way}_bytes", f"Bytes on its networks, {way}.", values)
    started = [(n, float(c["Created"])) for n, c, _ in read]
    yield _gauge("started_seconds", "When it was made, in seconds since 1970.", started)
    names = {n for n, _, _ in read} | killed.keys()
    kills = [(n, float(killed.get(n, 0))) for n in sorted(names)]
    yield _counter("oom_kills", "Times that something in it was killed for want of memory.", kills)


def _cpu(stats: Object) -> float:
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / NANO


def _memory(stats: Object) -> float:
    """The working set: what cannot be had back at once (`total_inactive_file` is cgroup v1's name)."""
    told = stats["memory_stats"]
    details = told.get("stats", {})
    inactive = details.get("total_inactive_file", details.get("inactive_file", 0))
    return float(max(0, told.get("usage", 0) - inactive))


def _network(stats: Object, key: str) -> float:
    return float(sum(network[key] for network in (stats.get("networks") or {}).values()))


def _gauge(name: str, help_: str, values: Sequence[tuple[Named, float]]) -> Metric:
    family = GaugeMetricFamily(f"horcrux_container_{name}", help_, labels=LABELS)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _counter(name: str, help_: str, values: Sequence[tuple[Named, float]]) -> Metric:
    family = CounterMetricFamily(f"horcrux_container_{name}", help_, labels=LABELS)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
