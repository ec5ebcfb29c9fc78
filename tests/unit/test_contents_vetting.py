"""Images before they are deployed, in a real registry and in the real cache: read, judged, refused."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from horcrux.contents import filesystem, inspection, layers, vetting
from horcrux.exits import HorcruxError
from horcrux.images import resolve
from horcrux.images.client import Client
from horcrux.images.located import Located
from horcrux.settings.vulnerabilities import Vulnerabilities
from providers.x509 import self_signed
from tests.support.image import Image, image_of, index_of
from tests.support.known_vulnerable import (
    DEBIAN,
    HIGH,
    LOW,
    MEDIUM,
    NEW,
    OLD,
    debian,
    place,
    tracker_file,
)
from tests.support.played_cache import RIGHT, front
from tests.support.played_registry import Played, registry
from tests.support.upstream import upstream

TODAY = date.today()
NOWHERE = {"url": "https://127.0.0.1:9", "username": "pull", "password": "a-password", "ca": ""}


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path / "registry") as found:
        yield found


class Vetted:
    """A project, and the image `shop/web` in a registry."""

    def __init__(self, folder: Path, where: Mapping[str, Any], image: Image) -> None:
        self.folder, self.where, self.image = folder, where, image
        self.data: str = str(tracker_file(folder))
        self.repository, self.what = "shop/web", resolve.REGISTRY

    async def check(self, refuse: str, *waivers: dict[str, str], today: date = TODAY) -> list[str]:
        policy = {"data": self.data, "refuse": refuse, "waivers": waivers}
        image = Located(self.what, self.where, self.repository, self.image.digest)
        return await asyncio.to_thread(vetting.check, image, policy, str(self.folder), today)

    async def refused(self, refuse: str, *waivers: dict[str, str], today: date = TODAY) -> str:
        with pytest.raises(HorcruxError) as error:
            await self.check(refuse, *waivers, today=today)
        return str(error.value)


async def vetted(played: Played, folder: Path, image: Image) -> Vetted:
    assert (await played.client().push("shop/web", "1", image)).status == 201
    return Vetted(folder, place(played), image)


def waiver(cve: str, until: date = TODAY, images: str = "registry/shop/*") -> dict[str, str]:
    return {"cve": cve, "reason": "not reachable", "until": until.isoformat(), "images": images}


@pytest.mark.parametrize("zstd", [False, True], ids=["gzip", "zstd"])
async def test_what_is_refused_is_named_with_what_to_do(
    played: Played, tmp_path: Path, zstd: bool
) -> None:
    shop = await vetted(played, tmp_path, debian(zstd=zstd))
    told = await shop.refused("medium")
    assert f"registry/shop/web@{shop.image.digest} is not deployed" in told
    assert f"{HIGH} (high): openssl 3.0.9-1 (openssl), fixed in 3.0.15-1" in told
    assert f"{MEDIUM} (medium): zlib 1:1.2.13-1 (zlib), fixed in 1:1.2.13-1+deb12u1" in told
    assert LOW not in told
    until = TODAY + timedelta(vetting.WAIVED_DAYS)
    assert (
        f"waivers: [{{cve: {HIGH}, images: registry/shop/web, reason: …, until: {until}}}]" in told
    )
    only_high = await shop.refused("high")
    assert HIGH in only_high
    assert MEDIUM not in only_high


async def test_what_is_waived_passes_until_its_day(played: Played, tmp_path: Path) -> None:
    shop = await vetted(played, tmp_path, debian())
    both = waiver(HIGH), waiver(MEDIUM)
    told = await shop.check("medium", *both)
    assert told == [
        "registry/shop/web: packages that Debian's data say nothing of were not checked: 1 of pypi"
    ]
    assert MEDIUM in await shop.refused("medium", waiver(HIGH))
    assert HIGH in await shop.refused("high", waiver(HIGH, images="registry/blog"))
    after = await shop.refused("medium", *both, today=TODAY + timedelta(1))
    assert f"fixed in 3.0.15-1; its waiver ended on {TODAY}" in after


async def test_newer_packages_pass(played: Played, tmp_path: Path) -> None:
    shop = await vetted(played, tmp_path, debian(NEW))
    await shop.check("high")
    assert MEDIUM in await shop.refused("medium")


def sbom_of(shop: Vetted) -> str:
    """What the file is called."""
    return f"shop%2Fweb@{shop.image.digest.replace(':', '-')}-{filesystem.here()}.json"


async def test_an_image_is_read_once(played: Played, tmp_path: Path) -> None:
    shop = await vetted(played, tmp_path, debian())
    first = await shop.refused("high")
    shop.where = NOWHERE
    assert await shop.refused("high") == first
    (kept,) = (tmp_path / ".horcrux" / "sboms").iterdir()
    assert kept.name == sbom_of(shop)
    kept.write_text("damaged")
    assert "does not answer" in await shop.refused("high")


async def test_without_a_policy_nothing_is_asked(tmp_path: Path) -> None:
    shop = Vetted(tmp_path, NOWHERE, debian())
    shop.data = "nowhere.json"
    assert await shop.check("none") == []
    assert not (tmp_path / ".horcrux").exists()


async def test_with_a_policy_and_no_advisories_nothing_passes(
    played: Played, tmp_path: Path
) -> None:
    shop = await vetted(played, tmp_path, debian(NEW))
    shop.data = "nowhere.json"
    told = await shop.refused("high")
    assert "cannot be checked" in told
    assert "nowhere.json" in told
    assert "refuse: none" in told


async def test_kept_advisories_serve_when_there_are_no_new_ones_and_their_age_is_told(
    played: Played, tmp_path: Path
) -> None:
    shop = await vetted(played, tmp_path, debian(NEW))
    assert len(await shop.check("high")) == 1
    Path(shop.data).unlink()
    told = await shop.check("high")
    assert (
        f"could not be renewed: horcrux:images.vulnerabilities.data is the file {shop.data}"
        in told[0]
    )
    os.utime(tracker_file(tmp_path), (0, 0))
    told = await shop.check("high")
    days = (TODAY - date(1970, 1, 1)).days
    assert told[0].startswith(f"registry/shop/web: what is known is {days} days old; to renew it: ")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"etc/os-release": b"ID=alpine\nPRETTY_NAME=Alpine\n", "lib/apk/db/installed": b"P:a\nV:1\n"},
            "the data say nothing of Alpine, so nothing was checked",
        ),
        (
            {
                "etc/os-release": b"ID=debian\nVERSION_CODENAME=potato\nPRETTY_NAME=Debian 2.2\n",
                "var/lib/dpkg/status": OLD.encode(),
            },
            "the data say nothing of Debian 2.2, so nothing was checked",
        ),
        (
            {"etc/os-release": DEBIAN},
            "it has no list of Debian's packages, so nothing was checked",
        ),
        ({"hello": b"1"}, "it says nothing of what is in it, so nothing was checked"),
    ],
)  # fmt: skip
async def test_images_that_the_data_say_nothing_of_pass_and_it_is_said(
    played: Played, tmp_path: Path, files: dict[str, bytes], told: str
) -> None:
    shop = await vetted(played, tmp_path, image_of([files]))
    assert await shop.check("high") == [f"registry/shop/web: {told}"]


async def test_an_image_from_the_cache_is_read_like_one_of_the_registry(tmp_path: Path) -> None:
    with upstream() as fake:
        image = index_of({"amd64": debian(), "arm64": debian()})
        fake.put("acme/shop", "1", image)
        async with front(tmp_path, fake) as cache:
            where = {"url": cache.hosts, "username": "pull", "password": RIGHT, "ca": cache.ca}
            shop = Vetted(tmp_path, where, image)
            shop.repository, shop.what = "up.test/acme/shop", resolve.CACHE
            told = await shop.refused("high", waiver(MEDIUM, images="up.test/*"))
            assert f"up.test/acme/shop@{image.digest} is not deployed" in told
            assert HIGH in told


async def test_of_several_architectures_the_hosts_own_is_read(
    played: Played, tmp_path: Path
) -> None:
    image = index_of({"arm64": image_of([{"a": b"arm"}]), "amd64": image_of([{"a": b"amd"}])})
    shop = await vetted(played, tmp_path, image)

    def read(processor: str) -> object:
        with Client("the registry", shop.where) as client:
            return filesystem.files(client, "shop/web", image.digest, lambda _: True, processor)

    assert await asyncio.to_thread(read, "arm64") == {"a": b"arm"}
    assert await asyncio.to_thread(read, "amd64") == {"a": b"amd"}
    with pytest.raises(HorcruxError, match=r"linux/riscv64; it has: linux/amd64, linux/arm64"):
        await asyncio.to_thread(read, "riscv64")


async def test_a_damaged_layer_is_found_out(tmp_path: Path) -> None:
    with upstream() as fake:
        image = debian()
        fake.put("shop/web", "1", image)
        layer = max(image.blobs, key=lambda digest: len(image.blobs[digest]))
        image.blobs[layer] = image.blobs[layer][:-1] + bytes([image.blobs[layer][-1] ^ 1])
        fake.put("shop/web", "1", image)
        shop = Vetted(
            tmp_path, {**NOWHERE, "url": fake.url, "ca": self_signed("tests", 1)[0]}, image
        )
        assert "has other content than its digest says" in await shop.refused("high")
        assert not (tmp_path / ".horcrux" / "sboms").exists(), "what is wrong is not kept"


async def test_an_image_whose_packages_are_not_read_does_not_pass(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "FILE_LIMIT", 200)
    shop = await vetted(played, tmp_path, debian(NEW))
    told = await shop.refused("high")
    assert "cannot be read: var/lib/dpkg/status: it has 248 bytes, which is too much" in told


async def test_what_all_layers_unpack_to_is_limited_together(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = 60_000
    image = image_of([{"a": b"\0" * layer}, {"b": b"\0" * layer}])
    shop = await vetted(played, tmp_path, image)
    monkeypatch.setattr(filesystem, "UNPACKED_LIMIT", 2 * layer)
    told = await shop.refused("high")
    assert f"its layer {list(image.blobs)[1]} cannot be unpacked" in told


async def test_what_is_no_image_is_an_error(played: Played, tmp_path: Path) -> None:
    shop = await vetted(played, tmp_path, debian())
    shop.image = image_of([{"a": b"never pushed"}])
    assert "has no shop/web@sha256:" in await shop.refused("high")


async def test_an_image_without_a_shell_is_checked_like_any_of_debian(
    played: Played, tmp_path: Path
) -> None:
    """Its release is in VERSION alone, and each package has a file."""
    system = b'ID=debian\nVERSION_ID="12"\nVERSION="Debian GNU/Linux 12 (bookworm)"\n'
    package = OLD.partition("\n\n")[0].encode()
    files = {"etc/os-release": system, "var/lib/dpkg/status.d/openssl": package}
    shop = await vetted(played, tmp_path, image_of([files]))
    assert HIGH in await shop.refused("high")


async def test_only_so_many_sboms_are_kept(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "KEPT", 2)
    shop = await vetted(played, tmp_path, debian())
    folder = tmp_path / ".horcrux" / "sboms"
    folder.mkdir(parents=True)
    for age, name in enumerate(("newer", "older")):
        (folder / f"{name}.json").touch()
        os.utime(folder / f"{name}.json", (1000 - age, 1000 - age))
    await shop.refused("high")
    assert {path.name for path in folder.iterdir()} == {"newer.json", sbom_of(shop)}


async def test_a_report_tells_everything(played: Played, tmp_path: Path) -> None:
    shop = await vetted(played, tmp_path, debian())
    policy = Vulnerabilities(data=shop.data)
    image = Located(resolve.REGISTRY, shop.where, "shop/web", shop.image.digest)
    known = inspection.known(tmp_path, shop.data)
    report = await asyncio.to_thread(inspection.report, image, policy, tmp_path, TODAY, known)
    assert [its.finding.cve for its in report.judged] == [HIGH, MEDIUM, LOW]
    assert report.refused("none") == []
    assert len(report.contents.packages) == 4
    assert shop.where["password"] not in repr(report)


@pytest.mark.parametrize(
    "manifest",
    [
        b'{"layers": [], "manifests": []}',
        b'{"layers": [{}]}',
        b'{"layers": ["x"]}',
        b'{"manifests": [1]}',
        b"[" * 100_000,
    ],
    ids=["both", "no-digest", "no-object", "number", "deep"],
)
def test_a_document_of_somebody_s_own_making_is_no_image(manifest: bytes) -> None:
    with pytest.raises(HorcruxError, match="is not an image"):
        filesystem._parsed(manifest, "shop@sha256:0")
