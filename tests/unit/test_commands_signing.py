"""The verbs `images sign` and `images verify`, with a real registry."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from horcrux.cli import app
from horcrux.context import Context, Outputs
from horcrux.exits import Exit, HorcruxError
from horcrux.project import Project
from horcrux.settings.signatures import SignatureRule
from horcrux.signatures import signing_key_file
from horcrux.signatures.signature_manifest import tag
from horcrux.signatures.signing_keys import fingerprint
from tests.support.image import image
from tests.support.played_registry import RIGHT, Played, registry
from tests.support.signed import OTHER, RECORDED, kept, key, private_pem, public_pem, signature

IMAGE = image(1000, index=True)
VARIABLE = signing_key_file.PASSPHRASE


class Environment:
    """The environment `dev`, of which there is the registry, with an image, and its rules."""

    def __init__(self, played: Played, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.played, self.folder, self.monkeypatch = played, folder, monkeypatch
        self.address = f"127.0.0.1:{played.port}"
        self.image = f"{self.address}/shop/web:1"
        self.values = {
            "registry": {
                "url": f"https://{self.address}", "username": "push", "password": RIGHT,
                "ca": (played.folder / "cert.pem").read_text(), "name": "registry.dev.internal:5000",
            }
        }  # fmt: skip
        outputs = Outputs(Project(Path("/nowhere"), "dev"), self.values)
        monkeypatch.setattr(Context, "outputs", lambda *_: outputs)
        monkeypatch.delenv(VARIABLE, raising=False)
        self.rules()

    def rules(self, **rules: Any) -> None:
        """The settings' rules: patterns (with `_` for `/`) and their keys."""
        made = tuple(
            SignatureRule(images=pattern.replace("_", "/"), keys=keys)
            for pattern, keys in rules.items()
        )
        found = SimpleNamespace(images=SimpleNamespace(signatures=made))
        self.monkeypatch.setattr(Project, "settings", lambda _: found)

    def file(self, name: str, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)

    async def run(self, verb: str, *words: str) -> Result:
        result = await asyncio.to_thread(
            CliRunner().invoke, app, ["images", verb, *words], env={"COLUMNS": "400"}
        )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    async def refused(self, verb: str, *words: str) -> HorcruxError:
        with pytest.raises(HorcruxError) as error:
            await self.run(verb, *words)
        return error.value


@pytest.fixture
async def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Environment]:
    async with registry(tmp_path / "registry") as played:
        assert (await played.client().push("shop/web", "1", IMAGE)).status == 201
        yield Environment(played, tmp_path, monkeypatch)


async def test_an_image_is_signed_and_then_verified_by_the_key(dev: Environment) -> None:
    private, public = dev.file("key", private_pem(key())), dev.file("pub", public_pem(key()))
    who = fingerprint(key().public_key())
    before = await dev.refused("verify", dev.image, "--key", public)
    assert "has no signature of it" in str(before)
    assert before.code == Exit.FAILED
    signed = await dev.run("sign", dev.image, "--key", private)
    assert f"✓ signed by the key {who}" in signed.output
    verified = await dev.run("verify", dev.image, "--key", public)
    pinned = f"{dev.address}/shop/web@{IMAGE.digest}"
    assert verified.output.splitlines() == [pinned, f"✓ signed by the key {who}"]
    told = json.loads((await dev.run("verify", dev.image, "--key", public, "--json")).output)
    assert told == {"image": pinned, "digest": IMAGE.digest, "signed_by": [who]}


async def test_a_second_signature_by_the_same_key_changes_nothing(dev: Environment) -> None:
    private = dev.file("key", private_pem(key()))
    await dev.run("sign", dev.image, "--key", private)
    path = f"/v2/shop/web/manifests/{tag(IMAGE.digest)}"
    once = (await dev.played.client().ask("GET", path)).body
    again = await dev.run("sign", f"{dev.address}/shop/web@{IMAGE.digest}", "--key", private)
    assert "already" in again.output
    assert (await dev.played.client().ask("GET", path)).body == once


