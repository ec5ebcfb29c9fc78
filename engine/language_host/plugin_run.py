"""RunPlugin: a policy pack or a component plugin, run until the engine cancels the stream."""

import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto.language_pb2 import RunPluginRequest, RunPluginResponse

from engine.language_host.children import Children, pumped
from engine.language_host.environment import Environment
from engine.language_host.failure import Failure
from engine.language_host.relay import UNLIMITED, Relay

RELAY_THREADS = 8


def run_plugin(
    children: Children, request: RunPluginRequest, context: Any
) -> Iterator[RunPluginResponse]:
    """Run what `request` asks for; yield its output, and at the end its exit status."""
    extra = dict(line.split("=", 1) for line in request.env if "=" in line)
    if request.kind == "analyzer":
        yield from _policy_pack(children, request, context, extra)
    else:
        yield from _plugin(children, request, context, extra)


def _policy_pack(
    children: Children, request: RunPluginRequest, context: Any, extra: dict[str, str]
) -> Iterator[RunPluginResponse]:
    environment = Environment.of(request.info).check()
    relay = Relay()
    server = grpc.server(ThreadPoolExecutor(RELAY_THREADS), handlers=[relay], options=UNLIMITED)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    def over() -> None:
        relay.give_up()
        server.stop(0)

    context.add_callback(over)
    yield RunPluginResponse(stdout=b"%d\n" % port)
    relay.wait_until_asked()
    folder = str(environment.folder)
    words = [environment.python, "-u", "-m", "pulumi.policy", *request.args, folder]
    variables = environment.variables({**extra, **relay.variables()})
    child = children.start(context, words, variables, folder, piped=True)
    yield from pumped(child, RunPluginResponse, relay.take_port)
    yield RunPluginResponse(exitcode=child.wait())


def _plugin(
    children: Children, request: RunPluginRequest, context: Any, extra: dict[str, str]
) -> Iterator[RunPluginResponse]:
    environment = Environment.of(request.info, plugin=True).check()
    words = [environment.python, *_plugin_words(environment), *request.args]
    child = children.start(
        context, words, environment.variables(extra), request.pwd or None, piped=True
    )
    yield from pumped(child, RunPluginResponse)
    yield RunPluginResponse(exitcode=child.wait())


def _plugin_words(environment: Environment) -> list[str]:
    if (environment.folder / "__main__.py").exists():
        return [str(environment.folder)]
    description = environment.folder / "pyproject.toml"
    try:
        name = tomllib.loads(description.read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        told = f"{environment.folder} is no plugin: it has no __main__.py, and {description.name}"
        raise Failure(f"{told} gives no project name ({error!r})") from error
    return ["-m", "pulumi.run.plugin", str(name)]
