"""The real HAProxy for tests: check rendered configurations, or run them on loopback ports."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from control.haproxy import CONFIG, Bundle
from providers.x509 import self_signed, signed

START_SECONDS = 10  # it listens after some ten milliseconds; a busy machine may need more
CHECK_SECONDS = 60  # a check takes a tenth of a second
Behind = int | Mapping[str, int] | None


def program() -> str:
    """HAProxy, or a failure that says where it comes from."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail("there is no haproxy on this machine: run `make setup`, which installs it")
    return found


def certificate(folder: Path) -> Path:
    """A certificate with its key, in the place of the edge's."""
    path = folder / "edge.pem"
    if not path.exists():
        ca, key = self_signed("tests", 1)
        path.write_text("".join(signed(ca, key, ["localhost"], "server", 1)))
    return path


def written(bundle: Bundle, folder: Path) -> Path:
    """The files of a configuration, with the edge's own paths replaced by some of the folder's."""
    for name, text in bundle.files.items():
        (folder / name).write_text(
            text.replace("/run/secrets/edge.pem", str(certificate(folder))).replace(
                "/run/edge/", f"{folder}/"
            )
        )
    return folder / CONFIG


def refusal(bundle: Bundle, folder: Path) -> str:
    """What HAProxy has against a configuration; empty when it takes it."""
    done = subprocess.run(
        [program(), "-c", "-f", str(written(bundle, folder))],
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_loopback(text: str, port: int, behind: Behind) -> str:
    """The same configuration with one plain port, and all tasks on the port `behind` of this machine.

    Or, by service, the port of each release's tasks. Without any, each app's backend answers with its own
    name, after all that the edge checks by itself.
    """
    text = text.replace("bind :8404", f"bind 127.0.0.1:{free_port()}")
    text = text.replace("bind :8080 accept-proxy", f"bind 127.0.0.1:{port}")
    text = re.sub(r" +bind :8443 .*\n", "", text)
    if behind is not None:

        def address(found: re.Match[str]) -> str:
            at = behind if isinstance(behind, int) else behind[found[2]]
            return f"{found[1]} 127.0.0.1:{at}"

        return re.sub(r"(server-template (\S+)_ \d+) \S+", address, text)
    answer = r'    http-request return status 200 content-type text/plain string "\1"'
    return re.sub(
        r"(?m)^backend app-([^:\s]+)(\S+)\n((?:    .+\n)*)",
        rf"backend app-\1\2\n\3{answer}\n",
        text,
    )


@contextlib.contextmanager
def running(bundle: Bundle, folder: Path, behind: Behind = None) -> Iterator[int]:
    """An HAProxy with these routes; its port. `behind`: see `on_loopback`."""
    config, port = written(bundle, folder), free_port()
    config.write_text(on_loopback(config.read_text(), port, behind))
    process = subprocess.Popen([program(), "-f", str(config)], stdout=subprocess.DEVNULL)
    try:
        listening(port)
        yield port
    finally:
        process.kill()
        process.wait()


def listening(port: int) -> None:
    """Return once somebody listens on a port of this machine."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.02)
        else:
            return
