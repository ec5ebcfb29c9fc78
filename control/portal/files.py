"""The files of the page, read and compressed once. Their addresses hold a hash of all of them.

So a browser may keep them for ever, and an update is seen at once. An address with another hash
comes from a page that a control of another version made: it gets what there is, to be kept by nobody.
"""

import gzip
import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

CHARTS = Path("/usr/share/javascript/chart.js/chart.min.js")  # Debian's libjs-chart.js
FOLDER = Path(__file__).parent / "static"
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"

log = logging.getLogger("control.portal")


@dataclass(frozen=True)
class File:
    """One file as it is sent."""

    content_type: str
    plain: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, path: Path) -> "File":
        """The file at `path`."""
        plain = path.read_bytes()
        tag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
        return cls(KINDS[path.suffix], plain, gzip.compress(plain, mtime=0), tag)


class Files:
    """All of them, by name."""

    def __init__(self, folder: Path = FOLDER, charts: Path = CHARTS) -> None:
        self.files = {p.name: File.of(p) for p in sorted(folder.iterdir()) if p.suffix in KINDS}
        try:
            self.files[charts.name] = File.of(charts)
        except FileNotFoundError:
            log.warning("%s is missing: no charts. Install libjs-chart.js", charts)
        tags = "".join(name + file.tag for name, file in sorted(self.files.items()))
        self.version = hashlib.sha256(tags.encode()).hexdigest()[:16]

    async def get(self, request: web.Request) -> web.Response:
        """`GET /static/VERSION/NAME`."""
        file = self.files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound(text="There is no such file.")
        ours = request.match_info["version"] == self.version
        headers = {
            "Cache-Control": FOR_EVER if ours else "no-store",
            "ETag": file.tag,
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("If-None-Match") == file.tag:
            return web.Response(status=304, headers=headers)
        body = file.plain
        if takes_gzip(request):
            body, headers["Content-Encoding"] = file.packed, "gzip"
        return web.Response(
            body=body, headers=headers, content_type=file.content_type, charset="utf-8"
        )


def takes_gzip(request: web.Request) -> bool:
    """Whether the client can unpack."""
    return "gzip" in request.headers.get("Accept-Encoding", "").lower()
