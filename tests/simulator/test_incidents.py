"""What each incident changes while it lasts, and that all is as before when it is over."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from dashboards.contract import Metric
from dashboards.metrics import application as app
from dashboards.metrics import exporters, gpu, monitoring
from dashboards.parameters import Parameters
from dashboards.render import alerts
from local.simulator import catalogue
from local.simulator.catalogue import EVERY, INCIDENTS
from local.simulator.incidents import Happening, Schedule
from local.simulator.rhythm import DAY, HOUR, MINUTE, during
from local.simulator.series import Moments, Simulated
from local.simulator.targets import Failure, failure
from tests.simulator.sample import address
from tests.simulator.scraped import all_series, everything
from tests.simulator.test_figures import NOW, is_counter

# By hand, not from the catalogue: what each incident is meant to touch.
TOUCHES: Mapping[str, set[Metric]] = {
    "api-outage": {app.HTTP_SERVER_REQUEST_DURATION, exporters.PROBE_SUCCESS},
    "api-errors": {app.HTTP_SERVER_REQUEST_DURATION},
    "certificate-expires-soon": {monitoring.CERTIFICATE_EXPIRY},
    "certificate-expires": {monitoring.CERTIFICATE_EXPIRY},
    "database-dies": {
        exporters.PG_UP,
        exporters.PG_STAT_ACTIVITY_COUNT,
        exporters.PG_SETTINGS_MAX_CONNECTIONS,
        exporters.PG_SETTINGS_SUPERUSER_RESERVED_CONNECTIONS,
    },
    "redis-dies": {
        exporters.REDIS_UP,
        exporters.REDIS_MEMORY_USED,
        exporters.REDIS_MEMORY_MAX,
        exporters.REDIS_TOTAL_SYSTEM_MEMORY,
    },
    "disk-fills": {exporters.NODE_FILESYSTEM_AVAILABLE},
    "disk-full": {exporters.NODE_FILESYSTEM_AVAILABLE},
    "volume-fills": {exporters.KUBELET_VOLUME_AVAILABLE},
    "volume-full": {exporters.KUBELET_VOLUME_AVAILABLE},
    "prometheus-volume-fills": {exporters.KUBELET_VOLUME_AVAILABLE},
    "queue-grows": {app.QUEUE_DEPTH},
    "queue-backs-up": {app.QUEUE_DEPTH},
    "jobs-falter": {app.JOBS, app.JOB_DURATION, app.STAGE_RUNS, app.STAGE_FAILURES},
    "jobs-fail": {app.JOBS, app.JOB_DURATION, app.STAGE_RUNS, app.STAGE_FAILURES},
    "stage-slow": {app.STAGE_DURATION, app.WORKER_SLOTS_BUSY},
    "gpu-saturated": {
        gpu.UTILIZATION,
        gpu.ENGINE_ACTIVE,
        gpu.TEMPERATURE,
        gpu.POWER,
    },
    "gpu-warm": {gpu.TEMPERATURE},
    "gpu-overheat": {gpu.TEMPERATURE},
    "gpu-idle": {gpu.UTILIZATION, gpu.ENGINE_ACTIVE, gpu.TEMPERATURE, gpu.POWER},
    "model-falters": {app.MODEL_INFERENCES},
    "bad-model-release": {app.MODEL_INFERENCES},
    "inference-slow": {app.MODEL_INFERENCE_DURATION},
    "users-leave": {app.ACTIVE_USERS},
    "subscribers-leave": {app.SUBSCRIPTIONS_CANCELLED, app.SUBSCRIPTION_CANCELLATIONS},
    "payments-fail": {app.SUBSCRIPTIONS_STARTED},
    "cost-run-away": {app.EXTERNAL_COST},
    "target-hangs": {
        app.STAGE_RUNS,
        app.STAGE_FAILURES,
        app.STAGE_DURATION,
        app.WORKER_SLOTS,
        app.WORKER_SLOTS_BUSY,
        app.QUEUE_DEPTH,
    },
    "exporter-gone": {
        exporters.PG_UP,
        exporters.PG_STAT_ACTIVITY_COUNT,
        exporters.PG_SETTINGS_MAX_CONNECTIONS,
        exporters.PG_SETTINGS_SUPERUSER_RESERVED_CONNECTIONS,
    },
    "label-explosion": {
        app.STAGE_RUNS,
        app.STAGE_FAILURES,
        app.STAGE_DURATION,
        app.WORKER_SLOTS,
        app.WORKER_SLOTS_BUSY,
        app.QUEUE_DEPTH,
    },
    "metrics-lost": {app.STORAGE_UP},
}
BEGINS = NOW - 4 * HOUR
LONG = 3 * HOUR
BEFORE = np.arange(BEGINS - HOUR, BEGINS, MINUTE)
WHILE = np.arange(BEGINS + MINUTE, BEGINS + LONG, MINUTE)
# A day's counts are themselves again a day later.
AFTER = np.arange(BEGINS + LONG + DAY, BEGINS + LONG + DAY + HOUR, MINUTE)

HEALTHY = dict(all_series())


def schedule(name: str) -> Schedule:
    return Schedule(happenings=(Happening(name=name, begins=BEGINS, ends=BEGINS + LONG),))


def course(series: Simulated, moments: Moments) -> Moments:
    """A gauge's values; of a counter what it rose by, give or take the one that rounding down may hold."""
    values = series.value(moments)
    return np.diff(values) if is_counter(series) else values


