"""What Prometheus knows of the load of elastic apps: processor time and latency.

Questions name the services or apps they are about: an answer must not grow with what is not elastic.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from control.elastic.load import Cpu, Latency
from control.prometheus import Prometheus

NANO = 1_000_000_000
GROWN_SECONDS = 60  # a task that starts is busy with itself: it tells nothing of the load
LATENCY_SECONDS = 30  # six scrapes of the edges: recent, and of several answers
CPU = (
    '(rate(horcrux_container_cpu_seconds_total{{service=~"{services}"}}[1m])'
    ' and (time() - horcrux_container_started_seconds{{service=~"{services}"}} > {grown}))'
)
DURATIONS = 'increase(horcrux_request_duration_seconds_bucket{{app=~"{apps}"}}[{window}s])'
Object = Mapping[str, Any]


def limits(services: Sequence[Object], named: Collection[str]) -> dict[str, float]:
    """How many processors one task of each service may use, of those named that have a limit."""
    found = {}
    for service in services:
        resources = service["Spec"]["TaskTemplate"].get("Resources") or {}
        nano = (resources.get("Limits") or {}).get("NanoCPUs") or 0
        if service["Spec"]["Name"] in named and nano:
            found[service["Spec"]["Name"]] = nano / NANO
    return found


async def cpu(prometheus: Prometheus, processors: Mapping[str, float]) -> dict[str, Cpu]:
    """By service; `processors`: what one task of each may use. Raises UpstreamError."""
    if not processors:
        return {}
    each = CPU.format(services="|".join(sorted(processors)), grown=GROWN_SECONDS)
    used = await _by(prometheus, "service", f"sum by (service) ({each})")
    tasks = await _by(prometheus, "service", f"count by (service) ({each})")
    return {
        service: Cpu(used[service] / processors[service], int(tasks[service]))
        for service in used.keys() & tasks.keys() & processors.keys()
    }


async def latency(prometheus: Prometheus, apps: Collection[str]) -> dict[str, Latency]:
    """By app; one of which there is no histogram yet has had no request. Raises UpstreamError."""
    if not apps:
        return {}
    each = DURATIONS.format(apps="|".join(sorted(apps)), window=LATENCY_SECONDS)
    p95 = await _by(prometheus, "app", f"histogram_quantile(0.95, sum by (app, le) ({each}))")
    counted = each.replace("_bucket", "_count")
    requests = await _by(prometheus, "app", f"sum by (app) ({counted})")
    return {app: Latency(p95.get(app), requests.get(app, 0.0)) for app in apps}


async def _by(prometheus: Prometheus, label: str, query: str) -> dict[str, float]:
    values = ((s["labels"].get(label, ""), s["values"][-1][1]) for s in await prometheus.now(query))
    return {name: value for name, value in values if value is not None}
