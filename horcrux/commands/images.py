"""Verbs about images on their way to the hosts: list, resolve, prefetch, prune, stats; their whole group."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from horcrux.commands import images_signing, images_vulnerabilities
from horcrux.commands.images_prefetch import Pulls
from horcrux.commands.images_prune import show_hosts, show_registry
from horcrux.commands.registry import freed
from horcrux.context import AsJson, Environment, Outputs, context, print_json
from horcrux.docker_api import Access
from horcrux.exits import Exit, HorcruxError
from horcrux.images import hosts, listing, prefetch, prune, resolve, stats, wanted
from horcrux.progress import console, output
from horcrux.report import units
from horcrux.report.units import plain

Keep = Annotated[
    int | None,
    typer.Option(
        min=1, help="The newest so many of each app stay. Default: horcrux:registry.keep."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")]


def list_(stack: Environment = None, as_json: AsJson = False) -> None:
    """The apps' images: as written, as pulled, by digest, and on which hosts they lie."""
    outputs = context.outputs(stack)
    images = wanted.of_apps(outputs.values)
    there, away = hosts.every(outputs.access)
    found, failed = hosts.each(outputs.access, there, lambda engine: engine.images())
    rows = listing.rows(images, found)
    if as_json:
        print_json({"images": rows, "unknown": {**away, **failed}})
        return
    table = Table(
        "app", "image", "pulled as", "digest", "size", "hosts", box=None, header_style="dim"
    )
    for row in rows:
        table.add_row(
            row["app"],
            plain(row["written"]),
            plain(row["pulled"].partition("@")[0]),
            listing.short(row["digest"]),
            units.size(row["size"]),
            _where(row["hosts"], len(found)),
        )
    output().print(table)
    _tell_silent({**away, **failed}, "what lies there is not known")


def resolve_(
    image: Annotated[str, typer.Argument(help="As settings name it: quay.io/acme/shop:1.4")],
    stack: Environment = None,
    as_json: AsJson = False,
) -> None:
    """What an image is now: by digest, as people write it and as hosts pull it."""
    answer = resolve.find(context.outputs(stack).values, image)
    if as_json:
        print_json(
            {"written": answer.written, "pulled": answer.pulled, "digest": answer.digest}
            | {"stale": answer.stale}
        )
    else:
        print(f"written: {answer.written}\npulled: {answer.pulled}")
    _tell_stale(image, answer.stale)


def prefetch_(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Images or apps. Default: all apps.", metavar="IMAGE|APP"),
    ] = None,
    stack: Environment = None,
) -> None:
    """Pull images on all hosts at once, so that no task waits for them later."""
    outputs = context.outputs(stack)
    images = wanted.wanted(outputs.values, names or [])
    there = hosts.taking_tasks(outputs.access)
    if not there:
        raise HorcruxError("no host takes tasks, so none needs an image; see: horcrux status")
    failed = 0
    for image in images:
        _tell_stale(image.name, image.stale)
        account = wanted.account(outputs.values, image.pulled)
        with Pulls(console(), image.name, there) as pulls:
            told = prefetch.pull_on_hosts(outputs.access, there, image.pulled, account, pulls.note)
        failed += sum(reason is not None for reason in told.values())
    if failed:
        raise HorcruxError(
            f"{units.many(failed, 'pull')} failed, as told above; the others are done. The same command "
            "tries again"
        )


def prune_(stack: Environment = None, keep: Keep = None, dry_run: DryRun = False) -> None:
    """Remove images that nothing needs, from the registry and from the hosts.

    What services run, what is parked, and what releases are remembered with always stays.
    """
    outputs = context.outputs(stack)
    newest = keep or outputs.project.settings().registry.keep
    references = prune.named(outputs.access, outputs.values)
    registry = outputs.values["registry"]
    used = prune.used_in_registry(registry, references)
    told = prune.in_registry(registry, newest, used, dry_run=dry_run)
    show_registry(told, dry_run=dry_run)
    if not dry_run:
        console().print(f"[green]✓[/] the registry: {freed(prune.collect(registry))}")
    _prune_hosts(outputs.access, references, dry_run=dry_run)


def _prune_hosts(access: Access, references: set[str], *, dry_run: bool) -> None:
    there, away = hosts.every(access)
    gone, failed = prune.on_hosts(access, there, references, dry_run=dry_run)
    show_hosts(gone, dry_run=dry_run)
    _tell_silent({**away, **failed}, "nothing was removed there")
    if failed:
        raise HorcruxError(
            f"{units.many(len(failed), 'host')} could not be cleared; see: horcrux status"
        )


def stats_(stack: Environment = None, as_json: AsJson = False) -> None:
    """What the cache did and spared, for each registry; and the disk that it takes."""
    told = stats.ask(_cache(context.outputs(stack)))
    if as_json:
        print_json(told)
        return
    table = Table(
        "registry", "requests", "hits", "served", "fetched", "saved", "time saved", "errors", "",
        box=None, header_style="dim",
    )  # fmt: skip
    asked, others = stats.asked(stats.rows(told))
    for row in asked:
        table.add_row(
            plain(row["upstream"]),
            units.count(row["requests"]),
            units.percent(row["hit_ratio"]),
            units.size(row["served_bytes"]),
            units.size(row["fetched_bytes"]),
            units.size(row["saved_bytes"]),
            units.lasting(row["saved_seconds"]),
            Text(units.count(row["errors"]), "red" if row["errors"] else ""),
            _up(row["up"]),
        )
    if asked:
        output().print(table)
    if others:
        output().print(f"not asked yet: {', '.join(others)}", markup=False)
    for disk in stats.disks(told):
        space = f"{units.size(disk['stored'])} of {units.size(disk['limit'])}"
        output().print(f"{plain(disk['host'])}: {space}", markup=False)


def _cache(outputs: Outputs) -> dict[str, Any]:
    cache: dict[str, Any] | None = outputs.values.get("cache")
    if not cache:
        raise HorcruxError(
            f"{outputs.project.environment} has no image cache; to have one: "
            "horcrux:images.cache.enabled, then horcrux up",
            Exit.USAGE,
        )
    return cache


def _where(names: list[str], asked: int) -> str:
    if asked and len(names) == asked:
        return "all" if asked > 1 else names[0]
    return ", ".join(names) or "none"


def _up(value: Any) -> Text:
    if value is None:  # what it was asked for was there
        return Text("")
    return Text("up", "green") if value else Text("does not answer", "red")


def _tell_stale(image: str, stale: str | None) -> None:
    if stale:
        console().print(f"! {plain(image)}: {plain(stale)}", markup=False)


def _tell_silent(silent: dict[str, str], so: str) -> None:
    for host, reason in sorted(silent.items()):
        console().print(f"! {host} does not answer ({plain(reason)}): {so}", markup=False)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Images on their way to the hosts.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("resolve")(resolve_)
    group.command("prefetch")(prefetch_)
    group.command("prune")(prune_)
    group.command("stats")(stats_)
    images_signing.register(group)
    images_vulnerabilities.register(group)
    app.add_typer(group, name="images")