def same(one: Simulated, other: Simulated, moments: Moments) -> bool:
    tolerance = 1.0 if is_counter(one) else 0.0
    return np.allclose(
        course(one, moments), course(other, moments), rtol=1e-6, atol=tolerance, equal_nan=True
    )


def differing(wrong: Mapping[str, Simulated], moments: Moments) -> set[Metric]:
    return {
        series.metric
        for name, series in wrong.items()
        if not np.array_equal(series.value(moments), HEALTHY[name].value(moments), equal_nan=True)
    }


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_changes_what_it_is_meant_to_and_nothing_else(name: str) -> None:
    wrong = dict(all_series(schedule(name)))
    assert wrong.keys() == HEALTHY.keys()
    assert differing(wrong, WHILE) == TOUCHES[name]


@pytest.mark.parametrize("name", INCIDENTS)
def test_before_an_incident_nothing_is_changed_and_after_it_all_goes_on_as_ever(name: str) -> None:
    wrong = dict(all_series(schedule(name)))
    assert differing(wrong, BEFORE) == set()
    changed = [key for key, series in wrong.items() if not same(series, HEALTHY[key], AFTER)]
    assert changed == []


def test_every_incident_is_in_the_table_of_what_it_touches() -> None:
    assert set(TOUCHES) == set(INCIDENTS)


def value(wrong: str, metric: Metric, worst: Callable[[Moments], float], **labels: str) -> float:
    """The worst value among a metric's series with these labels, two hours into an incident."""
    at = np.array([BEGINS + 2 * HOUR])
    values = [
        series.value(at)[0]
        for key, series in all_series(schedule(wrong))
        if series.metric is metric and all(f'{name}="{text}"' in key for name, text in labels.items())
    ]
    return worst(np.array(values))


@pytest.mark.parametrize(
    ("name", "metric", "labels", "worst", "expected"),
    [
        ("api-outage", exporters.PROBE_SUCCESS, {}, np.min, 0),
        ("database-dies", exporters.PG_UP, {}, np.min, 0),
        ("redis-dies", exporters.REDIS_UP, {}, np.min, 0),
        ("queue-grows", app.QUEUE_DEPTH, {"stage": "voice-synthesis"}, np.max, 147),
        ("queue-backs-up", app.QUEUE_DEPTH, {"stage": "voice-synthesis"}, np.max, 267),
        ("gpu-saturated", gpu.UTILIZATION, {"pod": "whisper-large-7d9c5b6f4-10x244x1x11"}, np.max, 99),
        ("gpu-idle", gpu.UTILIZATION, {"pod": "nllb-200-7d9c5b6f4-10x244x1x12"}, np.max, 4),
        ("gpu-warm", gpu.TEMPERATURE, {}, np.max, 82),
        ("gpu-overheat", gpu.TEMPERATURE, {}, np.max, 91),
        ("subscribers-leave", app.SUBSCRIPTIONS_CANCELLED, {}, np.max, 0.14),
        ("cost-run-away", app.EXTERNAL_COST, {"resource": "transfer"}, np.max, 600),
    ],
)
def test_an_incident_brings_a_figure_to_what_it_says(
    name: str, metric: Metric, labels: dict[str, str], worst: Callable[[Moments], float], expected: float
) -> None:
    assert value(name, metric, worst, **labels) == expected


