"""What the report asks Prometheus, all in one place.

`{step}` is the bucket that the report counts in. Figures of a minute (the recording rules) are averaged
over a bucket; `>= 0` leaves out minutes without requests, whose ratios are no numbers.
"""

from dataclasses import dataclass

MINUTE = 60
APPS = 'app!~"|portal|grafana"'  # the platform's own pages are none
ALERT_POINTS = 10_000  # below the 11,000 points of a series that Prometheus gives


@dataclass(frozen=True)
class Query:
    """One question: its name in the report, what it is about, and its text."""

    name: str
    what: str  # for the progress, and for what could not be asked
    text: str
    fine: bool = False  # asked by the minute, not by the bucket

    def of(self, step: int) -> str:
        """The text for buckets of `step` seconds."""
        return self.text.replace("{step}", f"{step}s")


def _of_app(name: str, what: str, rule: str) -> Query:
    return Query(name, what, f"avg_over_time(({rule}{{{APPS}}} >= 0)[{{step}}:1m])")


def _of_host(name: str, function: str, rule: str, what: str) -> Query:
    return Query(name, what, f"{function}_over_time({rule}[{{step}}:1m])")


QUERIES = (
    Query(
        "responses",
        "requests and errors",
        f"sum by (app, code) (increase(haproxy_backend_http_responses_total{{{APPS}}}[{{step}}]))",
    ),
    _of_app("load", "load", "app:requests:rate1m"),
    Query("peak", "peak load", f"max_over_time((app:requests:rate1m{{{APPS}}} >= 0)[{{step}}:1m])"),
    _of_app("p50", "latency (p50)", "app:latency:p50_1m"),
    _of_app("p95", "latency (p95)", "app:latency:p95_1m"),
    _of_app("p99", "latency (p99)", "app:latency:p99_1m"),
    # A minute in which half of the requests or more failed is one in which the app was down.
    Query(
        "down", "downtime", f"count_over_time((app:errors:ratio1m{{{APPS}}} >= 0.5)[{{step}}:1m])"
    ),
    _of_host("cpu", "avg", "host:cpu:ratio", "processors"),
    _of_host("cpu_peak", "max", "host:cpu:ratio", "processors' peaks"),
    _of_host("memory", "avg", "host:memory:ratio", "memory"),
    _of_host("memory_peak", "max", "host:memory:ratio", "memory's peaks"),
    _of_host("disk", "avg", "host:disk:ratio", "disks"),
    _of_host("disk_peak", "max", "host:disk:ratio", "disks' peaks"),
    Query(
        "releases",
        "releases",
        "min_over_time(timestamp(max by (app, service, release, number) "
        '(horcrux_release_info{app!=""}))[{step}:1m])',
    ),
    # Also those that fire for less than a step; not the one that always does.
    Query(
        "alerts",
        "alerts",
        'max_over_time(ALERTS{alertstate="firing",severity!="none"}[{step}])',
        fine=True,
    ),
)
