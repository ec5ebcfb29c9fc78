"""The engine, built from the Go modules that engine/go/cli pins."""

import os

from engine import versions
from engine.commands import Runner
from engine.files import put, read, scratch
from engine.gobuild import Go, digest
from engine.launcher import write_host
from engine.layout import Layout
from engine.report import say

STAMP = "stamp-built"
FROM_SDK = {
    "python/cmd/pulumi-language-python-exec": "lib/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python": "bin/pulumi-resource-pulumi-python",
}


def is_built(layout: Layout) -> bool:
    """Tell whether the engine is there, built from the sources as they are now."""
    current = digest(layout.go_modules / "cli")
    return os.access(layout.pulumi, os.X_OK) and read(layout.root / STAMP) == current


def build_pulumi(layout: Layout, run: Runner) -> None:
    """Build the engine where it is missing or out of date; raise SetupError on failure."""
    source = layout.go_modules / "cli"
    if not is_built(layout):
        go = Go.find(run, f"Pulumi {versions.PULUMI}")
        told = f"building Pulumi {versions.PULUMI} with Go {go.version}"
        say("engine", f"{told}: about 4 minutes and 5 GB of Go's caches the first time")
        with scratch(layout.root) as folder:
            go.build(source, versions.CLI_PACKAGE, folder / "pulumi")
            sdk = go.module(source, versions.SDK_MODULE)
            for name, place in FROM_SDK.items():
                put(sdk / name, layout.root / place)
            put(folder / "pulumi", layout.pulumi)
        (layout.root / STAMP).write_text(digest(source))
    write_host(layout)
