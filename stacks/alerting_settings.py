"""The settings of alerts: thresholds, budgets, who gets them, and how."""

from dataclasses import replace
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from dashboards import model
from dashboards.parameters import TEAMS, Budget, Levels
from stacks.settings_base import Celsius, Name, Positive, Ratio, SettingsModel, Share, Times, Url

NumberT = TypeVar("NumberT", bound=float)


class HighIsBad(SettingsModel, Generic[NumberT]):
    """A warning and a critical threshold of one condition that gets worse as its value rises."""

    warning: NumberT
    critical: NumberT

    @field_validator("critical")
    @classmethod
    def _is_the_worse(cls, critical: float, info: ValidationInfo) -> float:
        warning = info.data.get("warning")
        if warning is not None and critical <= warning:
            msg = f"must be above warning, {warning:g}: more is worse"
            raise ValueError(msg)
        return critical


class LowIsBad(SettingsModel, Generic[NumberT]):
    """A warning and a critical threshold of one condition that gets worse as its value falls."""

    warning: NumberT
    critical: NumberT

    @field_validator("critical")
    @classmethod
    def _is_the_worse(cls, critical: float, info: ValidationInfo) -> float:
        warning = info.data.get("warning")
        if warning is not None and critical >= warning:
            msg = f"must be below warning, {warning:g}: less is worse"
            raise ValueError(msg)
        return critical


class WarningOnly(SettingsModel, Generic[NumberT]):
    """A threshold of a condition that is never critical."""

    warning: NumberT


_LEVELS = Levels()


def _default(group: type[SettingsModel], level: str) -> Any:  # noqa: ANN401 - each field is of its own type
    thresholds: model.Thresholds = getattr(_LEVELS, level)
    values = {key: getattr(thresholds, key) for key in group.model_fields}
    return Field(default=group.model_validate(values), description="a group of thresholds")


class Thresholds(SettingsModel):
    """Where tiles, panels and alerts turn; the defaults are the specification's numbers.

    Each is described in `dashboards.parameters.Levels`, which also says whether high or low is bad.
    """

    api_uptime: LowIsBad[Ratio] = _default(LowIsBad[Ratio], "api_uptime")
    disk_usage: HighIsBad[Ratio] = _default(HighIsBad[Ratio], "disk_usage")
    queue_depth: HighIsBad[Positive] = _default(HighIsBad[Positive], "queue_depth")
    job_failure_rate: HighIsBad[Ratio] = _default(HighIsBad[Ratio], "job_failure_rate")
    gpu_utilization: WarningOnly[Ratio] = _default(WarningOnly[Ratio], "gpu_utilization")
    gpu_temperature: HighIsBad[Celsius] = _default(HighIsBad[Celsius], "gpu_temperature")
    model_error_rate: HighIsBad[Ratio] = _default(HighIsBad[Ratio], "model_error_rate")
    inference_latency: WarningOnly[Positive] = _default(WarningOnly[Positive], "inference_latency")
    new_subscriptions: WarningOnly[Positive] = _default(WarningOnly[Positive], "new_subscriptions")
    monthly_cost: HighIsBad[Positive] = _default(HighIsBad[Positive], "monthly_cost")
    budget_utilization: WarningOnly[Share] = _default(WarningOnly[Share], "budget_utilization")
    gpu_underutilization: WarningOnly[Ratio] = _default(WarningOnly[Ratio], "gpu_underutilization")
    processing_time: WarningOnly[Times] = _default(WarningOnly[Times], "processing_time")
    active_users_decrease: WarningOnly[Ratio] = _default(WarningOnly[Ratio], "active_users_decrease")
    cancellation_rate: WarningOnly[Ratio] = _default(WarningOnly[Ratio], "cancellation_rate")
    cost_per_job: WarningOnly[Times] = _default(WarningOnly[Times], "cost_per_job")

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
    # Fast burning is 14.4 times the budget: of more than a twentieth it would be most requests.
    api_error_budget: Annotated[Ratio, Field(ge=0.0001, le=0.05)] = Field(
        default=0.01,
        description="the share of the API's requests that may fail in a month, 0.0001 to 0.05",
    )
