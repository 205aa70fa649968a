"""Raw samples of the targets' series, as text that promtool reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from dashboards.contract import MetricType
from dashboards.metrics import exporters
from local.history.targets import Target
from local.history.times import Times
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
        file.write("".join([f"{self.text} {value!r} {moment:.0f}\n" for value, moment in pairs]))


def sampled(
    targets: Iterable[Target], exposed: Exposed, times: Times, cost: frozenset[str]
) -> Iterator[Sampled]:
    """Yield the series of all targets.

    Args:
        targets: The targets.
        exposed: What each exposes.
        times: The stretches that are filled.
        cost: The names of which there are samples in all of them.
    """
    moments = {
        (counter, long): np.concatenate(
            [
                np.arange(span.begins, span.ends + 1, span.step, dtype=np.float64)
                for span in times.raw(counter=counter, cost=long)
            ]
        )
        for counter in (False, True)
        for long in (False, True)
    }
    for target in targets:
        found = exposed(target.address, target.path)
        if found is not None or target.up:
            yield Sampled(
                text=_text(exporters.UP.name, target.labels),
                value=np.ones_like,
                moments=moments[False, False],
            )
        for one in found or ():
            counter = one.metric.type is not MetricType.GAUGE
            yield Sampled(
                text=_text(one.name, target.labelled(one.labels)),
                value=one.value,
                moments=moments[counter, one.name in cost],
            )


def _text(name: str, labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels.items())
    return f"{name}{{{inner}}}"
