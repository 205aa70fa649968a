"""Simulated series as the text that Prometheus scrapes, written by prometheus_client."""

import time
from collections.abc import Iterable, Iterator

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from dashboards.metrics import application
from local.simulator.series import Simulated

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FLOOD = 10 * 20_000
"""Samples of a label explosion: ten times what the job of the applications takes in a scrape."""


def text(series: Iterable[Simulated], at: float | None = None) -> bytes:
    """Return the exposition of series at a moment, now unless told; what has no sample then is left out."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(series, time.time() if at is None else at))
    return generate_latest(registry)


class _Page(Collector):
    def __init__(self, series: Iterable[Simulated], at: float) -> None:
        self._series = series
        self._at = np.array([at])

    def collect(self) -> Iterator[Family]:
        families = dict[str, Family]()
        for one in self._series:
            value = float(one.value(self._at)[0])
            if np.isnan(value):
                continue
            metric = one.metric
            # prometheus_client's name of a counter is without the suffix, which it adds by itself.
            family = families.setdefault(
                metric.name, Family(metric.name.removesuffix("_total"), metric.meaning, metric.type)
            )
            family.add_sample(one.name, dict(one.labels), value)
        yield from families.values()


def flood() -> bytes:
    """Return the page of a program that puts an id into a label."""
    name = application.STAGE_RUNS.name
    lines = [
        f"# HELP {name} {application.STAGE_RUNS.meaning}",
        f"# TYPE {name} {application.STAGE_RUNS.type}",
    ]
    lines += [
        f'{name}{{stage="translation",outcome="success",job_id="{number}"}} 1' for number in range(FLOOD)
    ]
    return ("\n".join(lines) + "\n").encode()
