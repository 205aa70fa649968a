"""What holds for every simulated series, whatever goes wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from dashboards.contract import Metric, MetricType
from dashboards.metrics import CONTRACT, application, exporters, gpu, monitoring
from dashboards.metrics.exporters import ALERTS, UP
from dashboards.parameters import Parameters
from local.simulator.catalogue import INCIDENTS
from local.simulator.figures import Rate, Spread, histogram
from local.simulator.incidents import Happening, Schedule
from local.simulator.rhythm import DAY, EPOCH, HOUR, MINUTE, Rhythm, Windows, rhythm
from local.simulator.series import Moments, Simulated
from local.simulator.services import TIERS
from stacks.images import IMAGES
from tests.simulator.sample import address
from tests.simulator.scraped import Target, all_series, everything, targets

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
WEEK = np.arange(NOW - 7 * DAY, NOW, 600.0)

#: Every incident twice, over each other.
EVERYTHING_WRONG = Schedule(
    happenings=tuple(
        Happening(name=name, begins=NOW - (30 + number) * HOUR, ends=NOW - (3 + number) * HOUR / 2)
        for number, name in enumerate([*INCIDENTS, *INCIDENTS])
    )
)

#: Labels that scraping adds to the series of every application.
ADDED = {"job", "instance", "cluster", "namespace", "pod", "container", "node"}


def badly_labelled(target: Target) -> Iterator[str]:
    """Yield the target's series whose name or labels only Prometheus may make."""
    for series in target.series:
        own = set(series.labels) - {"le"}
        if ":" in series.name:
            yield f"{series.name} has a colon"
        if added := own & {*series.metric.source.labels, *target.labels}:
            yield f"{series.name} has {added}, which scraping adds"
        if unknown := own - set(series.metric.labels):
            yield f"{series.name} has {unknown}, which the contract has not"


def test_no_series_has_a_name_or_label_that_prometheus_makes() -> None:
    found = [problem for target in targets() for problem in badly_labelled(target)]
    # OpenCost's own label names the node, and its job honours it; DCGM's node is the target's.
    assert [one for one in found if "'instance'}" not in one] == []
    assert {one.split()[0] for one in found} == {
        name for name, metric in CONTRACT.items() if "instance" in metric.labels and metric is not UP
    }


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"job": "api"}, "which scraping adds"),
        ({"pod": "api-1"}, "which scraping adds"),
        ({"user_id": "7"}, "which the contract has not"),
    ],
)
def test_a_label_that_scraping_adds_would_be_found(labels: Mapping[str, str], problem: str) -> None:
    (target,) = [one for one in targets() if one.address == address(everything(), "api")]
    wrong = replace(target, series=(replace(target.series[0], labels=labels),))
    assert any(problem in one for one in badly_labelled(wrong))


def test_a_name_with_a_colon_would_be_found() -> None:
    (target,) = [one for one in targets() if one.address == address(everything(), "api")]
    series = replace(target.series[0], metric=replace(target.series[0].metric, name="job:requests:rate5m"))
    assert any("colon" in one for one in badly_labelled(replace(target, series=(series,))))


def test_series_are_fewer_than_two_thousand_and_each_is_there_once() -> None:
    names = [name for name, _ in all_series()]
    assert len(names) == len(set(names)) < 2000


def test_every_metric_of_the_contract_is_simulated_but_what_monitoring_says_of_itself() -> None:
    own = {metric.name for metric in vars(monitoring).values() if hasattr(metric, "source")}
    simulated = {series.metric.name for _, series in all_series()}
    new_names = {
        metric.name for metric in vars(gpu).values() if getattr(metric, "source", None) is gpu.DCGM_NEW
    }
    by_prometheus = {UP.name, ALERTS.name}
    assert set(CONTRACT) - simulated <= own | new_names | by_prometheus
    assert simulated & new_names == set()
    # The release under whose names the simulation goes: the exporter's own version follows DCGM's.
    assert IMAGES["dcgm-exporter"].tag.split("-")[1].startswith("4.8.")


def is_counter(series: Simulated) -> bool:
    return series.metric.type is not MetricType.GAUGE


@pytest.mark.parametrize("schedule", [Schedule(), EVERYTHING_WRONG], ids=["healthy", "everything wrong"])
def test_counters_never_fall(schedule: Schedule) -> None:
    for name, series in all_series(schedule):
        if is_counter(series):
            values = series.value(WEEK)
            assert (np.diff(values[~np.isnan(values)]) >= 0).all(), name


def test_counters_begin_at_zero_and_rise() -> None:
    for name, series in all_series():
        if is_counter(series):
            first, now = series.value(np.array([EPOCH, NOW]))
            assert first == 0, name
            assert now > 0 or series.suffix == "_bucket", name


