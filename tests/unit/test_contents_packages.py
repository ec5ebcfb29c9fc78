"""What is installed, from package managers' own files: a real dpkg's, and those of images without one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from horcrux.contents.packages import APK, DPKG, Contents, Package, System, contents, tells

FIELDS = (
    "binary:Package",
    "Version",
    "Architecture",
    "source:Package",
    "source:Version",
    "db:Status-Status",
)
FORM = "\\t".join(f"${{{field}}}" for field in FIELDS) + "\\n"


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="a system without dpkg")
def test_a_real_dpkg_says_the_same_of_its_own_file() -> None:
    told = subprocess.run(
        ["dpkg-query", "-W", "-f", FORM], capture_output=True, text=True, check=True
    )
    wanted = set()
    for line in told.stdout.splitlines():
        name, version, architecture, source, source_version, state = line.split("\t")
        if state != "config-files":
            wanted.add(
                Package(
                    "deb", name.partition(":")[0], version, architecture, source, source_version
                )
            )
    found = contents({DPKG: Path("/", DPKG).read_bytes()})
    assert set(found.packages) == wanted
    assert len(wanted) > 50


def test_a_source_has_its_own_name_and_version() -> None:
    status = (
        "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.15-1)\n"
        "Version: 3.0.15-1+b2\nDescription: a library\n with more lines\n Version: 9 is not meant\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        "Package: half\nStatus: install ok half-configured\nVersion: 2\n"
    )
    assert contents({DPKG: status.encode()}).packages == (
        Package("deb", "half", "2", "", "half", "2"),
        Package("deb", "libssl3", "3.0.15-1+b2", "amd64", "openssl", "3.0.15-1"),
    )


def test_images_without_dpkg_have_a_file_for_each_package() -> None:
    folder = "var/lib/dpkg/status.d"
    assert tells(f"{folder}/base")
    assert not tells(f"{folder}/base.md5sums")
    found = contents(
        {f"{folder}/base": b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\n"}
    )
    assert found.packages == (Package("deb", "base-files", "12.4", "amd64", "base-files", "12.4"),)


@pytest.mark.parametrize("path", APK)
def test_packages_of_alpine(path: str) -> None:
    first = "C:Q1abc=\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\nF:lib\nR:a\nZ:Q1\n"
    database = f"{first}\nP:musl\nV:1.2.5-r0\n"
    system = (
        b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n'
    )
    assert contents({path: database.encode(), "etc/os-release": system}) == Contents(
        System("alpine", "3.20.3", "Alpine Linux v3.20"),
        (
            Package("apk", "libcrypto3", "3.3.2-r0", "x86_64", "openssl", "3.3.2-r0"),
            Package("apk", "musl", "1.2.5-r0", "", "musl", "1.2.5-r0"),
        ),
    )


def test_packages_of_python_but_for_debian_s_own() -> None:
    path = "usr/local/lib/python3.12/site-packages/ruamel.yaml-0.18.6.dist-info/METADATA"
    assert tells(path)
    assert not tells("usr/lib/python3/dist-packages/yaml-6.0.dist-info/METADATA")
    metadata = b"Metadata-Version: 2.1\nName: ruamel.yaml\nVersion: 0.18.6\n\nName: not this\n"
    assert contents({path: metadata}).packages == (Package("pypi", "ruamel-yaml", "0.18.6"),)


def test_what_the_image_itself_says_of_its_distribution_counts_most() -> None:
    files = {
        "usr/lib/os-release": b"ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME='Debian 12'\n",
        "etc/os-release": b"PRETTY_NAME=Ours\n",
    }
    assert contents(files).system == System("debian", "bookworm", "Ours")


@pytest.mark.parametrize(
    "data", [b"", b"\n\n\n", b"\xff\xfe\x00", b"Package:\n\nVersion: 1\n", b"Package: a\nStatus:\n"]
)
def test_damaged_files_say_nothing(data: bytes) -> None:
    files = {DPKG: data, APK[0]: data, "a.dist-info/METADATA": data, "etc/os-release": data}
    assert contents(files) == Contents(None, ())
