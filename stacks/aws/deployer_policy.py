"""The rights in AWS that it takes to deploy a stack, made from the resources that the stack registers.

`.venv/bin/python -m stacks.aws.deployer_policy STACK` prints them as a policy, which the account's
administrator attaches to whoever deploys; docs/aws.md has the steps, and what the policy does not hold back.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stacks import program, render, stack_file
from stacks.aws.names import Names
from stacks.aws_settings import Aws
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from stacks.stack_file import SettingsError

Inputs = Mapping[str, Any]
Statement = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What one type of resource takes."""

    actions: tuple[str, ...]
    on: Callable[[Names, Aws, Inputs], str]
    """The ARN that they are done to."""
    tagged: Literal["no", "created", "owned", "tagging"] = "no"
    """What must have the stack's tags: the new thing, the thing that is there, or neither may have others."""


def _anything(_names: Names, _settings: Aws, _inputs: Inputs) -> str:
    return "*"


def _workspaces(names: Names, _settings: Aws, _inputs: Inputs) -> str:
    return names.workspaces_arn


def _keys(names: Names, _settings: Aws, _inputs: Inputs) -> str:
    return names.keys_arn


def _alias(names: Names, _settings: Aws, _inputs: Inputs) -> str:
    return names.key_alias_arn


def _topic(names: Names, _settings: Aws, _inputs: Inputs) -> str:
    return names.topic_arn


def _budget(names: Names, _settings: Aws, _inputs: Inputs) -> str:
    return names.budget_arn


def _cluster(names: Names, settings: Aws, _inputs: Inputs) -> str:
    return names.cluster_arn(settings.eks_cluster)


def _associations(names: Names, settings: Aws, _inputs: Inputs) -> str:
    return names.associations_arn(settings.eks_cluster)


def _role(names: Names, _settings: Aws, inputs: Inputs) -> str:
    return names.named_role_arn(inputs["name"])


def _role_of_policy(names: Names, _settings: Aws, inputs: Inputs) -> str:
    return names.named_role_arn(inputs["role"])


def _passed(_names: Names, _settings: Aws, inputs: Inputs) -> str:
    return inputs["roleArn"]


_NAMING = ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")

