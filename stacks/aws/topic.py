"""The topic of critical alerts, and the key that its messages are encrypted with."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from stacks.aws import policies
from stacks.aws.names import Names


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Where critical alerts are published."""

    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    policy: aws.sns.TopicPolicy
    """What lets senders in."""


def topic(names: Names, parent: pulumi.Resource, *, budget: bool, sender: pulumi.Resource) -> Topic:
    """An encrypted topic that only the stack's own senders reach; its subscribers are the people's matter.

    A policy that names a role is refused where the role does not exist: `sender` comes first.
    """
    key = aws.kms.Key(
        "topic-key",
        description=f"Messages of {names.topic}",
        enable_key_rotation=True,
        policy=policies.key(names, budget=budget),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[sender]),
    )
    aws.kms.Alias(
        "topic-key-alias",
        name=names.key_alias,
        target_key_id=key.id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    key_arn = key.id.apply(names.key_arn)
    created = aws.sns.Topic(
        "topic",
        name=names.topic,
        display_name="Critical alerts",
        kms_master_key_id=key_arn,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    policy = aws.sns.TopicPolicy(
        "topic-policy",
        arn=names.topic_arn,
        policy=policies.topic(names, budget=budget),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[created, sender]),
    )
    return Topic(arn=created.name.apply(lambda _: names.topic_arn), key_arn=key_arn, policy=policy)
