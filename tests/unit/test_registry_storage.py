"""What is on the registry's disk is read while it changes."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supply.registry.storage import Storage

A = "a" * 64


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a registry's repositories."""
    return tmp_path / "docker/registry/v2/repositories"


def tag(root: Path, repository: str, name: str) -> None:
    """A tag, and the manifest that it means."""
    for path in (f"tags/{name}/current/link", f"revisions/sha256/{A}/link"):
        link = root / repository / "_manifests" / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(f"sha256:{A}")


@pytest.fixture
def uploads(root: Path) -> Iterator[Path]:
    """Uploads that begin and end all the time."""
    folder, ended = root / "shop/web/_uploads", threading.Event()
    folder.mkdir(parents=True)

    def churn(name: str) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            upload = folder / f"{name}-{number}"
            upload.mkdir()
            (upload / "data").write_bytes(b"x")
            shutil.rmtree(upload)

    threads = [threading.Thread(target=churn, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    yield folder
    ended.set()
    for thread in threads:
        thread.join()


def test_tags_are_read_while_uploads_come_and_go(root: Path, tmp_path: Path, uploads: Path) -> None:
    assert uploads.is_dir()
    for repository in ("shop/web", "shop", "base"):
        tag(root, repository, "v1")
    storage = Storage(tmp_path)
    for _ in range(2000):
        found = [(each.repository, each.tag) for each in storage.tags()]
        assert found == [("base", "v1"), ("shop", "v1"), ("shop/web", "v1")]
        assert len(list(storage.pushed())) == 3
        assert storage.silent("shop/web") > -60


def test_what_begins_with_an_underscore_is_no_repository(root: Path, tmp_path: Path) -> None:
    tag(root, "web", "v1")
    tag(root, "web/_layers/sha256", "v2")
    tag(root, "web/_uploads/1", "v3")
    assert [each.tag for each in Storage(tmp_path).tags()] == ["v1"]


def test_a_folder_without_anything_has_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    assert (list(storage.tags()), list(storage.revisions()), storage.used()) == ([], [], 0)
    assert list(storage.manifests_of("web")) == []
