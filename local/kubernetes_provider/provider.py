"""The provider protocol: requests of the engine in, answers out."""
# ruff: noqa: N802, ARG002 - the protocol names the methods and their arguments

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from threading import Event
from typing import Final, Never, TypeVar, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from local.kubernetes_provider import configuration
from local.kubernetes_provider.api import ApiError, Cluster, UnreachableError
from local.kubernetes_provider.changes import Change, difference
from local.kubernetes_provider.configuration import Settings
from local.kubernetes_provider.kinds import Kind, UnsupportedKindError, kind_of
from local.kubernetes_provider.objects import (
    FIELD_MANAGER,
    INITIAL_API_VERSION,
    check_failures,
    checkpoint,
    give_name,
    identity,
    imported_inputs,
    is_computed,
    mark_secrets,
    metadata,
    name_of,
    new_field_manager,
    normalise,
    parse_checkpoint,
    parse_identity,
    refreshed_inputs,
)
from local.kubernetes_provider.operations import ConflictError, Operation, PreviewUnavailableError
from local.kubernetes_provider.waiting import UnfinishedError
from local.provider_wire import JsonObject, WireError, decode, encode, plain

VERSION: Final = "4.34.2"
"""The official provider's version whose behaviour this process stands in for."""

_CHANGES: Final = {change: provider_pb2.PropertyDiff.Kind.Value(change.name) for change in Change}

_Method = TypeVar("_Method", bound=Callable[..., object])


class _InitialisationError(Exception):
    """An object exists but is not as the program wants it; the engine keeps it in its state."""

    def __init__(self, detail: provider_pb2.ErrorResourceInitFailed) -> None:
        super().__init__(detail.reasons[0])
        self.detail = detail


class _RefusedError(Exception):
    """An operation failed; nothing of it is kept in the engine's state."""


@dataclass
class _Instance:
    """One provider resource of one engine run.

    Attributes:
        engine: where messages for a person go.
        settings: as the program set them.
        cluster: None while it cannot be reached.
        unreachable: why it cannot be reached.
        cancelled: set once the engine cancels.
    """

    engine: engine_pb2_grpc.EngineStub | None = None
    settings: Settings = field(default_factory=Settings)
    cluster: Cluster | None = None
    unreachable: str = "the provider is not configured"
    cancelled: Event = field(default_factory=Event)

    def reachable(self) -> Cluster:
        if self.cluster is None:
            raise _RefusedError(f"configured Kubernetes cluster is unreachable: {self.unreachable}")
        return self.cluster

    def reporter(self, urn: str) -> Callable[[str], None]:
        last = ""

        def report(line: str) -> None:
            nonlocal last
            if self.engine is None or line == last:
                return
            last = line
            try:
                self.engine.Log(
                    engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line, urn=urn, ephemeral=True)
                )
            except grpc.RpcError:
                self.cancelled.set()  # the engine that would read it, and wait for it, is gone

        return report

    def operation(self, kind: Kind, urn: str, field_manager: str, timeout: float = 0) -> Operation:
        return Operation(
            cluster=self.reachable(),
            kind=kind,
            field_manager=field_manager,
            cancelled=self.cancelled,
            report=self.reporter(urn),
            timeout=timeout,
            force=self.settings.force,
            upsert=self.settings.upsert,
        )


def _answering(method: _Method) -> _Method:
    """Turn errors into what the engine understands."""

    @wraps(method)
    def answer(self: "KubernetesProvider", request: object, context: grpc.ServicerContext) -> object:
        try:
            return method(self, request, context)
        except _InitialisationError as error:
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
            status.details.add().Pack(error.detail)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            _abort(context, str(error))
        except (_RefusedError, ApiError, ConflictError, UnreachableError, UnsupportedKindError) as error:
            _abort(context, str(error))
        except (WireError, ValueError) as error:
            _abort(context, f"malformed resource inputs: {error}")

    return cast("_Method", answer)


