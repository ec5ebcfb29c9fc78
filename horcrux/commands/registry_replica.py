"""Verbs about the registry's replica: replicate, restore, status."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer

from horcrux.context import AsJson, Environment, Outputs, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.images import prune
from horcrux.images import replica as replicas
from horcrux.progress import console, output
from horcrux.report import units
from horcrux.report.units import many, plain

Apps = Annotated[
    bool, typer.Option("--apps", help="Only what the apps and their releases name, not everything.")
]


def replicate(stack: Environment = None) -> None:
    """Bring what the registry has to its replica now, and wait until that is level."""
    began, first, last = time.monotonic(), None, dict[str, Any]()
    with console().status("comparing") as status:
        for last in replicas.replicate(context.outputs(stack).values["registry"]):
            first = first or last
            status.update(f"{many(last['pending'], 'tag')} to bring, {_came(first, last)}")
    _lines(last)
    if last.get("failure"):
        again = last.get("again_seconds") or 0
        raise HorcruxError(
            f"the replica is not level: {plain(last['failure'])}; the registry tries again by itself, "
            f"in {again:.0f} s"
        )
    _check(last)
    came, took = _came(first or last, last), time.monotonic() - began
    console().print(f"[green]✓[/] {plain(last['replica'])} is level: {came}, after {took:.0f} s")


def restore(stack: Environment = None, apps: Apps = False) -> None:
    """Bring back from the replica what the registry does not have; it may be interrupted and repeated."""
    outputs = context.outputs(stack)
    registry = outputs.values["registry"]
    wanted = replicas.of_registry(registry, _named(outputs)) if apps else None
    began, last = time.monotonic(), dict[str, Any]()
    with console().status("asking the replica") as status:
        for last in replicas.restore(registry, wanted):
            size = units.size(last["copied"]["bytes"])
            status.update(f"{last['done']} of {many(last['images'], 'image')}, {size}")
    for name in last["kept"]:
        console().print(f"! {plain(name)} is something else here, and stays", markup=False)
    for name in last["absent"]:
        console().print(f"✗ {plain(name)} is not in the replica", markup=False)
    for problem in last["problems"]:
        console().print(f"✗ {plain(problem)}", markup=False)
    if last.get("failure"):
        done = f"{last['done']} of {many(last['images'], 'image')} are here"
        carries_on = f"; {done}, and the same command carries on" if last["images"] else ""
        raise HorcruxError(f"{plain(last['failure'])}{carries_on}")
    if bad := len(last["absent"]) + len(last["problems"]):
        raise HorcruxError(
            f"{many(bad, 'image')} did not come back, as told above; the others are here, and the same "
            "command tries these again"
        )
    copied = last["copied"]
    console().print(
        f"[green]✓[/] the registry has {many(last['images'], 'image')} of the replica: "
        f"{last['present']} already here, {many(copied['manifests'], 'manifest')} and "
        f"{units.size(copied['bytes'])} came, after {time.monotonic() - began:.0f} s"
    )


def status(stack: Environment = None, as_json: AsJson = False) -> None:
    """How far the registry's replica is: what it lacks, since when, and why."""
    told = replicas.ask(context.outputs(stack).values["registry"])
    if as_json:
        print_json(told or {"enabled": False})
    elif told is None:
        output().print("the registry has no replica")
    else:
        show(told)
    if told:
        _check(told)


def show(told: Mapping[str, Any]) -> None:
    """The replica in some lines."""
    output().print(line(told), markup=False)
    _lines(told)
    if told.get("failure"):
        again = told.get("again_seconds") or 0
        console().print(f"✗ {plain(told['failure'])}; next try in {again:.0f} s", markup=False)


def line(told: Mapping[str, Any]) -> str:
    """The replica in one line. Pure."""
    name = plain(told["replica"])
    if told["level"]:
        return f"replica {name}: level"
    since = f" since {units.moment(told['since'])}" if told.get("since") else ""
    if told["pending"] and told.get("compared"):
        return f"replica {name}: lacks {many(told['pending'], 'tag')}{since}"
    return f"replica {name}: {f'not known{since}' if told.get('failure') else 'comparing'}"


def _named(outputs: Outputs) -> Iterator[str]:
    """The images of the apps as the settings have them, and of all releases that are remembered."""
    yield from prune.of_stack(outputs.values)
    yield from (app.image for app in outputs.project.settings().apps.values() if app.image)


def _came(first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    manifests, size = (last["copied"][key] - first["copied"][key] for key in ("manifests", "bytes"))
    return f"{many(manifests, 'manifest')} and {units.size(size)} copied"


def _lines(told: Mapping[str, Any]) -> None:
    found: Iterable[Mapping[str, Any]] = [*told["problems"], *told["conflicts"]]
    for each in found:
        console().print(f"✗ {plain(each['image'])}: {plain(each['reason'])}", markup=False)


def _check(told: Mapping[str, Any]) -> None:
    """Raises HorcruxError for what does not mend itself."""
    if told["problems"]:
        count = many(len(told["problems"]), "image")
        raise HorcruxError(
            f"{count} cannot be brought to the replica, as told above; push what is damaged again, or "
            "have it back with `horcrux registry restore` where the replica has it from before",
            Exit.UNHEALTHY,
        )
    if told["conflicts"]:
        count = many(len(told["conflicts"]), "tag")
        raise HorcruxError(
            f"{count} of the replica would have to change, and must not; what is here lies there by its "
            "digest. When what is here is right: delete the tag there",
            Exit.UNHEALTHY,
        )
