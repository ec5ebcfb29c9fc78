"""The verb `autoscale`: more workers when tasks find no room, fewer when they are not needed."""

import time
from typing import Annotated

import docker
import typer
from docker.errors import DockerException
from requests.exceptions import RequestException
from rich.markup import escape

from horcrux import lifecycle
from horcrux.autoscale import Bounds, Decision, Memory, decide, spare, waiting
from horcrux.cluster import control
from horcrux.context import Environment, Outputs, context
from horcrux.docker_api import connect
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console
from horcrux.stack import Stack
from horcrux.stack_edit import StackEdit

EVERY_SECONDS = 5.0  # a look is three questions to a manager


def autoscale(
    stack: Environment = None,
    once: Annotated[
        bool, typer.Option("--once", help="End after the first change, or when there is no need.")
    ] = False,
) -> None:
    """Keep as many workers as apps need, within `hosts.elastic`, until Ctrl-C."""
    outputs, out = context.outputs(stack), console()
    elastic = outputs.project.settings().hosts.elastic
    if elastic is None:
        raise HorcruxError(
            "hosts.elastic says nothing; write how many workers there may be: "
            "hosts: {elastic: {max_workers: 3}}",
            Exit.USAGE,
        )
    bounds = Bounds(elastic.min_workers, elastic.max_workers, elastic.idle)
    out.print(f"{bounds.least} to {bounds.most} workers; Ctrl-C ends it, and nothing else")
    memory, told = Memory(), ""
    while True:
        workers = outputs.project.settings().hosts.workers
        try:
            decision = look(outputs, workers, bounds, memory)
        except (DockerException, RequestException, control.ControlError) as error:
            out.print(f"[yellow]![/] the cluster does not answer ({escape(str(error))}); trying on")
            time.sleep(EVERY_SECONDS)
            continue
        memory = decision.memory
        if decision.reason != told:
            told = decision.reason
            mark = "[red]✗[/]" if decision.limited else "[dim]·[/]"
            out.print(f"{mark} {workers} workers: {told}")
        if decision.workers != workers:
            change(outputs, decision)
        if once and (decision.workers != workers or decision.memory == Memory()):
            return
        time.sleep(EVERY_SECONDS)


def look(outputs: Outputs, workers: int, bounds: Bounds, memory: Memory) -> Decision:
    """What the cluster wants now."""
    client = connect(outputs.access)
    services, nodes, tasks = client.services(), client.nodes(), client.tasks()
    last = f"worker-{workers}"
    short = [*waiting(services, tasks), *_short(client)]
    idle = workers > 0 and spare(last, services, nodes, tasks)
    return decide(workers, bounds, short, idle, memory, time.time())


def _short(client: docker.APIClient) -> list[str]:
    """Elastic apps that control would give more tasks if hosts had room."""
    apps = control.ask(client, "GET", "/v1/overview")["apps"]
    return [app["name"] for app in apps if (app.get("elastic") or {}).get("short")]


def change(outputs: Outputs, decision: Decision) -> None:
    """Bring the number of workers about; the stack file says it from then on."""
    project, out = outputs.project, console()
    edit = StackEdit(project.folder, project.environment)
    edit.set(["hosts", "workers"], decision.workers)
    stack = Stack(project)
    try:
        seconds = lifecycle.update(stack, out, lifecycle.plan(stack, out))
    except HorcruxError as error:
        if error.code == Exit.LOCKED:  # somebody else updates: the next look decides anew
            edit.undo()
            out.print(f"[yellow]![/] {escape(str(error))}")
            return
        raise
    out.print(f"[green]✓[/] {decision.workers} workers, after {seconds:.0f} s")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(autoscale)
