"""Disks that are used to a share, and what incidents fill them to."""

from collections.abc import Callable

import numpy as np

from local.simulator.incidents import Incident, Schedule
from local.simulator.rhythm import Windows, during, rhythm
from local.simulator.series import Moments

# Small: what falls within six hours is taken for what falls within four days.
_SWING = 0.01
_FULLEST = 0.97


class Used:
    """The used share of a disk."""

    def __init__(self, seed: str, share: float) -> None:
        """It is used to a share of its size, more or less."""
        self._share = share
        self._rhythm = rhythm(seed)
        self._filled = list[tuple[Windows, float]]()
        self._filling = list[tuple[Windows, float]]()

    def filled(self, schedule: Schedule, incident: Incident, share: float) -> None:
        """Let an incident fill it to a share."""
        self._filled.append((during(schedule, incident), share))

    def filling(self, schedule: Schedule, incident: Incident, per_second: float) -> None:
        """Let an incident fill it by a share of its size each second, until it is nearly full."""
        self._filling.append((during(schedule, incident), per_second))

    def available(self, size: float) -> Callable[[Moments], Moments]:
        """Return the bytes that are free on a disk of a size."""
        return lambda moments: (size * (1 - self._used(moments))).round()

    def _used(self, moments: Moments) -> Moments:
        used = self._share + _SWING * (self._rhythm.at(moments) - 1)
        for windows, share in self._filled:
            used = np.where(windows.last(moments), share, used)
        for windows, per_second in self._filling:
            lasted = windows.since(moments)
            used = np.where(windows.last(moments), np.minimum(used + per_second * lasted, _FULLEST), used)
        return used
