"""Raw samples of the targets' series, as text that promtool reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TextIO

import numpy as np

from dashboards.contract import Metric, MetricType
from dashboards.metrics import exporters
from local.history.rules import Evaluations
from local.history.targets import Target
from local.history.times import COARSE, COARSE_COUNTERS, MINUTE
from local.simulator.series import Moments, Simulated

Exposed = Callable[[str, str], Sequence[Simulated] | None]
"""What the target at an address exposes on a path; None where nothing listens."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """One series as Prometheus stores it: its name with all labels, its values, when it has samples."""

    text: str
    value: Callable[[Moments], Moments]
    moments: Moments

    def write(self, file: TextIO) -> None:
        """Write its samples, one a line."""
        values = self.value(self.moments)
        there = np.isfinite(values)
        pairs = zip(values[there].tolist(), self.moments[there].tolist(), strict=True)
        file.write("".join([f"{self.text} {value} {moment}\n" for value, moment in pairs]))


def sampled(targets: Iterable[Target], exposed: Exposed, evaluations: Evaluations) -> Iterator[Sampled]:
    """Yield the series of all targets, each with the moments that the evaluations need."""
    for target in targets:
        found = exposed(target.address, target.path)
        if found is not None or target.up:
            yield Sampled(
                text=_text(exporters.UP.name, target.labels),
                value=partial(_answered, found or ()),
                moments=_moments(evaluations, exporters.UP, exporters.UP.name, target.interval),
            )
        for one in found or ():
            yield Sampled(
                text=_text(one.name, target.labelled(one.labels)),
                value=one.value,
                moments=_moments(evaluations, one.metric, one.name, target.interval),
            )


@cache
def _moments(evaluations: Evaluations, metric: Metric, name: str, interval: int) -> Moments:
    times = evaluations.times
    begins = evaluations.begins(name)
    coarse, dense = COARSE_COUNTERS, MINUTE
    if metric.type is MetricType.GAUGE:
        # In a mean over a window every sample has the same weight.
        coarse, dense = (interval, interval) if name in evaluations.over_windows else (COARSE, MINUTE)
    return np.concatenate(
        [
            np.arange(begins, times.recent, coarse, dtype=np.float64),
            np.arange(times.recent, times.ends + 1, dense, dtype=np.float64),
        ]
    )


def _answered(series: Sequence[Simulated], moments: Moments) -> Moments:
    """Return 0 where none of a target's series has a sample, which is where its scrape failed; else 1."""
    answered = np.full(moments.shape, not series)
    for one in series:
        answered |= np.isfinite(one.value(moments))
        if answered.all():
            break
    return answered.astype(np.float64)


def _text(name: str, labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels.items())
    return f"{name}{{{inner}}}"
