"""The settings of what a stack has in AWS."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from stacks.aws.names import FIXED_TAGS, Names, partition
from stacks.settings_base import Count, Region, SettingsModel

_TAG = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"


def _own_key(key: str) -> str:
    if key in FIXED_TAGS or key.lower().startswith("aws:"):
        msg = f"{', '.join(FIXED_TAGS)} are given by the program, and those that begin with aws: by AWS"
        raise ValueError(msg)
    return key


def _no_scheme(issuer: object) -> object:
    if isinstance(issuer, str) and "://" in issuer:
        raise ValueError("must stand without https://, as AWS' identity provider has it")
    return issuer


TagKey = Annotated[str, Field(pattern=_TAG, min_length=1, max_length=128), AfterValidator(_own_key)]
TagValue = Annotated[str, Field(pattern=_TAG, max_length=256)]


class ManagedPrometheus(SettingsModel):
    """A workspace of Amazon Managed Service for Prometheus."""

    retention_days: Count = Field(
        default=150, le=1095, description="a number of days from 1 to 1095, for which it keeps samples"
    )


class Aws(SettingsModel):
    """The account, the cluster of EKS, and what the stack has there besides Kubernetes' objects."""

    account_id: str = Field(pattern=r"^\d{12}$", description='the 12 digits of an account as text: "123…"')
    region: Region = Field(description="a region such as eu-central-1, of EKS and all else")
    eks_cluster: str = Field(
        pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$", description="the name of the cluster in EKS"
    )
    identity: Literal["podIdentity", "irsa"] = Field(
        default="podIdentity",
        description="podIdentity (EKS' agent on each node) or irsa (the cluster's OIDC issuer)",
    )
    oidc_issuer: (
        Annotated[
            str,
            BeforeValidator(_no_scheme),
            Field(pattern=r"^[a-z0-9.-]+(/[A-Za-z0-9._-]+)*$"),
        ]
        | None
    ) = Field(
        default=None,
        validate_default=True,
        description="the cluster's OIDC issuer without https://, where identity is irsa",
    )
    tags: dict[TagKey, TagValue] = Field(default={}, description="tags that everything in AWS has besides")
    managed_prometheus: ManagedPrometheus | None = Field(
        default=None, description="a workspace that keeps samples outside the cluster"
    )
    alert_topic: bool = Field(
        default=False, description="true for a topic of SNS that critical alerts are sent to, too"
    )
    budget: bool = Field(
        default=False,
        validate_default=True,
        description="true in one stack of an account only: a budget of the whole account's bill",
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _irsa_has_an_issuer(cls, issuer: str | None, info: ValidationInfo) -> str | None:
        identity = info.data.get("identity")
        if identity == "irsa" and issuer is None:
            raise ValueError(
                "identity is irsa, so it must be the cluster's OIDC issuer without https://: aws eks "
                "describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer"
            )
        if identity == "podIdentity" and issuer is not None:
            raise ValueError("identity is podIdentity, which takes no issuer: remove it, or identity: irsa")
        return issuer

    @field_validator("budget")
    @classmethod
    def _budget_is_heard(cls, budget: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's call
        if budget and info.data.get("alert_topic") is False:
            raise ValueError("would tell nobody without alertTopic: true, the topic that it notifies")
        if budget and partition(info.data.get("region", "")) == "aws-us-gov":
            raise ValueError("GovCloud's accounts are billed elsewhere: the paying account has the budget")
        return budget

    @property
    def partition(self) -> str:
        """The partition of AWS that the region is in."""
        return partition(self.region)

    def names(self, cluster: str, namespace: str) -> Names:
        """The names of what a stack has in AWS."""
        return Names(account=self.account_id, region=self.region, cluster=cluster, namespace=namespace)
