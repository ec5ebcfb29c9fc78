"""The steps of `make setup`, after .venv: the Pulumi engine, a Docker engine, tools.

Each is skipped when it is done, and each says so in one line.
"""

import argparse
import signal
import sys

from engine import conformance, docker_engine, install, tools
from engine.debian import System
from engine.layout import Layout
from engine.report import SetupError

TOOL_SETS = {"test": tools.TEST, "bench": tools.BENCH}


def set_up(tool_set: str | None) -> None:
    """Take the steps; `tool_set` names further tools to install."""
    layout, system = Layout.here(), System.here()
    install.install(layout)
    docker_engine.ensure(docker_engine.RealHands(layout.project / ".horcrux" / "dockerd.log"))
    tools.ensure_base_image(system)
    if tool_set:
        tools.ensure(tool_set, TOOL_SETS[tool_set], system)
    if tool_set == "test":
        conformance.ensure(layout)


def main(words: list[str]) -> int:
    """Set up what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="engine.setup", description=set_up.__doc__)
    parser.add_argument("tool_set", nargs="?", choices=list(TOOL_SETS), help="further tools")
    # Ended from outside is ended like an interrupt: children are not left at work.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        set_up(parser.parse_args(words).tool_set)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: broken off; the same command goes on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
