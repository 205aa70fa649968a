"""The provider protocol: requests of the engine in, answers out."""
# ruff: noqa: N802, ARG002 - the protocol names the methods and their arguments

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
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
from local.provider_protocol import InitialisationError, RefusedError, StandIn, answering, checked
from local.provider_wire import JsonObject, decode, encode, plain

VERSION: Final = "4.34.2"
"""The official provider's version whose behaviour this process stands in for."""

_CHANGES: Final = {change: provider_pb2.PropertyDiff.Kind.Value(change.name) for change in Change}


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
            raise RefusedError(f"configured Kubernetes cluster is unreachable: {self.unreachable}")
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


_answering = answering(ApiError, ConflictError, UnreachableError, UnsupportedKindError)


class KubernetesProvider(StandIn[_Instance]):
    """The stand-in of pulumi-kubernetes."""

    def __init__(self) -> None:
        super().__init__("kubernetes", VERSION, _Instance)

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """End every wait soon."""
        self._instance(context).cancelled.set()
        return Empty()

    @_answering
    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse provider options that the stand-in does not have."""
        return checked(request.news, configuration.failures(plain(decode(request.news))))

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
            return checked(request.news, failures)
        try:
            give_name(inputs, plain(decode(request.olds)), request, request.urn.rsplit("::", 1)[-1])
        except ValueError as error:
            raise RefusedError(str(error)) from error
        if kind.namespaced and isinstance(inputs.get("metadata", {}), dict):
            inputs.setdefault("metadata", {})
            metadata(inputs)["namespace"] = (
                metadata(inputs).get("namespace") or instance.settings.namespace or cluster.namespace
            )
        return checked(encode(mark_secrets(inputs, news)), [])

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
            raise RefusedError(
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
                raise RefusedError(f'update of resource "{request.urn}" failed: {error}') from error
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


def _unfinished(
    id_: str, message: str, problems: list[str], state: JsonObject, inputs: JsonObject | None = None
) -> InitialisationError:
    return InitialisationError(
        provider_pb2.ErrorResourceInitFailed(
            id=id_,
            properties=encode(state),
            reasons=[message, *problems],
            inputs=None if inputs is None else encode(inputs),
        )
    )
