"""The edge's HAProxy configuration, rendered from the apps' backends. Pure text, no I/O.

What HAProxy's own words mean is in its 2.6 configuration manual. The tasks of a release are found
by Docker's DNS (`tasks.SERVICE`), which lists a task only while it is healthy, and are checked here
as well, every second.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from control import choice
from control.backend import Backend, Release
from control.hold import AGAIN, HOLD

CONFIG, ROUTES = "haproxy.cfg", "routes.map"

# Times, each with its reason.
CONNECT = "1s"  # within one data centre; a dead host must not hold a request up
CHECK_EVERY = "1s"  # a task that hangs is out of turn after two of these
RESOLVE_EVERY = "1s"  # a new task gets traffic, and one that leaves loses it, within a second
REQUEST_HEADERS = "10s"  # against clients that trickle headers
KEEP_ALIVE = "60s"  # idle client connections; longer than the front door's checks
QUEUE = "10s"  # waiting for a free server
OLD_WORKERS = "1h"  # after a reload, connections may finish for this long: a tunnel's idle limit
MOST_FILES = (
    40_000  # a connection takes two; where the system allows fewer, HAProxy takes what it gets
)

# How long requests take is counted in classes, one counter of a table each, for every release: HAProxy
# itself tells averages only. A class ends below so many milliseconds; the last one has no end. Each is at
# most 1.5 times the one before (but the last), so that a canary that is half as fast is told from a good one.
DURATIONS = "durations"
CLASSES = (
    *(2, 5, 7, 10, 14, 18, 25, 35, 50, 70, 100, 140, 180, 250, 350, 500, 700),
    *(1000, 1400, 1800, 2500, 3500, 5000, 7000, 10_000, 30_000),
)
COUNTED_TOGETHER = 3  # classes
LONGEST_BACKEND = 150  # characters: app-APP:SERVICE, names of 63 at most
MOST_BACKENDS = 4096  # that are counted apart; beyond it those asked longest ago begin anew
ASKED = "asked"  # requests of each app, also those that no task answered
LUA = "hold.lua"
AGAIN_SOCKET = "/run/edge/again.sock"  # from an old worker to the new one: what waits for a task
PROBES = "Horcrux-Probe"  # in the User-Agent of the platform's own probes


def _counting() -> str:
    """Rules that count an answer in the class of its time, from request's to answer's headers.

    The fastest classes come first, and after each few the rules end for those that were counted: so what
    is fast, and of which there may be the most, costs the least.
    """
    starts, ends = (0, *CLASSES), (*(c - 1 for c in CLASSES), "")
    rules = ["set-var(txn.ms) date(0,ms),sub(txn.began)"]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        rules.append(f"sc-inc-gpc({number},1) if {{ var(txn.ms) -m int {start}:{end} }}")
        if number % COUNTED_TOGETHER == COUNTED_TOGETHER - 1 and end:
            rules.append(f"allow if {{ var(txn.ms) -m int 0:{end} }}")
    return "".join(f"\n    http-response {rule}" for rule in rules)


LOG_FORMAT = json.dumps(
    {
        "time": "%[date,utime(%Y-%m-%dT%H:%M:%SZ)]",
        "client": "%ci",
        "method": "%[capture.req.method,json(utf8s)]",
        "host": "%[var(txn.host),json(utf8s)]",
        "path": "%[capture.req.uri,json(utf8s)]",
        "status": "%ST",
        "bytes": "%B",
        "app": "%b",
        "task": "%s",
        "ms": "%Ta",
        "queue_ms": "%Tw",
        "connect_ms": "%Tc",
        "response_ms": "%Tr",
        "retries": "%rc",
        "end": "%ts",
        "tls": "%sslv",
        "id": "%ID",
    }
)

HEAD = f"""\
global
    log stdout format raw local0
    fd-hard-limit {MOST_FILES}
    hard-stop-after {OLD_WORKERS}
    default-path config
    lua-load {LUA}
    server-state-file /run/edge/servers.state
    stats socket /run/edge/stats.sock mode 600 level admin expose-fd listeners
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20

resolvers docker
    nameserver engine 127.0.0.11:53
    accepted_payload_size 8192
    timeout resolve {RESOLVE_EVERY}
    timeout retry 500ms
    resolve_retries 3
    hold valid 1s
    hold obsolete 0s
    hold nx 2s
    hold refused 30s
    hold timeout 30s
    hold other 30s

defaults
    mode http
    log global
    option httplog
    option dontlognull
    option idle-close-on-response
    option http-keep-alive
    option splice-auto
    timeout connect {CONNECT}
    timeout client 60s
    timeout server 60s
    timeout queue {QUEUE}
    timeout http-request {REQUEST_HEADERS}
    timeout http-keep-alive {KEEP_ALIVE}
    timeout check 2s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    load-server-state-from-file global
    default-server resolvers docker resolve-prefer ipv4 init-addr last,none check inter {CHECK_EVERY} fastinter 500ms fall 2 rise 1 maxconn 2000 pool-max-conn 200
    http-error status 503 content-type "text/html; charset=utf-8" string "<!doctype html><title>Not available</title><h1>Not available</h1><p>This application has no healthy task just now. Please try again in a few seconds.</p>" hdr Retry-After 5 hdr Cache-Control no-store

frontend metrics
    bind :8404
    option dontlog-normal
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404

