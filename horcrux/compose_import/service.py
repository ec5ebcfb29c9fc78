"""One service of a Compose file → a draft of an app."""

import re
from typing import Any

from horcrux.compose_import.build import add_image
from horcrux.compose_import.context import Context
from horcrux.compose_import.deploy import add_deploy
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.environment import add_environment, add_secrets
from horcrux.compose_import.health import add_health
from horcrux.compose_import.ports import add_port
from horcrux.compose_import.secret_values import holds_password
from horcrux.compose_import.unsupported import note_unsupported
from horcrux.compose_import.values import flag, listed, mapping, scalar, seconds, words
from horcrux.compose_import.volumes import add_volumes

USER = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?")  # as the settings take it


def drafted(name: str, service: dict[str, Any], context: Context) -> Draft:
    """What a service says by itself; what it has to do with others is decided later."""
    draft = Draft(name, context.app_names[name])
    if draft.name != name:
        what = f"is now the app {draft.name}: names are small letters, digits and dashes"
        if re.fullmatch("[a-z0-9-]+", name):
            what = f"is now the app {draft.name}: {name} is a name that apps cannot have"
        context.notes.add(draft.path, what)
    add_image(draft, service, context)
    _add_commands(draft, service)
    add_port(draft, service, context)
    add_health(draft, service, context)
    _note_passwords(draft, context)
    # After the commands, in which references to variables may become references to files.
    add_environment(draft, service, context)
    add_secrets(draft, service, context)
    add_volumes(draft, service, context)
    add_deploy(draft, service, context)
    _add_rest(draft, service, context)
    _add_wants(draft, service, context)
    note_unsupported(draft, service, context.notes)
    return draft


def _add_commands(draft: Draft, service: dict[str, Any]) -> None:
    for key in ("command", "entrypoint"):
        draft.app[key] = words(service.get(key), f"{draft.path}.{key}")


def _note_passwords(draft: Draft, context: Context) -> None:
    health = draft.app.get("health", {})
    for key, command in (
        ("command", draft.app["command"]),
        ("entrypoint", draft.app["entrypoint"]),
        ("healthcheck.test", health.get("command", [])),
    ):
        if holds_password(command):
            what = (
                f"seems to hold a password, which everyone who reads the settings would see; "
                f"make it one of apps.{draft.name}.secrets, and read it with `sh -c` from there"
            )
            context.notes.add(f"{draft.path}.{key}", what)


def _add_rest(draft: Draft, service: dict[str, Any], context: Context) -> None:
    if service.get("user") is not None:
        user = scalar(service["user"], f"{draft.path}.user")
        if USER.fullmatch(user):
            draft.app["user"] = user
        else:
            context.notes.add(f"{draft.path}.user", f"{user!r} is not a user or user:group")
    if flag(service.get("read_only")):
        draft.app["read_only"] = True
    if service.get("stop_grace_period") is not None:
        grace = seconds(service["stop_grace_period"], f"{draft.path}.stop_grace_period")
        draft.app["stop_grace"] = grace


def _add_wants(draft: Draft, service: dict[str, Any], context: Context) -> None:
    """The services that this one uses, for `bind`."""
    path = f"{draft.path}.depends_on"
    given = service.get("depends_on")
    if isinstance(given, dict):
        for other, how in mapping(given, path).items():
            if mapping(how, f"{path}.{other}").get("condition") == "service_completed_successfully":
                what = (
                    f"apps run without end: do what {other} does in {draft.name}'s entry point, "
                    f"and take {other} out"
                )
                context.notes.add(f"{path}.{other}", what)
            else:
                draft.wants[other] = f"{path}.{other}"
    else:
        for i, other in enumerate(listed(given, path)):
            draft.wants[scalar(other, path)] = f"{path}[{i}]"
    path = f"{draft.path}.links"
    for i, link in enumerate(listed(service.get("links"), path)):
        other, _, alias = scalar(link, path).partition(":")
        draft.wants.setdefault(other, f"{path}[{i}]")
        if alias and alias != other:
            draft.aliases[alias] = other
