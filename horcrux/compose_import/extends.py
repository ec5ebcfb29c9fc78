"""`extends`: what a service takes from another of the same file. Other files are not read."""

from typing import Any

from horcrux.compose_import.document import FLATTEN
from horcrux.compose_import.notes import ComposeError, Notes
from horcrux.compose_import.values import entries, mapping, scalar

REPLACED = ("command", "entrypoint", "test")  # lists that are one value, not several
Services = dict[str, dict[str, Any]]


def flattened(services: Services, notes: Notes) -> Services:
    """The services, each with what it extends merged into it."""
    return {name: _flat(name, services, (), notes) for name in services}


def _flat(name: str, services: Services, seen: tuple[str, ...], notes: Notes) -> dict[str, Any]:
    service, path = services[name], f"services.{name}.extends"
    given = service.get("extends")
    if not given:
        return service
    wanted = mapping(given, path) if isinstance(given, dict) else {"service": given}
    base = scalar(wanted.get("service"), f"{path}.service")
    if wanted.get("file"):
        notes.add(path, f"{base} is in another file, which is not read; {FLATTEN}")
        return service
    if base not in services:
        raise ComposeError(path, f"there is no service {base!r}; correct the name")
    if base in (*seen, name):
        raise ComposeError(path, f"goes round in a circle: {' → '.join((*seen, name, base))}")
    notes.add(path, f"what {base} says is merged into {name}; see that it is what you mean")
    below = _flat(base, services, (*seen, name), notes)
    return _merged(below, {k: v for k, v in service.items() if k != "extends"}, name)


def _merged(below: dict[str, Any], above: dict[str, Any], name: str) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if key == "environment" and under:
            path = f"services.{name}.{key}"
            both = [*entries(under, path), *entries(value, path)]
            merged[key] = {entry.key: entry.value for entry in both}
        elif isinstance(value, dict) and isinstance(under, dict):
            merged[key] = _merged(under, value, name)
        elif isinstance(value, list) and isinstance(under, list) and key not in REPLACED:
            merged[key] = under + [item for item in value if item not in under]
        else:
            merged[key] = value
    return merged
