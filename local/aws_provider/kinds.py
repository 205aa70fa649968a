"""The resource types that the stand-in has."""

from collections.abc import Mapping
from typing import Final

from local.aws_provider import amp, budgets, eks, iam, kms, sns
from local.aws_provider.kind import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "aws:amp/workspace:Workspace": amp.WORKSPACE,
    "aws:amp/workspaceConfiguration:WorkspaceConfiguration": amp.CONFIGURATION,
    "aws:budgets/budget:Budget": budgets.BUDGET,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": eks.POD_IDENTITY_ASSOCIATION,
    "aws:iam/role:Role": iam.ROLE,
    "aws:iam/rolePolicy:RolePolicy": iam.ROLE_POLICY,
    "aws:kms/alias:Alias": kms.ALIAS,
    "aws:kms/key:Key": kms.KEY,
    "aws:sns/topic:Topic": sns.TOPIC,
    "aws:sns/topicPolicy:TopicPolicy": sns.TOPIC_POLICY,
}


class UnsupportedTypeError(Exception):
    """The stand-in does not have a resource type."""


def token_of(urn: str) -> str:
    """The resource type of a URN, without its parents'."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def kind_of(urn: str) -> Kind:
    """The resource type of a URN.

    Raises:
        UnsupportedTypeError: the stand-in does not have it.
    """
    token = token_of(urn)
    if token not in KINDS:
        raise UnsupportedTypeError(
            f"{token} is not a type that the stand-in of the AWS provider has; these are: {', '.join(KINDS)}"
        )
    return KINDS[token]