#: What the provider asks of AWS to create, read, change, tag and delete each type. A workspace and its
#: configuration are never deleted: `destroy` keeps them.
NEEDED: Mapping[str, tuple[Needed, ...]] = {
    "aws:amp/workspace:Workspace": (
        Needed(actions=("aps:CreateWorkspace",), on=_anything, tagged="created"),
        Needed(
            actions=(
                "aps:DescribeWorkspace",
                "aps:DescribeLoggingConfiguration",
                "aps:ListTagsForResource",
                "aps:UntagResource",
                "aps:UpdateWorkspaceAlias",
            ),
            on=_workspaces,
            tagged="owned",
        ),
        Needed(actions=("aps:TagResource",), on=_workspaces, tagged="tagging"),
    ),
    "aws:amp/workspaceConfiguration:WorkspaceConfiguration": (
        Needed(
            actions=("aps:DescribeWorkspaceConfiguration", "aps:UpdateWorkspaceConfiguration"),
            on=_workspaces,
            tagged="owned",
        ),
    ),
    "aws:iam/role:Role": (
        Needed(
            actions=(
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:ListRoleTags",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ),
            on=_role,
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Needed(
            actions=("iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"), on=_role_of_policy
        ),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        Needed(actions=("eks:CreatePodIdentityAssociation", "eks:ListPodIdentityAssociations"), on=_cluster),
        Needed(
            actions=(
                "eks:DeletePodIdentityAssociation",
                "eks:DescribePodIdentityAssociation",
                "eks:UntagResource",
                "eks:UpdatePodIdentityAssociation",
            ),
            on=_associations,
            tagged="owned",
        ),
        Needed(actions=("eks:TagResource",), on=_associations, tagged="tagging"),
        Needed(actions=("iam:GetRole",), on=_passed),
    ),
    "aws:kms/key:Key": (
        Needed(actions=("kms:CreateKey",), on=_anything, tagged="created"),
        Needed(
            actions=(
                "kms:DescribeKey",
                "kms:DisableKey",
                "kms:DisableKeyRotation",
                "kms:EnableKey",
                "kms:EnableKeyRotation",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ),
            on=_keys,
            tagged="owned",
        ),
        Needed(actions=("kms:TagResource",), on=_keys, tagged="tagging"),
    ),
    "aws:kms/alias:Alias": (
        Needed(actions=("kms:ListAliases",), on=_anything),
        # AWS asks for it on both.
        Needed(actions=_NAMING, on=_alias),
        Needed(actions=_NAMING, on=_keys, tagged="owned"),
    ),
    "aws:sns/topic:Topic": (
        Needed(
            actions=(
                "sns:CreateTopic",
                "sns:DeleteTopic",
                "sns:GetTopicAttributes",
                "sns:ListTagsForResource",
                "sns:SetTopicAttributes",
                "sns:TagResource",
                "sns:UntagResource",
            ),
            on=_topic,
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        Needed(actions=("sns:GetTopicAttributes", "sns:SetTopicAttributes"), on=_topic),
    ),
    "aws:budgets/budget:Budget": (
        Needed(
            actions=(
                "budgets:ListTagsForResource",
                "budgets:ModifyBudget",
                "budgets:TagResource",
                "budgets:UntagResource",
                "budgets:ViewBudget",
            ),
            on=_budget,
        ),
    ),
}


def policy(registrations: Iterable[Registration], names: Names, settings: Aws) -> dict[str, Any]:
    """The policy that a deployer of these resources needs.

    Raises:
        KeyError: it is not known what a type of resource takes.
    """
    ours = [item for item in registrations if item.type.startswith("aws:")]
    actions: dict[tuple[str, str], set[str]] = {}
    for item in ours:
        for needed in NEEDED[item.type]:
            actions.setdefault((needed.tagged, needed.on(names, settings, item.inputs)), set()).update(
                needed.actions
            )
    together: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for (tagged, arn), found in actions.items():
        together.setdefault((tagged, tuple(sorted(found))), set()).add(arn)
    statements: list[Statement] = [
        {
            "Effect": "Allow",
            "Action": list(found),
            "Resource": sorted(arns),
            **_condition(tagged, names),
        }
        for (tagged, found), arns in sorted(together.items())
    ]
    return {"Version": "2012-10-17", "Statement": [*statements, *_passing(ours, names, settings)]}


def _condition(tagged: str, names: Names) -> Statement:
    request = {f"aws:RequestTag/{key}": value for key, value in names.tags.items()}
    resource = {f"aws:ResourceTag/{key}": value for key, value in names.tags.items()}
    match tagged:
        case "created":
            return {"Condition": {"StringEquals": request}}
        case "owned":
            return {"Condition": {"StringEquals": resource}}
        case "tagging":
            # A new thing has none yet; one of another stack has others, and must not become this one's.
            return {"Condition": {"StringEqualsIfExists": {**request, **resource}}}
        case _:
            return {}


def _passing(registrations: Iterable[Registration], names: Names, settings: Aws) -> Iterator[Statement]:
    """Handing the stack's own roles to its pods, and to nobody else."""
    roles = {_passed(names, settings, item.inputs) for item in registrations if "roleArn" in item.inputs}
    if roles:
        yield {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": sorted(roles),
            "Condition": {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}},
        }


def of_stack(stack: str) -> dict[str, Any]:
    """The policy for the stack of a stack file.

    Raises:
        SettingsError: the stack file has mistakes, or nothing in AWS.
    """
    settings = stack_file.read_stack_file(stack_file.stack_file(stack))
    if settings.aws is None:
        msg = (
            f"Stack {stack} has nothing in AWS: {PROJECT}:aws is not set in its file. "
            "What it takes stands in docs/aws.md."
        )
        raise SettingsError(msg)
    names = settings.aws.names(settings.cluster, settings.kubernetes.namespace)
    return policy(render.registrations(stack), names, settings.aws)


def main() -> int:
    """The command line: 0 when the policy was printed, 1 with what to mend otherwise."""
    parser = argparse.ArgumentParser(prog="python -m stacks.aws.deployer_policy", description=__doc__)
    parser.add_argument("stack", help="the stack's name, such as dev")
    arguments = parser.parse_args()
    try:
        print(json.dumps(of_stack(arguments.stack), indent=2))
    except program.REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
