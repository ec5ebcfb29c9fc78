"""Images of Debian with known vulnerabilities, the advisories about them, and a registry that has them."""

import json
from pathlib import Path
from typing import Any

from tests.support.image import Image, image_of
from tests.support.played_registry import RIGHT, Played

STATUS = "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n"
OLD = "".join(
    STATUS.format(*its)
    for its in (("openssl", "3.0.9-1"), ("zlib", "1:1.2.13-1"), ("tar", "1.34-1"))
)
NEW = OLD.replace("3.0.9-1", "3.0.15-1")
DEBIAN = b'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
METADATA = "usr/local/lib/python3.12/site-packages/flask-3.0.0.dist-info/METADATA"
HIGH, MEDIUM, LOW = "CVE-2026-10001", "CVE-2026-10002", "CVE-2026-10003"


def _told(status: str, urgency: str, **more: Any) -> dict[str, Any]:
    return {"releases": {"bookworm": {"status": status, "urgency": urgency, **more}}}


TRACKER = {
    "openssl": {HIGH: _told("resolved", "high", fixed_version="3.0.15-1")},
    "tar": {LOW: _told("open", "not yet assigned", nodsa="Minor issue", nodsa_reason="")},
    "zlib": {
        MEDIUM: _told(
            "resolved", "not yet assigned", fixed_version="1:1.2.13-1+deb12u1",
            repositories={"bookworm-security": "1:1.2.13-1+deb12u1"},
        )
    },
}  # fmt: skip


def debian(status: str = OLD, *, zstd: bool = False) -> Image:
    """An image whose last layer leaves what is below it as it is."""
    base = {"./var/lib/dpkg/status": status.encode(), "usr/lib/os-release": DEBIAN}
    own = {METADATA: b"Name: Flask\nVersion: 3.0.0\n", "srv/app.py": b"print('hello')"}
    return image_of([base, own], zstd=zstd)


def tracker_file(folder: Path) -> Path:
    """The advisories, as a file of the tracker's JSON."""
    file = folder / "tracker.json"
    file.write_text(json.dumps(TRACKER))
    return file


def place(played: Played) -> dict[str, str]:
    """As a stack's outputs name the registry."""
    ca = (played.folder / "cert.pem").read_text()
    return {
        "url": f"https://127.0.0.1:{played.port}",
        "username": "pull",
        "password": RIGHT,
        "ca": ca,
    }