def used(name: str, available: Metric, size: Metric) -> float:
    """The fullest disk, as a share, two hours into an incident."""
    at = np.array([BEGINS + 2 * HOUR])
    free, whole = dict[str, float](), dict[str, float]()
    for key, series in all_series(schedule(name)):
        for metric, found in ((available, free), (size, whole)):
            if series.metric is metric:
                found[key.partition("{")[2]] = series.value(at)[0]
    return max(1 - free[key] / whole[key] for key in whole)


@pytest.mark.parametrize(("name", "share"), [("disk-fills", 0.84), ("disk-full", 0.94)])
def test_a_disk_fills_to_what_the_incident_says(name: str, share: float) -> None:
    assert used(name, exporters.NODE_FILESYSTEM_AVAILABLE, exporters.NODE_FILESYSTEM_SIZE) == pytest.approx(
        share
    )


@pytest.mark.parametrize(("name", "share"), [("volume-fills", 0.84), ("volume-full", 0.94)])
def test_a_volume_fills_to_what_the_incident_says(name: str, share: float) -> None:
    assert used(name, exporters.KUBELET_VOLUME_AVAILABLE, exporters.KUBELET_VOLUME_CAPACITY) == pytest.approx(
        share
    )


def increase(name: str, metric: Metric, suffix: str = "", **labels: str) -> float:
    """What the counters with these labels rose by, together, while an incident lasted."""
    ends = np.array([BEGINS, BEGINS + LONG])
    return float(
        sum(
            np.diff(series.value(ends))[0]
            for _, series in all_series(schedule(name))
            if series.metric is metric and series.suffix == suffix and labels.items() <= series.labels.items()
        )
    )


class Failing(NamedTuple):
    """A metric's label for what failed, the labels of all that is counted, and the share that fails."""

    metric: Metric
    failed: dict[str, str]
    counted: tuple[dict[str, str], ...]
    share: float