@pytest.mark.parametrize("schedule", [Schedule(), EVERYTHING_WRONG], ids=["healthy", "everything wrong"])
def test_buckets_are_cumulative_and_end_with_the_count(schedule: Schedule) -> None:
    for target in targets(schedule):
        buckets = dict[tuple[str, str], list[tuple[float, Simulated]]]()
        rest = dict[tuple[str, str, str], Simulated]()
        for series in target.series:
            if series.metric.type is not MetricType.HISTOGRAM:
                continue
            labels = {name: value for name, value in series.labels.items() if name != "le"}
            key = (series.metric.name, str(sorted(labels.items())))
            if series.suffix == "_bucket":
                buckets.setdefault(key, []).append((float(series.labels["le"]), series))
            else:
                rest[*key, series.suffix] = series
        for key, parts in buckets.items():
            ends = [end for end, _ in parts]
            assert ends == sorted(ends), key
            assert ends[-1] == float("inf"), key
            values = np.array([part.value(WEEK) for _, part in parts])
            shown = ~np.isnan(values[0])
            assert (np.diff(values[:, shown], axis=0) >= 0).all(), key
            count, total = (rest[*key, suffix].value(WEEK) for suffix in ("_count", "_sum"))
            assert np.array_equal(values[-1], count, equal_nan=True), key
            # The mean lies within the buckets.
            assert (total[shown] <= (count[shown] + 1) * ends[-2]).all(), key


def test_bucket_ends_are_written_as_prometheus_client_writes_them() -> None:
    rate = Rate(per_second=1, rhythm=rhythm("a test"))
    series = histogram(application.MODEL_INPUT_SIZE, {"model": "m"}, (rate, Spread(1e5)))
    ends = [one.labels["le"] for one in series if one.suffix == "_bucket"]
    assert ends == ["10000.0", "100000.0", "1e+06", "1e+07", "1e+08", "1e+09", "+Inf"]


def test_a_histogram_of_a_known_spread_counts_half_below_its_median() -> None:
    rate = Rate(per_second=2, rhythm=Rhythm((0.0, DAY, 0)))
    parts = {
        one.labels.get("le", one.suffix): one.value(np.array([EPOCH + 1000]))[0]
        for one in histogram(application.STAGE_DURATION, {"stage": "s"}, (rate, Spread(30, 0.5)))
    }
    assert parts["30.0"] == 1000
    assert parts["_count"] == parts["+Inf"] == 2000
    assert parts["_sum"] == pytest.approx(2000 * 30 * np.exp(0.125))


def test_the_integral_of_a_rhythm_is_the_sum_of_its_values() -> None:
    day = np.arange(NOW - DAY, NOW, 10.0)
    wave = rhythm("a test")
    summed = wave.at(day + 5).sum() * 10
    first, last = wave.until(np.array([NOW - DAY, NOW]))
    assert last - first == pytest.approx(summed, rel=1e-6)


def test_a_rhythm_that_would_fall_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Rhythm((0.7, DAY, 0), (0.4, HOUR, 0))


def test_what_an_incident_adds_is_counted_while_it_lasts_only() -> None:
    wave = Rhythm((0.0, DAY, 0))
    rate = Rate(per_second=1, rhythm=wave, changes=((3, Windows(((EPOCH + 100, EPOCH + 200),))),))
    assert rate.total(np.array([EPOCH + at for at in (100, 150, 200, 300)])).tolist() == [100, 300, 500, 600]


def test_the_same_moment_always_looks_the_same() -> None:
    first = {name: series.value(WEEK[:3]) for name, series in all_series()}
    second = {name: series.value(WEEK[:3]) for name, series in all_series()}
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_moments_asked_together_give_the_values_of_each() -> None:
    for name, series in list(all_series())[::50]:
        together = series.value(WEEK[:20])
        apart = [series.value(np.array([at]))[0] for at in WEEK[:20]]
        assert together == pytest.approx(apart, rel=1e-9), name


def test_what_the_contract_calls_the_same_from_every_pod_is() -> None:
    same = {metric.name for metric in CONTRACT.values() if "same from every pod" in metric.meaning}
    seen = dict[str, list[tuple[str, tuple[float, ...]]]]()
    for target in targets():
        for series in target.series:
            if series.metric.name in same:
                key = f"{series.name}{sorted(series.labels.items())}"
                seen.setdefault(key, []).append((target.address, tuple(series.value(WEEK[:5]))))
    assert {key.split("{")[0].split("[")[0] for key in seen} == same
    for key, values in seen.items():
        assert len(values) > 1, key
        assert len({value for _, value in values}) == 1, key


