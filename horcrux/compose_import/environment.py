"""`environment` → `env`; what looks like a secret → `secrets`, with *_FILE variables if known."""

import re

from horcrux.compose_import.context import Context
from horcrux.compose_import.draft import SECRET_FILES, Draft, SecretUse
from horcrux.compose_import.names import named
from horcrux.compose_import.secret_values import is_secret
from horcrux.compose_import.values import Entry, entries, listed, mapping, scalar
from horcrux.settings.fields import VARIABLE


def add_environment(draft: Draft, service: dict[str, object], context: Context) -> None:
    """The variables of a service."""
    env: dict[str, str] = {}
    for entry in entries(service.get("environment"), f"{draft.path}.environment"):
        value = entry.value if entry.value is not None else context.variables.get(entry.key)
        place = f"apps.{draft.name}.env"
        if not VARIABLE.fullmatch(entry.key):
            what = (
                f"is no name for a variable in {place}; give it to the app in a file of its image"
            )
            context.notes.add(entry.path, what)
        elif is_secret(entry.key, value or "") and not _known_empty(value, entry, context):
            env |= _secret(draft, entry, value, context)
        elif value is None:
            context.notes.add(entry.path, f"gets its value from outside; set {place}.{entry.key}")
        else:
            env[entry.key] = value
    for i, item in enumerate(listed(service.get("env_file"), f"{draft.path}.env_file")):
        path = f"{draft.path}.env_file[{i}]"
        file = scalar(item.get("path") if isinstance(item, dict) else item, path)
        context.notes.add(
            path,
            f"{file} is not read; copy what it sets to apps.{draft.name}.env, and secrets to "
            f"apps.{draft.name}.secrets",
        )
    draft.app["env"] = env


def _known_empty(value: str | None, entry: Entry, context: Context) -> bool:
    """Empty on purpose (an empty password is none), not for want of a variable."""
    return value == "" and entry.path not in context.missing


def _secret(draft: Draft, entry: Entry, value: str | None, context: Context) -> dict[str, str]:
    """Make a secret of a variable; returns the variable that says where it is, if there is one."""
    name = named(entry.key, draft.secrets)
    if variable := context.missing.get(entry.path, entry.key if value is None else ""):
        origin = ("variable", variable)
    else:
        origin = ("value", value or "")
    file = f"{SECRET_FILES}/{name}"
    if entry.key in draft.known.files:
        becomes, told = f"{entry.key}_FILE", {f"{entry.key}_FILE": file}
    else:
        becomes, told = "", {}
    draft.secrets[name] = SecretUse(origin, entry.path, becomes)
    draft.secret_paths.add(entry.path)
    _follow_in_commands(draft, entry.key, f"$(cat {file})")
    return told


def _follow_in_commands(draft: Draft, variable: str, instead: str) -> None:
    """A shell that used the variable reads the file: the variable is not set any more."""
    used = re.compile(rf"\$(?:{variable}\b|\{{{variable}\}})")
    health = draft.app.get("health", {})
    for holder, key in ((draft.app, "command"), (draft.app, "entrypoint"), (health, "command")):
        if "-c" in holder.get(key, ()):
            holder[key] = [used.sub(lambda _: instead, word) for word in holder[key]]


def add_secrets(draft: Draft, service: dict[str, object], context: Context) -> None:
    """`secrets` of a service; what they are is said at the top level of the file."""
    path = f"{draft.path}.secrets"
    for i, item in enumerate(listed(service.get("secrets"), path)):
        where = f"{path}[{i}]"
        given = mapping(item, where) if isinstance(item, dict) else {"source": item}
        source = scalar(given.get("source"), f"{where}.source")
        target = scalar(given.get("target") or source, f"{where}.target")
        file = target if target.startswith("/") else f"{SECRET_FILES}/{target}"
        name = named(target.rpartition("/")[2] or source, draft.secrets)
        use = SecretUse(("secret", source), where, "", _hint(source, context))
        draft.secrets[name] = use
        if file != f"{SECRET_FILES}/{name}":
            draft.replace_text(file, f"{SECRET_FILES}/{name}")
            use.file_before = file


def _hint(source: str, context: Context) -> str:
    """Where the value is to be taken from."""
    defined = mapping(context.secrets.get(source), f"secrets.{source}")
    if "file" in defined:
        return f" to the content of {scalar(defined['file'], f'secrets.{source}.file')}"
    if "environment" in defined:
        variable = scalar(defined["environment"], f"secrets.{source}.environment")
        return f" to the value of {variable}"
    return ""
