"""What must hold between settings: each rule yields (path, what is wrong and what to do)."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from horcrux.settings.app import App
from horcrux.settings.environment import Settings
from horcrux.settings.hosts import layout
from horcrux.settings.release_checks import Finding, elastic, releases

PLATFORM_NAMES = {
    "edge",
    "control",
    "horcrux",
    "registry",
    "monitoring",
    "portal",
    "grafana",
    "images",
}


class SettingsError(ValueError):
    """Settings that cannot be used, with a line for each thing that is wrong."""

    def __init__(self, where: str, findings: list[Finding]) -> None:
        self.findings = findings
        lines = "\n".join(f"  {path}: {what}" for path, what in findings)
        count = "one error" if len(findings) == 1 else f"{len(findings)} errors"
        super().__init__(f"{where} has {count}:\n{lines}")


def check(settings: Settings, environment: str) -> list[Finding]:
    """Everything that is wrong between the settings, in the order of the file."""
    findings = list(_hosts(settings))
    for name, app in settings.apps.items():
        findings += _image(f"apps.{name}", name, app)
        findings += _app(f"apps.{name}", app)
        findings += releases(f"apps.{name}", app, measured=settings.monitoring.enabled)
        findings += elastic(f"apps.{name}", app, measured=settings.monitoring.enabled)
        findings += _placement(f"apps.{name}", app, settings)
        findings += _bindings(f"apps.{name}", name, app, settings)
    return [*findings, *_cycles(settings), *_routes(settings, environment), *_volumes(settings)]


def _hosts(settings: Settings) -> Iterator[Finding]:
    hosts = settings.hosts
    if (count := hosts.managers) % 2 == 0:
        yield (
            "hosts.managers",
            f"{count} managers cannot agree better than {count - 1}: take 1, 3, 5 or 7",
        )
    bounds = hosts.elastic
    if bounds and not bounds.min_workers <= hosts.workers <= bounds.max_workers:
        yield (
            "hosts.workers",
            f"{hosts.workers} is not within hosts.elastic ({bounds.min_workers} to {bounds.max_workers})",
        )
    names = {host.name for host in layout(hosts, settings.local.subnet)}
    for name in hosts.labels:
        if name not in names:
            yield f"hosts.labels.{name}", f"there is no such host; there are {_listed(names)}"
    ports = settings.local.ports
    taken: dict[int, str] = {}
    for kind in type(ports).model_fields:
        port = getattr(ports, kind)
        if port in taken:
            yield f"local.ports.{kind}", f"{port} is the port of {taken[port]} already"
        taken[port] = kind


def _image(path: str, name: str, app: App) -> Iterator[Finding]:
    if name in PLATFORM_NAMES:
        yield path, f"{name!r} is a name of the platform's own; take another"
    if not app.image and not app.build:
        yield path, "needs an `image` or a `build`"
    if app.build and (
        PurePosixPath(app.build.context).is_absolute()
        or ".." in PurePosixPath(app.build.context).parts
    ):
        yield (
            f"{path}.build.context",
            f"{app.build.context!r} is outside the project; give a folder inside it",
        )


def _app(path: str, app: App) -> Iterator[Finding]:
    if app.routes and not app.port:
        yield f"{path}.port", "is needed, for the app has routes"
    if app.health and app.health.http and not app.port:
        yield f"{path}.port", "is needed, for `health.http` asks there"
    if app.metrics and not app.metrics.port and not app.port:
        yield f"{path}.metrics.port", "is needed, for the app has no `port`"
    if app.provides and not app.port:
        yield f"{path}.port", "is needed, for other apps bind to it"
    if app.provides and app.provides.secret and app.provides.secret not in app.secrets:
        yield f"{path}.provides.secret", f"{app.provides.secret!r} is not among the app's secrets"
    if any(v.kind == "data" for v in app.volumes) and app.replicas > 1:
        yield (
            f"{path}.replicas",
            f"{app.replicas} tasks would write to one volume; take 1, or make the volume a `cache`",
        )
    for kind in ("cpus", "memory"):
        if getattr(app.reserve, kind) > getattr(app.limits, kind):
            yield f"{path}.reserve.{kind}", f"is above limits.{kind}; lower it or raise the limit"


def _placement(path: str, app: App, settings: Settings) -> Iterator[Finding]:
    hosts = layout(settings.hosts, settings.local.subnet)
    place = app.placement
    names = {host.name for host in hosts}
    if app.home and app.home not in names:
        yield f"{path}.placement.host", f"there is no host {app.home!r}; there are {_listed(names)}"
    if place.zone and place.zone not in {h.zone for h in hosts}:
        yield f"{path}.placement.zone", f"no host is in zone {place.zone!r}; see hosts.zones"
    for label, value in place.labels.items():
        if not any(h.labels.get(label) == value for h in hosts):
            yield (
                f"{path}.placement.labels.{label}",
                f"no host has the label {label}={value}; see hosts.labels",
            )
    if app.limits.memory > settings.hosts.memory:
        yield f"{path}.limits.memory", "is more than a whole host has; see hosts.memory"


def _bindings(path: str, name: str, app: App, settings: Settings) -> Iterator[Finding]:
    for i, other in enumerate(app.bind):
        bound = settings.apps.get(other)
        if other == name:
            yield f"{path}.bind[{i}]", "an app cannot bind to itself"
        elif bound is None:
            yield (
                f"{path}.bind[{i}]",
                f"there is no app {other!r}; there are {_listed(set(settings.apps) - {name})}",
            )
        elif not bound.port:
            yield f"{path}.bind[{i}]", f"apps.{other} has no `port` to bind to"


def _cycles(settings: Settings) -> Iterator[Finding]:
    graph = {name: set(app.bind) - {name} for name, app in settings.apps.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib names a cycle from the bound app to the binding one.
        ring = list(reversed(error.args[1]))
        yield f"apps.{ring[0]}.bind", f"goes round in a circle: {' → '.join(ring)}; cut one of them"


def _routes(settings: Settings, environment: str) -> Iterator[Finding]:
    pages = {"portal": "the portal", "grafana": "Grafana"}
    seen = {(f"{page}.{environment}.{settings.domain}", "/"): of for page, of in pages.items()}
    for name, app in settings.apps.items():
        for i, (host, path) in enumerate(app.hosts_of_routes(name, environment, settings.domain)):
            key = (host, "/" + path.strip("/"))
            if key in seen:
                yield f"apps.{name}.routes[{i}]", f"{host}{path} is a route of {seen[key]} already"
            seen.setdefault(key, name)


def _volumes(settings: Settings) -> Iterator[Finding]:
    homes: dict[str, tuple[str, str | None]] = {}
    for name, app in settings.apps.items():
        paths: set[str] = set()
        for i, volume in enumerate(app.volumes):
            first, home = homes.setdefault(volume.name, (name, app.home))
            if home != app.home:
                yield (
                    f"apps.{name}.volumes[{i}]",
                    (
                        f"{volume.name!r} is on {home} with {first}, but {name} is on {app.home}: "
                        "a volume lives on one host; set the same placement.host for both"
                    ),
                )
            if (place := str(PurePosixPath(volume.path))) in paths:
                yield f"apps.{name}.volumes[{i}].path", f"{volume.path} is mounted already"
            paths.add(place)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
