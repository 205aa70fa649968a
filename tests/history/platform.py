"""A platform of two targets whose figures are easy to work out by hand, and a fill that can be killed.

`python -m tests.history.platform WORK RULES` fills a history of it.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dashboards.contract import Metric
from dashboards.metrics import application, exporters
from local.history.fill import fill
from local.history.samples import Exposed
from local.history.targets import Target
from local.simulator.series import Moments, Simulated

HOUR, DAY = 3600, 86400

SERVICE, PRICES = "127.0.0.1:1", "127.0.0.1:2"

TARGETS = (
    Target(
        address=SERVICE,
        path="/metrics",
        interval=30,
        labels={"cluster": "dev", "namespace": "dubbing", "pod": "api-1", "job": "api", "instance": SERVICE},
        honors_labels=False,
        up=True,
    ),
    Target(
        address=PRICES,
        path="/metrics",
        interval=30,
        labels={"cluster": "dev", "job": "opencost", "instance": PRICES},
        honors_labels=True,
        up=True,
    ),
)

JOBS_A_DAY = 1440
RUNS_A_DAY = 7200
SECONDS_OF_A_RUN, SECONDS_OF_A_SLOW_RUN = 10, 30
SUCCESS = {"outcome": "success", "tier": "pro"}


def gauge(metric: Metric, labels: Mapping[str, str], level: float) -> Simulated:
    """A gauge that never changes."""
    return Simulated(metric=metric, labels=labels, value=lambda moments: np.full(moments.shape, level))


def service(slow: float, down: tuple[float, float]) -> list[Simulated]:
    """Jobs and the runs of a stage, which take longer from a moment on; a probe that fails for a while."""

    def runs(moments: Moments) -> Moments:
        return moments * RUNS_A_DAY / DAY

    def seconds_of_runs(moments: Moments) -> Moments:
        longer = SECONDS_OF_A_SLOW_RUN - SECONDS_OF_A_RUN
        return (SECONDS_OF_A_RUN * moments + longer * np.maximum(moments - slow, 0)) * RUNS_A_DAY / DAY

    def probed(moments: Moments) -> Moments:
        return np.where((down[0] <= moments) & (moments < down[1]), 0.0, 1.0)

    stage = {"stage": "lip-sync", "pod": "its own"}
    return [
        Simulated(metric=application.JOBS, labels=SUCCESS, value=lambda moments: moments * JOBS_A_DAY / DAY),
        Simulated(metric=application.STAGE_DURATION, suffix="_count", labels=stage, value=runs),
        Simulated(metric=application.STAGE_DURATION, suffix="_sum", labels=stage, value=seconds_of_runs),
        Simulated(metric=exporters.PROBE_SUCCESS, labels={"probe": "api"}, value=probed),
    ]


def prices() -> list[Simulated]:
    """A node for 4 dollars an hour, of which one is charged to a pod."""
    pod = {"namespace": "dubbing", "pod": "api-1", "node": "node-1", "container": "api"}
    node = {"node": "node-1", "instance_type": "m6i.large"}
    return [
        gauge(exporters.NODE_TOTAL_HOURLY_COST, node, 4),
        gauge(exporters.NODE_CPU_HOURLY_COST, node, 0.5),
        gauge(exporters.CONTAINER_CPU_ALLOCATION, pod, 2),
        gauge(
            exporters.KUBE_POD_LABELS,
            {"namespace": "dubbing", "pod": "api-1", "label_app_kubernetes_io_name": "api"},
            1,
        ),
    ]


def exposed(slow: float = np.inf, down: tuple[float, float] = (0, 0)) -> Exposed:
    """What the targets expose."""
    pages = {SERVICE: service(slow, down), PRICES: prices()}
    return lambda address, _path: pages.get(address)


if __name__ == "__main__":
    fill(TARGETS, exposed(), rules=Path(sys.argv[2]), work=Path(sys.argv[1]), now=time.time())
