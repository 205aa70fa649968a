"""The names and ARNs of what a stack has in AWS: known before anything exists, so that policies name them."""

import hashlib
from dataclasses import dataclass

from stacks.settings_base import PROJECT

#: The tightest limit of all: an IAM role's.
MAX_LENGTH = 64

_OWN_TAGS = ("project", "cluster", "namespace")
#: The tags that everything of a stack has.
FIXED_TAGS = (*_OWN_TAGS, "managed-by")

PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"
SIGV4_PROXY = "aws-sigv4-proxy"


def partition(region: str) -> str:
    """The partition of AWS that a region is in."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names of one stack: IAM's and KMS' are the account's, so each has the region in it."""

    account: str
    region: str
    cluster: str
    """The stack's cluster, which is its label."""
    namespace: str

    def of(self, subject: str) -> str:
        """The physical name of a subject's thing."""
        # No part has an underscore, so no two stacks come to the same name.
        name = f"{self.cluster}_{self.namespace}_{self.region}_{subject}"
        if len(name) <= MAX_LENGTH:
            return name
        end = f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}_{subject}"
        return name[: MAX_LENGTH - len(end)] + end

    @property
    def tags(self) -> dict[str, str]:
        """What makes out that a thing is this stack's; its deployer's rights go by them."""
        return dict(zip(_OWN_TAGS, (PROJECT, self.cluster, self.namespace), strict=True))

    @property
    def topic(self) -> str:
        """The name of the topic of critical alerts."""
        return self.of("critical")

    @property
    def topic_arn(self) -> str:
        """The topic of critical alerts."""
        return self._arn("sns", self.topic)

    @property
    def key_alias(self) -> str:
        """The alias of the topic's key."""
        return f"alias/{self.topic}"

    @property
    def budget(self) -> str:
        """The name of the account's budget."""
        return self.of("monthly")

    @property
    def budget_arn(self) -> str:
        """The account's budget."""
        return f"arn:{partition(self.region)}:budgets::{self.account}:budget/{self.budget}"

    @property
    def budgets_arn(self) -> str:
        """Whatever of the account's budgets notifies somebody."""
        return f"arn:{partition(self.region)}:budgets::{self.account}:*"

    def role_arn(self, subject: str) -> str:
        """The role of a subject."""
        return self.named_role_arn(self.of(subject))

    def named_role_arn(self, name: str) -> str:
        """A role, by its physical name."""
        return f"{self._iam}:role/{name}"

    @property
    def root_arn(self) -> str:
        """The account itself: whoever its own IAM policies let."""
        return f"{self._iam}:root"

    def oidc_provider_arn(self, issuer: str) -> str:
        """The account's identity provider of a cluster's issuer."""
        return f"{self._iam}:oidc-provider/{issuer}"

    def cluster_arn(self, name: str) -> str:
        """A cluster of EKS."""
        return self._arn("eks", f"cluster/{name}")

    def associations_arn(self, cluster: str) -> str:
        """Every Pod Identity association of a cluster of EKS; their ids are made by AWS."""
        return self._arn("eks", f"podidentityassociation/{cluster}/*")

    def workspace_arn(self, workspace: str) -> str:
        """A workspace, by its id."""
        return self._arn("aps", f"workspace/{workspace}")

    def key_arn(self, key: str) -> str:
        """A key of KMS, by its id."""
        return self._arn("kms", f"key/{key}")

    @property
    def workspaces_arn(self) -> str:
        """Every workspace of the account's in the region; their ids are made by AWS."""
        return self._arn("aps", "workspace/*")

    @property
    def keys_arn(self) -> str:
        """Every key of the account's in the region; their ids are made by AWS."""
        return self._arn("kms", "key/*")

    @property
    def key_alias_arn(self) -> str:
        """The alias of the topic's key."""
        return self._arn("kms", self.key_alias)

    @property
    def _iam(self) -> str:
        return f"arn:{partition(self.region)}:iam::{self.account}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{partition(self.region)}:{service}:{self.region}:{self.account}:{resource}"
