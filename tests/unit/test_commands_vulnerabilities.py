"""The verbs about what is in images: what is printed, written, refused, and how they end."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from horcrux.cli import app
from horcrux.context import Context, Outputs
from horcrux.exits import Exit, HorcruxError
from horcrux.project import Project
from tests.support.known_vulnerable import HIGH, LOW, MEDIUM, NEW, debian, place, tracker_file
from tests.support.played_registry import registry

NAME = "registry.dev.internal:5000"


class Played:
    """The environment `dev`, whose apps' images are in a real registry."""

    def __init__(self, folder: Path, values: dict[str, Any]) -> None:
        self.folder, self.values = folder, values
        (folder / "stacks").mkdir()
        (folder / "Pulumi.yaml").touch()
        self.settings()

    def settings(self, **policy: Any) -> None:
        own = {"vulnerabilities": {"data": "tracker.json", **policy}}
        told = {"config": {"horcrux:images": own}}
        (self.folder / "stacks" / "Pulumi.dev.yaml").write_text(json.dumps(told))

    async def run(self, *words: str) -> Result:
        line = ["-C", str(self.folder), "images", *words]
        return await asyncio.to_thread(CliRunner().invoke, app, line, env={"COLUMNS": "200"})


@pytest.fixture
async def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Played]:
    async with registry(tmp_path / "registry") as played:
        images = {}
        for name, image in (("blog", debian(NEW)), ("shop", debian())):
            assert (await played.client().push(name, "1", image)).status == 201
            images[name] = {"written": f"build {name}", "pulled": f"{NAME}/{name}@{image.digest}"}
        values = {"registry": {**place(played), "name": NAME}, "cache": None, "images": images}
        outputs = Outputs(Project(tmp_path, "dev"), values)
        monkeypatch.setattr(Context, "outputs", lambda *_: outputs)
        tracker_file(tmp_path)
        yield Played(tmp_path, values)


def lines(result: Result) -> list[str]:
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return [" ".join(line.split()) for line in result.output.splitlines()]


async def test_each_app_s_vulnerabilities_are_told_the_worst_first(dev: Played) -> None:
    unchecked = "! packages that Debian's data say nothing of were not checked: 1 of pypi"
    head = "severity issue source version fixed in"
    zlib = f"medium {MEDIUM} zlib 1:1.2.13-1 1:1.2.13-1+deb12u1"
    result = await dev.run("vulnerabilities")
    assert result.exit_code == Exit.OK
    assert lines(result) == [
        "blog: Debian GNU/Linux 12 (bookworm), 0 high, 1 medium, 1 low", head, zlib, unchecked,
        "shop: Debian GNU/Linux 12 (bookworm), 1 high, 1 medium, 1 low", head,
        f"high {HIGH} openssl 3.0.9-1 3.0.15-1", zlib, unchecked,
    ]  # fmt: skip
    assert any(LOW in line for line in lines(await dev.run("vulnerabilities", "blog", "--all")))


async def test_what_is_refused_is_marked_and_the_verb_ends_with_3(dev: Played) -> None:
    dev.settings(refuse="high")
    result = await dev.run("vulnerabilities")
    assert result.exit_code == Exit.UNHEALTHY
    assert any(line.startswith(f"✗high {HIGH}") for line in lines(result))
    assert lines(result)[4].endswith("1 low; 1 refused")
    assert (await dev.run("vulnerabilities", "blog")).exit_code == Exit.OK


async def test_waivers_are_told_with_their_end_and_reason(dev: Played) -> None:
    held = {"cve": HIGH, "reason": "not [reachable]", "until": "2999-01-31"}
    ended = {"cve": MEDIUM, "reason": "soon", "until": "2020-01-31", "images": "registry/shop"}
    dev.settings(refuse="medium", waivers=[held, ended])
    result = await dev.run("vulnerabilities", "shop")
    assert result.exit_code == Exit.UNHEALTHY
    told = "\n".join(lines(result))
    assert "0 high, 1 medium, 1 low, 1 waived; 1 refused" in told
    assert "waived until 2999-01-31: not [reachable]" in told
    assert "its waiver ended on 2020-01-31" in told


async def test_json_has_all_of_it(dev: Played) -> None:
    dev.settings(refuse="high", waivers=[{"cve": MEDIUM, "reason": "why", "until": "2999-01-31"}])
    told = json.loads((await dev.run("vulnerabilities", "shop", "--json")).stdout)
    (image,) = told["images"]
    assert (image["name"], image["checked"], image["packages"]) == ("shop", True, 4)
    found = {its["issue"]: its for its in image["vulnerabilities"]}
    assert [*found] == [HIGH, MEDIUM, LOW]
    assert (found[HIGH]["refused"], found[HIGH]["waiver"]) == (True, None)
    assert found[MEDIUM]["waiver"] == {
        "cve": MEDIUM, "images": "*", "reason": "why", "until": "2999-01-31",
    }  # fmt: skip
    assert found[LOW]["note"] == "Minor issue"
    assert found[LOW]["fixed_in"] is None


async def test_an_image_that_cannot_be_looked_at_does_not_hide_the_others(dev: Played) -> None:
    dev.values["images"]["far"] = {"written": "x", "pulled": f"far.test/x@sha256:{'a' * 64}"}
    result = await dev.run("vulnerabilities")
    assert isinstance(result.exception, HorcruxError)
    assert "1 image could not be looked at" in str(result.exception)
    assert "✗ far: far.test/x@sha256:" in result.output
    assert "images.cache.upstreams.far.test" in result.output.replace("\n", "")
    assert "shop: Debian" in result.output


async def test_without_advisories_there_is_one_error_and_not_one_for_each_image(
    dev: Played,
) -> None:
    (dev.folder / "tracker.json").unlink()
    result = await dev.run("vulnerabilities")
    assert result.output == ""
    assert "tracker.json, which cannot be read" in str(result.exception)


async def test_an_sbom_is_printed_or_written(dev: Played) -> None:
    told = json.loads((await dev.run("sbom", "shop")).stdout)
    assert {part["name"] for part in told["components"]} == {
        "debian",
        "flask",
        "openssl",
        "tar",
        "zlib",
    }
    file = dev.folder / "shop.json"
    result = await dev.run("sbom", "shop", "-o", str(file))
    assert lines(result)[-1].endswith("shop.json: 4 packages")
    assert json.loads(file.read_text()) == told
    error = (await dev.run("sbom", "shop", "-o", "/nowhere/x")).exception
    assert "/nowhere/x cannot be written" in str(error)


async def test_an_image_may_be_named_by_its_tag(dev: Played) -> None:
    told = json.loads((await dev.run("sbom", f"{NAME}/shop:1")).stdout)
    assert told["metadata"]["component"]["name"] == "shop"


async def test_advisories_tell_what_is_kept_and_of_when(dev: Played) -> None:
    told = lines(await dev.run("advisories", "-s", "dev"))
    assert told[0].startswith("3 advisories of ")
    assert told[0].endswith("from tracker.json")
    assert told[1] == "for bookworm"
    (dev.folder / "tracker.json").unlink()
    told = lines(await dev.run("advisories"))
    assert told[2].startswith("! they could not be renewed: ")
    assert "which cannot be read" in str((await dev.run("advisories", "--fetch")).exception)
    assert json.loads((await dev.run("advisories", "--json")).stdout)["count"] == 3
