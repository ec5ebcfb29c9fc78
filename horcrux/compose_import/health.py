"""`healthcheck` → `health`."""

import re
from typing import Any

from horcrux.compose_import.context import Context
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.values import flag, mapping, number, scalar, seconds, words

TIMES = ("interval", "timeout", "start_period")
MOST_RETRIES = 100  # what the settings take at most
ASKS = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::([0-9]+))?(/[!-~]*?)?['\"]?(?:\s|$)"
)


def add_health(draft: Draft, service: dict[str, Any], context: Context) -> None:
    """How it is known that the app is well. Needs the app's port, for a hint."""
    path = f"{draft.path}.healthcheck"
    check = mapping(service.get("healthcheck"), path)
    if not check or flag(check.get("disable")):
        return
    if not check.get("test"):
        what = "changes a check that is in the image, which is not known here"
        context.notes.add(path, f"{what}; write it to apps.{draft.name}.health")
        return
    command = _command(check["test"], f"{path}.test")
    if not command:
        return
    health: dict[str, Any] = {"command": command}
    for key in TIMES:
        if check.get(key) is not None:
            health[key] = seconds(check[key], f"{path}.{key}")
    if check.get("retries") is not None:
        retries = round(number(check["retries"], f"{path}.retries"))
        health["retries"] = min(max(retries, 1), MOST_RETRIES)
    draft.app["health"] = health
    _hint(draft, command, path, context)


def _command(test: Any, path: str) -> list[str]:
    """The command of a test; empty for NONE, which turns the image's own check off."""
    if not isinstance(test, list):
        return ["sh", "-c", scalar(test, path)]
    kind, *rest = words(test, path)
    if kind == "CMD-SHELL":
        return ["sh", "-c", " ".join(rest)]
    return {"CMD": rest, "NONE": []}.get(kind, [kind, *rest])


def _hint(draft: Draft, command: list[str], path: str, context: Context) -> None:
    """A command that only asks the app's own port may be a path, which the edge asks too."""
    asked = ASKS.search(" ".join(command))
    port = draft.app.get("port")
    if asked and draft.app.get("routes") and int(asked[1] or 80) == port:
        http = asked[2] or "/"
        what = f"works as it is; `health: {{http: {http}}}` instead would have the edge ask too"
        context.notes.add(path, what)
