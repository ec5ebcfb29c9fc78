"""Lists of tags through the image cache: page by page, and to whom the upstream gives them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.upstream import FakeUpstream, image, upstream
from tests.unit.test_cache_server import Cache, cache

ACCOUNT = {"username": "puller", "password": "secret"}
TAGS = [f"v{n}" for n in range(5)]


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        for repository in ("team/app", "team/secret"):
            for tag in TAGS:
                found.put(repository, tag, image(1000))
        found.private = {"team/secret"}
        yield found


async def listed(found: Cache, path: str) -> list[str]:
    """The tags of all pages."""
    tags: list[str] = []
    while path:
        answer = await found.get(path)
        assert answer.status == 200, answer
        tags += json.loads(answer.body)["tags"]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        assert not path or path.startswith("/v2/up.test/team/app/tags/list?"), path
    return tags


@pytest.mark.parametrize(
    "path",
    [
        "/v2/up.test/team/app/tags/list",
        "/v2/up.test/team/app/tags/list?n=3&last=",
        "/v2/team/app/tags/list?ns=up.test",
    ],
)
async def test_all_pages_are_given_one_by_one(
    path: str, tmp_path: Path, fake: FakeUpstream
) -> None:
    fake.page = 2
    async with cache(tmp_path, fake) as found:
        assert await listed(found, path) == TAGS
        assert await listed(found, "/v2/up.test/team/app/tags/list?n=9&last=v2") == TAGS[3:]


async def test_the_list_of_what_is_public_needs_no_account(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    async with cache(tmp_path, fake, **ACCOUNT) as found:
        assert (await found.get("/v2/up.test/team/app/tags/list")).status == 200
        assert (await found.get("/v2/up.test/team/secret/tags/list")).status == 401
        assert (await found.get("/v2/up.test/team/secret/tags/list", "other")).status == 404
        assert (await found.get("/v2/up.test/team/secret/tags/list", "pull")).status == 200
