"""Time in the simulated platform: days and weeks as waves, and when incidents last.

A wave's integral is known, so a counter at any moment is a formula, not a sum of what happened before.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from local.simulator.incidents import Incident, Schedule
from local.simulator.series import Moments

EPOCH = 1_735_689_600.0
"""The moment, 2025-01-01, at which every counter was 0; a pod's start would make a counter fall."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WEEK = 7 * DAY

_BUSIEST_HOUR = 14 * HOUR
# 1970 began on a Thursday; Tuesday is the busiest day.
_BUSIEST_DAY = 5.5 * DAY
_RIPPLES = (7.3 * HOUR, 53 * MINUTE, 17 * MINUTE)


class Rhythm:
    """How a figure changes with time around its mean of 1; always above 0."""

    def __init__(self, *waves: tuple[float, float, float]) -> None:
        """Add up waves: each its height, its period in seconds, and a moment at which it is highest.

        Raises:
            ValueError: Together they reach below 0.
        """
        self._heights = np.array([height for height, _, _ in waves])
        if self._heights.sum() >= 1:
            raise ValueError(f"waves of {self._heights.sum():.2f} together make a rate negative")
        self._speeds = np.array([[2 * np.pi / period] for _, period, _ in waves])
        self._peaks = np.array([[peak] for _, _, peak in waves])
        self._integrals = self._heights / self._speeds[:, 0]

    def at(self, moments: Moments) -> Moments:
        """Return its value at each moment."""
        return 1 + self._heights @ np.cos(self._speeds * (moments - self._peaks))

    def until(self, moments: Moments) -> Moments:
        """Return its integral from the epoch to each moment, in seconds; 0 before the epoch."""
        since = np.maximum(moments, EPOCH)
        turned = np.sin(self._speeds * (since - self._peaks)) - np.sin(self._speeds * (EPOCH - self._peaks))
        return since - EPOCH + self._integrals @ turned


@cache
def rhythm(seed: str, *, day: float = 0.45, ripple: float = 0.06) -> Rhythm:
    """Return the rhythm of people's days and weeks, with ripples of its own.

    Args:
        seed: What tells its ripples from others'.
        day: How far it rises and falls within a day.
        ripple: How far the ripples go, together.
    """
    phases = np.random.default_rng(zlib.crc32(seed.encode())).uniform(0, 1, len(_RIPPLES))
    return Rhythm(
        (day, DAY, _BUSIEST_HOUR),
        (day / 4, DAY / 2, _BUSIEST_HOUR - 4 * HOUR),
        (day / 4, WEEK, _BUSIEST_DAY),
        *(
            (ripple / len(_RIPPLES), period, phase * period)
            for period, phase in zip(_RIPPLES, phases, strict=True)
        ),
    )


@dataclass(frozen=True)
class Windows:
    """When something lasts: spans from a moment to another, none within the next."""

    spans: tuple[tuple[float, float], ...]

    def last(self, moments: Moments) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Tell of each moment whether it lasts then."""
        lasts = np.zeros(moments.shape, dtype=np.bool_)
        for begins, ends in self.spans:
            lasts |= (begins <= moments) & (moments < ends)
        return lasts

    def since(self, moments: Moments) -> Moments:
        """Return for how many seconds it has lasted at each moment; 0 where it does not."""
        lasted = np.zeros(moments.shape)
        for begins, ends in self.spans:
            lasted += np.where((begins <= moments) & (moments < ends), moments - begins, 0)
        return lasted

    def within(self, until: Callable[[Moments], Moments], moments: Moments) -> Moments:
        """Return the part of an integral up to each moment that falls into the spans."""
        part = np.zeros(moments.shape)
        for begins, ends in self.spans:
            part += until(np.minimum(moments, ends)) - until(np.minimum(moments, begins))
        return part


def during(schedule: Schedule, *incidents: Incident) -> Windows:
    """Return when any of the incidents lasts."""
    names = {incident.name for incident in incidents}
    spans = sorted(
        (one.begins, np.inf if one.ends is None else one.ends)
        for one in schedule.happenings
        if one.name in names
    )
    joined = list[tuple[float, float]]()
    for begins, ends in spans:
        if joined and begins <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], ends))
        else:
            joined.append((begins, ends))
    return Windows(tuple(joined))
