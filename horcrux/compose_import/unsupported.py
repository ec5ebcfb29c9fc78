"""Keys of a service that are not carried over: a sentence for each that matters to the user."""

from typing import Any

from horcrux.compose_import.draft import Draft
from horcrux.compose_import.notes import Notes
from horcrux.compose_import.values import flag, mapping

CARRIED = frozenset(
    {
        "build", "command", "cpus", "depends_on", "deploy", "entrypoint", "env_file",
        "environment", "expose", "extends", "healthcheck", "image", "links", "mem_limit",
        "mem_reservation", "ports", "read_only", "scale", "secrets", "stop_grace_period", "tmpfs",
        "user", "volumes",
    }
)  # fmt: skip
# What the platform does by itself, or what changes nothing that an app would notice.
COVERED = frozenset(
    {"attach", "init", "platform", "pull_policy", "restart", "stdin_open", "tty", "version"}
)
NO_HOST = "apps do not run with rights over their host; an app that needs this cannot run here"
SENTENCES = {
    "annotations": "is not carried over; Horcrux sets labels of its own",
    "cap_add": NO_HOST,
    "cap_drop": "is not carried over; set `user` and `read_only` to give the app fewer rights",
    "cgroup_parent": NO_HOST,
    "configs": "is not carried over; COPY the files into the image, or set them in `env`",
    "container_name": "is not kept; tasks are named by the platform, and {app} is found as `{app}`",
    "develop": "is for work on one machine; the image is built by each update",
    "devices": NO_HOST,
    "dns": "is not carried over; apps use the cluster's names and the hosts' resolvers",
    "dns_search": "is not carried over; apps use the cluster's names and the hosts' resolvers",
    "domainname": "is not kept; other apps find it as `{app}`",
    "external_links": "is not carried over; set the address in apps.{app}.env",
    "extra_hosts": "is not carried over; set the address in apps.{app}.env or in DNS",
    "gpus": "is not carried over; hosts have no GPUs to give",
    "hostname": "is not kept; other apps find it as `{app}`",
    "ipc": NO_HOST,
    "labels": "is not carried over; what a proxy read there is said by apps.{app}.routes",
    "logging": "is not carried over; see `horcrux logs {app}`",
    "network_mode": "is not carried over; apps share the environment's network, never the host's",
    "networks": "is not carried over; all apps of an environment share one network",
    "pid": NO_HOST,
    "post_start": "is not carried over; let the image's entry point do it",
    "pre_stop": "is not carried over; let the app do it when it gets SIGTERM",
    "privileged": NO_HOST,
    "profiles": "is not carried over; {app} runs always, so take it out if it should not",
    "provider": "is not carried over; set the address of what it provides in env",
    "runtime": NO_HOST,
    "security_opt": "is not carried over; apps run with Docker's own defaults",
    "shm_size": "is not carried over; /dev/shm has Docker's 64M",
    "stop_signal": "is not carried over; tasks get SIGTERM: set STOPSIGNAL in the Dockerfile",
    "sysctls": NO_HOST,
    "ulimits": "is not carried over; tasks have the hosts' limits",
    "volumes_from": "is not carried over; give both apps the same named volume",
    "working_dir": "is not carried over; set WORKDIR in the Dockerfile",
}
DEPLOY = {
    "labels": SENTENCES["labels"],
    "rollback_config": "is not carried over; a release that fails leaves the one before in place",
    "update_config": "is not carried over; how one release follows another is the platform's task",
}
OTHERWISE = "is not carried over; Horcrux has no such setting"


def note_unsupported(draft: Draft, service: dict[str, Any], notes: Notes) -> None:
    """Every key that says something and is not carried over."""
    for key, value in service.items():
        if key in CARRIED | COVERED or key.startswith("x-") or not _says_something(value):
            continue
        sentence = SENTENCES.get(key, OTHERWISE)
        if key == "networks" and _aliases(value):
            sentence += ", where {app} has this one name: {aliases} are unknown"
        listing = ", ".join(_aliases(value))
        notes.add(f"{draft.path}.{key}", sentence.format(app=draft.name, aliases=listing))
    deploy = mapping(service.get("deploy"), f"{draft.path}.deploy")
    for key in (key for key in DEPLOY if key in deploy):
        notes.add(f"{draft.path}.deploy.{key}", DEPLOY[key].format(app=draft.name))
    if _devices(deploy):
        notes.add(f"{draft.path}.deploy.resources.reservations.devices", SENTENCES["gpus"])


def _says_something(value: Any) -> bool:
    return bool(value) and (isinstance(value, dict | list) or flag(value) or value != "false")


def _aliases(value: Any) -> list[str]:
    """Other names that a service has in its networks."""
    if not isinstance(value, dict):
        return []
    networks = (network for network in value.values() if isinstance(network, dict))
    found = (alias for network in networks for alias in network.get("aliases") or ())
    return [str(alias) for alias in found]


def _devices(deploy: dict[str, Any]) -> bool:
    node: Any = deploy
    for key in ("resources", "reservations", "devices"):
        node = node.get(key) if isinstance(node, dict) else None
    return bool(node)
