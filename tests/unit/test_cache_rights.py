"""Who may have what: accounts, public repositories, and patterns of private ones."""

import base64
from pathlib import Path

import bcrypt
import pytest

from supply.cache import rights
from supply.cache.failure import DeniedError, MissingError, UnavailableError, UpstreamError
from supply.cache.index import Index
from supply.cache.names import Kind, Name, Wanted
from supply.cache.rights import Accounts, Rights, WrongPasswordError, may
from supply.cache.settings import Account, Upstream

HASHED = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
APP = Name("up.test", "team/app")


class Asked:
    """An upstream's client; `answer` is what it says to somebody without an account."""

    def __init__(self, username: str | None = "puller") -> None:
        self.upstream = Upstream("up.test", "http://up.test", 60, username, "secret")
        self.answer: UpstreamError | None = None
        self.asked: list[tuple[str, str, Kind]] = []

    async def digest(
        self, repository: str, reference: str, *, kind: Kind, anonymous: bool = False
    ) -> str | None:
        assert anonymous, "it is to be asked as if we had no account"
        self.asked.append((repository, reference, kind))
        if self.answer:
            raise self.answer
        return None


class Clock:
    """The clock that `rights` reads."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(rights, "time", found)
    return found


def of(client: Asked, index: Index | None = None) -> Rights:
    return Rights({"up.test": client}, index or Index(Path(":memory:")))  # type: ignore[dict-item]


def wanted(kind: Kind = "manifests", reference: str = "1") -> Wanted:
    return Wanted(kind, APP, reference)


def header(text: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(text.encode()).decode()}"


async def test_an_upstream_without_an_account_gives_only_what_is_public() -> None:
    client = Asked(username=None)
    assert await of(client).public(wanted())
    assert not client.asked, "there is nothing to ask"


async def test_what_came_with_an_account_stays_private_when_the_account_goes() -> None:
    index, client = Index(Path(":memory:")), Asked()
    client.answer = DeniedError("401")
    assert not await of(client, index).public(wanted())
    without = Asked(username=None)
    without.answer = DeniedError("401")
    assert not await of(without, index).public(wanted())
    without.answer = None  # it has become public
    assert await of(without, index).public(wanted())


@pytest.mark.parametrize(
    ("answer", "public"),
    [
        (None, True),
        (DeniedError("401"), False),
        (MissingError("404"), False),
        (UnavailableError("gone"), False),
    ],
)
async def test_public_is_what_an_upstream_gives_to_anybody(
    answer: UpstreamError | None, public: bool
) -> None:
    client = Asked()
    client.answer = answer
    assert await of(client).public(wanted()) is public


async def test_what_is_public_is_believed_for_an_hour(clock: Clock) -> None:
    client = Asked()
    found = of(client)
    assert await found.public(wanted())
    client.answer = DeniedError("it has become private")
    clock.now += rights.PUBLIC_SECONDS - 1
    assert await found.public(wanted())
    assert client.asked == [("team/app", "1", "manifests")]
    clock.now += 2
    assert not await found.public(wanted())


async def test_an_upstream_that_goes_silent_makes_nothing_public_or_private(clock: Clock) -> None:
    client = Asked()
    found = of(client)
    for answer, public in ((None, True), (DeniedError("401"), False)):
        client.answer = answer
        assert await found.public(wanted()) is public
        clock.now += rights.PUBLIC_SECONDS + 1
        client.answer = UnavailableError("gone")
        assert await found.public(wanted()) is public


async def test_a_missing_tag_does_not_make_a_repository_private(clock: Clock) -> None:
    client = Asked()
    found = of(client)
    client.answer = MissingError("no such tag")
    assert not await found.public(wanted(reference="no-such"))
    client.answer = None
    assert await found.public(wanted()), "it is not remembered"


async def test_one_repository_says_nothing_of_another() -> None:
    client = Asked()
    found = of(client)
    assert await found.public(wanted())
    client.answer = DeniedError("401")
    assert not await found.public(Wanted("manifests", Name("up.test", "team/secret"), "1"))


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        (("*",), True),
        (("up.test/team/*",), True),
        (("up.test/team/app",), True),
        (("else/*", "up.test/t?am/app"), True),
        (("team/app",), False),
        (("up.test/team",), False),
        (("UP.test/*",), False),
        (("docker.io/*",), False),
        ((), False),
    ],
)
def test_patterns_name_the_upstream_and_the_repository(
    patterns: tuple[str, ...], allowed: bool
) -> None:
    assert may(Account(HASHED, patterns), APP) is allowed


def test_nobody_may_have_what_is_private() -> None:
    assert not may(None, APP)


async def test_an_account_is_known_by_its_password() -> None:
    account = Account(HASHED, ("*",))
    found = Accounts({"pull": account})
    assert await found.of(None) is None
    assert await found.of("") is None
    for scheme in ("Basic", "basic"):
        assert await found.of(header("pull:right", scheme)) is account


@pytest.mark.parametrize(
    "shown",
    [
        header("pull:wrong"),
        header("pull:"),
        header("pull"),
        header("nobody:right"),
        header(":right"),
        header(f"pull:{'x' * 200}"),
        header("pull:ri\0ght"),
        header("pull:right", "Bearer"),
        "Basic",
        "Basic !!!",
        "Basic /w==",
    ],
)
async def test_anything_else_is_a_wrong_password(shown: str) -> None:
    with pytest.raises(WrongPasswordError):
        await Accounts({"pull": Account(HASHED, ("*",))}).of(shown)


async def test_a_right_password_is_checked_once_a_minute_and_a_wrong_one_always(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def check(password: str, _: str) -> bool:
        checked.append(password)
        return password == "right"

    monkeypatch.setattr(rights, "matches", check)
    found = Accounts({"pull": Account(HASHED, ("*",))})
    for _ in range(3):
        await found.of(header("pull:right"))
    assert checked == ["right"]
    for _ in range(2):
        with pytest.raises(WrongPasswordError):
            await found.of(header("pull:wrong"))
    assert checked == ["right", "wrong", "wrong"]
    clock.now += rights.PASSWORD_SECONDS + 1
    await found.of(header("pull:right"))
    assert checked[-1] == "right"
    assert len(checked) == 4
