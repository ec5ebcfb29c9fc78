"""The settings' JSON Schema as a tree of sections: which models there are, and where."""

from typing import Any, Literal, NamedTuple

Node = dict[str, Any]
ROOT = "config"


class Section(NamedTuple):
    """A model and how it is held: once, by name in a mapping, or in a list."""

    held: Literal["once", "named", "listed"]
    model: Node


def resolved(node: Node, root: Node) -> Node:
    """What a reference points to, without `or null`."""
    if "anyOf" in node:
        node = next(inner for inner in node["anyOf"] if inner.get("type") != "null")
    if "$ref" in node:
        found: Node = root["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node


def section_of(node: Node, root: Node) -> Section | None:
    """The section that a setting opens, if it is more than a plain value."""
    node = resolved(node, root)
    held: Literal["once", "named", "listed"] = "once"
    if "patternProperties" in node:
        (inner,) = node["patternProperties"].values()
        held, node = "named", resolved(inner, root)
    elif "items" in node:
        held, node = "listed", resolved(node["items"], root)
    return Section(held, node) if "properties" in node else None


def sections(root: Node) -> dict[str, Section]:
    """Every section by its path, in the order of the models."""
    found = {ROOT: Section("once", root)}

    def walk(prefix: str, model: Node) -> None:
        for key, node in model["properties"].items():
            section = section_of(node, root)
            if section:
                found[prefix + key] = section
                walk(f"{prefix}{key}.", section.model)

    walk("", root)
    return found
