"""A change of an app's settings in the stack file, brought about, and taken back when it does not work.

A release that is rolled back leaves Pulumi's state half on the way to it. So the stack file is put back
first, and a second update then brings state and cluster in line with what serves.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

from rich.console import Console

from horcrux import lifecycle
from horcrux.cluster import services
from horcrux.cluster.walk import Walk
from horcrux.context import Outputs
from horcrux.docker_api import connect
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console
from horcrux.project import Project
from horcrux.rollouts import history, words
from horcrux.rollouts.look import FAILURES, last_walk, take
from horcrux.rollouts.watch import Watch
from horcrux.settings import App, SettingsError
from horcrux.stack import Stack
from horcrux.stack_edit import StackEdit

Setting = tuple[list[str], Any]  # a path below the app, and its value; None takes it away


@dataclass(frozen=True)
class Change:
    """What is to be set: for good, and for this one update only."""

    lasting: Sequence[Setting] = ()
    once: Sequence[Setting] = ()
    watch: bool = True


def carry_out(outputs: Outputs, app: str, change: Change) -> None:
    """Set it, and bring it about. Raises HorcruxError, the stack file being as it was before."""
    project, before = outputs.project, last_walk(outputs, app)
    seen = before.plan["id"] if before and before.over else None
    watch = _watch(outputs, app, seen, shown=change.watch)
    edit = StackEdit(project.folder, project.environment)
    for path, value in change.lasting:
        edit.set(["apps", app, *path], value)
    try:
        with _for_now(project, app, change.once):
            asked = project.settings().apps[app]
            _update(outputs, app, watch)
    except (HorcruxError, SettingsError) as error:
        if isinstance(error, HorcruxError) and error.code == Exit.INTERRUPTED:
            raise
        tried = last_walk(outputs, app)
        if tried and tried.plan["id"] == seen:
            tried = None
        if tried and (not tried.over or tried.outcome == "promoted"):
            raise  # it may go on, or has taken over: the file is right, and something else failed
        edit.undo()
        console().print(f"stacks/Pulumi.{project.environment}.yaml is put back as it was")
        if not watch.failed:
            raise
        _hold_image(outputs, app, asked, tried)
        raise _settled(outputs, app, tried, error) from error


def carry_on(outputs: Outputs, app: str, *, watch: bool) -> bool:
    """Bring an interrupted release to its end; False when there is none. Raises HorcruxError."""
    found = last_walk(outputs, app)
    known = found is None or recorded(outputs, app, found)
    if known and not declared_otherwise(outputs, app):
        return False
    if known or found is None or not found.over or found.outcome == "promoted":
        try:
            _update(outputs, app, _watch(outputs, app, None, shown=watch))
        except HorcruxError as error:
            if error.code != Exit.FAILED:
                raise
            ended = last_walk(outputs, app)
            if ended is None or not ended.over or ended.outcome == "promoted":
                raise
            if recorded(outputs, app, ended):
                raise
            found = ended
        else:
            return True
    _declare_current(outputs, app)
    raise _settled(outputs, app, found, HorcruxError(words.ending(found)))


def recorded(outputs: Outputs, app: str, walk: Walk) -> bool:
    """Whether the state knows how the walk ended: the update that began it came to its own end."""
    entries = outputs.values["releases"][app]["history"]
    return any(entry["number"] == walk.plan["number"] for entry in entries)


def declared_otherwise(outputs: Outputs, app: str) -> bool:
    """Whether the stack file says something else of the app than what was brought about last."""
    now = app_of(outputs.project, app).model_dump(mode="json", exclude_defaults=True)
    then = outputs.values["releases"][app]["history"][0]["settings"]
    return {**now, "strategy": None} != {**then, "strategy": None}


def app_of(project: Project, app: str) -> App:
    """What the stack file says of an app. Raises HorcruxError."""
    found = project.settings().apps.get(app)
    if found is None:
        raise HorcruxError(
            f"stacks/Pulumi.{project.environment}.yaml has no app {app!r} any more: horcrux up takes it "
            "away, or write it again",
            Exit.USAGE,
        )
    return found


def _update(outputs: Outputs, app: str, watch: Watch) -> None:
    out, stack = console(), Stack(outputs.project)
    plan = lifecycle.plan(stack, out)
    if not plan:
        out.print(f"[green]✓[/] {app} is like that already: no changes")
        return
    with watch:
        seconds = lifecycle.update(stack, out, plan, watch)
    number = stack.outputs()["releases"][app]["number"]
    out.print(f"[green]✓[/] {app} runs release r{number}, after {seconds:.0f} s")


def _watch(outputs: Outputs, app: str, seen: str | None, *, shown: bool) -> Watch:
    client = connect(outputs.access)
    return Watch(console(), app, (lambda: take(client, app)) if shown else None, seen)


@contextmanager
def _for_now(project: Project, app: str, settings: Sequence[Setting]) -> Iterator[None]:
    """The stack file with these settings as well, until the end of the block, however it ends."""
    edit = StackEdit(project.folder, project.environment)
    try:
        for path, value in settings:
            edit.set(["apps", app, *path], value)
        yield
    finally:
        if settings:
            edit.undo()


def _hold_image(outputs: Outputs, app: str, asked: App, tried: Walk | None) -> None:
    """Pin the image that serves where the file as it was would only bring the failed one again.

    That is so when the image was built, or its tag moved, since the last release.
    """
    project, entry = outputs.project, outputs.release(app)
    image = tried.plan.get("image") if tried else _changed_image(outputs, entry["service"])
    now = app_of(project, app).image
    if image in (None, entry["image"]) or now != asked.image or (now and "@" in now):
        return
    edit = StackEdit(project.folder, project.environment)
    edit.set(["apps", app, "image"], entry["image"])
    console().print(
        f"apps.{app}.image is pinned to what serves; to build it anew: horcrux deploy {app} --build"
    )


def _changed_image(outputs: Outputs, service: str) -> str | None:
    """The image that a service which is changed in place had before Swarm changed it back."""
    try:
        found = services.find(connect(outputs.access), service)
    except FAILURES:
        return None
    before = (found or {}).get("PreviousSpec")
    return str(before["TaskTemplate"]["ContainerSpec"]["Image"]) if before else None


def _declare_current(outputs: Outputs, app: str) -> None:
    """Let the stack file say what serves."""
    project = outputs.project
    now, edit = app_of(project, app), StackEdit(project.folder, project.environment)
    wanted = history.as_settings(outputs.release(app), now)
    if wanted != now.model_dump(mode="json", exclude_defaults=True):
        edit.set(["apps", app], wanted)
        name = f"stacks/Pulumi.{project.environment}.yaml"
        console().print(f"apps.{app} in {name} is what serves again")


def _settled(outputs: Outputs, app: str, tried: Walk | None, error: Exception) -> HorcruxError:
    """Bring state and cluster in line with the stack file; then, what the user is to be told."""
    out, left = console(), ""
    out.print(f"{app}: state and cluster are brought in line with what serves …")
    try:
        lifecycle.update(Stack(outputs.project), Console(file=StringIO()), {})
    except HorcruxError as second:
        first = str(second).partition("\n")[0]
        left = f"\nThat is not done yet ({first}): horcrux release resume {app}"
    if tried is None or tried.outcome != "rolled-back":
        return HorcruxError(f"{error}{left}")
    serves = f"{words.old_number(tried)} serves; the stack file says so."
    return HorcruxError(f"{app}: {words.ending(tried)}\n{serves}{left}", Exit.ROLLED_BACK)
