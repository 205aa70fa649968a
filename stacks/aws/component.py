"""Everything of a stack in AWS: knows its things and their order, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from stacks.aws import policies
from stacks.aws.budget import budget
from stacks.aws.identity import account_role, granted
from stacks.aws.names import ALERTMANAGER, PROMETHEUS, SIGV4_PROXY, Names
from stacks.aws.topic import topic
from stacks.aws.workspace import workspace
from stacks.aws_settings import Aws
from stacks.remote_write import Workspace
from stacks.settings import Settings
from stacks.workload import CloudIdentity


@dataclass(frozen=True, kw_only=True)
class AwsStackArgs:
    """What it is made from."""

    settings: Settings
    aws: Aws
    """The group of the settings, which is there."""


class AwsStack(pulumi.ComponentResource):
    """A workspace, a topic, a budget, and who may use them; each where the settings have it."""

    identities: Mapping[str, CloudIdentity]
    """By the names of accounts in the stack's namespace."""
    workspace: Workspace | None = None
    topic_arn: pulumi.Output[str] | None = None

    def __init__(self, name: str, args: AwsStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        settings, cloud = args.settings, args.aws
        names = cloud.names(settings.cluster, settings.kubernetes.namespace)
        provider = aws.Provider(
            "aws",
            region=cloud.region,
            # With credentials of another account it refuses to do anything at all.
            allowed_account_ids=[cloud.account_id],
            default_tags={"tags": tags(names, cloud)},
        )
        super().__init__(
            "dubbing:monitoring:AwsStack",
            name,
            None,
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[provider])),
        )
        identities: dict[str, CloudIdentity] = {}
        if cloud.managed_prometheus is not None:
            self.workspace = workspace(
                names, cloud.managed_prometheus, self, protect=settings.kubernetes.protect
            )
            users = {PROMETHEUS: policies.remote_write}
            if settings.has_signing_proxy:
                users[SIGV4_PROXY] = policies.query
            for subject, policy in users.items():
                role = account_role(subject, names, cloud, self)
                identities[subject] = granted(role, self.workspace.arn.apply(policy), names, cloud, self)
        if cloud.alert_topic:
            sender = account_role(ALERTMANAGER, names, cloud, self)
            alerts = topic(names, self, budget=cloud.budget, sender=sender.role)
            publishing = alerts.key_arn.apply(lambda key: policies.publish(names.topic_arn, key))
            identities[ALERTMANAGER] = granted(sender, publishing, names, cloud, self)
            self.topic_arn = alerts.arn
            if cloud.budget:
                budget(
                    names,
                    settings.monthly_budget,
                    settings.thresholds.monthly_cost,
                    names.topic_arn,
                    self,
                    after=alerts.policy,
                )
        self.identities = identities
        self.register_outputs({})


def tags(names: Names, settings: Aws) -> dict[str, str]:
    """What everything of the stack is tagged with; the deployer's rights go by the first three."""
    return {**settings.tags, **names.tags, "managed-by": "pulumi"}
