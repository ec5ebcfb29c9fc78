"""Settings as Markdown tables: each key with its type in plain words, default and description."""

from typing import Any

from horcrux.settings.tree import Node, Section, resolved, section_of

HELD = {
    "once": "",
    "named": "A mapping: each name has the settings below.",
    "listed": "A list: each element has the settings below.",
}
HEAD = "| key | type | default | description |\n|---|---|---|---|"
KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
PLURALS = {"name": "names", "public key": "public keys", "route": "routes"}
UNBOUNDED = {"port", "size"}  # ports are known to end, and sizes say their bounds in words


def section_text(path: str, section: Section, root: Node, only: str | None = None) -> str:
    """A section's heading, what it is, and its table (or the one row of it called `only`)."""
    properties = section.model["properties"]
    keys = [only] if only else list(properties)
    required = section.model.get("required", ())
    rows = [_row(path, key, properties[key], key in required, root) for key in keys]
    about = " ".join(t for t in (section.model.get("description"), HELD[section.held]) if t)
    heading = "#" * (2 + path.count("."))
    return "\n".join([f"{heading} {path}\n", f"{about}\n", HEAD, *rows, ""])


def _row(path: str, key: str, node: Node, required: bool, root: Node) -> str:
    kind = words(node, root)
    if section_of(node, root):
        place = key if path == "config" else f"{path}.{key}"
        kind += f": see [{place}](#{place.replace('.', '')})"
    default = "required" if required else _shown(node.get("default"))
    if node.get("default") == {} and "properties" in resolved(node, root):
        default = "see there"
    cells = (f"`{key}`", kind, default, node.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def words(node: Node, root: Node) -> str:
    """A type in plain words."""
    title = node.get("title")
    node = resolved(node, root)
    title = title or node.get("title")
    if "properties" in node:
        return "settings"
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    if "patternProperties" in node:
        ((pattern, inner),) = node["patternProperties"].items()
        keys = "variables" if "A-Z" in pattern else "names"
        return f"mapping of {keys} to {words(inner, root)}"
    if "items" in node:
        kind = words(node["items"], root)
        return f"list of {PLURALS.get(kind, kind)}"
    kind = node["type"] if isinstance(node["type"], str) else node["type"][0]
    return (title or KINDS[kind]) + _bounds(node, title)


def _bounds(node: Node, title: str | None) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if title in UNBOUNDED:
        return ""
    if "exclusiveMinimum" in node:
        return f" above {node['exclusiveMinimum']:g}"
    if high is not None:
        return f" from {low} to {high}"
    return f", {low} or more" if low else ""


def _shown(value: Any) -> str:
    """A default as it would stand in YAML."""
    return "none" if value in (None, {}, [], "") else f"`{_flow(value)}`"


def _flow(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return f"{value}"
