"""Debian's security tracker, or a copy of its JSON: where advisories are got from, and when.

The JSON is one object: source package → issue → description, releases → status, fixed_version, urgency,
repositories, nodsa. It is not signed, so that HTTPS is what vouches for it.
"""

import fcntl
import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import requests

from horcrux.contents import advisories
from horcrux.contents.advisories import Kept
from horcrux.contents.unpacking import GZIP
from horcrux.exits import Exit, HorcruxError

FRESH = 86400  # seconds: the tracker changes many times a day, and most of it does not concern us
AGAIN = (
    3600  # seconds after which what could not be had is tried again, so that not every deploy waits
)
SECONDS = (5, 60)  # to connect, and without a byte
LIMIT = 1 << 30  # bytes; it had about 60 MB in 2025, and grows by some MB a year
PIECE = 1 << 20
ASKED = {"User-Agent": "horcrux", "Accept": "application/json"}


def current(
    folder: Path, project: Path, data: str, *, anew: bool = False
) -> tuple[Kept, str | None]:
    """The advisories, got where they are not kept or no longer fresh; and why they could not be renewed.

    `folder`: where they are kept; `project`: what `data` is relative to; `anew`: ask, however fresh they are.
    Raises HorcruxError when none of `data` are kept and none can be had; with `anew` when none can be had.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        known = advisories.kept(folder)
        same = known if known and known.data == data else None
        if same and not anew and _is_recent(same):
            return same, None
        try:
            return _got(folder, project, data, same), None
        except HorcruxError as error:
            if same is None or anew:
                raise
            advisories.note(same, tried=time.time())
            return same, str(error)


def is_url(data: str) -> bool:
    """Whether the setting is a URL, and not a file."""
    return data.startswith(("https://", "http://"))


def _is_recent(known: Kept) -> bool:
    """Files are looked at each time, which costs nothing."""
    now = time.time()
    return is_url(known.data) and (now - known.at < FRESH or now - known.tried < AGAIN)


def _got(folder: Path, project: Path, data: str, known: Kept | None) -> Kept:
    if is_url(data):
        return _downloaded(folder, data, known)
    path = project / data
    try:
        told = path.stat()
    except OSError as error:
        raise HorcruxError(
            f"horcrux:images.vulnerabilities.data is the file {data}, which cannot be read "
            f"({error.strerror}); put the tracker's JSON there",
            Exit.USAGE,
        ) from None
    mark = f"{told.st_mtime_ns}-{told.st_size}"
    if known and known.mark == mark:
        return known
    return _kept(folder, path, data=data, mark=mark, at=told.st_mtime)


def _downloaded(folder: Path, url: str, known: Kept | None) -> Kept:
    began, headers = (
        time.time(),
        {**ASKED, **({"If-None-Match": known.mark} if known and known.mark else {})},
    )
    part = folder / "download"
    try:
        with requests.get(url, headers=headers, timeout=SECONDS, stream=True) as answer:
            if answer.status_code == 304 and known:
                advisories.note(known, at=began, tried=0)
                return advisories.kept(folder) or known
            if answer.status_code != 200:
                raise HorcruxError(f"{url} answers {answer.status_code} {answer.reason}{_REMEDY}")
            with part.open("wb") as file:
                _copy(answer, file, url)
            mark = answer.headers.get("ETag", "")
        return _kept(folder, part, data=url, mark=mark, at=began)
    except requests.exceptions.RequestException as error:
        why = (
            "not in time"
            if isinstance(error, requests.exceptions.Timeout)
            else type(error).__name__
        )
        raise HorcruxError(f"{url} does not answer ({why}){_REMEDY}") from None
    finally:
        part.unlink(missing_ok=True)


_REMEDY = (
    "; without the internet, bring a copy of the tracker's JSON and name the file: "
    "horcrux:images.vulnerabilities.data"
)


def _copy(answer: requests.Response, file: IO[bytes], url: str) -> None:
    size = 0
    for piece in answer.iter_content(PIECE):
        size += file.write(piece)
        if size > LIMIT:
            raise HorcruxError(
                f"{url} sends more than {LIMIT >> 20} MiB, which is not the tracker's JSON"
            )


def _kept(folder: Path, path: Path, *, data: str, mark: str, at: float) -> Kept:
    import ijson  # type: ignore[import-untyped]

    try:
        with _plain(path) as file:
            found = advisories.keep(folder, ijson.kvitems(file, ""), data=data, mark=mark, at=at)
    except (
        ijson.JSONError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        OSError,
        EOFError,
    ) as error:
        raise HorcruxError(
            f"{data} is not the security tracker's JSON ({error}){_REMEDY}"
        ) from None
    if found is None:
        raise HorcruxError(f"{data} has no advisories in it{_REMEDY}")
    return found


def _plain(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Deploys of several apps at once get the advisories once."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