def failed_shares(metric: Metric, window: int) -> dict[str, Moments]:
    """The share that fails within so many minutes, at each minute of two weeks, by model if there is one."""
    minutes = np.arange(NOW - 14 * DAY, NOW, MINUTE)
    counted = dict[tuple[str, str], Moments]()
    for _, series in all_series():
        outcome = series.labels.get("outcome")
        if series.metric is metric and outcome in {"success", "failure"}:
            values = series.value(minutes)
            key = (series.labels.get("model", ""), outcome)
            counted[key] = counted.get(key, 0.0) + values[window:] - values[:-window]
    return {
        model: counted[model, "failure"] / (counted[model, "failure"] + counted[model, "success"])
        for model, _ in counted
    }


@pytest.mark.parametrize(
    ("metric", "minutes", "warning"),
    [
        (application.MODEL_INFERENCES, 15, Parameters().levels.model_error_rate.warning),
        (application.JOBS, 60, Parameters().levels.job_failure_rate.warning),
    ],
)
def test_the_few_failures_of_a_calm_night_are_no_alert(metric: Metric, minutes: int, warning: float) -> None:
    # Where little is done, a single failure more is a share that people would be told of, every night.
    for of, shares in failed_shares(metric, minutes).items():
        assert 0 < shares.max() < warning, of


def test_users_of_all_tiers_are_some_five_thousand() -> None:
    (pod,) = [one for one in targets() if one.address == address(everything(), "api")]
    users = [one for one in pod.series if one.metric is application.USERS]
    assert {one.labels["tier"] for one in users} == set(TIERS)
    assert 4_500 < sum(one.value(np.array([NOW]))[0] for one in users) < 7_000


def test_an_idle_gpu_belongs_to_nobody_and_the_others_to_pods_that_exist() -> None:
    pods = {(pod.namespace, pod.name) for pod in everything().pods if pod.gpus}
    held = [
        (series.labels.get("namespace"), series.labels.get("pod"))
        for _, series in all_series()
        if series.metric is gpu.UTILIZATION
    ]
    assert len(held) == 5
    assert held.count((None, None)) == 1
    assert {one for one in held if one != (None, None)} == pods


LEVELS = Parameters().levels


@pytest.mark.parametrize(
    ("metric", "lowest", "highest"),
    [
        (gpu.TEMPERATURE, 30, LEVELS.gpu_temperature.warning),
        (application.SUBSCRIPTIONS_CANCELLED, 0.01, LEVELS.cancellation_rate.warning),
        (application.QUEUE_DEPTH, 0, (LEVELS.queue_depth.warning or 0) / 4),
        (application.STORAGE_UP, 1, 1),
        (exporters.PG_UP, 1, 1),
        (exporters.REDIS_UP, 1, 1),
        (exporters.PROBE_SUCCESS, 1, 1),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_in_no_moment_of_a_week_is_a_healthy_figure_near_its_threshold(
    metric: Metric, lowest: float, highest: float
) -> None:
    values = np.array([series.value(WEEK) for _, series in all_series() if series.metric is metric])
    assert lowest <= values.min()
    assert values.max() <= highest


def test_in_no_moment_of_a_week_is_a_gpu_that_is_held_idle_or_full() -> None:
    held = [
        series for _, series in all_series() if series.metric is gpu.UTILIZATION and "pod" in series.labels
    ]
    values = np.array([series.value(WEEK) for series in held]) / 100
    assert LEVELS.gpu_underutilization.warning < values.min()
    assert values.max() < LEVELS.gpu_utilization.warning


def test_on_each_day_of_a_week_enough_subscriptions_begin() -> None:
    started = sum(
        series.value(WEEK)
        for _, series in all_series()
        if series.metric is application.SUBSCRIPTIONS_STARTED and series.labels["tier"] != "free"
    )
    # Two pods tell the same.
    assert np.min(started) / 2 > 2 * (LEVELS.new_subscriptions.warning or 0)


@pytest.mark.parametrize(
    ("free", "size"),
    [
        (exporters.NODE_FILESYSTEM_AVAILABLE, exporters.NODE_FILESYSTEM_SIZE),
        (exporters.KUBELET_VOLUME_AVAILABLE, exporters.KUBELET_VOLUME_CAPACITY),
    ],
    ids=lambda metric: metric.name,
)
def test_in_no_moment_of_a_week_is_a_disk_nearly_full(free: Metric, size: Metric) -> None:
    found = {
        metric: {key.partition("{")[2]: one.value(WEEK) for key, one in all_series() if one.metric is metric}
        for metric in (free, size)
    }
    used = np.array([1 - found[free][key] / found[size][key] for key in found[size]])
    assert used.max() < 0.9 * (LEVELS.disk_usage.warning or 0)
