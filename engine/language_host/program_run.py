"""Run: the user's program, in a process and an environment of its own."""

import json
import signal
from pathlib import Path
from typing import Any

from pulumi.runtime.proto.language_pb2 import RunRequest, RunResponse

from engine.language_host.children import Children
from engine.language_host.environment import Environment
from engine.language_host.failure import Failure

# The executor's exit status when it has already told the program's error.
ALREADY_TOLD = 32


def run_program(
    children: Children, engine: str, executor: Path, request: RunRequest, context: Any
) -> RunResponse:
    """Run the program to its end; return nothing, an error, or `bail` when the error was told."""
    environment = Environment.of(request.info).check()
    if request.attach_debugger:
        raise Failure("this language host starts no debugger: leave --attach-debugger out")
    if environment.typechecker:
        environment.output("-m", environment.typechecker, str(environment.folder))
    words = [environment.python, str(executor), *_flags(engine, request)]
    extra = {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }
    words += [request.info.entry_point, *request.args]
    code = children.start(context, words, environment.variables(extra)).wait()
    if code in (0, ALREADY_TOLD):
        return RunResponse(bail=code == ALREADY_TOLD)
    if code > 0:
        return RunResponse(error=f"program exited with non-zero exit code: {code}")
    return RunResponse(error=f"program was ended by signal {signal.Signals(-code).name}")


def _flags(engine: str, request: RunRequest) -> list[str]:
    flags = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": str(request.dryRun).lower(),
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    return [word for name, value in flags.items() if value for word in (f"--{name}", value)]
