"""What is in an image as a CycloneDX document (JSON: https://cyclonedx.org/docs/1.6/json/), and back. Pure.

The document is what is kept, so all that is asked of an image later must be in it: a package's source, which
CycloneDX has no word for, is in properties of ours.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from horcrux.contents.packages import Contents, Package, System

if TYPE_CHECKING:
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component
    from cyclonedx.model.tool import ToolRepository

SOURCE, SOURCE_VERSION = "horcrux:source", "horcrux:source-version"
UNREAD, FORM = "horcrux:unread", "horcrux:form"
CURRENT = "1"  # what `parse` reads; a document of another form is made anew


def document(contents: Contents, repository: str, digest: str) -> str:
    """The document about an image; only its time differs when it is made again."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    name = repository.rpartition("/")[2]
    image = Component(
        type=ComponentType.CONTAINER,
        name=repository,
        version=digest,
        purl=PackageURL("oci", None, name, digest),
        bom_ref="image",
        properties=_properties({FORM: [CURRENT], UNREAD: contents.unread}),
    )
    bom = Bom(
        serial_number=uuid5(NAMESPACE_OID, digest),
        metadata=BomMetaData(component=image, tools=_tools()),
        components=[
            *([_system(contents.system)] if contents.system else []),
            *(_component(package, contents.system) for package in contents.packages),
        ],
    )
    bom.register_dependency(image, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def parse(text: str) -> Contents | None:
    """What a document of ours says; None for others."""
    try:
        told = json.loads(text)
        image = told["metadata"]["component"]
        if _own(image).get(FORM) != CURRENT:
            return None
        parts = told.get("components") or []
        systems = [_read_system(part) for part in parts if part["type"] == "operating-system"]
        packages = [_read_package(part) for part in parts if part["type"] == "library"]
        unread = [its["value"] for its in image["properties"] if its["name"] == UNREAD]
    except (ValueError, LookupError, TypeError):
        return None
    return Contents(systems[0] if systems else None, tuple(sorted(packages)), tuple(sorted(unread)))


def _component(package: Package, system: System | None) -> "Component":
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    namespace = None if package.kind == "pypi" or system is None else system.id
    distribution = system.release if system and namespace else ""
    qualifiers = {"arch": package.architecture, "distro": distribution}
    url = PackageURL(
        package.kind,
        namespace,
        package.name,
        package.version,
        {key: value for key, value in qualifiers.items() if value},
    )
    own = {SOURCE: [package.source], SOURCE_VERSION: [package.source_version]}
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=url,
        bom_ref=url.to_string(),
        properties=_properties(own),
    )


def _system(system: System) -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType.OPERATING_SYSTEM,
        name=system.id,
        version=system.release or None,
        description=system.name,
        bom_ref="operating-system",
    )


def _tools() -> "ToolRepository":
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository

    maker = Component(type=ComponentType.APPLICATION, name="horcrux", bom_ref="maker")
    return ToolRepository(components=[maker])


def _properties(named: Mapping[str, Iterable[str]]) -> "list[Property]":
    from cyclonedx.model import Property

    return [
        Property(name=name, value=value) for name, its in named.items() for value in its if value
    ]


def _own(part: dict[str, Any]) -> dict[str, str]:
    return {its["name"]: its["value"] for its in part.get("properties") or ()}


def _read_package(part: dict[str, Any]) -> Package:
    from packageurl import PackageURL

    url, own = PackageURL.from_string(part["purl"]), _own(part)
    qualifiers = url.qualifiers if isinstance(url.qualifiers, dict) else {}
    return Package(
        url.type, part["name"], part["version"], qualifiers.get("arch", ""),
        own.get(SOURCE, ""), own.get(SOURCE_VERSION, ""),
    )  # fmt: skip


def _read_system(part: dict[str, Any]) -> System:
    return System(part["name"], part.get("version", ""), part["description"])
