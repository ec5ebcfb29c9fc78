"""What happened between two looks at the environment, in sentences. Pure.

Every control sees the same Swarm, so what it tells of it carries the Swarm's own time and has the
same id everywhere: three controls tell of one thing once. What carries no such time (who leads, what
is gone, and alerts) is told by the leader's control alone.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from control.rollouts.story import stands, story
from control.snapshot import FAILED, Host, Release, Snapshot

HOST_LEVELS = {"ready": "info", "drained": "info", "down": "error", "unknown": "warning"}
ALERT_LEVELS = {"critical": "error", "warning": "warning"}


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    id: str
    time: float
    kind: str  # host, cluster, release, traffic, task, alert
    level: str  # info, warning, error
    subject: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """What the API and the log's file say."""
        return asdict(self)


def event(
    time: float, kind: str, level: str, subject: str, text: str, what: str | None = None
) -> Event:
    """An event. The same `what` (the text, if nothing else is said) at the same time is the same event."""
    told = f"{time:.3f}\0{kind}\0{subject}\0{what or text}"
    identity = hashlib.sha256(told.encode()).hexdigest()[:16]
    return Event(identity, round(time, 3), kind, level, subject, text)


def between(before: Snapshot, after: Snapshot, now: float, *, leads: bool) -> list[Event]:
    """The events between two looks, the oldest first; `leads`: this control is the leader's."""
    found = [*_hosts(before, after), *_releases(before, after), *_traffic(before, after)]
    found += [*_walks(before, after), *_tasks(before, after)]
    if leads:
        found += [*_leader(before, after, now), *_gone(before, after, now)]
        found += _standing(before, after, now)
    return sorted(found, key=lambda e: e.time)


def alerts_between(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], now: float
) -> list[Event]:
    """Alerts that began or ended; both by fingerprint, as the overview has them."""
    found = []
    for key in after.keys() - before.keys():
        alert = after[key]
        level = ALERT_LEVELS.get(alert["severity"], "info")
        found.append(event(alert["since"], "alert", level, alert["name"], alert["summary"]))
    for key in before.keys() - after.keys():
        alert = before[key]
        text = f"over: {alert['summary']}"
        found.append(event(now, "alert", "info", alert["name"], text))
    return found


def _hosts(before: Snapshot, after: Snapshot) -> Iterator[Event]:
    former = {host.name: host for host in before.hosts}
    for host in after.hosts:
        was = former.pop(host.name, None)
        if was is None:
            yield _host_event(host, f"host {host.name} has joined as a {host.role}", "info")
        elif was.state != host.state:
            why = f" ({host.message})" if host.message and host.state != "ready" else ""
            level = HOST_LEVELS[host.state]
            yield _host_event(host, f"host {host.name} is {host.state}{why}", level)
        elif was.role != host.role:
            yield _host_event(host, f"host {host.name} is a {host.role} now", "info")


def _host_event(host: Host, text: str, level: str) -> Event:
    return event(host.changed, "host", level, host.name, text)


def _leader(before: Snapshot, after: Snapshot, now: float) -> Iterator[Event]:
    led, leads = (next((h.name for h in one.hosts if h.leader), None) for one in (before, after))
    if leads and led and led != leads:
        text = f"{leads} leads the cluster now, in place of {led}"
        yield event(now, "cluster", "warning", leads, text)


def _gone(before: Snapshot, after: Snapshot, now: float) -> Iterator[Event]:
    for name in {h.name for h in before.hosts} - {h.name for h in after.hosts}:
        yield event(now, "host", "warning", name, f"host {name} has left the cluster")
    there = {r.service for r in after.releases}
    for release in before.releases:
        if release.service not in there:
            of = release.app or release.service
            yield event(now, "release", "info", of, f"{of}: {named(release)} was removed")


def named(release: Release) -> str:
    """A release as people know it."""
    return f"r{release.number}" if release.number else release.hash or release.service


def _releases(before: Snapshot, after: Snapshot) -> Iterator[Event]:
    former = {release.service: release for release in before.releases}
    for release in after.releases:
        was = former.get(release.service)
        if was is None:
            if release.desired:  # one without tasks is made in advance
                words = f"is being started, {_tasks_of(release.desired)}"
                yield _release_event(release.created, release, words)
        elif release.app:
            yield from _changes(was, release)


def _release_event(time: float, release: Release, words: str, name: str | None = None) -> Event:
    """One looks before a release has its number, another one after: it is the same event."""
    of = release.app or release.service
    what = f"{release.service} {release.hash} {words}"
    return event(time, "release", "info", of, f"{of}: {name or named(release)} {words}", what)


def _changes(was: Release, release: Release) -> Iterator[Event]:
    if was.hash != release.hash:
        # An app that keeps its service keeps its former release's number until the new one serves.
        new = named(release) if release.number != was.number else release.hash
        words = f"is being started, in place of {named(was)}"
        yield _release_event(release.changed, release, words, new)
    if (
        was.desired != release.desired and not release.elastic
    ):  # whose decisions are told with reasons
        words = f"is to have {_tasks_of(release.desired)}, not {was.desired}"
        yield _release_event(release.changed, release, words)
    if release.desired and was.running < release.desired <= release.running:
        last = max((t.at for t in release.tasks if t.running), default=release.changed)
        yield _release_event(last, release, f"is healthy, {_tasks_of(release.running)}")


def _traffic(before: Snapshot, after: Snapshot) -> Iterator[Event]:
    names = {r.service: named(r) for r in (*before.releases, *after.releases)}
    routed = {r.app for r in after.releases if r.edge}
    for app, weights in after.weights.items():
        sharing = _sharing(weights)
        if app not in routed or (
            app in before.weights and _sharing(before.weights[app]) == sharing
        ):
            continue
        shares = [f"{names.get(s, s)} {100 * part:.0f} %" for s, part in sharing.items()]
        text = f"{app}: traffic goes to {', '.join(shares)}" if shares else f"{app}: no traffic"
        yield event(after.weights_set[app], "traffic", "info", app, text)


def _sharing(weights: Mapping[str, int]) -> dict[str, float]:
    """Who gets requests, and how large a part."""
    return {s: w / sum(weights.values()) for s, w in weights.items() if w}


def _walks(before: Snapshot, after: Snapshot) -> Iterator[Event]:
    for app, walk in after.walks.items():
        known = set(story(before.walks.get(app)))
        for time, level, text in story(walk):
            if (time, level, text) not in known:
                yield event(time, "traffic", level, app, f"{app}: {text}")


def _standing(before: Snapshot, after: Snapshot, now: float) -> Iterator[Event]:
    for app, walk in after.walks.items():
        if text := stands(before.walks.get(app), walk):
            yield event(now, "traffic", "info", app, f"{app}: {text}")


def _tasks(before: Snapshot, after: Snapshot) -> Iterator[Event]:
    failed = {t.id for r in before.releases for t in r.tasks if t.state in FAILED}
    for release in after.releases:
        for task in release.tasks:
            if task.state in FAILED and task.id not in failed:
                where = f" on {task.host}" if task.host else ""
                text = f"task {task.name}{where} {task.state}: {task.error or 'no reason given'}"
                yield event(task.at, "task", "error", release.app or release.service, text)


def _tasks_of(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def merged(*logs: Sequence[Event]) -> list[Event]:
    """Events of several logs in order, each once."""
    return sorted({e.id: e for log in logs for e in log}.values(), key=lambda e: (e.time, e.id))
