"""Verbs about the environment's registry: credentials, catalog, gc; see also registry_replica.py."""

from typing import Annotated, Any

import typer
from rich.table import Table

from horcrux.commands import registry_replica
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.images import catalog as catalogs
from horcrux.images import prune, replica
from horcrux.images.listing import short
from horcrux.progress import console, output
from horcrux.report import units
from horcrux.report.units import plain

Account = Annotated[
    str | None,
    typer.Option(
        "--account", help="One of horcrux:registry.accounts. Default: the platform's own."
    ),
]


def credentials(
    stack: Environment = None, account: Account = None, as_json: AsJson = False
) -> None:
    """How to push to the environment's registry, and pull from it: url, username, password, ca."""
    registry = context.outputs(stack).values["registry"]
    found = {**registry, **_account(registry, account)} if account else registry
    found = {key: found[key] for key in ("url", "username", "password", "ca")}
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        print(f"{key}: {value}")


def _account(registry: dict[str, Any], name: str) -> dict[str, str]:
    accounts: dict[str, dict[str, str]] = registry.get("accounts") or {}
    if name in accounts:
        return accounts[name]
    if name == registry["username"]:
        return {}
    there = ", ".join(sorted({registry["username"], *accounts}))
    raise HorcruxError(
        f"the registry has no account {name!r}; there are: {there}. To add one: "
        f"horcrux:registry.accounts.{name}, then horcrux up",
        Exit.USAGE,
    )


def catalog(stack: Environment = None, as_json: AsJson = False) -> None:
    """What the registry has: repositories, tags, digests, sizes, and since when."""
    registry = context.outputs(stack).values["registry"]
    rows = catalogs.rows(catalogs.ask(registry))
    if as_json:
        print_json(rows)
        return
    if rows:
        _show(rows)
    else:
        output().print("the registry is empty")
    if told := replica.ask(registry):
        output().print(registry_replica.line(told), markup=False)


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table("repository", "tag", "digest", "size", "pushed", box=None, header_style="dim")
    for row in rows:
        pushed = units.moment(row["pushed"]) if row["pushed"] else units.NOTHING
        table.add_row(
            plain(row["repository"]),
            plain(row["tag"] or units.NOTHING),
            short(row["digest"]),
            units.size(row["size"]),
            pushed,
        )
    output().print(table)


def gc(stack: Environment = None) -> None:
    """Free the room of layers that no image in the registry needs; pulls go on meanwhile."""
    told = prune.collect(context.outputs(stack).values["registry"])
    console().print(f"[green]✓[/] the registry: {freed(told)}")


def freed(told: dict[str, Any]) -> str:
    """What a collection brought, in words."""
    room = told.get("freed")
    return f"freed {units.size(room)}" if room else "nothing to free"


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="The environment's registry.", no_args_is_help=True)
    replicas = (registry_replica.replicate, registry_replica.restore, registry_replica.status)
    for verb in (credentials, catalog, gc, *replicas):
        group.command()(verb)
    app.add_typer(group, name="registry")
