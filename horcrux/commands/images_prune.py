"""What pruning removed, or would remove, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from horcrux.images.prune import Unused
from horcrux.progress import console
from horcrux.report import units
from horcrux.report.units import plain

SHOWN = 50  # lines of names; beyond that their number says more


def show_registry(told: Mapping[str, Any], *, dry_run: bool) -> None:
    """What the registry forgets."""
    gone = told.get("deleted") or []
    _lines([_named(image) for image in gone])
    kept = len(told.get("kept") or ())
    does = "would forget" if dry_run else "forgot"
    room = f", {units.size(told.get('freed') or 0)}" if dry_run and gone else ""
    console().print(
        f"[green]✓[/] the registry {does} {units.many(len(gone), 'image')}{room}; "
        f"it keeps {units.many(kept, 'image')}"
    )


def show_hosts(gone: Mapping[str, Sequence[Unused]], *, dry_run: bool) -> None:
    """What the hosts lose."""
    does = "would lose" if dry_run else "lost"
    for host, images in sorted(gone.items()):
        _lines([image.names[0] for image in images])
        # Layers that several images share are in the size of each.
        room = f", at most {units.size(sum(i.size for i in images))}" if images else ""
        console().print(f"[green]✓[/] {host} {does} {units.many(len(images), 'image')}{room}")


def _named(image: Any) -> str:
    """An image as the registry tells it: a name, or an object with its parts."""
    if not isinstance(image, Mapping):
        return str(image)
    version = f":{image['tag']}" if image.get("tag") else f"@{image.get('digest', '')}"
    return f"{image.get('repository') or image.get('name') or '?'}{version}"


def _lines(names: Sequence[str]) -> None:
    for name in names[:SHOWN]:
        console().print(f"    {plain(name)}", markup=False)
    if len(names) > SHOWN:
        console().print(f"    and {len(names) - SHOWN} more")
