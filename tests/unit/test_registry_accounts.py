"""Who somebody is to the registry."""

import asyncio
import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from supply.registry import accounts as module
from supply.registry.accounts import Accounts

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()


def header(name: str = "ci", password: str = "right") -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def written(path: Path, **told: Any) -> Path:
    """The file with these accounts; each time with a time of its own."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(json.dumps(told))
    os.utime(path, ns=(before + 10**9, before + 10**9))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "accounts.json", ci={"bcrypt": HASH, "push": ["shop/*"]})


async def test_an_account_with_its_password_is_known(path: Path) -> None:
    found = await Accounts(path, 0).of(header())
    assert found
    assert (found.name, found.rights.push, found.rights.admin) == ("ci", ("shop/*",), False)


@pytest.mark.parametrize(
    "told",
    [
        None, "", header("ci", "wrong"), header("nobody"), header(""), "Basic %%%", "Basic /w==",
        header().replace("Basic", "Bearer"), header("ci", "long" * 40), header("ci", ""),
    ],
)  # fmt: skip
async def test_anything_else_is_nobody(path: Path, told: str | None) -> None:
    assert await Accounts(path, 0).of(told) is None


async def test_a_password_that_was_right_is_not_checked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(path, 0)
    assert await accounts.of(header())
    monkeypatch.setattr(module, "matches", lambda *_: pytest.fail("it was checked again"))
    assert await accounts.of(header())


async def test_a_wrong_password_and_a_wrong_name_take_their_time(path: Path) -> None:
    accounts = Accounts(path, 0.3)
    assert await accounts.of(header())
    begun = time.monotonic()
    guesses = [accounts.of(header("ci", "wrong")), accounts.of(header("nobody"))]
    waiting = [asyncio.create_task(guess) for guess in guesses]
    assert await accounts.of(header())  # who is right does not wait for who guesses
    assert not any(task.done() for task in waiting)
    assert await asyncio.gather(*waiting) == [None, None]
    assert time.monotonic() - begun >= 0.3


async def test_accounts_are_read_anew_when_they_change(path: Path) -> None:
    accounts = Accounts(path, 0)
    assert await accounts.of(header())
    other = bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()
    written(path, ci={"bcrypt": other, "admin": True})
    assert await accounts.of(header()) is None
    found = await accounts.of(header("ci", "other"))
    assert found
    assert found.rights.admin
    written(path)
    assert await accounts.of(header("ci", "other")) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"ci": {}}', '{"ci": 1}'])
async def test_a_file_that_is_wrong_changes_nothing(path: Path, text: str) -> None:
    accounts = Accounts(path, 0)
    assert await accounts.of(header())
    path.write_text(text)
    assert await accounts.of(header())
