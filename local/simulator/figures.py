"""What series are made of: rates with what incidents add to them, and distributions cut into buckets."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from prometheus_client.utils import floatToGoString

from dashboards.contract import Metric
from local.simulator.rhythm import Rhythm, Windows
from local.simulator.series import Moments, Simulated


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something happens.

    Attributes:
        per_second: How often on average, while nothing is wrong.
        rhythm: How that changes with time.
        always: 0 of what happens during an incident only.
        changes: What incidents add, as multiples of `per_second`, and when; -1 stops it.
    """

    per_second: float
    rhythm: Rhythm
    always: float = 1
    changes: tuple[tuple[float, Windows], ...] = ()

    def total(self, moments: Moments) -> Moments:
        """Return how often it happened from the epoch to each moment."""
        weighted = self.always * self.rhythm.until(moments)
        for times, windows in self.changes:
            if windows.spans:
                weighted = weighted + times * windows.within(self.rhythm.until, moments)
        return self.per_second * weighted


@dataclass(frozen=True)
class Spread:
    """A log-normal distribution: half lie below the median, 95 % below the median times e^(1.64 sigma)."""

    median: float
    sigma: float = 0.5

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return self.median * math.exp(self.sigma**2 / 2)

    def share_below(self, value: float) -> float:
        """Return the share of the values that are not above one."""
        return (1 + math.erf(math.log(value / self.median) / (self.sigma * math.sqrt(2)))) / 2


Stream = tuple[Rate, Spread]
"""Observations that come at a rate and are spread in a way; a histogram may count several."""


def gauge(metric: Metric, labels: Mapping[str, str], value: Callable[[Moments], Moments]) -> Simulated:
    """A gauge of these values."""
    return Simulated(metric=metric, labels=labels, value=value)


def steady(metric: Metric, labels: Mapping[str, str], value: float) -> Simulated:
    """A gauge that never changes."""
    return gauge(metric, labels, lambda moments: np.full(moments.shape, float(value)))


def counter(metric: Metric, labels: Mapping[str, str], rate: Rate, ahead: float = 0) -> Simulated:
    """A counter of events, in whole numbers; `ahead` is how much of the first had happened at the epoch."""
    return Simulated(
        metric=metric, labels=labels, value=lambda moments: np.floor(ahead + rate.total(moments))
    )


def amount(metric: Metric, labels: Mapping[str, str], rate: Rate) -> Simulated:
    """A counter of an amount, such as seconds."""
    return Simulated(metric=metric, labels=labels, value=rate.total)


def histogram(
    metric: Metric, labels: Mapping[str, str], *streams: Stream, boundaries: Sequence[float] = ()
) -> Iterator[Simulated]:
    """Yield a histogram's buckets, sum and count.

    Args:
        metric: The histogram.
        labels: Its labels, without `le`.
        streams: What it counts.
        boundaries: Upper ends of its buckets; the contract's unless told.
    """
    every = [1.0 for _ in streams]
    for end in boundaries or metric.boundaries:
        yield Simulated(
            metric=metric,
            suffix="_bucket",
            labels={**labels, "le": floatToGoString(end)},
            value=_Together(streams, [spread.share_below(end) for _, spread in streams]),
        )
    infinite = {**labels, "le": "+Inf"}
    yield Simulated(metric=metric, suffix="_bucket", labels=infinite, value=_Together(streams, every))
    yield Simulated(metric=metric, suffix="_count", labels=labels, value=_Together(streams, every))
    means = [spread.mean for _, spread in streams]
    yield Simulated(metric=metric, suffix="_sum", labels=labels, value=_Together(streams, means, whole=False))


class _Together:
    """Several streams' totals, each times a factor; in whole numbers where they are counted."""

    def __init__(self, streams: Sequence[Stream], factors: Sequence[float], *, whole: bool = True) -> None:
        self._parts = [(rate, factor) for (rate, _), factor in zip(streams, factors, strict=True)]
        self._whole = whole

    def __call__(self, moments: Moments) -> Moments:
        total = np.zeros(moments.shape)
        for rate, factor in self._parts:
            total += factor * rate.total(moments)
        return np.floor(total) if self._whole else total


def hidden(series: Simulated, when: Windows) -> Simulated:
    """The same series without samples in some windows."""
    if not when.spans:
        return series

    def value(moments: Moments) -> Moments:
        return np.where(when.last(moments), np.nan, series.value(moments))

    return replace(series, value=value)


def added(share: float, part: float, everything: float) -> float:
    """Return what must be added to a part, and to the whole with it, to make it a share of the whole."""
    return (share * everything - part) / (1 - share)
