"""What the benchmark of queries makes of its figures."""

import json

import pytest

from bench.queries import (
    NEEDED_DISK,
    NEEDED_MEMORY,
    RAW_TIMEOUT,
    RESULTS,
    Compared,
    Opened,
    Timed,
    expected_seconds,
    percentile,
    ratios,
    regressions,
    short,
    timed,
)
from bench.rule_groups import Group
from bench.server import Answer
from dashboards.parameters import Parameters
from dashboards.render import declared


def figures(seconds: float, samples: int) -> Timed:
    return Timed(
        p50=seconds, p95=seconds, cpu=seconds, runs=1, samples=samples, peak_samples=samples, series=1
    )


def opened(*compared: Compared) -> Opened:
    return Opened(span=1, queries={}, load=[], compared={str(at): one for at, one in enumerate(compared)})


GIVEN_UP = Compared(recorded=figures(0.3, 10), raw=None, unasked=())
QUICK = Compared(recorded=figures(0.1, 10), raw=figures(1.0, 1000), unasked=())


def test_ratios_are_medians_and_what_was_given_up_counts_as_long_as_was_waited() -> None:
    group = Group(interval=60, evaluations=[0.6, 9.0, 0.3], asked=False, rules=2)
    assert ratios({"a": opened(QUICK), "b": opened(QUICK, GIVEN_UP, GIVEN_UP)}, {"g": group}) == {
        "samples, recorded to raw, a": 0.01,
        "samples, recorded to raw, b": 0.01,
        "samples, recorded to raw, all": 0.01,
        "time, recorded to raw, a": 0.1,
        "time, recorded to raw, b": pytest.approx(0.3 / RAW_TIMEOUT),
        "time, recorded to raw, all": 0.0575,
        "rules, share of the interval, g": 0.01,
    }


@pytest.mark.parametrize(
    ("name", "before", "now", "worse"),
    [
        ("samples, recorded to raw, a", 0.1, 0.1, False),
        ("samples, recorded to raw, a", 0.1, 0.125, False),
        ("samples, recorded to raw, a", 0.1, 0.13, True),
        ("time, recorded to raw, a", 0.1, 0.2, False),
        ("time, recorded to raw, a", 0.1, 0.21, True),
        ("rules, share of the interval, g", 0.02, 0.041, True),
        # A thousandth of the interval is nothing to worry about.
        ("rules, share of the interval, g", 0.0001, 0.001, False),
    ],
)
def test_what_is_worse_by_more_than_its_tolerance_is_a_regression(
    name: str, before: float, now: float, *, worse: bool
) -> None:
    assert [line.partition(":")[0] for line in regressions({name: now}, {name: before})] == [name] * worse


def test_what_is_not_measured_any_more_is_a_regression() -> None:
    (line,) = regressions({}, {"time, recorded to raw, a": 0.1})
    assert "not measured" in line


def test_it_does_not_begin_without_room_memory_and_time() -> None:
    assert short(disk=NEEDED_DISK, memory=NEEDED_MEMORY, seconds=60, folder="here") == []
    lines = short(disk=1, memory=1, seconds=86_400, folder="here")
    assert [line.split(":")[0] for line in lines] == ["here", "memory", "time"]
    assert "TMPDIR" in lines[0]


def test_it_takes_longer_where_others_are_busy() -> None:
    assert expected_seconds(0, 2) == expected_seconds(0, 8)
    assert expected_seconds(2, 2) == 2 * expected_seconds(0, 2)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(one) for one in range(1, 21)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([3.0], 0.95)) == (10, 19, 3)


def test_what_is_slow_is_asked_once_and_what_is_quick_is_warmed_up() -> None:
    assert timed(lambda: Answer(seconds=50, samples=7), lambda: 0, most=20).runs == 1
    assert timed(lambda: Answer(seconds=0.1), lambda: 0, runs=20, most=20).runs == 20


def test_what_is_written_has_every_query_of_every_dashboard_and_every_group() -> None:
    written = json.loads(RESULTS.read_text())
    for dashboard in declared(Parameters()):
        queries = sum(len(panel.targets) for panel in dashboard.panels)
        assert len(written["dashboards"][dashboard.uid]["queries"]) == queries
        assert f"samples, recorded to raw, {dashboard.uid}" in written["ratios"]
    for name in written["groups"]:
        assert f"rules, share of the interval, {name}" in written["ratios"]
