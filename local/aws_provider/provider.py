"""The provider protocol: requests of the engine in, answers out."""
# ruff: noqa: N802, ARG002 - the protocol names the methods and their arguments

import logging
import secrets
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
)

from local.aws_provider import configuration
from local.aws_provider.api import Aws, AwsError, GoneError, LackingError, loopback
from local.aws_provider.configuration import Settings
from local.aws_provider.kind import Kind
from local.aws_provider.kinds import UnsupportedTypeError, kind_of, token_of
from local.aws_provider.states import (
    differing,
    failures,
    marked,
    refreshed,
    settled,
    with_all_tags,
)
from local.provider_protocol import InitialisationError, RefusedError, StandIn, answering, checked
from local.provider_wire import UNKNOWN, JsonObject, decode, encode, plain

VERSION: Final = "7.51.1"
"""The official provider's version that this process stands in for."""

_log = logging.getLogger("aws-provider")


@dataclass
class _Instance:
    """One provider resource of one engine run.

    Attributes:
        engine: where messages for a person go.
        settings: as the program set them.
        aws: the API; None until it is configured.
    """

    engine: engine_pb2_grpc.EngineStub | None = None
    settings: Settings = field(default_factory=Settings)
    aws: Aws | None = None

    def api(self, urn: str) -> Aws:
        if self.aws is None:
            raise RefusedError("the provider is not configured")
        return replace(self.aws, warn=partial(self._warn, urn))

    def _warn(self, urn: str, message: str) -> None:
        _log.warning("%s: %s", urn, message)
        if self.engine is None:
            return
        try:
            self.engine.Log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn))
        except grpc.RpcError as error:
            _log.info("the engine that would read it is gone: %s", error)

    def complete(self, kind: Kind, inputs: JsonObject) -> JsonObject:
        return with_all_tags(kind, inputs, self.settings.default_tags)


_answering = answering(AwsError, GoneError, LackingError, UnsupportedTypeError)