async def test_cosign_s_own_key_signs_with_the_passphrase_of_the_variable(
    dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = dev.file("cosign.key", RECORDED["cosign.key"])
    missing = await dev.refused("sign", dev.image, "--key", private)
    assert missing.code == Exit.DECLINED
    assert f"put its passphrase into the variable {VARIABLE}" in str(missing)
    monkeypatch.setenv(VARIABLE, "of another key")
    wrong = await dev.refused("sign", dev.image, "--key", private)
    assert str(wrong).endswith(f"does not open with this passphrase; see the variable {VARIABLE}")
    assert "of another key" not in str(wrong)
    monkeypatch.setenv(VARIABLE, RECORDED["passphrase"])
    signed = await dev.run("sign", dev.image, "--key", private)
    assert RECORDED["passphrase"] not in signed.output
    public = dev.file("cosign.pub", RECORDED["cosign.pub"])
    assert "✓" in (await dev.run("verify", dev.image, "--key", public)).output


@pytest.mark.parametrize(("typed", "opens"), [("right", True), ("wrong", False)])
def test_a_passphrase_is_asked_of_who_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, opens: bool
) -> None:
    file = tmp_path / "key"
    file.write_bytes(private_pem(key(), "right"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return typed

    monkeypatch.setattr(signing_key_file, "getpass", answer)
    if opens:
        assert public_pem(signing_key_file.read(file)) == public_pem(key())
    else:
        with pytest.raises(HorcruxError, match="does not open with this passphrase; try again"):
            signing_key_file.read(file)
    assert asked == [f"Passphrase of {file}: "]


async def test_rules_of_the_settings_say_whose_signature_an_image_needs(dev: Environment) -> None:
    team, company = public_pem(key(1)), public_pem(key(2))
    dev.rules(**{"registry_shop_*": [team], "*": [company, public_pem(key(4))]})
    await dev.run("sign", dev.image, "--key", dev.file("team", private_pem(key(1))))
    error = await dev.refused("verify", dev.image)
    assert fingerprint(key(2).public_key()) in str(error)
    assert "not signed by any of the keys" in str(error)
    await dev.run("sign", dev.image, "--key", dev.file("company", private_pem(key(2))))
    for name in (
        dev.address,
        dev.address.replace("127.0.0.1", "localhost"),
        "registry.dev.internal:5000",
    ):
        lines = (await dev.run("verify", f"{name}/shop/web:1")).output.splitlines()
        assert lines[1:] == [
            f"✓ signed by the key {fingerprint(key(number).public_key())}" for number in (1, 2)
        ]


async def test_without_a_rule_or_a_key_there_is_nothing_to_verify(dev: Environment) -> None:
    error = await dev.refused("verify", dev.image)
    assert error.code == Exit.USAGE
    assert "no rule in horcrux:images.signatures is about registry/shop/web" in str(error)


async def test_a_signature_of_another_image_that_was_copied_here_is_told(dev: Environment) -> None:
    copied = kept(signature(digest=OTHER))
    pushed = await dev.played.client().push("shop/web", tag(IMAGE.digest), copied)
    assert pushed.status == 201
    public = dev.file("pub", public_pem(key()))
    error = await dev.refused("verify", dev.image, "--key", public)
    assert f"what was signed is another image, {OTHER}, and lies here as this one's" in str(error)


async def test_only_images_of_the_environment_s_registry_are_signed(dev: Environment) -> None:
    private = dev.file("key", private_pem(key()))
    error = await dev.refused("sign", "quay.io/acme/shop:1", "--key", private)
    assert error.code == Exit.USAGE
    assert "sign it where it is (cosign sign)" in str(error)
    error = await dev.refused("sign", f"{dev.address}/shop/nothing:1", "--key", private)
    assert "is not in the registry" in str(error)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x00\xff", "no private key in PEM"),
        (RECORDED["cosign.pub"].encode(), "no private key in PEM"),
        (b" " * 70_000, "too large for a key"),
    ],
)
async def test_a_file_that_is_no_key_is_told(dev: Environment, content: bytes, why: str) -> None:
    file = dev.file("file", content)
    error = await dev.refused("sign", dev.image, "--key", file)
    assert error.code == Exit.USAGE
    assert str(error).startswith(file)
    assert why in str(error)


async def test_a_file_that_is_not_there_or_no_public_key_is_told(dev: Environment) -> None:
    away = await dev.refused("verify", dev.image, "--key", str(dev.folder / "away"))
    assert str(away).endswith("away cannot be read: No such file or directory")
    for content in (private_pem(key()), b"\xff"):
        error = await dev.refused("verify", dev.image, "--key", dev.file("file", content))
        assert "not a public key in PEM" in str(error)
        assert error.code == Exit.USAGE