DECIDED = ({"outcome": "success"}, {"outcome": "failure"})
FAILING = {
    "api-outage": Failing(app.HTTP_SERVER_REQUEST_DURATION, {"http_response_status_code": "503"}, ({},), 0.8),
    "api-errors": Failing(
        app.HTTP_SERVER_REQUEST_DURATION, {"http_response_status_code": "503"}, ({},), 0.12
    ),
    "jobs-falter": Failing(app.JOBS, {"outcome": "failure"}, DECIDED, 0.08),
    "jobs-fail": Failing(app.JOBS, {"outcome": "failure"}, DECIDED, 0.25),
    "model-falters": Failing(
        app.MODEL_INFERENCES, {"model": "xtts-v2", "outcome": "failure"}, ({"model": "xtts-v2"},), 0.025
    ),
    "bad-model-release": Failing(
        app.MODEL_INFERENCES, {"model": "xtts-v2", "outcome": "failure"}, ({"model": "xtts-v2"},), 0.2
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_an_incident_makes_the_share_of_failures_that_it_says(name: str) -> None:
    metric, failed, counted, share = FAILING[name]
    suffix = "_count" if metric is app.HTTP_SERVER_REQUEST_DURATION else ""
    part = increase(name, metric, suffix, **failed)
    whole = sum(increase(name, metric, suffix, **labels) for labels in counted)
    assert part / whole == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize(
    ("name", "metric", "labels", "seconds"),
    [
        ("stage-slow", app.STAGE_DURATION, {"stage": "voice-synthesis"}, 75 * 6),
        ("inference-slow", app.MODEL_INFERENCE_DURATION, {"model": "wav2lip"}, 15),
    ],
)
def test_an_incident_makes_work_as_slow_as_it_says(
    name: str, metric: Metric, labels: dict[str, str], seconds: float
) -> None:
    mean = increase(name, metric, "_sum", **labels) / increase(name, metric, "_count", **labels)
    assert mean == pytest.approx(seconds, rel=0.2)


@pytest.mark.parametrize(
    ("name", "metric", "hours", "before", "after"),
    [
        ("users-leave", app.ACTIVE_USERS, 8, 0.99, 0.8),
        ("payments-fail", app.SUBSCRIPTIONS_STARTED, 24, 0.9, 0.05),
    ],
)
def test_a_count_of_a_day_follows_an_incident_within_a_day(
    name: str, metric: Metric, hours: float, before: float, after: float
) -> None:
    wrong = Schedule(happenings=(Happening(name=name, begins=NOW - hours * HOUR),))
    at = np.array([NOW - hours * HOUR, NOW])
    changed = sum(series.value(at) for _, series in all_series(wrong) if series.metric is metric)
    usual = sum(series.value(at) for series in HEALTHY.values() if series.metric is metric)
    first, last = np.asarray(changed) / np.asarray(usual)
    assert first >= before
    assert last <= after


@pytest.mark.parametrize(
    ("name", "how", "service"),
    [
        ("target-hangs", Failure.HANGS, "worker-voice-synthesis"),
        ("exporter-gone", Failure.REFUSES, "postgres-exporter"),
        ("label-explosion", Failure.FLOODS, "worker-translation"),
    ],
)
def test_an_incident_makes_one_target_fail(name: str, how: Failure, service: str) -> None:
    failing = {
        pod.name: found
        for pod in everything().pods
        for port in pod.containers[0].ports.values()
        if (found := failure(everything(), f"{pod.address}:{port}", schedule(name), BEGINS + 60))
    }
    (only,) = failing
    assert only.startswith(service)
    assert failing[only] is how
    host = address(everything(), service)
    assert failure(everything(), host, schedule(name), BEGINS + LONG) is None


def test_an_incident_told_twice_over_itself_counts_once() -> None:
    twice = Schedule(
        happenings=(
            Happening(name="jobs-fail", begins=0, ends=20),
            Happening(name="jobs-fail", begins=10, ends=30),
            Happening(name="jobs-fail", begins=50),
        )
    )
    assert during(twice, catalogue.JOBS_FAIL).spans == ((0, 30), (50, np.inf))


def test_incidents_that_begin_now_lose_no_count_of_what_was() -> None:
    # What may have begun before must not make a counter smaller than it was seen to be.
    falling = set[str]()
    for name in INCIDENTS:
        begun = Schedule(happenings=(Happening(name=name, begins=NOW - DAY),))
        for key, series in all_series(begun):
            if not is_counter(series):
                continue
            at = np.array([NOW])
            if series.value(at)[0] < HEALTHY[key].value(at)[0]:
                falling.add(name)
    assert falling == catalogue.NOT_BEFORE_NOW - catalogue.HANDS_ON.keys()


WITHOUT_AN_INCIDENT = {
    "Watchdog": "it always fires",
}


def test_each_alert_and_severity_has_an_incident() -> None:
    declared = {
        (alert.name, str(rule.severity))
        for those in alerts(Parameters()).values()
        for alert in those
        for rule in alert.rules
        if alert.name not in WITHOUT_AN_INCIDENT
    }
    assert {fired for incident in EVERY.values() for fired in incident.fires} == declared
    assert not WITHOUT_AN_INCIDENT.keys() & {alert for alert, _ in declared}


def test_incidents_have_names_to_type() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in EVERY)


def test_the_page_has_the_incidents_table() -> None:
    page = Path("docs/simulator.md").read_text(encoding="utf-8")
    assert page.endswith(catalogue.table()), "python -m local.simulator.catalogue prints the table"
