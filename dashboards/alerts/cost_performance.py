"""Alerts of Cost & Performance: the month's bill, and GPUs and jobs that cost more than they should."""

from dashboards.alert import Alert
from dashboards.cost_performance import BUDGET, COST_PER_JOB, GPU_UTILIZATION, PROJECTION
from dashboards.parameters import Parameters
from dashboards.promql import (
    average_over_time,
    count_over_time,
    either,
    last_over_time,
    ratio,
    select,
    set_label,
    sum_by,
    where,
)
from dashboards.promql_conditions import at_least
from dashboards.recordings import cost, gpu

DOLLARS = 'printf "$%.0f"'

ENOUGH_MINUTES = 360
"""Six measured hours; before, the month is projected from a morning."""

NEARLY_AN_HOUR = 55
STILL_FRESH = "11m"


def alerts(parameters: Parameters) -> tuple[Alert, ...]:
    """All of them."""
    levels = parameters.levels
    measured = at_least(select(cost.MINUTES_MEASURED.series), ENOUGH_MINUTES)
    by_service = sum_by(select(cost.PROJECTION.series), "cluster", "service")
    whole = set_label(sum_by(select(cost.PROJECTION.series), "cluster"), "service", "")
    hour = average_over_time(select(gpu.UTILIZATION_BY_SERVICE.series), "1h")
    whole_hour = at_least(count_over_time(select(gpu.UTILIZATION_BY_SERVICE.series), "1h"), NEARLY_AN_HOUR)
    return (
        Alert(
            name="MonthlyCostProjectionHigh",
            panel=PROJECTION,
            query=where(sum_by(select(cost.PROJECTION.series), "cluster"), measured, "cluster"),
            thresholds=levels.monthly_cost,
            lasts="1h",
            keeps_firing="6h",
            because="the projection is of a day's mean: an hour of more nodes is no reason to write",
            summary="This month will have cost <value>, more than <threshold>.",
            shown=DOLLARS,
            description=(
                "List prices of what runs in the cluster, so far and to the month's end at the pace of the "
                "last day. Look at Cost by Service for what grew."
            ),
        ),
        Alert(
            name="BudgetUtilizationHigh",
            panel=BUDGET,
            query=where(
                ratio(
                    either(by_service, whole),
                    sum_by(select(cost.budget(parameters.budget).series), "cluster", "service"),
                ),
                measured,
                "cluster",
            ),
            thresholds=levels.budget_utilization,
            lasts="1h",
            keeps_firing="6h",
            because="the projection is of a day's mean: an hour of more nodes is no reason to write",
            summary=(
                "{{ with $labels.service }}{{ . }}{{ else }}Everything{{ end }} will have used <value> of "
                "the month's budget, more than <threshold>."
            ),
            shown="humanizePercentage",
            description=(
                "Little of the budget is left, or none. Look at Budget Utilization for when it rose; scale "
                "down, or change the budget while the month lasts."
            ),
        ),
        Alert(
            name="GpuUnderutilized",
            panel=GPU_UTILIZATION,
            query=where(hour, whole_hour, "cluster", "namespace", "service"),
            thresholds=levels.gpu_underutilization,
            lasts="5m",
            keeps_firing="30m",
            because="the value is the mean of an hour, so that busy minutes do not hide an idle one",
            summary="The GPUs of {{ $labels.service }} were busy <value> of an hour, below <threshold>.",
            shown="humanizePercentage",
            description=(
                "The service pays for GPUs that it hardly uses. Look at Queue Depth by Service: with an "
                "empty queue fewer replicas do, or two models on a GPU."
            ),
        ),
        Alert(
            name="CostPerJobHigh",
            panel=COST_PER_JOB,
            query=ratio(
                last_over_time(select(cost.PER_JOB.series), STILL_FRESH),
                last_over_time(select(cost.PER_JOB_AVERAGE.series), STILL_FRESH),
            ),
            thresholds=levels.cost_per_job,
            lasts="1h",
            keeps_firing="6h",
            because="the figure is of a whole day and moves slowly",
            summary="A job costs <value> times its average of the week, more than <threshold> times.",
            shown='printf "%.1f"',
            description=(
                "The last 24 hours are compared with the average of the 7 days that ended a day ago. Fewer "
                "jobs on the same nodes, or longer videos: compare with Cost per Processing Minute."
            ),
        ),
    )
