"""Debian's advisories: got, kept, renewed when they can be, and used when they cannot."""

import gzip
import json
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from horcrux.contents import advisories, tracker
from horcrux.contents.vulnerabilities import Advisory
from horcrux.exits import HorcruxError

OPENSSL = {
    "CVE-2026-10001": {
        "description": "A flaw",
        "scope": "remote",
        "releases": {
            "bookworm": {
                "status": "resolved",
                "fixed_version": "3.0.15-1~deb12u1",
                "urgency": "medium",
                "repositories": {"bookworm": "3.0.14-1", "bookworm-security": "3.0.15-1~deb12u1"},
            },
            "sid": {"status": "resolved", "fixed_version": "3.3.2-1", "urgency": "medium"},
            "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "medium"},
        },
    },
    "CVE-2026-10002": {
        "releases": {
            "bookworm": {
                "status": "open", "urgency": "not yet assigned",
                "nodsa": "Minor issue", "nodsa_reason": "postponed",
            }
        }
    },
}  # fmt: skip
TOLD = {"openssl": OPENSSL, "zlib": {"CVE-2026-10003": {"releases": {"sid": {"status": "open"}}}}}


@dataclass
class Web:
    """The tracker's server; its knobs may be turned at any time."""

    content: bytes = json.dumps(TOLD).encode()
    etag: str = '"1"'
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def web() -> Iterator[Web]:
    told = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match")
            told.asked.append(known)
            status = 304 if told.status == 200 and known == told.etag else told.status
            self.send_response(status)
            self.send_header("ETag", told.etag)
            self.end_headers()
            if status == 200:
                self.wfile.write(told.content)

        def log_message(self, *_: Any) -> None:
            """Tests read `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/tracker/data/json"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


def current(folder: Path, data: str, *, anew: bool = False) -> tuple[advisories.Kept, str | None]:
    return tracker.current(folder / "kept", folder, data, anew=anew)


def aged(kept: advisories.Kept, seconds: float) -> None:
    advisories.note(kept, at=kept.at - seconds)


def test_what_is_kept_is_what_the_tracker_says(tmp_path: Path) -> None:
    Path(tmp_path, "tracker.json").write_bytes(json.dumps(TOLD).encode())
    kept, missed = current(tmp_path, "tracker.json")
    assert missed is None
    assert kept.of("bookworm", ["openssl", "zlib"]) == [
        Advisory(
            "openssl", "CVE-2026-10001", "resolved", "medium", "3.0.15-1~deb12u1", "3.0.15-1~deb12u1",
            "3.3.2-1",
        ),
        Advisory("openssl", "CVE-2026-10002", "open", "not yet assigned", minor="Minor issue"),
    ]  # fmt: skip
    assert kept.releases == ("bookworm", "sid", "trixie")
    assert kept.of("trixie", ["openssl"]) == []
    assert [its.cve for its in kept.of("sid", [f"p{n}" for n in range(1200)] + ["zlib"])] == [
        "CVE-2026-10003"
    ]
    assert kept.at == Path(tmp_path, "tracker.json").stat().st_mtime


def test_a_file_may_be_gzipped_and_is_read_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tracker.json.gz"
    file.write_bytes(gzip.compress(json.dumps(TOLD).encode()))
    assert current(tmp_path, str(file))[0].count == 4
    with monkeypatch.context() as patched:
        patched.setattr(advisories, "keep", lambda *_, **__: pytest.fail("it has not changed"))
        assert current(tmp_path, str(file))[0].count == 4
    file.write_bytes(gzip.compress(json.dumps({"openssl": OPENSSL}).encode()))
    os.utime(file, (1, 1))
    kept, _ = current(tmp_path, str(file))
    assert (kept.count, kept.at) == (3, 1)


def test_from_the_internet_they_are_got_once_a_day_and_only_when_they_changed(
    tmp_path: Path, web: Web
) -> None:
    kept, _ = current(tmp_path, web.url)
    assert kept.count == 4
    current(tmp_path, web.url)
    assert web.asked == [None]
    aged(kept, tracker.FRESH + 1)
    renewed, missed = current(tmp_path, web.url)
    assert (web.asked, missed) == ([None, '"1"'], None)
    assert time.time() - renewed.at < 60
    aged(renewed, tracker.FRESH + 1)
    web.content, web.etag = json.dumps({"openssl": OPENSSL}).encode(), '"2"'
    assert current(tmp_path, web.url)[0].count == 3
    assert current(tmp_path, web.url, anew=True)[0].count == 3
    assert web.asked == [None, '"1"', '"1"', '"2"']


def test_when_they_cannot_be_renewed_the_kept_ones_serve_and_it_is_said_why(
    tmp_path: Path, web: Web
) -> None:
    kept, _ = current(tmp_path, web.url)
    aged(kept, tracker.FRESH + 1)
    web.status = 503
    old, missed = current(tmp_path, web.url)
    assert (old.count, old.day) == (4, advisories.kept(tmp_path / "kept").day)  # type: ignore[union-attr]
    assert missed
    assert "503" in missed
    assert "horcrux:images.vulnerabilities.data" in missed
    current(tmp_path, web.url)
    assert len(web.asked) == 2, "not every deploy waits for a server that does not answer"
    with pytest.raises(HorcruxError, match="503"):
        current(tmp_path, web.url, anew=True)
    assert advisories.kept(tmp_path / "kept") is not None


@pytest.mark.parametrize(
    "content",
    [
        b"<html>log in to this network</html>", b"", b"[]", b"{}", b'{"openssl": {"CVE-1": {}}}',
        b'{"openssl": []}', b'{"openssl": {"CVE-1": {"releases": {"bookworm": []}}}}',
        json.dumps(TOLD).encode()[:-40], gzip.compress(json.dumps(TOLD).encode())[:-40], b'"text"',
    ],
)  # fmt: skip
def test_what_is_not_the_tracker_s_json_is_refused_and_what_was_kept_stays(
    tmp_path: Path, web: Web, content: bytes
) -> None:
    good, web.content = web.content, content
    with pytest.raises(HorcruxError, match=r"tracker's JSON"):
        current(tmp_path, web.url)
    web.content = good
    kept, _ = current(tmp_path, web.url)
    aged(kept, tracker.FRESH + 1)
    web.content, web.etag = content, '"2"'
    old, missed = current(tmp_path, web.url)
    assert old.count == 4
    assert missed
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"debian.sqlite", "lock"}


def test_without_any_there_is_an_error_that_says_how_to_bring_them(tmp_path: Path) -> None:
    with pytest.raises(HorcruxError, match=r"does not answer.*bring a copy"):
        current(tmp_path, "http://127.0.0.1:9/json")
    with pytest.raises(HorcruxError, match=r"the file tracker.json, which cannot be read"):
        current(tmp_path, "tracker.json")


def test_what_another_version_kept_is_got_anew(tmp_path: Path, web: Web) -> None:
    kept, _ = current(tmp_path, web.url)
    advisories.note(kept, version="0")
    assert current(tmp_path, web.url)[0].count == 4
    kept.path.write_bytes(b"no database" * 1000)
    assert current(tmp_path, web.url)[0].count == 4
    assert web.asked == [None] * 3


def test_several_deploys_at_once_get_them_once(tmp_path: Path, web: Web) -> None:
    threads = [threading.Thread(target=current, args=(tmp_path, web.url)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert web.asked == [None]


def test_the_memory_that_reading_takes_does_not_grow_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tracker.json"
    with file.open("w") as written:
        written.write("{")
        for number in range(5000):
            comma = "," if number else ""
            written.write(f"{comma}{json.dumps(f'source-{number}')}: {json.dumps(OPENSSL)}")
        written.write("}")
    assert file.stat().st_size > 2_800_000
    current(tmp_path, "tracker.json")  # what is imported counts once
    os.utime(file, (1, 1))
    tracemalloc.start()
    current(tmp_path, "tracker.json")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
