"""What an app's settings mean to Swarm: pure functions, settings in, data out.

A release is named by the hash of its task specification, so that the same settings are the same
release. What can change without restarting a task (replicas, routes, limits at the edge) is not
part of it.
"""

import hashlib
import json
import shlex
from dataclasses import dataclass
from typing import Any

from horcrux.settings import App
from horcrux.settings.elastic import Elastic
from horcrux.settings.releases import surge_tasks

NANO = 1_000_000_000
# The delay keeps an app that dies at once from keeping its host busy.
RESTART = {"condition": "any", "delay": "2s", "window": "0s"}
OPEN_FILES_TMP = "/tmp"  # noqa: S108
SECRETS = "/run/secrets"
PROBE = """\
path={path}
url=http://127.0.0.1:{port}$path
if command -v curl >/dev/null; then exec curl -gfsS -o /dev/null -m {timeout} "$url"; fi
if command -v wget >/dev/null; then exec wget -q -O /dev/null -T {timeout} "$url"; fi
exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1
printf "GET %s HTTP/1.0\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n" "$1" >&3
read -r -t {timeout} line <&3; echo "$line"; case "$line" in *" "[23]??*) exit 0;; esac; exit 1' \\
    probe "$path"
"""


@dataclass(frozen=True)
class SecretFile:
    """A Swarm secret (`key` in the program's table of them) as a file that the app sees."""

    key: tuple[str, str]  # the app that it belongs to, and its name there
    file: str


def environment_of(name: str, app: App, apps: dict[str, App], release: str) -> dict[str, str]:
    """The environment variables of a task: the platform's, the bindings', then the app's own."""
    values = {
        "HORCRUX_APP": name,
        "HORCRUX_RELEASE": release,
        "HORCRUX_HOST": "{{.Node.Hostname}}",
        "HORCRUX_TASK": "{{.Task.Name}}",
    }
    if waits(app):
        values |= {"HORCRUX_DRAIN": str(app.drain), "HORCRUX_DRAIN_PORT": str(app.port)}
    for other in app.bind:
        values |= binding(other, apps[other])
    return values | app.env


def waits(app: App) -> bool:
    """Whether a task that is to stop first finishes what it was asked (see init/).

    Not where the next release waits for it to be gone.
    """
    return app.port is not None and app.releases_by != "recreate"


def binding(name: str, app: App) -> dict[str, str]:
    """What an app is told of one that it binds to: DB_HOST, DB_PORT, DB_URL and where the password is."""
    prefix = name.upper().replace("-", "_")
    told = app.provides
    scheme = told.scheme if told else "tcp"
    account = f"{told.username}@" if told and told.username else ""
    path = f"/{told.database}" if told and told.database else ""
    values = {
        f"{prefix}_HOST": name,
        f"{prefix}_PORT": str(app.port),
        f"{prefix}_URL": f"{scheme}://{account}{name}:{app.port}{path}",
    }
    if told and told.username:
        values[f"{prefix}_USERNAME"] = told.username
    if told and told.database:
        values[f"{prefix}_DATABASE"] = told.database
    if told and told.secret:
        values[f"{prefix}_PASSWORD_FILE"] = f"{SECRETS}/{name}-{told.secret}"
    return values


def secret_files(name: str, app: App, apps: dict[str, App]) -> list[SecretFile]:
    """The app's own secrets, and those of the apps that it binds to."""
    own = [SecretFile((name, secret), secret) for secret in app.secrets]
    bound = [
        SecretFile((other, told.secret), f"{other}-{told.secret}")
        for other in app.bind
        if (told := apps[other].provides) and told.secret
    ]
    return own + bound


