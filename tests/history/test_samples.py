"""What raw samples look like: labels as scraping would merge them, moments, text."""

import io
from pathlib import Path

import numpy as np
import pytest

from dashboards.metrics import application, exporters
from dashboards.parameters import Parameters
from dashboards.render import rules
from local.history.rules import Evaluations, read_rules
from local.history.samples import Sampled, sampled
from local.history.targets import Target
from local.history.times import DAY, HOUR, Times
from local.simulator.series import Moments, Simulated
from tests.history.platform import TARGETS, exposed

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> Evaluations:
    folder = tmp_path_factory.mktemp("rules")
    for name, text in rules(Parameters()).items():
        (folder / name).write_text(text)
    return Evaluations(read_rules(folder), Times(NOW))


def target(*, honors: bool, **labels: str) -> Target:
    return Target(
        address="10.0.0.1:8000", path="/metrics", interval=30, labels=labels, honors_labels=honors, up=True
    )


def test_a_target_s_labels_win_and_the_exposed_ones_are_kept_under_another_name() -> None:
    scraped = target(honors=False, job="api", pod="api-1")
    assert scraped.labelled({"pod": "p", "tier": "pro"}) == {
        "job": "api",
        "pod": "api-1",
        "exported_pod": "p",
        "tier": "pro",
    }
    twice = scraped.labelled({"pod": "p", "exported_pod": "q"})
    assert twice == {"job": "api", "pod": "api-1", "exported_pod": "q", "exported_exported_pod": "p"}


def test_exposed_labels_win_where_the_job_honors_them() -> None:
    scraped = target(honors=True, job="opencost", namespace="monitoring")
    assert scraped.labelled({"namespace": "dubbing"}) == {"job": "opencost", "namespace": "dubbing"}


def test_an_empty_label_is_none() -> None:
    assert target(honors=True, job="dcgm", pod="dcgm-1").labelled({"pod": ""}) == {"job": "dcgm"}
    assert target(honors=False, job="api", pod="api-1").labelled({"pod": ""}) == {
        "job": "api",
        "pod": "api-1",
    }


def test_every_target_that_answers_is_up(evaluations: Evaluations) -> None:
    series = {one.text: one for one in sampled(TARGETS, exposed(), evaluations) if one.text.startswith("up{")}
    assert len(series) == len(TARGETS)
    for one in series.values():
        assert (one.value(one.moments) == 1).all()


def test_a_target_is_down_while_it_has_no_samples(evaluations: Evaluations) -> None:
    def fails(moments: Moments) -> Moments:
        return np.where(moments < NOW - HOUR, 5, np.nan)

    failing = [Simulated(metric=application.QUEUE_DEPTH, labels={"stage": "a"}, value=fails)] * 2
    up, *_ = sampled(TARGETS[:1], lambda _address, _path: failing, evaluations)
    assert up.text.startswith("up{")
    assert up.value(np.array([NOW - HOUR - 1.0, NOW - HOUR + 1.0])).tolist() == [1, 0]


def test_where_nothing_listens_there_is_nothing(evaluations: Evaluations) -> None:
    gone = Target(
        address="10.0.0.1:1", path="/metrics", interval=30, labels={"job": "a"}, honors_labels=False, up=False
    )
    assert list(sampled([gone], lambda _address, _path: None, evaluations)) == []


def test_each_metric_has_as_many_samples_as_its_readers_need(evaluations: Evaluations) -> None:
    def steps(name: str) -> tuple[float, float, float]:
        one = next(
            one for one in sampled(TARGETS, exposed(), evaluations) if one.text.startswith(f"{name}{{")
        )
        distances = np.diff(one.moments)
        assert distances.min() > 0
        return (NOW - one.moments[0]) / DAY, distances[10], distances[-10]

    assert steps("node_total_hourly_cost") == (35, 240, 60)
    assert steps("dubbing_jobs_total") == (9, 120, 60)
    # Its mean over a day is recorded: every sample weighs the same.
    assert steps("probe_success") == (9, 30, 30)
    assert steps("up") == (9, 240, 60)


def test_no_two_samples_lie_further_apart_than_a_series_lives(evaluations: Evaluations) -> None:
    for one in sampled(TARGETS, exposed(), evaluations):
        assert np.diff(one.moments).max() < 300
        assert NOW - one.moments[-1] < 60


def test_what_is_not_there_is_not_written_and_labels_are_escaped(tmp_path: Path) -> None:
    def value(moments: Moments) -> Moments:
        return np.where(moments > 1, moments / 2, np.nan)

    file = io.StringIO()
    Sampled(text="a", value=value, moments=np.array([1.0, 2.0, 5.0])).write(file)
    assert file.getvalue() == "a 1.0 2.0\na 2.5 5.0\n"
    (tmp_path / "rules.yaml").write_text("groups: []")
    odd = Simulated(metric=exporters.PG_UP, labels={"a": 'x"y\\z\n'}, value=value)
    one = list(
        sampled(TARGETS[1:], lambda _address, _path: [odd], Evaluations(read_rules(tmp_path), Times(NOW)))
    )[-1]
    assert one.text.endswith('a="x\\"y\\\\z\\n"}')
