"""Which apps are elastic, and may be scaled now. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from control.elastic.policy import Policy, PolicyError, read
from control.snapshot import Release, Snapshot


@dataclass(frozen=True)
class Elastic:
    """An app, the release that serves, its rules, and all services that its requests may be at."""

    app: str
    release: Release
    policy: Policy
    services: tuple[str, ...]


def elastic(snapshot: Snapshot) -> list[Elastic]:
    """The apps that are to be scaled: one release serves, no walk is under way, the label can be used."""
    return [
        Elastic(app, release, policy, tuple(r.service for r in snapshot.apps[app]))
        for app, release in _settled(snapshot)
        if isinstance(policy := _policy(release), Policy)
    ]


def problems(snapshot: Snapshot) -> Mapping[str, str]:
    """What is wrong with labels, by service."""
    found = {release.service: _policy(release) for _, release in _settled(snapshot)}
    return {
        service: f"service {service}: label horcrux.elastic {error}"
        for service, error in found.items()
        if isinstance(error, PolicyError)
    }


def _settled(snapshot: Snapshot) -> Iterator[tuple[str, Release]]:
    for app, releases in snapshot.apps.items():
        walk = snapshot.walks.get(app)
        serving = [r for r in releases if r.weight]
        if (walk is None or walk.over) and len(serving) == 1 and not serving[0].rolling_since:
            yield app, serving[0]


def _policy(release: Release) -> Policy | PolicyError | None:
    try:
        return None if release.elastic is None else read(release.elastic)
    except PolicyError as error:
        return error