class AwsProvider(StandIn[_Instance]):
    """The stand-in of pulumi-aws.

    Raises:
        EndpointError: the endpoint is not on loopback.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__("aws", VERSION, _Instance)
        self._endpoint = loopback(endpoint)

    def close(self) -> None:
        """Close every connection to the API."""
        for instance in self._instances.values():
            if instance.aws is not None:
                instance.aws.close()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Do nothing: no call takes long."""
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
        """Tell which provider options changed."""
        return _differs(configuration.changed(plain(decode(request.olds)), plain(decode(request.news))))

    @_answering
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Open the API, and refuse an account that the program does not allow."""
        instance = self._instance(context)
        instance.settings = settings = Settings.read(request.variables)
        instance.aws = Aws(endpoint=self._endpoint, region=settings.region)
        if settings.allowed and (account := instance.aws.account()) not in settings.allowed:
            raise RefusedError(
                f"AWS account ID not allowed: {account} is not among allowedAccountIds "
                f"({', '.join(settings.allowed)})"
            )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @_answering
    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        """Refuse: this program asks AWS nothing while it runs."""
        raise RefusedError(f"the stand-in of the AWS provider has no functions: {request.tok}")

    @_answering
    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Complete inputs: defaults, and a name where the program gives none."""
        kind = kind_of(request.urn)
        inputs = kind.defaults | decode(request.news)
        if found := failures(kind, inputs):
            return checked(request.news, found)
        if kind.name and kind.name not in inputs:
            inputs[kind.name] = _made_up(kind, request, plain(decode(request.olds)))
        return checked(encode(inputs), [])

    @_answering
    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Tell what an update would change, and whether it replaces the object."""
        kind = kind_of(request.urn)
        state = plain(decode(request.olds))
        olds = plain(decode(request.old_inputs)) or state
        news = plain(decode(request.news))
        keys = differing(kind, state, olds, self._instance(context).complete(kind, news))
        replaces = [key for key in keys if key in kind.replaces]
        # Two objects of one name cannot be there at once.
        in_the_way = bool(kind.name) and kind.name not in replaces
        return _differs(keys, replaces, first_deleted=bool(replaces) and in_the_way)

    @_answering
    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Make an object."""
        kind, instance = kind_of(request.urn), self._instance(context)
        news = decode(request.properties)
        inputs = instance.complete(kind, plain(news))
        if request.preview:
            expected = dict.fromkeys(kind.computed, UNKNOWN) | inputs
            return provider_pb2.CreateResponse(properties=encode(marked(expected, news)))
        aws = instance.api(request.urn)
        try:
            identity = kind.create(aws, inputs)
        except LackingError as lacking:
            if kind.alone is None:
                raise
            identity, computed = kind.alone(aws, inputs)
            _tell(aws, request.urn, lacking)
            return provider_pb2.CreateResponse(
                id=identity, properties=encode(marked(inputs | computed, news))
            )
        try:
            found = kind.read(aws, identity, inputs)
        except (AwsError, GoneError) as error:
            reason = f"{identity} was created but cannot be read: {error}"
            raise InitialisationError(
                provider_pb2.ErrorResourceInitFailed(
                    id=identity, properties=encode(marked(inputs, news)), reasons=[reason]
                )
            ) from error
        state = settled(kind, inputs, found, instance.settings.default_tags)
        return provider_pb2.CreateResponse(id=identity, properties=encode(marked(state, news)))

    @_answering
    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """The live object for a refresh, or for an import by its id; nothing if it is gone."""
        kind, instance = kind_of(request.urn), self._instance(context)
        old_state, old_inputs = decode(request.properties), decode(request.inputs)
        known = plain(old_state) | plain(old_inputs)
        try:
            found = kind.read(instance.api(request.urn), request.id, known)
        except GoneError:
            return provider_pb2.ReadResponse()
        except LackingError:
            if kind.alone is None:
                raise
            if not known:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=request.id, properties=request.properties, inputs=request.inputs
            )
        state = settled(kind, known, found, instance.settings.default_tags)
        inputs = refreshed(kind, plain(old_inputs), state)
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=encode(marked(state, old_state, old_inputs)),
            inputs=encode(marked(inputs, old_inputs)),
        )

    @_answering
    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Change an object in place."""
        kind, instance = kind_of(request.urn), self._instance(context)
        news, olds = decode(request.news), plain(decode(request.olds))
        inputs = instance.complete(kind, plain(news))
        computed = {key: olds[key] for key in kind.computed if key in olds}
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(marked(computed | inputs, news)))
        aws = instance.api(request.urn)
        try:
            kind.update(aws, request.id, olds, inputs)
        except LackingError as lacking:
            if kind.alone is None:
                raise
            _tell(aws, request.urn, lacking)
            return provider_pb2.UpdateResponse(properties=encode(marked(computed | inputs, news)))
        state = settled(kind, inputs, kind.read(aws, request.id, inputs), instance.settings.default_tags)
        return provider_pb2.UpdateResponse(properties=encode(marked(state, news)))

    @_answering
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        """Delete an object; one that is gone already is a success."""
        kind, instance = kind_of(request.urn), self._instance(context)
        try:
            kind.delete(instance.api(request.urn), request.id, plain(decode(request.properties)))
        except GoneError:
            return Empty()
        except LackingError:
            if kind.alone is None:
                raise
        return Empty()


def _tell(aws: Aws, urn: str, lacking: LackingError) -> None:
    aws.warn(f"not applied: {lacking}; {token_of(urn)} is in the state only")


def _made_up(kind: Kind, request: provider_pb2.CheckRequest, olds: JsonObject) -> str:
    """A name as the official provider makes one up; one that was made up before stays."""
    begins = f"{kind.name_begins}{request.urn.rsplit('::', 1)[-1]}"
    before = str(olds.get(kind.name, ""))
    if before.startswith(f"{begins}-"):
        return before
    if request.HasField("autonaming") and request.autonaming.proposed_name:
        return f"{kind.name_begins}{request.autonaming.proposed_name}"
    seed = request.randomSeed or secrets.token_bytes(4)
    return f"{begins}-{seed.hex()[:7]}"


def _differs(
    keys: list[str], replaces: list[str] | None = None, *, first_deleted: bool = False
) -> provider_pb2.DiffResponse:
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if keys else none,
        diffs=keys,
        replaces=replaces or [],
        deleteBeforeReplace=first_deleted,
    )
