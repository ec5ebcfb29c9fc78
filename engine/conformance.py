"""The OCI distribution specification's conformance suite for registries, built from its Go module."""

import os

from engine.commands import Runner, run
from engine.files import put, read, scratch
from engine.gobuild import Go, digest
from engine.layout import Layout
from engine.report import SetupError, say

PACKAGE = "github.com/opencontainers/distribution-spec/conformance"
STAMP = "stamp-conformance"


def ensure(layout: Layout, runner: Runner = run) -> None:
    """Build it where it is missing or out of date. Without Go the test that needs it fails, and says so."""
    source = layout.go_modules / "conformance"
    current, stamp = digest(source), layout.cache / STAMP
    if os.access(layout.conformance, os.X_OK) and read(stamp) == current:
        say("test", "ready: the registries' conformance suite")
        return
    try:
        go = Go.find(runner, "the registries' conformance suite")
    except SetupError as error:
        say("test", f"{error}; the test that needs it will fail")
        return
    with scratch(layout.cache) as folder:
        go.build(source, PACKAGE, folder / "conformance")
        put(folder / "conformance", layout.conformance)
    stamp.write_text(current)
