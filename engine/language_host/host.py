"""The service that the engine calls: pulumirpc.LanguageRuntime."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]
from pulumi._version import version
from pulumi.runtime.proto import language_pb2 as proto
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer

from engine.language_host import packages
from engine.language_host.children import Children, pumped
from engine.language_host.environment import Environment
from engine.language_host.failure import Failure, explained
from engine.language_host.plugin_run import run_plugin
from engine.language_host.program_run import run_program

ASK_PYTHON = "import platform, sys; print(platform.python_version(), sys.executable)"


class Host(LanguageRuntimeServicer):
    """One host: `engine` is the engine's address, `executor` the SDK's script that runs programs.

    The methods carry the names of the protocol.
    """

    def __init__(self, engine: str, executor: Path) -> None:
        self.engine = engine
        self.executor = executor
        self.children = Children()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Take the engine's address, where it attaches to a host that already runs."""
        self.engine = request.engine_address
        return proto.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Tell the version, which is that of the SDK."""
        return plugin_pb2.PluginInfo(version=str(version))

    @explained
    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return the plugins of the program; make its virtual environment where it is missing."""
        environment = Environment.of(request.info)
        if environment.venv and not environment.venv.exists():
            for _ in self._install(context, environment, dict):
                pass
        found = list(packages.plugins(packages.packages(environment.check())))
        return json_format.ParseDict({"packages": found}, proto.GetRequiredPackagesResponse())

    @explained
    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Return the plugins of the program, in the older form."""
        found = packages.plugins(packages.packages(Environment.of(request.info).check()))
        return proto.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(
                    name=plugin["name"],
                    kind=plugin["kind"],
                    version=plugin["version"],
                    server=plugin["server"],
                )
                for plugin in found
            ]
        )

    @explained
    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Return the packages of the program's environment, for `pulumi about`."""
        found = packages.packages(Environment.of(request.info).check())
        return proto.GetProgramDependenciesResponse(
            dependencies=[
                proto.DependencyInfo(name=package["name"], version=package["version"])
                for package in found
                if package["direct"] or request.transitiveDependencies
            ]
        )

    @explained
    def About(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Return the interpreter of the program and its version."""
        environment = Environment.of(request.info)
        version, path = environment.output("-c", ASK_PYTHON).strip().split(" ", 1)
        about = {"toolchain": environment.toolchain}
        return proto.AboutResponse(executable=path, version=version, metadata=about)

    @explained
    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Install what the program needs; yield the output of doing so."""
        message = proto.InstallDependenciesResponse
        environment = Environment.of(request.info, request.is_plugin)
        yield message(stdout=b"Installing dependencies...\n\n")
        yield from self._install(context, environment, message, request.is_plugin)
        yield message(stdout=b"Finished installing dependencies\n\n")

    @explained
    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the program."""
        return run_program(self.children, self.engine, self.executor, request, context)

    @explained
    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Run a policy pack or a component plugin."""
        yield from run_plugin(self.children, request, context)

    @explained
    def GenerateProgram(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Refuse: this host generates no code."""
        told = "this Python language host generates no code"
        raise Failure(f"{told} (for `pulumi import`: --generate-code=false)")

    GenerateProject = GenerateProgram
    GeneratePackage = GenerateProgram

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """End whatever runs: the engine was told to stop."""
        self.children.end()
        return empty_pb2.Empty()

    def _install(
        self,
        context: Any,
        environment: Environment,
        message: Callable[..., Any],
        plugin: bool = False,
    ) -> Iterator[Any]:
        for words in environment.install_commands(plugin):
            variables = environment.variables()
            child = self.children.start(context, words, variables, environment.folder, piped=True)
            yield from pumped(child, message)
            if child.wait():
                raise Failure(f"{' '.join(words)} exited with {child.returncode}")
