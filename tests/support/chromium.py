"""Debian's Chromium as tests and benches start it: quiet, and asking nobody but whom it is told to."""

from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Names of environments on this machine, whatever its resolver knows.
LOCAL_NAMES = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
