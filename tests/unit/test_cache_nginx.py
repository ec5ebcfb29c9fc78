"""The image cache behind the real nginx: TLS, files, ranges, and who is believed to be a peer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from supply.cache.peers import HEADER
from tests.support.played_cache import front
from tests.support.upstream import FakeUpstream, image, upstream

WANTED = image(300_000, 200_000)
APP = "/v2/up.test/team/app"


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        found.put("team/app", "1", WANTED)
        yield found


async def test_an_image_is_pulled_through_tls_and_then_from_the_disk(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    async with front(tmp_path, fake) as found:
        for _ in range(2):
            status, body, _ = await found.get(f"{APP}/manifests/1")
            assert (status, body) == (200, WANTED.manifests[WANTED.digest][0])
            for digest, content in WANTED.blobs.items():
                status, body, headers = await found.get(f"{APP}/blobs/{digest}")
                assert (status, body) == (200, content)
                assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert "X-Accel-Redirect" not in headers
        assert fake.bytes_sent == WANTED.size


@pytest.mark.parametrize("cached", [False, True])
async def test_a_part_of_a_blob_is_given(cached: bool, tmp_path: Path, fake: FakeUpstream) -> None:
    digest, content = next(iter(WANTED.blobs.items()))
    path = f"{APP}/blobs/{digest}"
    async with front(tmp_path, fake) as found:
        if cached:
            await found.get(path)
        for told, part in (("1000-", content[1000:]), ("5-9", content[5:10])):
            status, body, headers = await found.get(path, Range=f"bytes={told}")
            assert (status, body) == (206, part)
            assert headers["Content-Range"].endswith(f"/{len(content)}")


async def test_files_are_nobody_s_without_the_cache(tmp_path: Path, fake: FakeUpstream) -> None:
    digest = next(iter(WANTED.blobs))
    name = digest.partition(":")[2]
    async with front(tmp_path, fake) as found:
        await found.get(f"{APP}/blobs/{digest}")
        for peer in (False, True):
            status, _, _ = await found.get(f"/_blobs/{name[:2]}/{name}", peer=peer)
            assert status == 404


@pytest.mark.parametrize("header", [HEADER, HEADER.lower(), HEADER.replace("-", "_")])
async def test_no_host_is_believed_to_be_a_peer(
    header: str, tmp_path: Path, fake: FakeUpstream
) -> None:
    secret = image(5000, seed=9)
    fake.put("team/secret", "1", secret)
    fake.private = {"team/secret"}
    path = f"/v2/up.test/team/secret/blobs/{next(iter(secret.blobs))}"
    async with front(tmp_path, fake, username="puller", password="secret") as found:
        status, body, _ = await found.get(path, peer=True)
        assert (status, body) == (200, next(iter(secret.blobs.values()))), "a peer asks"
        for of_peers, otherwise in ((path, 401), ("/metrics", 404), ("/horcrux/stats", 401)):
            assert (await found.get(of_peers, peer=True))[0] == 200
            assert (await found.get(of_peers, peer=False, **{header: "1"}))[0] == otherwise
