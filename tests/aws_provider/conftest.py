"""The stand-in as the engine meets it: a server of its protocol, beside a real server of AWS' API."""

import gc
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3.session
import grpc
import pytest
from moto.server import ThreadedMotoServer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.aws_provider.provider import AwsProvider
from local.provider_wire import JsonObject, decode, encode

ACCOUNT = "123456789012"
REGION = "eu-central-1"
DEFAULT_TAGS = {"managed-by": "pulumi"}


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


Clients = Callable[[str], Any]


def open_clients(endpoint: str) -> Iterator[Clients]:
    """Clients as anybody has them, not through the stand-in."""
    session = boto3.session.Session("test", "test", region_name=REGION)
    opened: dict[str, Any] = {}

    def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        if service not in opened:
            opened[service] = session.client(service, endpoint_url=endpoint)
        return opened[service]

    yield client
    for each in opened.values():
        each.close()
    gc.collect()


@pytest.fixture(scope="session")
def aws(endpoint: str) -> Iterator[Clients]:
    yield from open_clients(endpoint)


@dataclass
class Provider:
    """One provider resource, as an engine has it."""

    stub: provider_pb2_grpc.ResourceProviderStub

    def check(self, urn: str, news: JsonObject, olds: JsonObject | None = None) -> JsonObject:
        response = self.stub.Check(
            provider_pb2.CheckRequest(urn=urn, news=encode(news), olds=encode(olds or {}))
        )
        assert not response.failures, response.failures
        return decode(response.inputs)

    def create(self, urn: str, news: JsonObject) -> tuple[str, JsonObject, JsonObject]:
        """Return the id, the checked inputs and the state."""
        inputs = self.check(urn, news)
        response = self.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=encode(inputs)))
        return response.id, inputs, decode(response.properties)

    def diff(
        self, urn: str, id_: str, state: JsonObject, olds: JsonObject, news: JsonObject
    ) -> provider_pb2.DiffResponse:
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=urn, id=id_, olds=encode(state), old_inputs=encode(olds), news=encode(news)
            )
        )

    def read(self, urn: str, id_: str, state: JsonObject, olds: JsonObject) -> provider_pb2.ReadResponse:
        return self.stub.Read(
            provider_pb2.ReadRequest(urn=urn, id=id_, properties=encode(state), inputs=encode(olds))
        )

    def update(self, urn: str, id_: str, state: JsonObject, news: JsonObject) -> JsonObject:
        response = self.stub.Update(
            provider_pb2.UpdateRequest(urn=urn, id=id_, olds=encode(state), news=encode(news))
        )
        return decode(response.properties)

    def delete(self, urn: str, id_: str, state: JsonObject) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(urn=urn, id=id_, properties=encode(state)))


Connect = Callable[..., Provider]


@pytest.fixture(scope="session")
def connect(endpoint: str) -> Iterator[Connect]:
    """Opens one provider resource, as an engine does: a connection of its own, configured by options."""
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = AwsProvider(endpoint)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channels: list[grpc.Channel] = []

    def open_one(**options: object) -> Provider:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
        channels.append(channel)
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        options = {
            "region": REGION,
            "allowedAccountIds": [ACCOUNT],
            "defaultTags": {"tags": DEFAULT_TAGS},
        } | options
        variables = {
            f"aws:config:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in options.items()
        }
        stub.Configure(provider_pb2.ConfigureRequest(variables=variables, acceptSecrets=True))
        return Provider(stub)

    yield open_one
    for channel in channels:
        channel.close()
    server.stop(None).wait()
    servicer.close()
    gc.collect()


@pytest.fixture(scope="session")
def provider(connect: Connect) -> Provider:
    return connect()


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:tests::tests::{token}::{name}"
