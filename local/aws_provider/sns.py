"""Topics, and who may publish to them."""

import json
from typing import Final

from local.aws_provider.api import Aws
from local.aws_provider.kind import ALL_TAGS, Kind, pairs, tag_changes, unpaired
from local.provider_wire import JsonObject

_ATTRIBUTES: Final = {"kmsMasterKeyId": "KmsMasterKeyId", "displayName": "DisplayName"}
_OWNER_MAY: Final = (
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
)


def _create(aws: Aws, inputs: JsonObject) -> str:
    attributes = {name: inputs[key] for key, name in _ATTRIBUTES.items() if inputs.get(key)}
    return aws.call(
        "sns", "CreateTopic", Name=inputs["name"], Attributes=attributes, Tags=pairs(inputs[ALL_TAGS])
    )["TopicArn"]


def _read(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    found = aws.call("sns", "GetTopicAttributes", TopicArn=identity)["Attributes"]
    tags = aws.call("sns", "ListTagsForResource", ResourceArn=identity)["Tags"]
    return {key: found.get(name) or None for key, name in _ATTRIBUTES.items()} | {
        "arn": identity,
        "name": identity.rsplit(":", 1)[-1],
        "owner": found["Owner"],
        "policy": found["Policy"],
        ALL_TAGS: unpaired(tags),
    }


def _update(aws: Aws, identity: str, olds: JsonObject, news: JsonObject) -> None:
    for key, name in _ATTRIBUTES.items():
        if (olds.get(key) or "") != (news.get(key) or ""):
            _set(aws, identity, name, news.get(key) or "")
    wanted, unwanted = tag_changes(olds, news)
    if wanted:
        aws.call("sns", "TagResource", ResourceArn=identity, Tags=pairs(wanted))
    if unwanted:
        aws.call("sns", "UntagResource", ResourceArn=identity, TagKeys=unwanted)


def _delete(aws: Aws, identity: str, _: JsonObject) -> None:
    aws.call("sns", "DeleteTopic", TopicArn=identity)


def _set(aws: Aws, topic: str, name: str, value: str) -> None:
    aws.call("sns", "SetTopicAttributes", TopicArn=topic, AttributeName=name, AttributeValue=value)


def _put_policy(aws: Aws, inputs: JsonObject) -> str:
    _set(aws, inputs["arn"], "Policy", inputs["policy"])
    return inputs["arn"]


def _policy(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    found = aws.call("sns", "GetTopicAttributes", TopicArn=identity)["Attributes"]
    return {"arn": identity, "owner": found["Owner"], "policy": found["Policy"]}


def _update_policy(aws: Aws, _: str, __: JsonObject, news: JsonObject) -> None:
    _put_policy(aws, news)


def _delete_policy(aws: Aws, identity: str, state: JsonObject) -> None:
    """Give the topic the policy that AWS gives to a new one: it cannot be without."""
    owner = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": list(_OWNER_MAY),
        "Resource": identity,
        "Condition": {"StringEquals": {"AWS:SourceOwner": state["owner"]}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [owner]}
    _set(aws, identity, "Policy", json.dumps(policy))


TOPIC: Final = Kind(
    required=frozenset(),
    optional=frozenset({"name", "kmsMasterKeyId", "displayName"}),
    computed=frozenset({"arn", "owner", "policy"}),
    replaces=frozenset({"name"}),
    name="name",
    tagged=True,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
TOPIC_POLICY: Final = Kind(
    required=frozenset({"arn", "policy"}),
    computed=frozenset({"owner"}),
    replaces=frozenset({"arn"}),
    documents=frozenset({"policy"}),
    create=_put_policy,
    read=_policy,
    update=_update_policy,
    delete=_delete_policy,
)
