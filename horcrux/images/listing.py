"""The apps' images: as written, as pulled, and where they lie. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from horcrux.report.units import NOTHING

DIGEST = 12  # characters of a digest that are as good as unique in an environment
EngineImage = Mapping[str, Any]


def rows(
    images: Mapping[str, Mapping[str, str]], found: Mapping[str, Sequence[EngineImage]]
) -> list[dict[str, Any]]:
    """A row for each app; `images`: the stack's output, `found`: each host's images, as its engine lists
    them."""
    return [_row(app, images[app], found) for app in sorted(images)]


def short(digest: str) -> str:
    """As much of a digest as tells it apart."""
    return digest.removeprefix("sha256:")[:DIGEST] or NOTHING


def digests(image: EngineImage) -> set[str]:
    """The digests that an engine knows an image by."""
    return {name.partition("@")[2] for name in image.get("RepoDigests") or ()}


def _row(
    app: str, names: Mapping[str, str], found: Mapping[str, Sequence[EngineImage]]
) -> dict[str, Any]:
    digest = names["pulled"].partition("@")[2]
    there = {
        host: image
        for host, its in found.items()
        for image in its
        if digest and digest in digests(image)
    }
    sizes = [int(image.get("Size") or 0) for image in there.values()]
    return {
        "app": app,
        "written": names["written"],
        "pulled": names["pulled"],
        "digest": digest,
        "hosts": sorted(there),
        "size": max(sizes) if sizes else None,
    }
