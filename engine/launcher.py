"""The two scripts that set-up writes: `pulumi` in the virtual environment, and the host's."""

import shlex
from pathlib import Path

from engine.files import put
from engine.layout import Layout

MARK = "# Written by `make setup` of Horcrux; written anew each time."


def pulumi_script(pulumi: Path, home: Path) -> str:
    """Return the text of the `pulumi` that an activated virtual environment finds."""
    return f"""#!/bin/sh
{MARK}
if [ -z "${{PULUMI_HOME:-}}" ]; then
  PULUMI_HOME={shlex.quote(str(home))}
fi
: "${{PULUMI_SKIP_UPDATE_CHECK=true}}"
export PULUMI_HOME PULUMI_SKIP_UPDATE_CHECK
exec {shlex.quote(str(pulumi))} "$@"
"""


def is_launcher(path: Path) -> bool:
    """Tell whether `path` is a `pulumi` that set-up wrote, in this checkout or another."""
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(len(MARK) + len("#!/bin/sh\n"))
    except OSError:
        return False


def write_launcher(layout: Layout) -> None:
    """Make `pulumi` of the virtual environment start the engine of our own."""
    put(pulumi_script(layout.pulumi, layout.home).encode(), layout.launcher)


def remove_launcher(layout: Layout) -> None:
    """Let the user's own `pulumi` be found; leave alone what set-up did not write."""
    if is_launcher(layout.launcher):
        layout.launcher.unlink()


def host_script(python: Path, library: Path) -> str:
    """Return the text of `pulumi-language-python`, which the engine finds beside itself.

    `python` is the project's interpreter, `library` holds what write_host puts there.
    """
    bootstrap, executor = library / "language_host.py", library / "pulumi-language-python-exec"
    words = [str(python), "-u", str(bootstrap), "--executor", str(executor)]
    return f'#!/bin/sh\n{MARK}\nexec {shlex.join(words)} "$@"\n'


def host_bootstrap(project: Path) -> str:
    """Return the program that runs this checkout's language host, from whatever folder."""
    return f"""{MARK}
import runpy
import sys

sys.path.insert(0, {str(project)!r})
runpy.run_module("engine.language_host", run_name="__main__")
"""


def write_host(layout: Layout) -> None:
    """Make the engine's Python language host run from this checkout; paths are always renewed."""
    library, python = layout.root / "lib", layout.prefix / "bin" / "python"
    bootstrap = host_bootstrap(layout.project).encode()
    put(bootstrap, library / "language_host.py", 0o644)
    put(host_script(python, library).encode(), layout.pulumi.with_name("pulumi-language-python"))
