"""The language host over real gRPC, with the test in the engine's place."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2, language_pb2_grpc
from pulumi.runtime.proto import language_pb2 as proto

from engine.language_host.host import Host
from engine.language_host.relay import Relay

# Everything here is on this machine and answers at once: this is a hang.
CALL_SECONDS = 20
EXECUTOR = """
import os, sys
print("flags", " ".join(sys.argv[1:]))
print("config", os.environ["PULUMI_CONFIG"], os.environ["PULUMI_CONFIG_SECRET_KEYS"], flush=True)
if "hang" in sys.argv:
    open(sys.argv[-1], "w").close()
    import time; time.sleep(600)
sys.exit(int(os.environ.get("END_WITH", "0")))
"""


@pytest.fixture
def executor(tmp_path: Path) -> Path:
    path = tmp_path / "executor.py"
    path.write_text(EXECUTOR)
    return path


@pytest.fixture
def host(executor: Path) -> Iterator[Any]:
    """A host that serves, as the engine sees it."""
    served = Host("127.0.0.1:1", executor)
    server = grpc.server(ThreadPoolExecutor(8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(served, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    served.children.end()
    server.stop(0).wait()


@pytest.fixture
def info(tmp_path: Path) -> proto.ProgramInfo:
    (tmp_path / "venv").symlink_to(sys.prefix)
    found = proto.ProgramInfo(
        root_directory=str(tmp_path), program_directory=str(tmp_path), entry_point="."
    )
    found.options.update({"virtualenv": "venv"})
    return found


def test_a_program_that_ends_well_is_no_error(
    host: Any, info: proto.ProgramInfo, capfd: pytest.CaptureFixture[str]
) -> None:
    request = proto.RunRequest(
        info=info,
        project="p",
        stack="s",
        config={"p:a": "1"},
        configSecretKeys=["p:b"],
        dryRun=True,
    )
    done = host.Run(request, timeout=CALL_SECONDS)
    assert not done.error
    assert not done.bail
    out = capfd.readouterr().out
    assert "--engine 127.0.0.1:1 --project p" in out
    assert "--stack s --dry_run true" in out
    assert 'config {"p:a": "1"} ["p:b"]' in out


def test_an_exit_status_is_an_error(
    host: Any, info: proto.ProgramInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("END_WITH", "3")
    done = host.Run(proto.RunRequest(info=info), timeout=CALL_SECONDS)
    assert "non-zero exit code: 3" in done.error


def test_an_error_that_the_program_has_told_already_is_not_told_again(
    host: Any, info: proto.ProgramInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("END_WITH", "32")
    done = host.Run(proto.RunRequest(info=info), timeout=CALL_SECONDS)
    assert not done.error
    assert done.bail


def test_cancel_ends_the_program_that_runs(
    host: Any, info: proto.ProgramInfo, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    running = host.Run.future(proto.RunRequest(info=info, args=["hang", str(started)]))
    tick = threading.Event()
    for _ in range(CALL_SECONDS * 20):
        if started.exists():
            break
        tick.wait(0.05)
    assert started.exists()
    host.Cancel(empty_pb2.Empty(), timeout=CALL_SECONDS)
    assert "ended by signal SIGTERM" in running.result(CALL_SECONDS).error


def test_a_failure_reaches_the_engine_as_its_own_words(host: Any, info: proto.ProgramInfo) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        host.GenerateProgram(proto.GenerateProgramRequest(), timeout=CALL_SECONDS)
    assert "generates no code" in refused.value.details()
    with pytest.raises(grpc.RpcError) as refused:
        host.Run(proto.RunRequest(info=info, attach_debugger=True), timeout=CALL_SECONDS)
    assert "starts no debugger" in refused.value.details()


def test_the_host_tells_the_version_of_its_sdk(host: Any) -> None:
    assert host.GetPluginInfo(empty_pb2.Empty(), timeout=CALL_SECONDS).version == "3.259.0"


def test_an_engine_that_attaches_gives_programs_its_own_address(
    host: Any, info: proto.ProgramInfo, capfd: pytest.CaptureFixture[str]
) -> None:
    request = proto.LanguageHandshakeRequest(engine_address="127.0.0.1:2")
    host.Handshake(request, timeout=CALL_SECONDS)
    host.Run(proto.RunRequest(info=info), timeout=CALL_SECONDS)
    assert "--engine 127.0.0.1:2" in capfd.readouterr().out


def test_a_plugin_runs_with_its_output_and_its_exit_status(
    host: Any, info: proto.ProgramInfo, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text(
        "import os, sys\nprint(1234, flush=True)\nsys.exit(int(os.environ['CODE']))\n"
    )
    request = proto.RunPluginRequest(info=info, kind="resource", pwd=str(tmp_path), env=["CODE=5"])
    said = list(host.RunPlugin(request, timeout=CALL_SECONDS))
    assert b"".join(part.stdout for part in said) == b"1234\n"
    assert said[-1].exitcode == 5


class Pack(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A policy pack that answers each call with the call's own words."""

    def service(self, details: Any) -> Any:
        if details.method.endswith("/ConfigureStack"):
            return None  # an older pack knows no such call
        return grpc.unary_unary_rpc_method_handler(lambda data, _: b"echo " + data)


class Call:
    """The context of a call to the relay."""

    def abort(self, code: Any, details: str) -> None:
        raise RuntimeError(f"{code}: {details}")


@pytest.fixture
def pack() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Pack()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()


def test_a_pack_is_told_its_stack_before_it_starts_and_then_gets_every_call(pack: int) -> None:
    relay = Relay()
    assert relay.call("/pulumirpc.Analyzer/Handshake", b"", Call()) == b"", "answered by itself"
    assert relay.variables() == {}
    configure = analyzer_pb2.AnalyzerStackConfigureRequest(
        project="p", stack="s", dry_run=True, config={"p:a": "1"}
    )
    with ThreadPoolExecutor(1) as pool:
        words = ("/pulumirpc.Analyzer/ConfigureStack", configure.SerializeToString(), Call())
        configured = pool.submit(relay.call, *words)
        relay.wait_until_asked()
        assert relay.variables() == {
            "PULUMI_PROJECT": "p",
            "PULUMI_STACK": "s",
            "PULUMI_DRY_RUN": "true",
            "PULUMI_CONFIG": '{"p:a": "1"}',
        }
        assert not configured.done(), "the engine waits for the pack"
        assert not relay.take_port(b"a line of the pack's own\n")
        assert relay.take_port(b"%d\n" % pack)
        assert configured.result(CALL_SECONDS) == b"", "a pack need not know ConfigureStack"
    assert relay.call("/pulumirpc.Analyzer/Analyze", b"this", Call()) == b"echo this"


def test_a_pack_that_ends_without_a_port_fails_the_engines_call() -> None:
    relay = Relay()
    assert not relay.take_port(b"")
    with pytest.raises(RuntimeError, match="the policy pack did not start"):
        relay.call("/pulumirpc.Analyzer/Analyze", b"", Call())
