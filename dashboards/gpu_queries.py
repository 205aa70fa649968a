"""How panels read GPUs: each once, filtered and grouped by who holds it."""

from dashboards.model import Recording
from dashboards.promql import Matcher, Query, avg_by, default_label, ratio, select, sum_by, where
from dashboards.recordings import gpu

INSTANCE = ("cluster", "UUID", "GPU_I_ID")
NOBODY = "none"
"""Whom a GPU belongs to that is idle, or whose pod carries no such label."""


def held(figure: Recording, *same: str, **holders: Matcher) -> Query:
    """A figure of the GPUs that the chosen services or models hold; where all are chosen, of all GPUs.

    Args:
        figure: One of `dashboards.recordings.gpu`.
        same: The labels that make out a GPU or MIG instance in the figure.
        holders: Matchers on cluster, namespace, service or model.
    """
    cluster = holders["cluster"]
    return where(select(figure.series, cluster=cluster), select(gpu.HOLDER.series, **holders), *same)


def utilization_of_all(**holders: Matcher) -> Query:
    """Mean utilization of the GPUs, 0 to 1; one that MIG split counts once, with the mean of its parts."""
    return avg_by(avg_by(held(gpu.UTILIZATION, *INSTANCE, **holders), "cluster", "UUID"))


def _together(recording: Recording, label: str, holders: dict[str, Matcher]) -> Query:
    return sum_by(default_label(select(recording.series, **holders), label, NOBODY), label)


def utilization_by(label: str, **holders: Matcher) -> Query:
    """Mean utilization of the GPUs that each service or model holds, 0 to 1."""
    total, count = (each[label] for each in (gpu.UTILIZATION_SUM, gpu.UTILIZATION_COUNT))
    return ratio(_together(total, label, holders), _together(count, label, holders))


def memory_by_model(**holders: Matcher) -> Query:
    """Memory in use on the GPUs that each model holds, in bytes; a shared GPU counts for each."""
    return _together(gpu.MEMORY_USED_BY_MODEL, "model", holders)
