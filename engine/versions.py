"""The versions that are pinned, in one place. They agree with requirements.lock and engine/go."""

import re

PULUMI = "3.259.0"
DOCKER_PLUGIN = "5.2.0"
# Older releases of Go cannot fetch the toolchain that engine/go/*/go.mod asks for.
OLDEST_GO = (1, 21)
WANTED_GO = "1.26"
OLDEST_PYTHON = (3, 11)

CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"


def numbers(text: str) -> tuple[int, ...]:
    """Return the first dotted numbers in `text`: "go version go1.26.8 linux" gives (1, 26, 8)."""
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, found[0].split("."))) if found else ()
