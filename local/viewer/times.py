"""The time that a dashboard shows, and the steps that its lines are drawn in: as Grafana counts them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from local.viewer.errors import ViewerError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_RELATIVE = re.compile(r"now(?:-(\d+)([smhdwMy]))?")
_DURATION = re.compile(r"(\d+)(ms|[smhdwMy])")

CHOICES = ("1h", "6h", "24h", "7d", "30d")
"""How far one can look back with one click."""

# Grafana's steps (rangeutil.roundInterval): a step for what is below the limit, in seconds.
_ROUND = (
    (1.5, 1),
    (3.5, 2),
    (7.5, 5),
    (12.5, 10),
    (17.5, 15),
    (25, 20),
    (45, 30),
    (90, 60),
    (210, 120),
    (450, 300),
    (750, 600),
    (1050, 900),
    (1500, 1200),
    (2700, 1800),
    (5400, 3600),
    (9000, 7200),
    (16200, 10800),
    (32400, 21600),
    (86400, 43200),
    (604800, 86400),
    (1814400, 604800),
)
_LONGEST_STEP = 2592000
# Prometheus refuses to return more points of a series.
_MOST_POINTS = 11000


def duration(text: str) -> float:
    """Return the seconds of a duration such as `30s` or `7d`.

    Raises:
        ViewerError: It is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ViewerError(f"{text!r} is no duration such as 30s")
    return int(found[1]) / 1000 if found[2] == "ms" else float(int(found[1]) * _UNITS[found[2]])


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """What is shown.

    Attributes:
        since: Its begin as in the address: `now-6h`, or milliseconds since 1970.
        until: Its end.
        start: Its begin in seconds since 1970.
        end: Its end.
    """

    since: str
    until: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def describe(self) -> str:
        """Say it in words; moments are in UTC."""
        if self.until == "now" and self.since.startswith("now-"):
            return f"Last {self.since.removeprefix('now-')}"
        start, end = (datetime.fromtimestamp(moment, UTC) for moment in (self.start, self.end))
        same_day = start.date() == end.date()
        return f"{start:%-d %b %H:%M} to {end:{'%H:%M' if same_day else '%-d %b %H:%M'}} UTC"


def time_range(since: str, until: str, now: float) -> TimeRange:
    """Read a time range as in the address.

    Raises:
        ViewerError: It is none, or ends before it begins.
    """
    start, end = _moment(since, now), _moment(until, now)
    if start >= end:
        raise ViewerError(f"the time from {since} to {until} ends before it begins")
    return TimeRange(since=since, until=until, start=start, end=end)


def _moment(text: str, now: float) -> float:
    if text.isascii() and text.isdecimal():
        return int(text) / 1000
    found = _RELATIVE.fullmatch(text)
    if found is None:
        raise ViewerError(f"{text!r} is no time: write now-6h, or milliseconds since 1970")
    return now - (int(found[1]) * _UNITS[found[2]] if found[1] else 0)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How densely a query is asked, in seconds.

    Attributes:
        interval: Between two points of a line; `$__interval`.
        rate_interval: A window that has samples for a rate at each point; `$__rate_interval`.
    """

    interval: float
    rate_interval: float


def steps(shown: TimeRange, *, points: int, scrape_interval: float, least: str | None = None) -> Steps:
    """Return the steps for a range.

    Args:
        shown: The range.
        points: How many points a line may have: a panel's width in pixels, or what the panel says.
        scrape_interval: How often Prometheus scrapes; no step is shorter.
        least: The panel's own shortest step, such as `1m`.
    """
    shortest = duration(least) if least else scrape_interval
    wanted = shown.seconds / points
    rounded = next((step for limit, step in _ROUND if wanted < limit), _LONGEST_STEP)
    interval = max(rounded, shortest, shown.seconds / _MOST_POINTS)
    return Steps(
        interval=interval, rate_interval=max(interval + scrape_interval, 4 * max(scrape_interval, 0.001))
    )
