"""Which of an app's releases a request goes to: rules for HAProxy's frontend. Pure text.

The map has led to the app's main release (`txn.main`); later rules change `txn.backend`. Apps with one
release in play, which is all of them most of the time, have no rules.
"""

from control.backend import Backend, Release

DICE = 10_000


def name(backend: Backend, service: str) -> str:
    """What HAProxy calls a release, whatever its weight: a reload finds its servers' state by that name."""
    return f"app-{backend.app}:{service}"


def is_sticky(backend: Backend) -> bool:
    """Whether clients are told which release they got."""
    return backend.sticky and len(backend.releases) > 1


def remember(backend: Backend, service: str) -> str:
    """The rule of a release's backend that tells its clients."""
    cookie = f"{_cookie(backend)}={service}; Path=/; HttpOnly; SameSite=Lax"
    return (
        f'http-response add-header Set-Cookie "{cookie}" '
        f"unless {{ var(txn.known_release) -m str {service} }}"
    )


def rules(backend: Backend) -> list[str]:
    """The app's rules; each is for requests whose main release is this app's."""
    mine = f"{{ var(txn.main) -m str {name(backend, backend.main)} }}"
    found = []
    if len(backend.releases) > 1:
        found += [*_by_chance(backend, mine), *_as_before(backend, mine)]
        found += [*_where_tasks_are(backend, mine), *_as_asked(backend, mine)]
    if backend.sleeps:
        none = "{ var(txn.backend),nbsrv -m int eq 0 }"
        found += [
            f"http-request return status 200 if {mine} {none} probe",
            f"http-request lua.hold {backend.hold} if {mine} {none}",
        ]
    return found


def _by_chance(backend: Backend, mine: str) -> list[str]:
    found = [f"http-request set-var(txn.dice) rand({DICE}) if {mine}"]
    total = sum(r.weight for r in backend.releases)
    begin = 0
    for release in backend.releases:
        end = begin + round(DICE * release.weight / total) if total else begin
        if end > begin and release.service != backend.main:
            drawn = f"{{ var(txn.dice) -m int {begin}:{end - 1} }}"
            found.append(_to(backend, release.service, mine, drawn))
        begin = end
    return found


def _as_before(backend: Backend, mine: str) -> list[str]:
    if not is_sticky(backend):
        return []
    found = [f"http-request set-var(txn.known_release) req.cook({_cookie(backend)}) if {mine}"]
    return found + [
        _to(backend, r.service, mine, f"{{ var(txn.known_release) -m str {r.service} }}")
        for r in _weighty(backend)
    ]


def _where_tasks_are(backend: Backend, mine: str) -> list[str]:
    """A release without a task that is well gives way to one that has weight and some."""
    return [
        _to(
            backend,
            other.service,
            mine,
            f"{{ var(txn.backend) -m str {name(backend, release.service)} }}",
            f"{{ nbsrv({name(backend, release.service)}) eq 0 }}",
            f"{{ nbsrv({name(backend, other.service)}) gt 0 }}",
        )
        for release in _weighty(backend)
        for other in _weighty(backend)
        if other is not release
    ]


def _as_asked(backend: Backend, mine: str) -> list[str]:
    """Testers choose: `always` the newest release beside the main one, `never` the main one, as probes.

    Each by the header that the release itself names.
    """
    newest = next(r for r in reversed(backend.releases) if r.service != backend.main)
    main = next(r for r in backend.releases if r.service == backend.main)
    there = f"{{ nbsrv({name(backend, newest.service)}) gt 0 }}"
    found = []
    for release, word, when in ((newest, "always", (there,)), (main, "never", ())):
        for place in ("hdr", "cook") if release.tester else ():
            told = f"{{ req.{place}({release.tester}) -m str -i {word} }}"
            found.append(_to(backend, release.service, mine, told, *when))
    return [*found, _to(backend, backend.main, mine, "probe")]


def _to(backend: Backend, service: str, *conditions: str) -> str:
    return (
        f"http-request set-var(txn.backend) str({name(backend, service)}) if {' '.join(conditions)}"
    )


def _weighty(backend: Backend) -> list[Release]:
    return [r for r in backend.releases if r.weight]


def _cookie(backend: Backend) -> str:
    return f"horcrux-{backend.app}"
