"""The dashboards: hosts, edge, one app, a release compared with the one before, and the supply of images.

`python -m monitoring.mixin.dashboards` renews the files in `dashboards/`; a test compares them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitoring.mixin.image_dashboard import images
from monitoring.mixin.panels import Document, Panel, Variable, dashboard, many, one, text

FOLDER = Path(__file__).parent / "dashboards"

# Colours begin where the alerts' thresholds are, so that a red line and an alert mean the same.
DISK, MEMORY, BUSY = ((0.9, "red"),), ((0.9, "red"),), ((0.8, "orange"),)
ERRORS = ((0.001, "orange"), (0.0144, "red"))  # the objective; what burns its budget fast
SLOW = ((1.0, "red"),)  # the objective: 99 % within a second
BURN = ((1.0, "orange"), (6.0, "orange"), (14.4, "red"))
FULL = 1.0

# Values that queries can be tried with.
EXAMPLE = {"host": ".+", "app": "hello", "release": "2", "before": "1", "upstream": ".+"}

HOST = Variable("host", "host:ready:max", "host", several=True)
APP = Variable("app", 'horcrux_release_info{app!=""}', "app")
NUMBERS = 'release:number:info{app="$app", number!=""}'


def hosts() -> Document:
    """How busy and how full the hosts are, and what on them is."""
    on = 'host=~"$host"'
    panels = (
        one("Ready", "short", f"host:ready:max{{{on}}}", "{{host}} ({{role}}, zone {{zone}})", top=1),
        one("CPU", "percentunit", f"host:cpu:ratio{{{on}}}", "{{host}}", top=FULL, marks=BUSY),
        one("Memory", "percentunit", f"host:memory:ratio{{{on}}}", "{{host}}", top=FULL, marks=MEMORY),
        one("Fullest disk", "percentunit", f"host:disk:ratio{{{on}}}", "{{host}}", top=FULL, marks=DISK),
        one("Disk space left", "bytes", f"min by (host, device) (host:filesystem:avail_bytes{{{on}}})",
            "{{host}} {{device}}"),
        one("Inodes used", "percentunit", f"max by (host, device) (host:filesystem:inodes_ratio{{{on}}})",
            "{{host}} {{device}}", top=FULL, marks=((0.95, "red"),)),
        one("Network, received", "Bps", f"host:network_receive:rate1m{{{on}}}", "{{host}}"),
        one("Network, sent", "Bps", f"host:network_transmit:rate1m{{{on}}}", "{{host}}"),
        one("Waiting for memory", "percentunit",
            f"max by (host) (rate(node_pressure_memory_stalled_seconds_total{{{on}}}[5m]))", "{{host}}",
            marks=((0.1, "red"),)),
        one("CPU of services", "short",
            f"sum by (host, service) (rate(horcrux_container_cpu_seconds_total{{{on}}}[1m]))",
            "{{service}} on {{host}}", stacked=True, width=12),
        one("Memory of services", "bytes",
            f"sum by (host, service) (horcrux_container_memory_bytes{{{on}}})",
            "{{service}} on {{host}}", stacked=True, width=12),
        one("Clock, off Prometheus'", "s",
            f"max by (host) (abs(node_time_seconds{{{on}}} - timestamp(node_time_seconds{{{on}}})))",
            "{{host}}", marks=((2.0, "red"),), width=12),
        one("Killed for want of memory, in 5 minutes", "short",
            f"sum by (host, service) (increase(horcrux_container_oom_kills_total{{{on}}}[5m]))",
            "{{service}} on {{host}}", marks=((1.0, "red"),), width=12),
    )  # fmt: skip
    return dashboard("horcrux-hosts", "Horcrux / Hosts", [HOST], panels)


def edge() -> Document:
    """What comes in, and what the edges do with it."""
    on = 'host=~"$host"'
    panels = (
        one("Answers by status", "reqps",
            f'sum by (code) (rate(haproxy_frontend_http_responses_total{{proxy="edge", {on}}}[1m]))',
            "{{code}}", stacked=True),
        one("Requests by host", "reqps",
            f'sum by (host) (rate(haproxy_frontend_http_requests_total{{proxy="edge", {on}}}[1m]))',
            "{{host}}", stacked=True),
        one("Requests by app", "reqps", "app:requests:rate1m", "{{app}}", stacked=True),
        one("Errors by app", "percentunit", "app:errors:ratio1m", "{{app}}", marks=ERRORS),
        one("95 % of answers within", "s", "app:latency:p95_1m", "{{app}}", marks=SLOW),
        one("Waiting for a task", "short",
            f'sum by (app) (haproxy_backend_current_queue{{app!="", {on}}})', "{{app}}"),
        one("Sessions", "short",
            f'sum by (host) (haproxy_frontend_current_sessions{{proxy="edge", {on}}})', "{{host}}"),
        one("Connections of HAProxy", "short",
            f"sum by (host) (haproxy_process_current_connections{{{on}}})", "{{host}}"),
        one("Failed towards tasks", "short",
            f'sum by (app) (rate(haproxy_backend_connection_errors_total{{app!="", {on}}}[1m])'
            f' + rate(haproxy_backend_response_errors_total{{app!="", {on}}}[1m]))', "{{app}}"),
        one("Configuration refused", "short", f"max by (host) (horcrux_edge_refused{{{on}}})",
            "{{host}}", top=1, marks=((1.0, "red"),)),
        one("Services with unusable labels", "short", "max(horcrux_edge_label_problems)", "services",
            marks=((1.0, "red"),)),
        one("Certificates expire in", "s", "certificate:expiry:seconds", "{{what}}"),
    )  # fmt: skip
    return dashboard("horcrux-edge", "Horcrux / Edge", [HOST], panels)


def app() -> Document:
    """One app: what its clients see, what is left of its budgets, and what its tasks use."""
    of = 'app="$app"'
    panels = (
        one("Answers by status", "reqps",
            f"sum by (code) (rate(haproxy_backend_http_responses_total{{{of}}}[1m]))", "{{code}}",
            stacked=True),
        one("Errors", "percentunit", f"app:errors:ratio1m{{{of}}}", "of all requests", marks=ERRORS),
        many("Answered within", "s",
             *((f"app:latency:{p}_1m{{{of}}}", f"{p[1:]} %") for p in ("p50", "p95", "p99")), marks=SLOW),
        many("Burn of the error budget", "short",
             *((f"app:errors:ratio{w}{{{of}}} / 0.001", w) for w in ("5m", "30m", "1h", "6h")),
             marks=BURN, about="1: used up in exactly 30 days."),
        many("Burn of the latency budget", "short",
             *((f"app:slow:ratio{w}{{{of}}} / 0.01", w) for w in ("5m", "30m", "1h", "6h")),
             marks=BURN, about="1: used up in exactly 30 days."),
        one("Share of each release", "percentunit",
            f"release:weight:max{{{of}}} * on (app, service) group_left (number) release:number:info",
            "r{{number}} ({{service}})", top=FULL, stacked=True),
        many("Tasks", "short",
             (f"app:desired:sum{{{of}}}", "wanted"), (f"app:running:sum{{{of}}}", "running"),
             (f"sum(max by (service) (horcrux_release_tasks_pending{{{of}}}))", "without a host")),
        one("Failed tasks, in 5 minutes", "short",
            f"max by (service) (increase(horcrux_release_task_failures_total{{{of}}}[5m]))", "{{service}}",
            marks=((3.0, "red"),)),
        one("Probes", "short", f"max by (via, route) (probe_success{{job='probe', {of}}})",
            "{{via}} {{route}}", top=1),
        one("CPU of tasks", "short",
            f"sum by (task, host) (rate(horcrux_container_cpu_seconds_total{{{of}}}[1m]))",
            "{{task}} on {{host}}", stacked=True),
        many("Memory of tasks", "bytes",
             (f"sum by (task, host) (horcrux_container_memory_bytes{{{of}}})", "{{task}} on {{host}}"),
             (f"max(horcrux_container_memory_limit_bytes{{{of}}})", "limit of one")),
        one("Rollout under way for", "s", f"max(horcrux_rollout_seconds{{{of}}})", "rollout",
            marks=((900.0, "red"),)),
    )  # fmt: skip
    return dashboard("horcrux-app", "Horcrux / App", [APP], panels)


def release() -> Document:
    """A release beside another one, by default of the same hour; widen the time to see it alone."""
    panels = (
        _both("Share of the requests", "percentunit", "release:weight:max", top=FULL),
        _both("Requests", "reqps", "release:requests:rate1m"),
        _both("Errors", "percentunit", "release:errors:ratio1m", marks=ERRORS),
        _both("50 % of answers within", "s", "release:latency:p50_1m", marks=SLOW),
        _both("95 % of answers within", "s", "release:latency:p95_1m", marks=SLOW),
        _both("99 % of answers within", "s", "release:latency:p99_1m", marks=SLOW),
        _both("Running tasks", "short", "release:running:max"),
        _both("CPU of a task", "short",
             'avg by (app, service) (rate(horcrux_container_cpu_seconds_total{app="$app"}[1m]))'),
        _both("Memory of a task", "bytes",
             'avg by (app, service) (horcrux_container_memory_bytes{app="$app"})'),
        _both("CPU for a request", "s",
             'sum by (app, service) (rate(horcrux_container_cpu_seconds_total{app="$app"}[1m]))'
             " / (release:requests:rate1m > 0)"),
        _both("Failed tasks, in 5 minutes", "short",
             'max by (app, service) (increase(horcrux_release_task_failures_total{app="$app"}[5m]))',
             marks=((3.0, "red"),)),
        _both("Killed for want of memory, in 5 minutes", "short",
             'sum by (app, service) (increase(horcrux_container_oom_kills_total{app="$app"}[5m]))',
             marks=((1.0, "red"),)),
    )  # fmt: skip
    choice = (
        APP,
        Variable("release", NUMBERS, "number", numeric=True),
        Variable("before", NUMBERS, "number", numeric=True),
    )
    return dashboard("horcrux-release", "Horcrux / Release and the one before", choice, panels)


def all_of_them() -> dict[str, Document]:
    """Each under its file's name."""
    return {f"{make.__name__}.json": make() for make in (hosts, edge, app, release, images)}


def queries(document: Document, values: Mapping[str, str] = EXAMPLE) -> list[str]:
    """Every query of a dashboard's panels, with its variables replaced."""
    return [
        re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], target["expr"])
        for panel in document["panels"]
        for target in panel["targets"]
    ]


def _both(title: str, unit: str, expr: str, **more: Any) -> Panel:
    """The same of the release and of the one before."""
    asked = (
        (
            f'({expr}) and on (app, service) release:number:info{{app="$app", number="${which}"}}',
            legend,
        )
        for which, legend in (("release", "r$release"), ("before", "r$before, before"))
    )
    return many(title, unit, *asked, **more)


def main() -> None:
    """Write them all."""
    for name, document in all_of_them().items():
        (FOLDER / name).write_text(text(document), encoding="utf-8")


if __name__ == "__main__":
    main()
