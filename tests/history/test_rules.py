"""Which rules are evaluated before which, and when: from the rule files alone."""

from pathlib import Path

import pytest

from dashboards.metrics import CONTRACT
from dashboards.parameters import Parameters
from dashboards.recordings import api, cost, gpu, jobs, workloads
from dashboards.render import rules as rendered
from local.errors import PlatformError
from local.history.rules import Evaluations, Rule, levels, read_rules
from local.history.times import COARSE, DAY, HOUR, MOST_POINTS, Span, Times, seconds

NOW = 1_800_000_000
LOOKBACK = 300


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rule, ...]:
    folder = tmp_path_factory.mktemp("rules")
    for name, text in rendered(Parameters()).items():
        (folder / name).write_text(text)
    return read_rules(folder)


@pytest.fixture(scope="module")
def evaluations(deployed: tuple[Rule, ...]) -> Evaluations:
    return Evaluations(deployed, Times(NOW))


def rule(name: str, expression: str, interval: int = 60) -> Rule:
    return Rule(declared={"record": name, "expr": expression}, interval=interval)


def names(some: tuple[Rule, ...]) -> set[str]:
    return {one.name for one in some}


def test_a_rule_comes_after_all_that_it_reads() -> None:
    order = list(
        levels(
            [
                rule("c:x:y", "sum(b:x:y) / on () avg_over_time(a:x:y[1h] offset 1d)"),
                rule("b:x:y", 'label_replace(a:x:y, "a", "b", "", "") or on () -(raw)'),
                rule("a:x:y", "rate(raw_total[5m])"),
                rule("d:x:y", "topk(scalar(c:x:y), raw)"),
            ]
        )
    )
    assert [names(level) for level in order] == [{"a:x:y"}, {"b:x:y"}, {"c:x:y"}, {"d:x:y"}]


def test_the_deployed_rules_come_after_all_that_they_read(deployed: tuple[Rule, ...]) -> None:
    done = set(CONTRACT) | {f"{name}_{part}" for name in CONTRACT for part in ("bucket", "sum", "count")}
    for level in levels(deployed):
        for one in level:
            assert one.reads - {one.name} <= done
        done |= names(level)
    assert names(deployed) <= done


def test_rules_that_read_each_other_in_a_circle_are_refused() -> None:
    circle = [rule("a:x:y", "sum(b:x:y)"), rule("b:x:y", "sum(c:x:y)"), rule("c:x:y", "sum(a:x:y)")]
    with pytest.raises(PlatformError, match=r"circle: .*a:x:y"):
        list(levels(circle))


def test_a_rule_may_carry_on_what_it_recorded_itself() -> None:
    (level,) = levels([rule("a:x:y", "raw or last_over_time(a:x:y[1d])")])
    assert names(level) == {"a:x:y"}


def test_a_rule_s_interval_is_its_group_s(deployed: tuple[Rule, ...]) -> None:
    intervals = {one.name: one.interval for one in deployed}
    assert intervals[workloads.POD.name] == 60
    assert intervals[gpu.HOURS.name] == 240
    assert intervals[cost.PER_JOB.name] == 300
    assert intervals[cost.HOUR.name] == 3600
    assert seconds("1h30m") == 5400


def test_what_is_counted_in_a_window_is_told_from_what_is_averaged() -> None:
    one = rule("a:x:y", "sum_over_time(b:x:y[1h]) / count_over_time(c:x:y[1h]) + avg_over_time(d:x:y[1h])")
    assert one.counts == {"b:x:y", "c:x:y"}
    assert one.over_windows == {"b:x:y", "c:x:y", "d:x:y"}


def test_the_hourly_cost_and_all_it_is_made_from_begin_35_days_ago(
    deployed: tuple[Rule, ...], evaluations: Evaluations
) -> None:
    long = {
        one.name for one in deployed if min(span.begins for span in evaluations.of(one)) == NOW - 35 * DAY
    }
    made_from = {cost.BY_RESOURCE, cost.IDLE, cost.RATE, cost.TOTAL_RATE, workloads.POD}
    assert long == {one.name for one in made_from | {cost.HOUR, cost.TOTAL_HOUR}}
    raw = {"node_total_hourly_cost", "container_cpu_allocation", "kube_pod_labels"}
    assert raw <= evaluations.cost
    assert "dubbing_jobs_total" not in evaluations.cost


def test_what_a_day_s_sum_counts_is_recorded_as_often_as_it_is_deployed(
    deployed: tuple[Rule, ...], evaluations: Evaluations
) -> None:
    by_name = {one.name: list(evaluations.of(one)) for one in deployed}
    dense = Span(begins=NOW - 9 * DAY, ends=NOW, step=60)
    assert by_name[gpu.COUNT.name] == [dense]
    assert by_name[cost.RATE.name] == [Span(begins=NOW - 35 * DAY, ends=dense.begins - 1, step=240), dense]
    assert by_name[jobs.QUEUE.name] == [
        Span(begins=NOW - 9 * DAY, ends=NOW - 25 * HOUR - 1, step=240),
        Span(begins=NOW - 25 * HOUR, ends=NOW, step=60),
    ]


def test_what_is_read_by_its_newest_sample_has_one_within_seconds_of_the_end(
    deployed: tuple[Rule, ...], evaluations: Evaluations
) -> None:
    for one in deployed:
        last = min(span.step for span in evaluations.of(one))
        # A span has an evaluation in each step; the running server makes its first one within an interval.
        assert last + one.interval < LOOKBACK or one.interval >= LOOKBACK, one.name
    assert len(list(evaluations.of(next(one for one in deployed if one.name == api.UPTIME.name)))) == 2


def test_no_piece_has_more_points_than_a_query_may_and_none_is_lost() -> None:
    span = Span(begins=NOW - 35 * DAY, ends=NOW, step=60)
    pieces = list(span.pieces())
    assert len(pieces) > 1
    assert all((one.ends - one.begins) // one.step + 1 <= MOST_POINTS for one in pieces)
    assert [one.begins for one in pieces[1:]] == [one.ends + 1 for one in pieces[:-1]]
    assert (pieces[0].begins, pieces[-1].ends) == (span.begins, span.ends)
    assert list(Span(begins=0, ends=HOUR, step=COARSE).pieces()) == [Span(begins=0, ends=HOUR, step=COARSE)]


def test_rule_files_are_read_without_their_alerts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "groups: [{name: g, interval: 4m, rules: [{record: 'a:x:y', expr: raw}, {alert: A, expr: raw}]}]"
    )
    (one,) = read_rules(tmp_path)
    assert (one.name, one.interval, one.reads) == ("a:x:y", 240, {"raw"})
