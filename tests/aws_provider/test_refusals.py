"""What the stand-in refuses, and what forces it to make another object."""

import os
import subprocess
import sys

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from local.aws_provider.api import EndpointError, loopback
from local.aws_provider.kinds import KINDS
from local.provider_wire import UNKNOWN, Secret, decode, encode
from tests.aws_provider.conftest import ACCOUNT, DEFAULT_TAGS, Connect, Provider, urn

# As the Terraform provider's documentation has them: "Forces new resource".
REPLACES = {
    "aws:amp/workspace:Workspace": {"kmsKeyArn"},
    "aws:amp/workspaceConfiguration:WorkspaceConfiguration": {"workspaceId"},
    "aws:budgets/budget:Budget": {"accountId", "name"},
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": {"clusterName", "namespace", "serviceAccount"},
    "aws:iam/role:Role": {"name", "path"},
    "aws:iam/rolePolicy:RolePolicy": {"name", "role"},
    "aws:kms/alias:Alias": {"name"},
    "aws:kms/key:Key": {"customerMasterKeySpec", "keyUsage"},
    "aws:sns/topic:Topic": {"name"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn"},
}


@pytest.mark.parametrize("token", KINDS)
def test_a_changed_property_replaces_or_does_not(provider: Provider, token: str) -> None:
    kind = KINDS[token]
    olds = dict.fromkeys(kind.inputs - {"tags", "notifications"}, "1")
    for key in olds:
        found = provider.diff(
            urn(token, "it"), "it", olds | {"tagsAll": DEFAULT_TAGS}, olds, olds | {key: "2"}
        )
        assert list(found.diffs) == [key]
        assert list(found.replaces) == ([key] if key in REPLACES[token] else [])
        first = bool(kind.name) and key in REPLACES[token] - {kind.name}
        assert found.deleteBeforeReplace == first


def test_what_is_not_known_yet_may_be_another(provider: Provider) -> None:
    olds = {"arn": "arn", "policy": "{}"}
    found = provider.diff(
        urn("aws:sns/topicPolicy:TopicPolicy", "it"), "it", olds, olds, {"arn": UNKNOWN, "policy": "{}"}
    )
    assert list(found.replaces) == ["arn"]


def test_a_preview_makes_nothing_and_knows_what_it_cannot_know(provider: Provider) -> None:
    request = provider_pb2.CreateRequest(
        urn=urn("aws:amp/workspace:Workspace", "it"), properties=encode({"alias": UNKNOWN}), preview=True
    )
    response = provider.stub.Create(request)
    assert not response.id
    assert decode(response.properties) == {
        "alias": UNKNOWN,
        "arn": UNKNOWN,
        "prometheusEndpoint": UNKNOWN,
        "tagsAll": DEFAULT_TAGS,
    }


def test_a_secret_stays_one(provider: Provider) -> None:
    token = urn("aws:amp/workspace:Workspace", "it")
    identity, inputs, state = provider.create(token, {"alias": Secret("one")})
    assert inputs["alias"] == state["alias"] == Secret("one")
    read = provider.read(token, identity, state, inputs)
    assert decode(read.properties)["alias"] == decode(read.inputs)["alias"] == Secret("one")


def test_changed_default_tags_reach_every_object(connect: Connect, provider: Provider) -> None:
    token = urn("aws:amp/workspace:Workspace", "it")
    identity, inputs, state = provider.create(token, {"tags": {"a": "b"}})
    other = connect(defaultTags={"tags": {"managed-by": "hand"}})
    assert list(other.diff(token, identity, state, inputs, inputs).diffs) == ["tagsAll"]
    assert other.update(token, identity, state, inputs)["tagsAll"] == {"a": "b", "managed-by": "hand"}


def test_a_name_is_made_up_once(provider: Provider) -> None:
    token = urn("aws:kms/alias:Alias", "it")
    first = provider.check(token, {"targetKeyId": "k"})
    assert first["name"].startswith("alias/it-")
    assert provider.check(token, {"targetKeyId": "k"}, first) == first


def test_an_account_that_is_not_allowed(connect: Connect) -> None:
    with pytest.raises(grpc.RpcError, match=f"AWS account ID not allowed: {ACCOUNT}"):
        connect(allowedAccountIds=["210987654321"])


def test_what_it_does_not_have(provider: Provider) -> None:
    with pytest.raises(grpc.RpcError, match="aws:s3/bucket:Bucket is not a type"):
        provider.check(urn("aws:s3/bucket:Bucket", "it"), {})
    with pytest.raises(grpc.RpcError, match="has no functions: aws:index/getRegion:getRegion"):
        provider.stub.Invoke(provider_pb2.InvokeRequest(tok="aws:index/getRegion:getRegion"))
    response = provider.stub.Check(
        provider_pb2.CheckRequest(
            urn=urn("aws:sns/topicPolicy:TopicPolicy", "it"), news=encode({"arn": "a", "color": "red"})
        )
    )
    assert [failure.property for failure in response.failures] == ["policy", "color"]
    response = provider.stub.CheckConfig(provider_pb2.CheckRequest(news=encode({"profile": "mine"})))
    assert [failure.property for failure in response.failures] == ["profile", "region"]


@pytest.mark.parametrize(
    "endpoint",
    ["", "https://sns.eu-central-1.amazonaws.com", "http://10.0.0.1:80", "http://127.0.0.1.example.org"],
)
def test_an_endpoint_that_is_not_of_this_machine(endpoint: str) -> None:
    with pytest.raises(EndpointError, match="on loopback only, never to AWS"):
        loopback(endpoint)


def test_it_does_not_start_without_an_endpoint_of_this_machine() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "local.aws_provider"],
        env={**os.environ, "AWS_ENDPOINT_URL": "https://sts.amazonaws.com"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "on loopback only, never to AWS" in ended.stderr
