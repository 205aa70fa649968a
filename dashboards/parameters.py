"""The numbers of an environment that dashboards, rules and alerts share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboards.model import Thresholds


def percent(share: float) -> str:
    """A share of 1 as people write it."""
    return f"{100 * share:.6g} %"


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The thresholds; the defaults are the specification's numbers.

    Attributes:
        api_uptime: Share of the last 24 hours in which the API answered, 0 to 1.
        disk_usage: Used share of a disk, 0 to 1.
        queue_depth: Jobs that wait, all stages together.
        job_failure_rate: Share of the jobs that fail, 0 to 1.
        gpu_utilization: Share of the time in which a GPU is busy, 0 to 1.
        gpu_temperature: Temperature of a GPU in degrees Celsius.
        model_error_rate: Share of a model's inferences that fail, 0 to 1.
        inference_latency: Seconds that a model takes for an inference.
        new_subscriptions: Subscriptions that begin in a day.
        monthly_cost: Projected cost of the month in US dollars.
        budget_utilization: Share of the month's budget; 1 is all of it, and a projection may be above.
        gpu_underutilization: Share of the time in which a GPU is busy, 0 to 1.
        processing_time: A stage's processing time as a multiple of its average.
        active_users_decrease: Share by which the daily active users fell in a week, 0 to 1.
        cancellation_rate: Share of the subscriptions that were cancelled within 30 days, 0 to 1.
        cost_per_job: Cost per job as a multiple of its average.
    """

    api_uptime: Thresholds = Thresholds(warning=0.99, critical=0.95, low_is_bad=True)
    disk_usage: Thresholds = Thresholds(warning=0.80, critical=0.90)
    queue_depth: Thresholds = Thresholds(warning=100, critical=200)
    job_failure_rate: Thresholds = Thresholds(warning=0.05, critical=0.10)
    gpu_utilization: Thresholds = Thresholds(warning=0.90)
    gpu_temperature: Thresholds = Thresholds(warning=80, critical=85)
    model_error_rate: Thresholds = Thresholds(warning=0.01, critical=0.05)
    inference_latency: Thresholds = Thresholds(warning=10)
    new_subscriptions: Thresholds = Thresholds(warning=5, low_is_bad=True)
    monthly_cost: Thresholds = Thresholds(warning=15_000, critical=20_000)
    budget_utilization: Thresholds = Thresholds(warning=0.90)
    gpu_underutilization: Thresholds = Thresholds(warning=0.50, low_is_bad=True)
    processing_time: Thresholds = Thresholds(warning=2)
    active_users_decrease: Thresholds = Thresholds(warning=0.20)
    cancellation_rate: Thresholds = Thresholds(warning=0.10)
    cost_per_job: Thresholds = Thresholds(warning=2)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a month may cost, in US dollars.

    Attributes:
        total: The whole cluster.
        services: Each service that has a budget of its own.
    """

    total: float = 20_000
    services: Mapping[str, float] = field(default_factory=dict[str, float])


TEAMS = {
    "system-health": "platform",
    "job-processing": "platform",
    "model-performance": "ml",
    "user-activity": "product",
    "cost-performance": "finance",
}
"""Who acts on the alerts of each dashboard, unless the settings name others."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What an environment decides about its dashboards, rules and alerts.

    Attributes:
        cluster: The label `cluster` of every series.
        uptime_probe: Name of the probe whose success is the API's uptime.
        levels: Where tiles, panels and alerts turn.
        budget: What a month may cost.
        switched_off: Names of the sources that the environment's settings switch off.
        probes: Names of the probes that the settings declare.
        postgres_servers: Names of the PostgreSQL servers for each of which an exporter is deployed.
        redis_servers: Names of the Redis servers for each of which an exporter is deployed.
        replicas: The pods of each of the stack's own servers, by its scrape job.
        teams: The team of each dashboard, by the dashboard's uid.
        grafana_url: Where people reach Grafana.
        runbook_url: Where people read `docs/runbooks/`, with the slash at the end.
        queue_depth_per_stage: Whether each stage's queue is compared, not all stages together.
        gpu_busy_with_queue: Whether a busy GPU is an alert only while jobs wait.
        api_error_budget: Share of the API's requests that may fail in a month.
    """

    cluster: str = "dubbing-dev"
    uptime_probe: str = "api"
    levels: Levels = Levels()
    budget: Budget = Budget()
    switched_off: frozenset[str] = frozenset()
    probes: tuple[str, ...] = ("api",)
    postgres_servers: tuple[str, ...] = ("main",)
    redis_servers: tuple[str, ...] = ("main",)
    replicas: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"prometheus": ("prometheus-0",), "alertmanager": ("alertmanager-0",)}
    )
    teams: Mapping[str, str] = field(default_factory=lambda: dict(TEAMS))
    grafana_url: str = "http://localhost:3000/"
    runbook_url: str = "https://git.example.com/dubbing-monitoring/blob/main/docs/runbooks/"
    queue_depth_per_stage: bool = False
    gpu_busy_with_queue: bool = False
    api_error_budget: float = 0.01