def _abort(context: grpc.ServicerContext, message: str) -> Never:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError  # abort has raised


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves every provider resource of the engines that attach; each has a connection of its own."""

    def __init__(self) -> None:
        self._instances: dict[str, _Instance] = {}

    def _instance(self, context: grpc.ServicerContext) -> _Instance:
        return self._instances.setdefault(context.peer(), _Instance())

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
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Answer with an empty schema: the engine needs none to deploy typed resources."""
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "kubernetes", "version": "{VERSION}"}}')

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """End every wait soon."""
        self._instance(context).cancelled.set()
        return Empty()

    @_answering
    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse provider options that the stand-in does not have."""
        return _checked(request.news, configuration.failures(plain(decode(request.news))))

    @_answering
    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Tell which provider options changed, and whether everything has to move to another cluster."""
        differing, replaces = configuration.changed(plain(decode(request.olds)), plain(decode(request.news)))
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if differing else none, diffs=differing, replaces=replaces
        )

    @_answering
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Open the cluster; one that cannot be reached fails the operations that need it."""
        instance = self._instance(context)
        instance.settings = settings = Settings.read(request.variables)
        try:
            instance.cluster = Cluster.connect(settings.kubeconfig, settings.context)
        except UnreachableError as error:
            instance.unreachable = str(error)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @_answering
    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Complete inputs: a name and a namespace where the program gives none."""
        kind = kind_of(request.urn)
        instance = self._instance(context)
        cluster = instance.reachable()
        news = decode(request.news)
        inputs = normalise(plain(news))
        failures = check_failures(kind, inputs)
        if failures:
            return _checked(request.news, failures)
        try:
            give_name(inputs, plain(decode(request.olds)), request, request.urn.rsplit("::", 1)[-1])
        except ValueError as error:
            raise _RefusedError(str(error)) from error
        if kind.namespaced and isinstance(inputs.get("metadata", {}), dict):
            inputs.setdefault("metadata", {})
            metadata(inputs)["namespace"] = (
                metadata(inputs).get("namespace") or instance.settings.namespace or cluster.namespace
            )
        return _checked(encode(mark_secrets(inputs, news)), [])

    @_answering
    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Tell what an update would change, and whether it replaces the object."""
        old_inputs, live = parse_checkpoint(decode(request.olds))
        found = difference(
            kind_of(request.urn),
            live=live,
            old_inputs=old_inputs,
            new_inputs=plain(decode(request.news)),
            mutable=self._instance(context).settings.mutable,
            ignored=request.ignoreChanges,
        )
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if found.changes else none,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_before_replace,
            hasDetailedDiff=True,
            detailedDiff={
                path: provider_pb2.PropertyDiff(
                    kind=_CHANGES[change],
                    inputDiff=change.name.startswith("DELETE"),
                )
                for path, change in found.changes.items()
            },
        )

    @_answering
    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Create an object; an object of that name that exists already is an error."""
        news = decode(request.properties)
        inputs = plain(news)
        if request.preview and is_computed(inputs):
            return provider_pb2.CreateResponse(properties=request.properties)
        kind, manager = kind_of(request.urn), new_field_manager()
        operation = self._instance(context).operation(kind, request.urn, manager, request.timeout)
        try:
            live = operation.create(inputs, preview=request.preview)
        except PreviewUnavailableError:
            return provider_pb2.CreateResponse(properties=request.properties)
        except UnfinishedError as error:
            state = checkpoint(inputs, error.live, news, kind.api_version, manager)
            raise _unfinished(
                identity(error.live),
                f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported '
                f"that it failed to fully initialize or become live: {error}",
                error.problems,
                state,
            ) from error
        except ApiError as error:
            raise _RefusedError(
                f'resource "{request.urn}" was not successfully created by the Kubernetes API server: {error}'
            ) from error
        return provider_pb2.CreateResponse(
            id="" if request.preview else identity(live),
            properties=encode(checkpoint(inputs, live, news, kind.api_version, manager)),
        )

    @_answering
    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """The live object for a refresh, or for an import by `namespace/name`; nothing if it is gone."""
        kind = kind_of(request.urn)
        namespace, name = parse_identity(request.id)
        old_state, marked_inputs = decode(request.properties), decode(request.inputs)
        old_inputs = normalise(plain(marked_inputs))
        manager = str(old_state.get(FIELD_MANAGER) or new_field_manager())
        operation = self._instance(context).operation(kind, request.urn, manager)
        problem: UnfinishedError | None = None
        try:
            live = operation.read(namespace or "default", name, old_inputs)
        except UnfinishedError as error:
            live, problem = error.live, error
        if live is None:
            return provider_pb2.ReadResponse()
        inputs = refreshed_inputs(live, old_inputs) if old_inputs else imported_inputs(live)
        api_version = str(old_state.get(INITIAL_API_VERSION) or kind.api_version)
        state = checkpoint(inputs, live, marked_inputs, api_version, manager)
        inputs = mark_secrets(inputs, marked_inputs)
        if problem is not None:
            raise _unfinished(request.id, str(problem), problem.problems, state, inputs)
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=encode(inputs))

    @_answering
    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Apply changed inputs by server-side apply."""
        news, old_state = decode(request.news), decode(request.olds)
        inputs = normalise(plain(news))
        if request.preview and is_computed(inputs):
            return provider_pb2.UpdateResponse(properties=request.news)
        kind = kind_of(request.urn)
        manager = str(old_state.get(FIELD_MANAGER) or new_field_manager())
        api_version = str(old_state.get(INITIAL_API_VERSION) or kind.api_version)
        operation = self._instance(context).operation(kind, request.urn, manager, request.timeout)
        _, old_live = parse_checkpoint(old_state)
        try:
            live = operation.update(old_live, inputs, request.ignoreChanges, preview=request.preview)
        except PreviewUnavailableError:
            return provider_pb2.UpdateResponse(properties=request.news)
        except (ApiError, ConflictError, UnfinishedError) as error:
            found = (
                error.live if isinstance(error, UnfinishedError) else operation.read(*_place(old_live), {})
            )
            if found is None:
                raise _RefusedError(f'update of resource "{request.urn}" failed: {error}') from error
            raise _unfinished(
                identity(found),
                f'the Kubernetes API server reported that "{identity(found)}" failed to fully initialize '
                f"or become live: {error}",
                error.problems if isinstance(error, UnfinishedError) else [],
                checkpoint(inputs, found, news, api_version, manager),
            ) from error
        return provider_pb2.UpdateResponse(
            properties=encode(checkpoint(inputs, live, news, api_version, manager))
        )

    @_answering
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        """Delete an object and wait until it is gone."""
        state = decode(request.properties)
        inputs, _ = parse_checkpoint(state)
        kind, manager = kind_of(request.urn), str(state.get(FIELD_MANAGER, ""))
        operation = self._instance(context).operation(kind, request.urn, manager, request.timeout)
        try:
            operation.delete(*parse_identity(request.id), inputs)
        except UnfinishedError as error:
            kept = checkpoint(inputs, error.live, state, kind.api_version, manager)
            raise _unfinished(request.id, str(error), error.problems, kept) from error
        return Empty()


def _place(live: JsonObject) -> tuple[str, str]:
    namespace, name = parse_identity(identity(live))
    return namespace or "default", name or name_of(live)


def _checked(inputs: Struct, failures: list[tuple[str, str]]) -> provider_pb2.CheckResponse:
    return provider_pb2.CheckResponse(
        inputs=inputs,
        failures=[provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in failures],
    )


def _unfinished(
    id_: str, message: str, problems: list[str], state: JsonObject, inputs: JsonObject | None = None
) -> _InitialisationError:
    return _InitialisationError(
        provider_pb2.ErrorResourceInitFailed(
            id=id_,
            properties=encode(state),
            reasons=[message, *problems],
            inputs=None if inputs is None else encode(inputs),
        )
    )
