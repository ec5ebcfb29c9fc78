"""What services have to do with one another: bindings, names of hosts, shared volumes."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from horcrux.compose_import.draft import Draft, by_service, required
from horcrux.compose_import.notes import Notes
from horcrux.compose_import.ports import NOT_HTTP


def add_bindings(drafts: Sequence[Draft], notes: Notes) -> None:
    """`depends_on` and `links` → `bind`, but only to apps that listen, and not in circles."""
    services = by_service(drafts)
    for draft in drafts:
        bound: list[str] = []
        for service, path in draft.wants.items():
            other = required(services.get(service), path, service)
            if other is draft:
                continue
            if other.app.get("port"):
                bound.append(other.name)
            else:
                notes.add(
                    path,
                    f"{other.name} has no port that is known, so {draft.name} does not bind to it; "
                    f"set apps.{other.name}.port if it listens. Apps start in any order",
                )
        draft.app["bind"] = bound
    while ring := _ring(drafts):
        _cut(ring, drafts, notes)


def _ring(drafts: Sequence[Draft]) -> list[str]:
    """Apps that bind to one another in a circle: each to the next, the first also at the end."""
    try:
        TopologicalSorter({draft.name: draft.app["bind"] for draft in drafts}).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _cut(ring: list[str], drafts: Sequence[Draft], notes: Notes) -> None:
    """Take away the binding of the app of a circle that comes last in the file."""
    last = next(draft for draft in reversed(drafts) if draft.name in ring)
    other = ring[ring.index(last.name) + 1]
    last.app["bind"] = [name for name in last.app["bind"] if name != other]
    service = next(draft.service for draft in drafts if draft.name == other)
    notes.add(
        last.wants[service],
        f"bindings cannot go round in a circle ({' → '.join(ring)}), so {last.name} does not bind "
        f"to {other}; it still finds it as `{other}`",
    )


def add_provided(drafts: Sequence[Draft]) -> None:
    """`provides` of apps that others bind to and that surely speak HTTP."""
    bound = {name for draft in drafts for name in draft.app["bind"]}
    for draft in drafts:
        is_http = draft.app.get("port") not in NOT_HTTP
        if draft.name in bound and is_http and "provides" not in draft.app:
            draft.app["provides"] = {"scheme": "http"}


def settle_volumes(drafts: Sequence[Draft], notes: Notes) -> None:
    """Data has one writer, and apps that share a volume are on one host."""
    for draft in drafts:
        if draft.app["volumes"] and draft.app.get("replicas", 1) > 1:
            draft.app["replicas"] = 1
            what = "is 1 now, for several tasks would write to one volume"
            notes.add(f"{draft.path}.deploy.replicas", what)
    changed = True
    while changed:  # each round settles a pair; there are finitely many
        changed = any(
            _moved(draft, other, notes)
            for draft in drafts
            for other in drafts
            if draft is not other
        )


def _moved(draft: Draft, other: Draft, notes: Notes) -> bool:
    """Place `other` with `draft` if they share a volume and `draft` says where it must be."""
    shared = {v["name"] for v in draft.app["volumes"]} & {v["name"] for v in other.app["volumes"]}
    host, others = _host(draft), _host(other)
    if not shared or host in (None, others):
        return False
    if others is not None and draft.service > other.service:
        return False  # both say where: the first by name decides
    other.app["placement"] = {**other.app.get("placement", {}), "host": host}
    notes.add(
        f"{other.path}.volumes",
        f"{', '.join(sorted(shared))} is on {host} with {draft.name}, so {other.name} is there too",
    )
    return True


def _host(draft: Draft) -> str | None:
    host: str | None = draft.app.get("placement", {}).get("host")
    return host
