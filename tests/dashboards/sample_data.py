"""Sample data made from the metric contract: every metric, with the labels that it declares."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from dashboards.contract import Metric, MetricType
from dashboards.metrics import CONTRACT, application, exporters, gpu

#: Values that a label takes besides its example, wherever it is declared.
VALUES = {
    "outcome": ("success", "failure"),
    "stage": ("transcription", "lip-sync"),
    "model": ("whisper-large", "xtts"),
    "tier": ("free", "pro"),
    "window": ("1d", "7d"),
    "http_response_status_code": ("200", "503"),
    "state": ("active", "idle"),
}
#: Pods that exporters tell of; the application's own are in their targets' labels.
PODS = ("api-7d9c5b6f4-x2x9k", "whisper-6c5f7d8b9-abcde")
OF_PODS = (exporters.KUBE_POD_LABELS, exporters.CONTAINER_CPU_USAGE, exporters.CONTAINER_MEMORY_WORKING_SET)

GIB = 1024**3
#: Values of gauges that must not be 10 for the figures to make sense.
LEVELS: dict[Metric, float] = {
    application.WORKER_SLOTS: 20,
    application.COHORT_USERS: 40,
    application.STORAGE_UP: 1,
    exporters.UP: 1,
    exporters.ALERTS: 1,
    exporters.PROBE_SUCCESS: 1,
    exporters.PG_UP: 1,
    exporters.REDIS_UP: 1,
    exporters.KUBE_POD_LABELS: 1,
    exporters.PG_SETTINGS_MAX_CONNECTIONS: 100,
    exporters.REDIS_MEMORY_USED: GIB,
    exporters.REDIS_MEMORY_MAX: 2 * GIB,
    exporters.REDIS_TOTAL_SYSTEM_MEMORY: 8 * GIB,
    exporters.CONTAINER_MEMORY_WORKING_SET: GIB,
    exporters.KUBELET_VOLUME_AVAILABLE: 5 * GIB,
    exporters.KUBELET_VOLUME_CAPACITY: 20 * GIB,
    exporters.NODE_FILESYSTEM_AVAILABLE: 30 * GIB,
    exporters.NODE_FILESYSTEM_SIZE: 100 * GIB,
    exporters.NODE_TOTAL_HOURLY_COST: 4,
    exporters.NODE_CPU_HOURLY_COST: 0.03,
    exporters.NODE_RAM_HOURLY_COST: 0.004,
    exporters.NODE_GPU_HOURLY_COST: 1,
    exporters.NODE_GPU_COUNT: 1,
    exporters.CONTAINER_CPU_ALLOCATION: 4,
    exporters.CONTAINER_MEMORY_ALLOCATION: 8 * GIB,
    exporters.CONTAINER_GPU_ALLOCATION: 1,
    exporters.PV_HOURLY_COST: 0.0001,
    exporters.LOAD_BALANCER_COST: 0.03,
    exporters.CLUSTER_MANAGEMENT_COST: 0.1,
    exporters.KUBE_PERSISTENTVOLUME_CAPACITY: 100 * GIB,
    gpu.UTILIZATION: 60,
    gpu.UTILIZATION_RATIO: 0.6,
    gpu.ENGINE_ACTIVE: 0.5,
    gpu.ENGINE_RATIO: 0.5,
    gpu.TEMPERATURE: 65,
    gpu.TEMPERATURE_CELSIUS: 65,
    gpu.POWER: 180,
    gpu.POWER_WATTS: 180,
    gpu.MEMORY_USED: 12 * 1024,
    gpu.MEMORY_USED_BYTES: 12 * GIB,
    gpu.MEMORY_FREE: 12 * 1024,
    gpu.MEMORY_FREE_BYTES: 12 * GIB,
}
DEFAULT_LEVEL = 10
#: What does not follow the day's rhythm: states, prices and sizes.
CONSTANT = {metric for metric in LEVELS if metric.unit in {"0 or 1", "1"} or "dollars" in metric.unit}

DEFAULT_BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PER_SECOND = {"": 0.05, "pro": 0.02, "failure": 0.002, "503": 0.001}
DAY = 86400


@dataclass(frozen=True)
class Sampled:
    """One series: its text in the exposition format, and how its value comes about."""

    text: str
    level: float
    counter: bool
    constant: bool = False

    def value(self, moment: int, start: int) -> float:
        """Return its value; a gauge follows the day, a counter rises and starts again after eight hours."""
        if not self.counter:
            rhythm = 0.0 if self.constant else 0.2 * math.sin(moment / DAY * math.tau)
            return self.level * (1 + rhythm)
        restart = start + DAY // 3
        since = start if moment < restart else restart
        return math.floor(self.level * (moment - since))


def sampled() -> Iterator[Sampled]:
    """Yield the series of every metric of the contract."""
    for metric in CONTRACT.values():
        for labels in _label_sets(metric):
            yield from _series(metric, labels)


def _label_sets(metric: Metric) -> Iterator[dict[str, str]]:
    declared = {**metric.source.labels, **metric.labels}
    choices = {name: VALUES.get(name, (example,)) for name, example in declared.items()}
    if metric in OF_PODS:
        choices["pod"] = PODS
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def _series(metric: Metric, labels: dict[str, str]) -> Iterator[Sampled]:
    per_second = min(rate for value, rate in PER_SECOND.items() if not value or value in labels.values())
    if metric.type is MetricType.GAUGE:
        level = LEVELS.get(metric, DEFAULT_LEVEL)
        yield Sampled(_text(metric.name, labels), level, counter=False, constant=metric in CONSTANT)
    elif metric.type is MetricType.COUNTER:
        yield Sampled(_text(metric.name, labels), per_second, counter=True)
    else:
        boundaries = metric.boundaries or DEFAULT_BOUNDARIES
        typical = boundaries[len(boundaries) // 2]
        for position, boundary in enumerate(boundaries, start=1):
            share = min(1.0, position / (len(boundaries) - 2))
            bucket = labels | {"le": f"{float(boundary):g}" if boundary % 1 else f"{float(boundary)}"}
            yield Sampled(_text(f"{metric.name}_bucket", bucket), per_second * share, counter=True)
        infinite = labels | {"le": "+Inf"}
        yield Sampled(_text(f"{metric.name}_bucket", infinite), per_second, counter=True)
        yield Sampled(_text(f"{metric.name}_count", labels), per_second, counter=True)
        yield Sampled(_text(f"{metric.name}_sum", labels), per_second * typical, counter=True)


def _text(name: str, labels: dict[str, str]) -> str:
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inner}}}"


def openmetrics(start: int, moments: Sequence[int], without: Metric | None = None) -> Iterator[str]:
    """Yield the lines of an OpenMetrics file.

    Args:
        start: When counting began, in seconds since 1970.
        moments: When there are samples.
        without: A metric to leave out.
    """
    for series in sampled():
        if without and series.text.split("{")[0].startswith(without.name):
            continue
        for moment in moments:
            yield f"{series.text} {series.value(moment, start):.10g} {moment}\n"
    yield "# EOF\n"
