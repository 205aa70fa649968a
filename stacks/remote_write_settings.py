"""The settings of remote write: the stores that Prometheus copies its samples to."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.settings_base import Region, Secret, ServerName, SettingsModel, Text, Url

#: What Amazon Managed Prometheus, Mimir and Cortex tell the replicas of a pair by, unless told otherwise.
REPLICA = "__replica__"

#: The name, among the stores, of the workspace that `aws.managedPrometheus` makes.
MANAGED = "amazon-managed-prometheus"

REMOTE_PASSWORD = "remoteWritePassword-"  # noqa: S105 - the beginning of a key
REMOTE_TOKEN = "remoteWriteToken-"  # noqa: S105 - the beginning of a key

_Pattern = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*(\.\*)?$")]
_LABEL_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]*$"


class RemoteAuth(SettingsModel):
    """How Prometheus shows a store who it is: one of three ways."""

    username: Text | None = Field(default=None, description="a user, whose password is a secret")
    bearer: bool = Field(default=False, description="true for a token, which is a secret")
    sigv4_region: Region | None = Field(
        default=None,
        description="an AWS region such as eu-central-1: requests are signed for it, by the pod's own role",
    )

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        ways = (self.username is not None, self.bearer, self.sigv4_region is not None)
        if sum(ways) != 1:
            raise ValueError("must say one of username, bearer: true and sigv4Region")
        return self


class RemoteWriteStore(SettingsModel):
    """A store that takes Prometheus' remote write, such as Mimir, Thanos Receive or VictoriaMetrics."""

    name: ServerName = Field(description="its name in metrics and alerts, 40 characters at most")
    url: Url = Field(description="where it takes samples, such as https://mimir.example.com/api/v1/push")
    auth: RemoteAuth | None = Field(
        default=None, description="how Prometheus shows who it is: username, bearer or sigv4Region"
    )
    tenant: Text | None = Field(
        default=None, description="whose samples they are (the header X-Scope-OrgID), where a store asks"
    )
    series: Literal["dashboards", "all"] = Field(
        default="dashboards", description="dashboards (what they read, and all that is recorded) or all"
    )
    also: tuple[_Pattern, ...] = Field(
        default=(), description="a list of further names of metrics, or their beginnings with .* at the end"
    )
    replica_label: str = Field(
        default=REPLICA,
        pattern=_LABEL_NAME,
        description="the label by which it tells two Prometheus apart, to keep each sample once",
    )

    @model_validator(mode="after")
    def _more_than_all_is_all(self) -> Self:
        if self.series == "all" and self.also:
            raise ValueError("series is all, so also has nothing to add: leave it out")
        return self

    @property
    def secret(self) -> Secret | None:
        """Its password or token, where it needs one."""
        if self.auth and self.auth.username is not None:
            return Secret(
                key=f"{REMOTE_PASSWORD}{self.name}",
                purpose=f"password of {self.auth.username} at the remote store {self.name}",
            )
        if self.auth and self.auth.bearer:
            return Secret(key=f"{REMOTE_TOKEN}{self.name}", purpose=f"token of the remote store {self.name}")
        return None


def secrets(stores: tuple[RemoteWriteStore, ...]) -> tuple[Secret, ...]:
    """The secrets that the stores need."""
    return tuple(store.secret for store in stores if store.secret)


def signs(stores: tuple[RemoteWriteStore, ...]) -> bool:
    """Whether Prometheus needs an AWS role."""
    return any(store.auth and store.auth.sigv4_region for store in stores)