def release_of(name: str, app: App, apps: dict[str, App], image: str, secrets: list[str]) -> str:
    """Eight characters that name a release: the same for the same image, settings and secrets."""
    content = {
        "image": image,
        "secrets": secrets,
        "environment": environment_of(name, app, apps, ""),
        "container": container_of(app),
        "resources": resources_of(app),
        "constraints": constraints_of(app),
        "version": 1,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def container_of(app: App) -> dict[str, Any]:
    """The part of the container's specification that settings alone decide."""
    spec: dict[str, Any] = {
        "commands": list(app.entrypoint),
        "args": list(app.command),
        "user": app.user,
        "read_only": app.read_only,
        "init": True,
        "stop_grace_period": duration(app.stop_grace + (app.drain if waits(app) else 0)),
        "mounts": mounts_of(app),
    }
    if tests := health_tests(app):
        assert app.health
        spec["healthcheck"] = {
            "tests": tests,
            "interval": duration(app.health.interval),
            "timeout": duration(app.health.timeout + 1),
            "retries": app.health.retries,
            "start_period": duration(app.health.start_period),
        }
    return {key: value for key, value in spec.items() if value not in (None, [])}


def duration(seconds: int) -> str:
    """Seconds as Docker writes them back (1m30s): any other spelling would be a change for ever."""
    hours, rest = divmod(seconds, 3600)
    parts = ((hours, "h"), (rest // 60, "m"), (rest % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def health_tests(app: App) -> list[str]:
    """The container's own health check, in Docker's words; empty where there is none."""
    health = app.health
    if health is None:
        return []
    if health.command:
        return ["CMD", *health.command]
    if not health.inside:
        return []
    path = shlex.quote(health.http or "/")
    return ["CMD-SHELL", PROBE.format(port=app.port, path=path, timeout=health.timeout)]


def mounts_of(app: App) -> list[dict[str, Any]]:
    """Volumes, and a /tmp in memory where the root file system is read-only."""
    mounts: list[dict[str, Any]] = [
        {
            "type": "volume",
            "source": volume.name,
            "target": volume.path,
            "read_only": volume.read_only,
            "volume_options": {
                "labels": [
                    {"label": "horcrux.kind", "value": volume.kind},
                ],
            },
        }
        for volume in app.volumes
    ]
    if app.read_only:
        mounts.append({"type": "tmpfs", "target": OPEN_FILES_TMP})
    return mounts


def resources_of(app: App) -> dict[str, Any]:
    """Limits and reservations in Swarm's units."""
    return {
        key: {"nano_cpus": int(amount.cpus * NANO), "memory_bytes": amount.memory}
        for key, amount in (("limits", app.limits), ("reservation", app.reserve))
    }


def constraints_of(app: App) -> list[str]:
    """Where the app may run."""
    place = app.placement
    constraints = [f"node.hostname=={app.home}"] if app.home else []
    constraints += [f"node.labels.zone=={place.zone}"] if place.zone else []
    return constraints + [f"node.labels.{k}=={v}" for k, v in sorted(place.labels.items())]


def placement(constraints: list[str]) -> dict[str, Any]:
    """The placement of a task, left out where there is nothing to say: Swarm would fill it in."""
    return {"placement": {"constraints": constraints}} if constraints else {}


def edge_label(name: str, app: App, environment: str, domain: str) -> str:
    """What the edge is told of an app that has routes: see control.edge_label."""
    rules: dict[str, Any] = {
        "port": app.port,
        "routes": [list(route) for route in app.hosts_of_routes(name, environment, domain)],
        "check": app.health.http if app.health else None,
        **app.edge.model_dump(),
        "sticky": app.canary.sticky,
        "tester": app.canary.tester,
    }
    if app.elastic and app.elastic.scale_to_zero:
        rules["sleeps"] = True
    return json.dumps(rules, sort_keys=True)


def elastic_label(elastic: Elastic) -> str:
    """By what rules control adds and takes away tasks: see control.elastic."""
    told = elastic.model_dump(mode="json")
    target = {k: v for k, v in told["target"].items() if v is not None}
    schedule = [{**entry, "days": entry["days"] or None} for entry in told["schedule"]]
    return json.dumps({**told, "target": target, "schedule": schedule}, sort_keys=True)


def bounds_of(elastic: Elastic | None) -> dict[str, Any] | None:
    """Within which numbers of tasks an elastic app is as it was declared."""
    if elastic is None:
        return None
    entries = elastic.schedule
    return {
        "min": min([elastic.min, *(entry.min for entry in entries)]),
        "max": max([elastic.max, *(entry.max or 0 for entry in entries)]),
        "sleeps": elastic.scale_to_zero is not None,
    }


def walk_of(app: App) -> dict[str, Any]:
    """How control is to lead from the former release to the next: see control.rollouts."""
    plan: dict[str, Any] = {"surge": surge_tasks(app.surge, app.first_tasks)}
    if app.releases_by == "canary":
        plan["steps"] = [step.model_dump(mode="json") for step in app.canary.steps]
        plan["analysis"] = app.canary.analysis.model_dump(mode="json")
    if app.releases_by == "blue-green" and app.smoke:
        plan["smoke"] = app.smoke.model_dump(mode="json", exclude_defaults=True) | {
            "timeout": app.smoke.timeout
        }
    return plan


def metrics_label(app: App) -> str:
    """Where Prometheus finds an app's own measurements: see control.targets."""
    assert app.metrics
    return json.dumps({"port": app.metrics.port or app.port, "path": app.metrics.path})
