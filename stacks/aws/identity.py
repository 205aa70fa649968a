"""Who a pod is in AWS: a role that only the pods of one account take on, and what it may do."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from stacks.aws import policies
from stacks.aws.names import Names
from stacks.aws_settings import Aws
from stacks.workload import CloudIdentity

#: By this annotation of an account EKS' webhook gives its pods a token for the role.
IRSA_ANNOTATION = "eks.amazonaws.com/role-arn"


@dataclass(frozen=True, kw_only=True)
class AccountRole:
    """The role of one account, which may do nothing yet."""

    subject: str
    """The account's name."""
    role: aws.iam.Role


def account_role(subject: str, names: Names, settings: Aws, parent: pulumi.Resource) -> AccountRole:
    """A role that the pods of an account of the stack's namespace take on."""
    role = aws.iam.Role(
        f"{subject}-role",
        name=names.of(subject),
        description=f"The pods of {subject} in the namespace {names.namespace} of {settings.eks_cluster}",
        assume_role_policy=policies.trust(names, settings, subject),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return AccountRole(subject=subject, role=role)


def granted(
    account: AccountRole, policy: pulumi.Input[str], names: Names, settings: Aws, parent: pulumi.Resource
) -> CloudIdentity:
    """The role with its rights, in the hands of the account."""
    subject = account.subject
    rights = aws.iam.RolePolicy(
        f"{subject}-policy",
        name=names.of(subject),
        role=account.role.name,
        policy=policy,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    if settings.identity == "irsa":
        return CloudIdentity(annotations={IRSA_ANNOTATION: names.role_arn(subject)}, after=[rights])
    association = aws.eks.PodIdentityAssociation(
        f"{subject}-association",
        cluster_name=settings.eks_cluster,
        namespace=names.namespace,
        service_account=subject,
        # Plain, so that it is known before the role is: an association follows the role's name.
        role_arn=names.role_arn(subject),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[account.role, rights]),
    )
    return CloudIdentity(after=[association])
