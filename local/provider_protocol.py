"""What every stand-in of a provider shares: part of the engine's protocol, its errors, and its process."""
# ruff: noqa: N802, ARG002 - the protocol names the methods and their arguments

import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from threading import Event
from typing import Generic, Never, Protocol, TypeVar, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from local.provider_wire import WireError

_Method = TypeVar("_Method", bound=Callable[..., object])


class RefusedError(Exception):
    """An operation failed; nothing of it is kept in the engine's state."""


class InitialisationError(Exception):
    """An object exists but is not as the program wants it; the engine keeps it in its state."""

    def __init__(self, detail: provider_pb2.ErrorResourceInitFailed) -> None:
        super().__init__(detail.reasons[0])
        self.detail = detail


class Instance(Protocol):
    """One provider resource of one engine run.

    Attributes:
        engine: where messages for a person go.
    """

    engine: engine_pb2_grpc.EngineStub | None


_Instance = TypeVar("_Instance", bound=Instance)


def answering(*refusals: type[Exception]) -> Callable[[_Method], _Method]:
    """Turn errors into what the engine understands; `refusals` are told in their own words."""

    def decorated(method: _Method) -> _Method:
        @wraps(method)
        def answer(self: object, request: object, context: grpc.ServicerContext) -> object:
            try:
                return method(self, request, context)
            except InitialisationError as error:
                status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
                status.details.add().Pack(error.detail)
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
                _abort(context, str(error))
            except (RefusedError, *refusals) as error:
                _abort(context, str(error))
            except (WireError, ValueError) as error:
                _abort(context, f"malformed resource inputs: {error}")

        return cast("_Method", answer)

    return decorated


def _abort(context: grpc.ServicerContext, message: str) -> Never:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError  # abort has raised


def checked(inputs: Struct, failures: list[tuple[str, str]]) -> provider_pb2.CheckResponse:
    """Inputs, and what is wrong with them: property and reason."""
    return provider_pb2.CheckResponse(
        inputs=inputs,
        failures=[provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in failures],
    )


class StandIn(provider_pb2_grpc.ResourceProviderServicer, Generic[_Instance]):
    """Serves every provider resource of the engines that attach; each has a connection of its own.

    Args:
        package: The provider's name.
        version: The official provider's version that it stands in for.
        new_instance: Makes one that nothing was configured of yet.
    """

    def __init__(self, package: str, version: str, new_instance: Callable[[], _Instance]) -> None:
        self._package, self._version, self._new_instance = package, version, new_instance
        self._instances: dict[str, _Instance] = {}

    def _instance(self, context: grpc.ServicerContext) -> _Instance:
        return self._instances.setdefault(context.peer(), self._new_instance())

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> Never:
        """Not part of this provider's protocol; the engine, hearing so, attaches and configures."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handshake")
        raise AssertionError  # abort has raised

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Empty:
        """Take note of the engine, so that it can be told how things go."""
        self._instance(context).engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(request.address))
        return Empty()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Say which version of the official provider this stands in for."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Answer with an empty schema: the engine needs none to deploy typed resources."""
        return provider_pb2.GetSchemaResponse(
            schema=f'{{"name": "{self._package}", "version": "{self._version}"}}'
        )


def serve(
    provider: provider_pb2_grpc.ResourceProviderServicer, log: logging.Logger, what: str, *, parallel: int
) -> None:
    """Serve on a free port of the loopback interface until SIGTERM or SIGINT; print the port first.

    Args:
        provider: What serves.
        log: Where it is told that it listens.
        what: What it is, in words.
        parallel: How many operations may go on at the same time.
    """
    server = grpc.server(
        ThreadPoolExecutor(parallel),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    server.start()
    print(port, flush=True)
    log.info("listening on 127.0.0.1:%d: %s; see docs/embedded.md", port, what)
    stop.wait()
    server.stop(grace=None)
