"""Time ranges as in an address, and the steps that lines are drawn in."""

import pytest

from local.viewer.errors import ViewerError
from local.viewer.times import steps, time_range

NOW = 1_700_000_000.0


def test_a_range_is_read_as_grafana_writes_it() -> None:
    last = time_range("now-6h", "now", NOW)
    assert (last.start, last.end, last.describe()) == (NOW - 21600, NOW, "Last 6h")
    fixed = time_range("1699996400000", "1700000000000", NOW)
    assert (fixed.start, fixed.end, fixed.seconds) == (NOW - 3600, NOW, 3600)
    assert fixed.describe() == "14 Nov 21:13 to 22:13 UTC"


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("yesterday", "now", "'yesterday' is no time"),
        ("now", "now-1h", "ends before it begins"),
        ("now-1h", "²", "is no time"),
    ],
)
def test_what_is_no_range_is_said_to_be_none(since: str, until: str, problem: str) -> None:
    with pytest.raises(ViewerError, match=problem):
        time_range(since, until, NOW)


@pytest.mark.parametrize(
    ("since", "points", "least", "interval", "rate_interval"),
    [
        ("now-1h", 1000, None, 15, 60),  # never shorter than a scrape
        ("now-6h", 1000, None, 20, 60),
        ("now-24h", 1000, None, 60, 75),
        ("now-30d", 500, None, 3600, 3615),
        ("now-6h", 1000, "5m", 300, 315),  # never shorter than the panel says
    ],
)
def test_steps_are_those_of_grafana(
    since: str, points: int, least: str | None, interval: float, rate_interval: float
) -> None:
    found = steps(time_range(since, "now", NOW), points=points, scrape_interval=15, least=least)
    assert (found.interval, found.rate_interval) == (interval, rate_interval)
