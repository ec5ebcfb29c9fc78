"""What stands before a policy pack while the pack cannot start yet.

A pack wants the stack's name and config in its environment when it starts, but the engine tells
them by gRPC, and only after a port was printed. So the host prints the port of a relay, and starts
the pack at the first real call. From then on the relay passes raw bytes.
"""

import json
import threading
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Relay(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers for one policy pack."""

    def __init__(self) -> None:
        self._config: analyzer_pb2.AnalyzerStackConfigureRequest | None = None
        self._channel: Any = None
        self._asked = threading.Event()
        self._settled = threading.Event()

    def service(self, details: Any) -> Any:
        """Take every method there is (a method of gRPC's interface)."""
        method = details.method
        return grpc.unary_unary_rpc_method_handler(
            lambda data, context: self.call(method, data, context)
        )

    def call(self, method: str, data: bytes, context: Any) -> bytes:
        """Pass one call on to the pack, once it has started; return its answer."""
        if method.endswith("/Handshake"):
            return b""
        configures = method.endswith("/ConfigureStack")
        if configures and not self._asked.is_set():
            self._config = analyzer_pb2.AnalyzerStackConfigureRequest.FromString(data)
        self._asked.set()
        self._settled.wait()
        if self._channel is None:
            told = "the policy pack did not start; its output says why"
            context.abort(grpc.StatusCode.UNKNOWN, told)
        try:
            answer: bytes = self._channel.unary_unary(method)(data, wait_for_ready=True)
            return answer
        except grpc.RpcError as error:
            if configures and error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return b""
            context.abort(error.code(), error.details())
            raise

    def wait_until_asked(self) -> None:
        """Wait for the first call that the pack itself must answer."""
        self._asked.wait()

    def give_up(self) -> None:
        """End the waiting: the engine has no more use for the pack."""
        self._asked.set()

    def take_port(self, line: bytes) -> bool:
        """Take the pack's port from a line of its output; b"" when there is no more to read.

        Returns whether the port is known.
        """
        if line.strip().isdigit():
            address = f"127.0.0.1:{int(line)}"
            self._channel = grpc.insecure_channel(address, options=UNLIMITED)
        if not line or self._channel:
            self._settled.set()
        return self._channel is not None

    def variables(self) -> dict[str, str]:
        """Return the environment variables that tell the pack its stack and config."""
        config = self._config
        if config is None:
            return {}
        told = {
            "PULUMI_ORGANIZATION": config.organization,
            "PULUMI_PROJECT": config.project,
            "PULUMI_STACK": config.stack,
            "PULUMI_DRY_RUN": str(config.dry_run).lower(),
            "PULUMI_CONFIG": json.dumps(dict(config.config)),
        }
        return {name: value for name, value in told.items() if value}
