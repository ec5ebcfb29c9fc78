"""The `horcrux` command: what Pulumi has no verb for, over its Automation API."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from horcrux.commands import (
    apps,
    autoscale,
    environments,
    images,
    inspect,
    monitoring,
    platform,
    registry,
    releases,
)
from horcrux.context import context
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console
from horcrux.settings import SettingsError

EPILOG = (
    "Exit codes: 0 all is well · 1 failed · 2 wrong command line or settings · 3 unhealthy · "
    "4 another update is under way · 5 declined · 6 the release was rolled back · 130 interrupted"
)
app = typer.Typer(
    name="horcrux",
    help=__doc__,
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for module in (
    environments,
    inspect,
    monitoring,
    apps,
    releases,
    autoscale,
    images,
    registry,
    platform,
):
    module.register(app)


@app.callback()
def options(
    directory: Annotated[
        Path, typer.Option("-C", "--cwd", help="The project's folder, or one inside it.")
    ] = Path(),
) -> None:
    """A private container cloud as code."""
    context.directory = directory


def main() -> None:
    """Run the command; errors for the user's eyes go to stderr, without a traceback."""
    try:
        app()
    except (HorcruxError, SettingsError) as error:
        console().print(f"[bold red]error:[/] {_escaped(str(error))}")
        sys.exit(error.code if isinstance(error, HorcruxError) else Exit.USAGE)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
