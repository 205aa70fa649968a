"""The settings of the Prometheus server."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from stacks.capacity import RETENTION_SHARE, shortfall
from stacks.quantities import (
    Duration,
    PrometheusSize,
    Quantity,
    between,
    kubernetes_quantity,
    prometheus_bytes,
)
from stacks.remote_write_settings import RemoteWriteStore
from stacks.settings_base import Count, Resources, SettingsModel, distinct, resources


class Retention(SettingsModel):
    """How long samples are kept: whichever limit is reached first."""

    time: Duration = Field(description="a duration such as 35d")
    size: PrometheusSize = Field(description="a size such as 12GB")


class Prometheus(SettingsModel):
    """The Prometheus server."""

    # A window of five minutes must see a counter twice, and once more where a scrape was missed.
    scrape_interval: Annotated[Duration, between("5s", "2m")] = Field(
        default="30s", description="a duration such as 30s, 5s to 2m"
    )
    replicas: Count = Field(
        default=1,
        le=2,
        description="1 or 2; two scrape and judge the same, each on a volume of its own",
    )
    retention: Retention
    volume: Quantity = Field(description="the size of each replica's volume, such as 50Gi")
    resources: Resources = resources("250m", "1Gi", "2Gi")
    remote_write: Annotated[tuple[RemoteWriteStore, ...], AfterValidator(distinct)] = Field(
        default=(), description="a list of stores that samples are copied to"
    )
    expected_series: Count | None = Field(
        default=None,
        description="active series to have room for: what cannot hold them is refused (docs/capacity.md)",
    )

    @model_validator(mode="after")
    def _holds_the_expected_series(self) -> "Prometheus":
        limit = self.resources.limits.memory
        if self.expected_series and (
            missing := shortfall(
                self.expected_series,
                self.scrape_interval,
                self.retention.time,
                prometheus_bytes(self.retention.size),
                kubernetes_quantity(limit),
            )
        ):
            raise ValueError(missing)
        return self

    @model_validator(mode="after")
    def _retention_fits_the_volume(self) -> "Prometheus":
        room = kubernetes_quantity(self.volume) * RETENTION_SHARE
        if prometheus_bytes(self.retention.size) > room:
            msg = (
                f"retention.size {self.retention.size} does not fit the volume of {self.volume}: at most "
                f"{int(room / 1024**2)}MB, which is {RETENTION_SHARE:.0%} of it (the write-ahead log and "
                "compaction need the rest)"
            )
            raise ValueError(msg)
        return self
