"""The settings of alerts: thresholds, budgets, who gets them, and how."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from dashboards import model
from dashboards.parameters import TEAMS, Budget, Levels
from stacks.settings_base import Name, Positive, Ratio, SettingsModel, Url


class Ratios(SettingsModel):
    """A warning and a critical threshold of one condition, as ratios from 0 to 1."""

    warning: Ratio = Field(description="a ratio between 0 and 1")
    critical: Ratio = Field(description="a ratio between 0 and 1")


class Amount(SettingsModel):
    """A warning and a critical threshold of one condition, as positive numbers."""

    warning: Positive = Field(description="a number above 0")
    critical: Positive = Field(description="a number above 0")


class WarningRatio(SettingsModel):
    """A threshold of a condition that is never critical, as a ratio from 0 to 1."""

    warning: Ratio = Field(description="a ratio between 0 and 1")


class WarningAmount(SettingsModel):
    """A threshold of a condition that is never critical, as a positive number."""

    warning: Positive = Field(description="a number above 0")


_LEVELS = Levels()


def _default(group: type[SettingsModel], level: str) -> Any:  # noqa: ANN401 - each field is of its own type
    thresholds: model.Thresholds = getattr(_LEVELS, level)
    values = {key: getattr(thresholds, key) for key in group.model_fields}
    return Field(default=group.model_validate(values), description="a group with warning and critical")


class Thresholds(SettingsModel):
    """Where tiles, panels and alerts turn; the defaults are the specification's numbers.

    Each is described in `dashboards.parameters.Levels`, which also says whether high or low is bad.
    """

    api_uptime: Ratios = _default(Ratios, "api_uptime")
    disk_usage: Ratios = _default(Ratios, "disk_usage")
    queue_depth: Amount = _default(Amount, "queue_depth")
    job_failure_rate: Ratios = _default(Ratios, "job_failure_rate")
    gpu_utilization: WarningRatio = _default(WarningRatio, "gpu_utilization")
    gpu_temperature: Amount = _default(Amount, "gpu_temperature")
    model_error_rate: Ratios = _default(Ratios, "model_error_rate")
    inference_latency: WarningAmount = _default(WarningAmount, "inference_latency")
    new_subscriptions: WarningAmount = _default(WarningAmount, "new_subscriptions")
    monthly_cost: Amount = _default(Amount, "monthly_cost")
    budget_utilization: WarningAmount = _default(WarningAmount, "budget_utilization")
    gpu_underutilization: WarningRatio = _default(WarningRatio, "gpu_underutilization")
    processing_time: WarningAmount = _default(WarningAmount, "processing_time")
    active_users_decrease: WarningRatio = _default(WarningRatio, "active_users_decrease")
    cancellation_rate: WarningRatio = _default(WarningRatio, "cancellation_rate")
    cost_per_job: WarningAmount = _default(WarningAmount, "cost_per_job")

    @model_validator(mode="after")
    def _critical_is_the_worse(self) -> "Thresholds":
        wrong = list[str]()
        for name in type(self).model_fields:
            low_is_bad: bool = getattr(_LEVELS, name).low_is_bad
            group = getattr(self, name)
            critical: float | None = getattr(group, "critical", None)
            if critical is not None and (
                critical == group.warning or (critical < group.warning) != low_is_bad
            ):
                key, side, worse = to_camel(name), *(("below", "less") if low_is_bad else ("above", "more"))
                wrong.append(f"{key}.critical must be {side} {key}.warning: {worse} is worse")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def as_levels(self) -> Levels:
        """The thresholds as dashboards and rules take them."""
        return Levels(
            **{
                name: replace(getattr(_LEVELS, name), **getattr(self, name).model_dump())
                for name in type(self).model_fields
            }
        )


class MonthlyBudget(SettingsModel):
    """What a month may cost, in US dollars."""

    total: Positive = Field(default=Budget().total, description="a number of US dollars above 0")
    services: dict[str, Positive] = Field(
        default={}, description="the services that have a budget of their own, each with its US dollars"
    )


class Teams(SettingsModel):
    """Who acts on the alerts of each dashboard: the label `team`, by which routes tell them apart."""

    system_health: Name = Field(default=TEAMS["system-health"], description="the name of a team")
    job_processing: Name = Field(default=TEAMS["job-processing"], description="the name of a team")
    model_performance: Name = Field(default=TEAMS["model-performance"], description="the name of a team")
    user_activity: Name = Field(default=TEAMS["user-activity"], description="the name of a team")
    cost_performance: Name = Field(default=TEAMS["cost-performance"], description="the name of a team")

    def by_dashboard(self) -> dict[str, str]:
        """The teams by the dashboards' uids."""
        return {name.replace("_", "-"): getattr(self, name) for name in type(self).model_fields}


class Alerts(SettingsModel):
    """What alerts compare and where they lead."""

    teams: Teams = Teams()
    runbook_url: Url = Field(
        default="https://git.example.com/dubbing-monitoring/blob/main/docs/runbooks/",
        pattern="/$",
        description="the URL under which people read docs/runbooks/, with the slash at the end",
    )
    queue_depth_per: Literal["total", "stage"] = Field(
        default="total", description="total (all stages together, as the tile shows it) or stage"
    )
    gpu_busy: Literal["always", "whileJobsWait"] = Field(
        default="always",
        description="always (as the specification says) or whileJobsWait (a busy GPU alone is healthy)",
    )
    api_error_budget: Ratio = Field(
        default=0.01, description="the share of the API's requests that may fail in a month"
    )
