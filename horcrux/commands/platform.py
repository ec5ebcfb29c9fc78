"""Verbs about the platform itself: config, docs, import, doctor."""

import os
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.markdown import Markdown

from horcrux import doctor as doctors
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console, output


def config_schema() -> None:
    """The JSON Schema of stack files, for editors."""
    from horcrux.settings import reference

    print_json(reference.schema())


def docs(
    section: Annotated[str | None, typer.Argument(help="apps, apps.health, hosts …")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole reference, as Markdown.")
    ] = False,
) -> None:
    """What every setting means, from the same models that check them."""
    from horcrux.settings import reference

    try:
        text = reference.markdown(None if everything else section)
    except LookupError as error:
        raise HorcruxError(str(error), Exit.USAGE) from None
    if everything or not console().is_terminal:
        print(text)
    else:
        console().print(Markdown(text))


def import_compose(file: Path) -> None:
    """Turn a Compose file into the `apps:` section of a stack file; say what could not come along.

    Variables come from the environment and from the `.env` beside the file, as Compose has it.
    """
    from horcrux.compose_import import ComposeError, convert

    project = context.project("-").folder
    folder = os.path.relpath(file.resolve().parent, project)
    try:
        imported = convert(file.read_text(), folder, {**_dotenv(file.parent), **os.environ})
    except (OSError, ComposeError) as error:
        raise HorcruxError(f"{file}: {error}", Exit.USAGE) from None
    print(yaml.safe_dump({"horcrux:apps": imported.apps}, sort_keys=False), end="")
    for note in imported.notes:
        console().print(f"! {note}", markup=False)


def _dotenv(folder: Path) -> dict[str, str]:
    path = folder / ".env"
    lines = path.read_text().splitlines() if path.is_file() else []
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def doctor(stack: Environment = None, as_json: AsJson = False) -> None:
    """Check the machine and the environment; say what to do for each thing that is wrong."""
    checks = doctors.examine(context.project(stack))
    if as_json:
        print_json([check._asdict() for check in checks])
    else:
        for check in checks:
            mark = "[green]✓[/]" if check.well else "[red]✗[/]"
            output().print(f"{mark} {check.what}: {check.found}")
            if not check.well:
                output().print(f"    [dim]what to do:[/] {check.remedy}")
    if not all(check.well for check in checks):
        raise typer.Exit(Exit.UNHEALTHY)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(docs)
    app.command()(doctor)
    config = typer.Typer(help="Settings.", no_args_is_help=True)
    config.callback()(lambda: None)
    config.command("schema")(config_schema)
    imports = typer.Typer(help="Bring apps from elsewhere.", no_args_is_help=True)
    imports.callback()(lambda: None)
    imports.command("compose")(import_compose)
    for group, name in ((config, "config"), (imports, "import")):
        app.add_typer(group, name=name)
