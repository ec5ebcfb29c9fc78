"""Verbs about what is in images, and what is known against it: sbom, vulnerabilities, advisories."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from horcrux.commands.images_vulnerabilities_table import plain_data, show
from horcrux.contents import inspection
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.images import located, wanted
from horcrux.progress import console, output
from horcrux.report import units
from horcrux.report.units import plain


def sbom(
    image: Annotated[str, typer.Argument(metavar="IMAGE|APP", help="An image, or an app's.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A file. Default: standard output.")
    ] = None,
    stack: Environment = None,
) -> None:
    """What is in an image: a bill of materials as CycloneDX JSON."""
    outputs = context.outputs(stack)
    its = wanted.wanted(outputs.values, [image])[0]
    text, contents = inspection.bill(
        located.located(outputs.values, its.pulled), outputs.project.folder
    )
    if output is None:
        print(text)
    else:
        try:
            output.write_text(text + "\n")
        except OSError as error:
            raise HorcruxError(f"{output} cannot be written: {error.strerror}") from None
        count = units.many(len(contents.packages), "package")
        console().print(f"[green]✓[/] {output}: {count}", highlight=False)
    for line in contents.unread:
        console().print(f"! not read: {plain(line)}", markup=False)


def vulnerabilities(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Images or apps. Default: all apps.", metavar="IMAGE|APP"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Those of severity low, too, of which Debian has many.")
    ] = False,
    stack: Environment = None,
    as_json: AsJson = False,
) -> None:
    """Known vulnerabilities of what is in images, the worst first; ends with 3 when one is refused."""
    outputs = context.outputs(stack)
    policy = outputs.project.settings().images.vulnerabilities
    folder = outputs.project.folder
    images = wanted.wanted(outputs.values, names or [])
    known = inspection.known(folder, policy.data)
    reports, failed, refused = [], 0, 0
    for its in images:
        try:
            where = located.located(outputs.values, its.pulled)
            report = inspection.report(where, policy, folder, date.today(), known)
        except HorcruxError as error:
            console().print(f"✗ {plain(its.name)}: {plain(error)}", markup=False, style="red")
            failed += 1
            continue
        against = report.refused(policy.refuse)
        refused += bool(against)
        reports.append(plain_data(its.name, report, against))
        if not as_json:
            show(its.name, report, against, every=every)
    if as_json:
        print_json({"refuse": policy.refuse, "images": reports})
    if failed:
        raise HorcruxError(f"{units.many(failed, 'image')} could not be looked at, as told above")
    if refused:
        raise typer.Exit(Exit.UNHEALTHY)


def advisories(
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Get them now, however fresh they are.")
    ] = False,
    stack: Environment = None,
    as_json: AsJson = False,
) -> None:
    """Debian's advisories as they are kept here: from where, of when, how many."""
    project = context.project(stack)
    data = project.settings().images.vulnerabilities.data
    kept, missed = inspection.known(project.folder, data, anew=fetch)
    if as_json:
        print_json(
            {"data": kept.data, "at": kept.at, "count": kept.count, "releases": kept.releases}
            | {"missed": missed}
        )
        return
    releases = ", ".join(kept.releases)
    output().print(
        f"{units.count(kept.count)} advisories of {units.moment(kept.at)}, from {plain(kept.data)}\n"
        f"for {plain(releases)}",
        markup=False,
        highlight=False,
    )
    if missed:
        console().print(f"! they could not be renewed: {plain(missed)}", markup=False)


def register(group: typer.Typer) -> None:
    """Add the verbs to those about images."""
    for verb in (sbom, vulnerabilities, advisories):
        group.command()(verb)
