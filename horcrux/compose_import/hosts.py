"""Names that services had for one another, followed through environment and commands."""

import re
from collections.abc import Sequence
from typing import Any

from horcrux.compose_import.draft import Draft
from horcrux.compose_import.notes import Notes

ADDRESS_WORDS = {
    "ADDR", "ADDRESS", "BACKEND", "BROKER", "ENDPOINT", "HOST", "HOSTNAME", "HOSTS", "NODE",
    "NODES", "PROXY", "SERVER", "SERVERS", "UPSTREAM", "URI", "URL",
}  # fmt: skip


def follow_names(drafts: Sequence[Draft], notes: Notes) -> None:
    """Every address with a name that no app has any more gets the name of the app."""
    names = {draft.service: draft.name for draft in drafts}
    for draft in drafts:
        known_here = names | {alias: names.get(to, to) for alias, to in draft.aliases.items()}
        for old, new in known_here.items():
            if old != new:
                _follow(draft, old, new, notes)


def _follow(draft: Draft, old: str, new: str, notes: Notes) -> None:
    what = f"{old} is now {new}"
    env: dict[str, str] = draft.app["env"]
    for key, value in env.items():
        whole = value == old and ADDRESS_WORDS & set(key.upper().split("_"))
        changed = new if whole else with_host(value, old, new)
        if changed != value:
            env[key] = changed
            notes.add(f"{draft.path}.environment.{key}", what)
    health: dict[str, Any] = draft.app.get("health", {})
    for holder, key, path in (
        (draft.app, "command", "command"),
        (draft.app, "entrypoint", "entrypoint"),
        (health, "command", "healthcheck.test"),
    ):
        before = holder.get(key, [])
        after = [with_host(word, old, new) for word in before]
        if after != before:
            holder[key] = after
            notes.add(f"{draft.path}.{path}", what)
    for use in draft.secrets.values():
        if use.origin[0] == "value" and with_host(use.origin[1], old, new) != use.origin[1]:
            use.hint += f", in which {what}"


def with_host(text: str, old: str, new: str) -> str:
    """The name replaced where it stands in an address: ://name, @name, name:8080."""
    name = re.escape(old)
    text = re.sub(rf"(?:(?<=://)|(?<=@)){name}(?=[:/,?]|$)", lambda _: new, text)
    return re.sub(rf"(?:(?<=[\s,=])|^){name}(?=:[0-9])", lambda _: new, text)
