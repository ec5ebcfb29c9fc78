"""Debian's skopeo, buildah and podman, and docker: through the registry, and through the image cache."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from supply.oci import MANIFEST_TYPES
from tests.support import played_cache, played_registry
from tests.support.file_trees import Files
from tests.support.image import Image, digest_of, image_of, index_of
from tests.support.image_clients import Buildah, Client, ClientError, Docker, Podman, Skopeo
from tests.support.played_cache import front
from tests.support.played_registry import Played, registry
from tests.support.upstream import FakeUpstream, upstream

CLIENTS = (Skopeo, Buildah, Podman, Docker)
FILES: Files = {"note": b"a note\n", "folder/data": bytes(range(256)) * 1000}


def made(kind: type[Client], folder: Path, server: str, certificate: str) -> Client:
    (folder / "ca").mkdir()
    (folder / "ca" / "ca.crt").write_text(certificate)
    (folder / "client").mkdir()
    return kind(folder / "client", server, folder / "ca")


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path / "registry") as found:
        yield found


@pytest.fixture(params=CLIENTS)
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, played: Played
) -> AsyncIterator[Client]:
    certificate = (played.folder / "cert.pem").read_text()
    found = made(request.param, tmp_path, f"127.0.0.1:{played.port}", certificate)
    yield found
    await found.close()


async def test_what_is_pushed_is_pulled_again_by_tag_and_by_digest(
    client: Client, played: Played
) -> None:
    await client.login("shop-ci", played_registry.RIGHT)
    name = f"{client.server}/shop/web"
    await client.push(FILES, f"{name}:1")
    assert await client.pull(f"{name}:1") == FILES
    asked = {"Accept": ", ".join(MANIFEST_TYPES)}
    answer = await played.client().ask("GET", "/v2/shop/web/manifests/1", **asked)
    assert await client.pull(f"{name}@{digest_of(answer.body)}") == FILES


async def test_what_another_repository_has_is_pushed_to_a_second_one(client: Client) -> None:
    await client.login("shop-ci", played_registry.RIGHT)
    for name in ("shop/web:1", "shop/api:1"):
        await client.push(FILES, f"{client.server}/{name}")
    assert await client.pull(f"{client.server}/shop/api:1") == FILES


async def test_a_wrong_password_is_told_by_the_client(client: Client) -> None:
    with pytest.raises(ClientError, match=r"(?i)unauthorized|invalid username/password") as error:
        await client.login("shop-ci", "hunter2-wrong")
    assert "hunter2" not in str(error.value)
    with pytest.raises(ClientError, match=r"(?i)unauthorized|authentication required"):
        await client.pull(f"{client.server}/shop/web:1")


async def test_who_may_only_pull_is_told_when_he_pushes(client: Client) -> None:
    await client.login("pull", played_registry.RIGHT)
    with pytest.raises(ClientError, match=r"(?i)unauthorized|authentication required|denied"):
        await client.push(FILES, f"{client.server}/shop/web:1")


async def test_who_would_change_an_immutable_tag_is_told_what_to_do(client: Client) -> None:
    await client.login("shop-ci", played_registry.RIGHT)
    name = f"{client.server}/shop/web:v1"
    await client.push(FILES, name)
    with pytest.raises(ClientError, match="Push under another tag"):
        await client.push({"note": b"another"}, name)
    assert await client.pull(name) == FILES


@dataclass
class Cached:
    """A client before an image cache, and the registry behind that."""

    client: Client
    fake: FakeUpstream

    async def pull(self, reference: str) -> Files:
        return await self.client.pull(f"{self.client.server}/up.test/{reference}")


@pytest.fixture(params=CLIENTS)
async def cached(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cached]:
    with upstream() as fake:
        async with front(tmp_path, fake, username="puller", password="secret") as found:
            client = made(request.param, tmp_path, found.hosts.removeprefix("https://"), found.ca)
            yield Cached(client, fake)
            await client.close()


def multiple(form: str) -> Image:
    """An image for two architectures in one of the forms; this machine pulls FILES."""
    kind = {form: True} if form in ("docker", "zstd") else {}
    docker = form == "docker"
    elsewhere = image_of([{"note": b"of another architecture"}], **kind)
    return index_of({"s390x": elsewhere, "amd64": image_of([FILES], **kind)}, docker=docker)


@pytest.mark.parametrize("form", ["oci", "docker", "zstd"])
async def test_a_public_image_of_any_form_is_pulled_through_the_cache_by_nobody(
    cached: Cached, form: str
) -> None:
    wanted = multiple(form)
    cached.fake.put("team/app", "1", wanted)
    if form == "zstd" and not await cached.client.unpacks_zstd():
        with pytest.raises(ClientError, match="invalid tar header"):
            await cached.pull("team/app:1")
        return
    assert await cached.pull("team/app:1") == FILES
    sent = cached.fake.bytes_sent
    assert 0 < sent < wanted.size, "what is of another architecture is not fetched"
    cached.fake.gone = True
    assert await cached.pull("team/app:1") == FILES
    assert await cached.pull(f"team/app@{wanted.digest}") == FILES
    assert cached.fake.bytes_sent == sent


async def test_a_private_image_is_pulled_through_the_cache_with_its_account_alone(
    cached: Cached,
) -> None:
    cached.fake.put("team/secret", "1", multiple("oci"))
    cached.fake.private = {"team/secret"}
    refused = r"(?i)unauthorized|authentication required|denied|not found|unknown"
    with pytest.raises(ClientError, match=refused):
        await cached.pull("team/secret:1")
    with pytest.raises(ClientError, match=r"(?i)unauthorized|invalid username/password"):
        await cached.client.login("pull", "hunter2-wrong")
    await cached.client.login("other", played_cache.RIGHT)
    with pytest.raises(ClientError, match=refused):
        await cached.pull("team/secret:1")
    await cached.client.login("pull", played_cache.RIGHT)
    assert await cached.pull("team/secret:1") == FILES


async def test_skopeo_lists_all_tags_of_a_public_image_before_anything_is_pulled(
    tmp_path: Path,
) -> None:
    with upstream() as fake:
        fake.page, fake.private = 2, {"team/secret"}
        for repository in ("team/app", "team/secret"):
            for n in range(5):
                fake.put(repository, f"v{n}", image_of([FILES]))
        async with front(tmp_path, fake, username="puller", password="secret") as found:
            skopeo = made(Skopeo, tmp_path, found.hosts.removeprefix("https://"), found.ca)
            words, team = (
                ("list-tags", "--cert-dir", skopeo.ca),
                f"docker://{skopeo.server}/up.test/team",
            )
            told = json.loads(await skopeo.run(*words, f"{team}/app"))
            assert told["Tags"] == [f"v{n}" for n in range(5)]
            with pytest.raises(ClientError, match=r"(?i)unauthorized"):
                await skopeo.run(*words, f"{team}/secret")


async def test_who_pushes_to_the_cache_is_told_where_to(cached: Cached) -> None:
    await cached.client.login("pull", played_cache.RIGHT)
    with pytest.raises(ClientError, match="push to the image's own registry"):
        await cached.client.push(FILES, f"{cached.client.server}/up.test/team/app:1")