frontend edge
    bind :8080 accept-proxy
    bind :8443 accept-proxy ssl crt /run/secrets/edge.pem alpn h2,http/1.1
    bind unix@{AGAIN_SOCKET} mode 600 name {AGAIN} accept-proxy
    log-format '{LOG_FORMAT}'
    unique-id-format %[uuid()]
    monitor-uri /.horcrux/health
    monitor fail if {{ nbsrv(accepting) lt 1 }}
    http-request set-var(txn.began) date(0,ms)
    http-request set-var(txn.host) req.hdr(host),field(1,:),lower
    http-request set-var(txn.path) path
    http-request set-var(txn.base) var(txn.host),concat(,txn.path,/)
    http-request set-var(txn.main) var(txn.base),map_beg({ROUTES})
    http-request set-var(txn.backend) var(txn.main)
    acl probe req.hdr(user-agent) -m sub {PROBES}
    acl known var(txn.main) -m found
    acl again so_name {AGAIN}
    http-request set-header X-Request-ID %[unique-id] unless {{ req.hdr(x-request-id) -m found }}
    http-request add-header X-Forwarded-For %[src] unless again
    http-request set-header X-Forwarded-Proto https if {{ ssl_fc }} !again
    http-request set-header X-Forwarded-Proto http unless {{ ssl_fc }} or again
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request track-sc2 var(txn.main),field(1,:) table {ASKED} if known !probe
    http-request sc-inc-gpc0(2) if known !probe
"""

# After the rules of each app that choose its release.
TAIL = f"""\
    http-request track-sc1 var(txn.backend) table {DURATIONS} if known !probe
    use_backend %[var(txn.backend)] if known
    default_backend unknown{_counting()}

backend {DURATIONS}
    stick-table type string len {LONGEST_BACKEND} size {MOST_BACKENDS} store gpc({len(CLASSES) + 1})

backend {ASKED}
    stick-table type string len {LONGEST_BACKEND} size {MOST_BACKENDS} store gpc0

backend unknown
    http-request return status 404 content-type "text/html; charset=utf-8" string "<!doctype html><title>Not found</title><h1>Not found</h1><p>No application answers at this address.</p>"

backend {AGAIN}
    timeout server {OLD_WORKERS}
    timeout tunnel {OLD_WORKERS}
    http-request disable-l7-retry unless {{ method GET HEAD OPTIONS }}
    server new unix@{AGAIN_SOCKET} send-proxy-v2 no-check

# Disabled by the edge's agent when this host is to be left: the front door's check then fails.
backend accepting
    server self 127.0.0.1:8405
"""


@dataclass(frozen=True)
class Bundle:
    """The files of one configuration, and the hash that names them."""

    files: dict[str, str]
    version: str


def render(backends: Sequence[Backend]) -> Bundle:
    """The configuration for all edges; the same backends give the same text."""
    chosen = "".join(f"    {rule}\n" for b in backends for rule in choice.rules(b))
    files = {
        CONFIG: HEAD + chosen + TAIL + "".join(f"\n{_backends(b)}" for b in backends),
        ROUTES: "".join(
            # The longest prefix wins; the closing slash keeps /shop from catching /shopping.
            f"{host}{path.rstrip('/')}/ {choice.name(b, b.main)}\n"
            for b in backends
            for host, path in b.routes
        ),
        LUA: HOLD,
    }
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return Bundle(files, digest[:16])


def _backends(backend: Backend) -> str:
    """A backend for each release, all with the app's rules, and one for what they count together."""
    sections = []
    if backend.rate_limit:
        sections.append(
            f"backend limits-{backend.app}\n"
            "    stick-table type ipv6 size 100k expire 10s store http_req_rate(1s)\n"
        )
    services = [r.service for r in backend.releases] or [backend.main]
    for service in services:
        lines = [f"backend {choice.name(backend, service)}", *_rules(backend)]
        if choice.is_sticky(backend):
            lines.append(choice.remember(backend, service))
        for release in backend.releases:
            if release.service == service:
                lines += [*_checks(backend, release), _servers(release)]
        sections.append("\n    ".join(lines) + "\n")
    return "\n".join(sections)


def _rules(backend: Backend) -> list[str]:
    lines = ["balance leastconn"]
    lines += [f"timeout server {backend.timeout}s", f"timeout tunnel {backend.tunnel_timeout}s"]
    # Only a request that never reached the app, or that may be asked twice, is asked again.
    lines.append("http-request disable-l7-retry unless { method GET HEAD OPTIONS }")
    if backend.body_limit is not None:
        lines.append(
            f"http-request return status 413 if {{ req.hdr_val(content-length) gt {backend.body_limit} }}"
        )
    if backend.rate_limit:
        lines += [
            f"http-request track-sc0 src table limits-{backend.app}",
            "http-request return status 429 hdr Retry-After 1 "
            f"if {{ sc_http_req_rate(0) gt {backend.rate_limit} }}",
        ]
    return lines


def _checks(backend: Backend, release: Release) -> list[str]:
    if not release.check:
        return []
    host = backend.routes[0][0] if backend.routes else backend.app
    return [
        "option httpchk",
        f"http-check send meth GET uri {_quoted(release.check)} ver HTTP/1.1 hdr Host {host}",
        "http-check expect rstatus ^[23]",
    ]


def _servers(release: Release) -> str:
    return (
        f"server-template {release.service}_ {release.slots} tasks.{release.service}:{release.port}"
    )


def _quoted(text: str) -> str:
    """A word of HAProxy's configuration, with nothing in it that HAProxy would interpret."""
    return "'" + text.replace("'", "'\\''") + "'"
