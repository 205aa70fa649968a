"""A simulated series: a name and labels, and its value at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboards.contract import Metric

Moments = npt.NDArray[np.float64]
"""Moments in seconds since 1970, or a value at each of them; NaN where there is no sample."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulated:
    """One series as a target exposes it, before scraping adds the target's labels.

    Attributes:
        metric: The metric of the contract that it is part of.
        suffix: Of a histogram's parts `_bucket`, `_sum` or `_count`, else empty.
        labels: Its own labels.
        value: Its values at any moments; a counter's never fall.
    """

    metric: Metric
    suffix: str = ""
    labels: Mapping[str, str]
    value: Callable[[Moments], Moments]

    @property
    def name(self) -> str:
        """Its name in the exposition."""
        return self.metric.name + self.suffix
