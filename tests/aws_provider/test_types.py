"""Each resource type from its making to its end, read back through the API as anybody would."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from moto.budgets.models import budgets_backends
from pulumi.runtime.proto import provider_pb2

from local.aws_provider.kind import ALL_TAGS
from local.aws_provider.kinds import KINDS
from local.provider_wire import JsonObject, decode
from tests.aws_provider.conftest import ACCOUNT, DEFAULT_TAGS, REGION, Clients, Provider, urn

WORKSPACE = "aws:amp/workspace:Workspace"
CONFIGURATION = "aws:amp/workspaceConfiguration:WorkspaceConfiguration"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
BUDGET = "aws:budgets/budget:Budget"

NONE = provider_pb2.DiffResponse.DIFF_NONE
SOME = provider_pb2.DiffResponse.DIFF_SOME
TAGS = {"team": "platform"}


def document(*actions: str, **more: object) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)


def trust(*actions: str) -> str:
    return document(*actions, Principal={"Service": "pods.eks.amazonaws.com"})


def key_policy(*actions: str) -> str:
    return document(*actions, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Resource="*")


def notification(threshold: float, topic: str) -> JsonObject:
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": "ACTUAL",
        "threshold": threshold,
        "thresholdType": "PERCENTAGE",
        "subscriberSnsTopicArns": [topic],
    }


def paired(tags: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags}


@dataclass
class Made:
    """An object that was made, not different from what the program wants, and the same when read back."""

    provider: Provider
    token: str
    id: str
    inputs: JsonObject
    state: JsonObject

    @property
    def urn(self) -> str:
        return urn(self.token, "it")

    def diff(self, **news: object) -> provider_pb2.DiffResponse:
        return self.provider.diff(self.urn, self.id, self.state, self.inputs, {**self.inputs, **news})

    def update(self, **news: object) -> None:
        wanted = {key: value for key, value in {**self.inputs, **news}.items() if value is not None}
        found = self.provider.diff(self.urn, self.id, self.state, self.inputs, wanted)
        assert found.changes == SOME
        assert set(news) <= set(found.diffs) <= {*news, ALL_TAGS}
        assert not found.replaces
        self.state = self.provider.update(self.urn, self.id, self.state, wanted)
        self.inputs = wanted
        self.settled()

    def settled(self) -> None:
        assert self.diff().changes == NONE
        read = self.provider.read(self.urn, self.id, self.state, self.inputs)
        assert read.id == self.id
        assert decode(read.inputs) == self.inputs
        assert decode(read.properties) == self.state

    def delete(self) -> None:
        self.provider.delete(self.urn, self.id, self.state)
        self.provider.delete(self.urn, self.id, self.state)  # what is gone already is no error

    def gone(self) -> bool:
        return not self.provider.read(self.urn, self.id, self.state, self.inputs).id


@pytest.fixture
def make(provider: Provider) -> Callable[..., Made]:
    def one(token: str, **inputs: object) -> Made:
        made = Made(provider, token, *provider.create(urn(token, "it"), inputs))
        made.settled()
        return made

    return one


Make = Callable[..., Made]


def test_a_workspace(make: Make, aws: Clients) -> None:
    made = make(WORKSPACE, alias="one", tags=TAGS)
    found = aws("amp").describe_workspace(workspaceId=made.id)["workspace"]
    assert (found["alias"], found["tags"]) == ("one", DEFAULT_TAGS | TAGS)
    assert made.state["arn"] == found["arn"]
    assert made.state["prometheusEndpoint"] == found["prometheusEndpoint"]
    assert made.state["tags"] == TAGS
    made.update(alias="two", tags={"other": "tag"})
    found = aws("amp").describe_workspace(workspaceId=made.id)["workspace"]
    assert (found["alias"], found["tags"]) == ("two", DEFAULT_TAGS | {"other": "tag"})
    made.delete()
    assert made.gone()


def test_a_role_and_its_policy(make: Make, aws: Clients) -> None:
    role = make(ROLE, name="role", assumeRolePolicy=trust("sts:AssumeRole"), tags=TAGS)
    found = aws("iam").get_role(RoleName="role")["Role"]
    assert found["AssumeRolePolicyDocument"] == json.loads(trust("sts:AssumeRole"))
    assert paired(found["Tags"]) == DEFAULT_TAGS | TAGS
    assert role.state["arn"] == found["Arn"]
    assert role.state["assumeRolePolicy"] == trust("sts:AssumeRole")  # as the program wrote it
    role.update(assumeRolePolicy=trust("sts:AssumeRole", "sts:TagSession"), tags={}, description="for pods")
    found = aws("iam").get_role(RoleName="role")["Role"]
    assert found["AssumeRolePolicyDocument"] == json.loads(trust("sts:AssumeRole", "sts:TagSession"))
    assert (paired(found["Tags"]), found["Description"]) == (DEFAULT_TAGS, "for pods")

    policy = make(ROLE_POLICY, name="write", role="role", policy=document("aps:RemoteWrite", Resource="*"))
    assert policy.id == "role:write"
    policy.update(policy=document("aps:QueryMetrics", Resource="*"))
    found = aws("iam").get_role_policy(RoleName="role", PolicyName="write")
    assert found["PolicyDocument"] == json.loads(document("aps:QueryMetrics", Resource="*"))
    policy.delete()
    assert policy.gone()
    role.delete()
    assert role.gone()


def test_a_key_and_its_alias(make: Make, aws: Clients) -> None:
    key = make(KEY, description="one", policy=key_policy("kms:*"), enableKeyRotation=True, tags=TAGS)
    assert aws("kms").get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"]
    found = aws("kms").get_key_policy(KeyId=key.id, PolicyName="default")["Policy"]
    assert json.loads(found) == json.loads(key_policy("kms:*"))
    tags = aws("kms").list_resource_tags(KeyId=key.id)["Tags"]
    assert paired(tags, "TagKey", "TagValue") == DEFAULT_TAGS | TAGS
    key.update(description="two", policy=key_policy("kms:*", "kms:List*"), enableKeyRotation=False, tags={})
    assert not aws("kms").get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"]
    assert aws("kms").describe_key(KeyId=key.id)["KeyMetadata"]["Description"] == "two"
    tags = aws("kms").list_resource_tags(KeyId=key.id)["Tags"]
    assert paired(tags, "TagKey", "TagValue") == DEFAULT_TAGS

    other = make(KEY, deletionWindowInDays=7)
    alias = make(ALIAS, name="alias/it", targetKeyId=key.id)
    assert alias.state["targetKeyArn"] == key.state["arn"]
    alias.update(targetKeyId=other.state["arn"])
    assert aws("kms").describe_key(KeyId="alias/it")["KeyMetadata"]["KeyId"] == other.id
    alias.delete()
    assert alias.gone()
    other.delete()
    assert other.gone()
    assert aws("kms").describe_key(KeyId=other.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_topic_and_its_policy(make: Make, aws: Clients) -> None:
    key = make(KEY)
    topic = make(TOPIC, name="alerts", kmsMasterKeyId=key.id, tags=TAGS)
    arn = topic.state["arn"]
    found = aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    assert found["KmsMasterKeyId"] == key.id
    assert paired(aws("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]) == DEFAULT_TAGS | TAGS
    topic.update(kmsMasterKeyId=None, tags={})
    assert not aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"].get("KmsMasterKeyId")
    assert paired(aws("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]) == DEFAULT_TAGS

    def allowed(service: str) -> str:
        return document("sns:Publish", Principal={"Service": service}, Resource=arn)

    policy = make(TOPIC_POLICY, arn=arn, policy=allowed("budgets.amazonaws.com"))
    policy.update(policy=allowed("costalerts.amazonaws.com"))
    found = aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    assert json.loads(found) == json.loads(allowed("costalerts.amazonaws.com"))
    policy.provider.delete(policy.urn, policy.id, policy.state)
    left = json.loads(aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert left["Id"] == "__default_policy_ID"
    topic.delete()
    assert topic.gone()
    assert policy.gone()


def test_a_budget(make: Make, aws: Clients) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"

    def subscribers() -> list[tuple[float, list[str]]]:
        # The API has no call for them here, so the server's own memory is asked.
        backend: Any = budgets_backends[ACCOUNT]["aws"]
        kept = backend.budgets[ACCOUNT]["it"].notifications
        return [(each.details["Threshold"], [one["Address"] for one in each.subscribers]) for each in kept]

    made = make(
        BUDGET,
        name="it",
        budgetType="COST",
        timeUnit="MONTHLY",
        limitAmount="100",
        notifications=[notification(80, topic), notification(100, topic)],
        tags=TAGS,
    )
    assert made.id == f"{ACCOUNT}:it"
    found = aws("budgets").describe_budget(AccountId=ACCOUNT, BudgetName="it")["Budget"]
    assert found["BudgetLimit"] == {"Amount": "100", "Unit": "USD"}
    assert (found["TimeUnit"], found["BudgetType"]) == ("MONTHLY", "COST")
    assert subscribers() == [(80, [topic]), (100, [topic])]
    assert made.diff(limitAmount="100.0").changes == NONE
    assert made.diff(notifications=[notification(100, topic), notification(80, topic)]).changes == NONE
    made.update(limitAmount="200", notifications=[notification(90, topic)])
    found = aws("budgets").describe_budget(AccountId=ACCOUNT, BudgetName="it")["Budget"]
    assert found["BudgetLimit"]["Amount"] == "200"
    assert subscribers() == [(90, [topic])]
    made.delete()
    assert made.gone()


def test_what_the_server_lacks_is_kept_in_the_state_alone_and_said(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = make(CONFIGURATION, workspaceId="ws-1", retentionPeriodInDays=30)
    assert "not applied: moto has no amp UpdateWorkspaceConfiguration" in caplog.text
    configuration.update(retentionPeriodInDays=60)
    configuration.delete()
    role = f"arn:aws:iam::{ACCOUNT}:role/one"
    association = make(
        ASSOCIATION, clusterName="c", namespace="monitoring", serviceAccount="p", roleArn=role, tags=TAGS
    )
    assert "not applied: moto has no eks CreatePodIdentityAssociation" in caplog.text
    assert association.state["associationId"] == association.id
    association.update(roleArn=f"arn:aws:iam::{ACCOUNT}:role/two")
    association.delete()
    assert {token for token, kind in KINDS.items() if kind.alone} == {CONFIGURATION, ASSOCIATION}


def test_an_object_that_vanished_and_one_that_somebody_changed(make: Make, aws: Clients) -> None:
    topic = make(TOPIC, name="drift", tags=TAGS)
    aws("sns").tag_resource(ResourceArn=topic.id, Tags=[{"Key": "team", "Value": "theirs"}])
    read = topic.provider.read(topic.urn, topic.id, topic.state, topic.inputs)
    assert decode(read.inputs)["tags"] == {"team": "theirs"}
    changed = topic.provider.diff(
        topic.urn, topic.id, decode(read.properties), decode(read.inputs), topic.inputs
    )
    assert list(changed.diffs) == ["tags", ALL_TAGS]
    aws("sns").delete_topic(TopicArn=topic.id)
    assert topic.gone()


def test_an_object_of_somebody_else_is_imported_by_its_id(provider: Provider, aws: Clients) -> None:
    aws("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=trust("sts:AssumeRole"))
    read = provider.read(urn(ROLE, "theirs"), "theirs", {}, {})
    assert decode(read.inputs) == {
        "name": "theirs",
        "path": "/",
        "maxSessionDuration": 3600,
        "assumeRolePolicy": json.dumps(json.loads(trust("sts:AssumeRole"))),
    }
