"""Alerts of Model Performance: GPUs that are full or hot, models that fail or are slow."""

from dashboards.alert import Alert
from dashboards.model_performance import ERRORS, GPU_TEMPERATURE, GPU_UTILIZATION, LATENCY
from dashboards.parameters import Parameters
from dashboards.promql import (
    Query,
    positive,
    quantile,
    ratio,
    select,
    sum_by,
    sum_over_time,
    times,
    where,
)
from dashboards.promql_conditions import at_least
from dashboards.recordings import gpu, jobs, models

MODEL = ("cluster", "namespace", "model")
WINDOW = "15m"

ENOUGH_INFERENCES = 50
"""Inferences in 15 minutes below which a share of errors says nothing."""

SEVERAL = 3
"""Failures in 15 minutes; a single one is two per cent of 50."""

ENOUGH_PER_SECOND = 0.03
"""Inferences per second below which a 95th percentile is a single request: 10 in 5 minutes."""


def utilization(parameters: Parameters) -> Query:
    """Each GPU's utilization; where the settings say so, only while jobs wait."""
    every = select(gpu.UTILIZATION.series)
    if not parameters.gpu_busy_with_queue:
        return every
    return where(every, positive(sum_by(select(jobs.QUEUE.series), "cluster")), "cluster")


def failed_share() -> Query:
    """Share of each model's inferences that failed, where there were enough of both."""
    every = sum_by(sum_over_time(select(models.INFERENCES.series), WINDOW), *MODEL)
    failed = sum_by(sum_over_time(select(models.INFERENCES.series, outcome="failure"), WINDOW), *MODEL)
    # The rate is recorded once a minute.
    enough = at_least(times(every, 60), ENOUGH_INFERENCES)
    several = at_least(times(failed, 60), SEVERAL)
    return where(where(ratio(failed, every), enough, *MODEL), several, *MODEL)


def latency() -> Query:
    """95th percentile of each model's inference time, where it was asked often enough."""
    often = at_least(sum_by(select(models.LATENCY_COUNT.series), *MODEL), ENOUGH_PER_SECOND)
    return where(quantile(0.95, select(models.LATENCY_BUCKETS.series), *MODEL), often, *MODEL)


def alerts(parameters: Parameters) -> tuple[Alert, ...]:
    """All of them."""
    levels = parameters.levels
    return (
        Alert(
            name="GpuUtilizationHigh",
            panel=GPU_UTILIZATION,
            query=utilization(parameters),
            thresholds=levels.gpu_utilization,
            lasts="5m",
            keeps_firing="10m",
            because="5 minutes are the specification's; a batch's end is a moment's rest",
            summary="GPU {{ $labels.gpu }} of {{ $labels.node }} is <value> busy, above <threshold>.",
            shown="humanizePercentage",
            description=(
                "A GPU at its limit is healthy while nobody waits. Look at Total Queue Depth: if jobs wait, "
                "the models on it need another GPU."
            ),
        ),
        Alert(
            name="GpuTemperatureHigh",
            panel=GPU_TEMPERATURE,
            query=select(gpu.TEMPERATURE.series),
            thresholds=levels.gpu_temperature,
            lasts="5m",
            critical_lasts="2m",
            keeps_firing="5m",
            because="fans need minutes to answer a load; above the critical mark there is no time for that",
            summary="GPU {{ $labels.gpu }} of {{ $labels.node }} is at <value>, above <threshold>.",
            shown='printf "%.0f °C"',
            description=(
                "It will slow down and may stop. Look at GPU Power Usage and at its neighbours: one hot GPU "
                "is its fan, all of a node its room. Drain the node before it stops by itself."
            ),
        ),
        Alert(
            name="ModelErrorRateHigh",
            panel=ERRORS,
            query=failed_share(),
            thresholds=levels.model_error_rate,
            lasts="5m",
            keeps_firing="10m",
            because="the share is of 15 minutes; one failed batch is over sooner",
            summary="<value> of the inferences of {{ $labels.model }} failed, more than <threshold>.",
            shown="humanizePercentage",
            description=(
                "Jobs fail or are tried again, and cost twice. Look whether it began with a deploy of the "
                "model; other models failing, too, points to the node or its driver."
            ),
        ),
        Alert(
            name="InferenceLatencyHigh",
            panel=LATENCY,
            query=latency(),
            thresholds=levels.inference_latency,
            lasts="10m",
            keeps_firing="10m",
            because="a model that starts, or a batch of long videos, is slow for minutes",
            summary=(
                "95 % of the inferences of {{ $labels.model }} end within <value>, slower than <threshold>."
            ),
            shown='printf "%.1f s"',
            description=(
                "Jobs pile up behind the model. Look at GPU Utilization by Model: a full GPU wants more "
                "replicas, an idle one has large inputs or waits for something else."
            ),
        ),
    )
