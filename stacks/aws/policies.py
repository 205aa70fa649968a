"""The policies of what a stack has in AWS, as documents: who may do what to which thing, all by name."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stacks.aws.names import ALERTMANAGER, Names
from stacks.aws_settings import Aws

Statement = dict[str, Any]

#: What publishing to an encrypted topic takes of its key (SNS' documentation of encrypted topics).
_USE_OF_A_KEY = ("kms:GenerateDataKey*", "kms:Decrypt")

#: What whoever administers the account may do to the key; none of it reads or writes a message.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)


def document(*statements: Statement) -> str:
    """A policy document of statements that allow."""
    allowing = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowing}, indent=2)


def trust(names: Names, settings: Aws, service_account: str) -> str:
    """Who may take a role on: the pods of one account of the stack's namespace, in its cluster."""
    if settings.identity == "irsa" and settings.oidc_issuer is not None:
        issuer = settings.oidc_issuer
        subject = f"system:serviceaccount:{names.namespace}:{service_account}"
        return document(
            {
                "Sid": "Irsa",
                "Principal": {"Federated": names.oidc_provider_arn(issuer)},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{issuer}:sub": subject, f"{issuer}:aud": "sts.amazonaws.com"}
                },
            }
        )
    return document(
        {
            "Sid": "PodIdentity",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            # No aws:SourceArn of an association: such a role gives pods no credentials, as was reported of
            # a live cluster (awslabs/mountpoint-s3-csi-driver, issue 781). The last tag names the cluster.
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": names.account,
                    "aws:RequestTag/kubernetes-namespace": names.namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                    "aws:RequestTag/eks-cluster-arn": names.cluster_arn(settings.eks_cluster),
                }
            },
        }
    )


def remote_write(workspace_arn: str) -> str:
    """What Prometheus may do: send samples to the workspace."""
    return document({"Sid": "Write", "Action": "aps:RemoteWrite", "Resource": workspace_arn})


def query(workspace_arn: str) -> str:
    """What the proxy that signs Grafana's queries may do: read the workspace."""
    actions = ["aps:QueryMetrics", "aps:GetSeries", "aps:GetLabels", "aps:GetMetricMetadata"]
    return document({"Sid": "Query", "Action": actions, "Resource": workspace_arn})


def publish(topic_arn: str, key_arn: str) -> str:
    """What Alertmanager may do: send messages to the topic, encrypted with its key."""
    return document(
        {"Sid": "Publish", "Action": "sns:Publish", "Resource": topic_arn},
        {"Sid": "Encrypt", "Action": list(_USE_OF_A_KEY), "Resource": key_arn},
    )


def topic(names: Names, *, budget: bool) -> str:
    """Who may send to the topic: Alertmanager, and the account's budgets where one notifies it."""
    publishing = {"Action": "sns:Publish", "Resource": names.topic_arn}
    return document(
        {"Sid": "Alertmanager", "Principal": _role(names), **publishing},
        *_budgets(names, publishing, budget=budget),
    )


def key(names: Names, *, budget: bool) -> str:
    """Who may use and who may administer the topic's key. In a key's policy `*` is the key itself."""
    using = {"Action": list(_USE_OF_A_KEY), "Resource": "*"}
    return document(
        {
            "Sid": "Administration",
            "Principal": {"AWS": names.root_arn},
            "Action": list(_ADMINISTRATION),
            "Resource": "*",
        },
        {"Sid": "Alertmanager", "Principal": _role(names), **using},
        *_budgets(names, using, budget=budget),
    )


def _role(names: Names) -> Mapping[str, str]:
    return {"AWS": names.role_arn(ALERTMANAGER)}


def _budgets(names: Names, allowed: Statement, *, budget: bool) -> Sequence[Statement]:
    if not budget:
        return ()
    # As the documentation of budgets has it: the service, for this account's budgets and nobody else's.
    conditions = {
        "StringEquals": {"aws:SourceAccount": names.account},
        "ArnLike": {"aws:SourceArn": names.budgets_arn},
    }
    return (
        {
            "Sid": "Budgets",
            "Principal": {"Service": "budgets.amazonaws.com"},
            **allowed,
            "Condition": conditions,
        },
    )
