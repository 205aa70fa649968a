"""Which stretches of time are filled in, and how densely."""

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser

MINUTE = 60
HOUR = 3600
DAY = 86400

COARSE = 4 * MINUTE
"""How far apart samples may lie: less than the 5 minutes after which a series counts as gone."""

COARSE_COUNTERS = 2 * MINUTE
"""Of counters: a window of 5 minutes must always hold two samples."""

MOST_POINTS = 11_000
"""What Prometheus takes as the points of one query."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Moments at a regular distance: from `begins` to `ends`, both in seconds since 1970 and within it."""

    begins: int
    ends: int
    step: int

    def pieces(self) -> Iterator["Span"]:
        """Yield parts of it that are small enough for one query each."""
        longest = MOST_POINTS * self.step
        for begins in range(self.begins, self.ends + 1, longest):
            yield Span(begins=begins, ends=min(begins + longest - 1, self.ends), step=self.step)


def seconds(duration: str) -> int:
    """Return the seconds of a duration as Prometheus writes it, such as `4m`."""
    window = promql_parser.parse(f"a[{duration}]")
    assert isinstance(window, promql_parser.MatrixSelector)  # noqa: S101 - what `a[…]` is
    return int(window.range.total_seconds())


@dataclass(frozen=True)
class Times:
    """The stretches of a history that ends at a moment, in seconds since 1970."""

    ends: int

    @property
    def recent(self) -> int:
        """From here on everything is as dense as live: a day, and an hour to look back on it."""
        return self.ends - 25 * HOUR

    @property
    def days(self) -> int:
        """Where everything begins: eight days, and the day before that their windows look back on."""
        return self.ends - 9 * DAY

    @property
    def cost(self) -> int:
        """Where that begins which the hourly cost is made from: the month's windows look back on it."""
        return self.ends - 35 * DAY
