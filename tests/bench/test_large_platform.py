"""The series of the large platform, and how they are written."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bench.grafana_requests import moment_of
from bench.platform_history import Recorded, months, needs_days, recorded_samples, relaxed
from bench.platform_series import ABSENT, GPUS, SERVICES, Sampled, platform
from bench.remote_write import WriteError, requests, snappy, varint, write
from bench.server import server
from dashboards.metrics import labels_by_series
from dashboards.parameters import Parameters

HOUR = 3600
NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def series() -> list[Sampled]:
    return list(platform())


def test_every_metric_of_the_contract_is_there_with_its_labels_and_no_others(series: list[Sampled]) -> None:
    known = labels_by_series()
    found = {one.labels["__name__"] for one in series}
    assert found == known.keys() - {metric.name for metric in ABSENT}
    for one in series:
        assert one.labels.keys() - {"__name__"} <= known[one.labels["__name__"]], one


def test_no_two_series_are_the_same(series: list[Sampled]) -> None:
    # Prometheus knows no difference between an empty label and none.
    keys = Counter(tuple(sorted((k, v) for k, v in one.labels.items() if v)) for one in series)
    assert max(keys.values()) == 1


def test_it_has_a_thousand_gpus_and_two_hundred_services(series: list[Sampled]) -> None:
    of_gpus = [one for one in series if one.labels["__name__"] == "DCGM_FI_DEV_FB_USED"]
    assert len({one.labels["UUID"] for one in of_gpus}) == len(of_gpus) == GPUS == 1000
    pods = [one.labels for one in series if one.labels["__name__"] == "kube_pod_labels"]
    assert len({one["label_app_kubernetes_io_name"] for one in pods}) == SERVICES == 200


def test_a_counter_never_falls_and_a_gauge_changes(series: list[Sampled]) -> None:
    moments = np.arange(NOVEMBER, NOVEMBER + 48 * HOUR, 30, dtype=np.float64)
    for one in series[:: len(series) // 300]:
        values = one.values(moments)
        if one.counter:
            assert (np.diff(values) >= 0).all(), one
        assert one.constant == bool((values == values[0]).all()), one


def test_a_number_is_written_seven_bits_a_byte() -> None:
    assert [varint(number) for number in (0, 127, 128, 300)] == [b"\0", b"\x7f", b"\x80\x01", b"\xac\x02"]
    assert snappy(b"abc") == b"\x03\xfc\x02\0\0\0abc"


def test_what_is_large_is_written_in_several_requests() -> None:
    moments = np.arange(0.0, 100_000.0)
    found = list(requests(({"__name__": f"m{number}"}, moments, moments) for number in range(6)))
    assert [len(one) // 1_800_000 for one in found] == [3, 3]


def test_a_months_series_has_samples_of_that_month_only() -> None:
    first = NOVEMBER - 3 * HOUR
    one = Recorded(series=Sampled(labels={"__name__": "a:b:c", "month": "7"}, level=1.0), every=HOUR)
    found = {labels["month"]: list(at) for labels, at, _ in recorded_samples([one], first, first + 6 * HOUR)}
    # What is recorded at midnight is of the hour before it.
    assert found["10"][-1] == NOVEMBER
    assert found["11"][0] == NOVEMBER + HOUR
    assert list(months(np.array([]))) == []


def test_spans_that_follow_each_other_have_every_sample_once() -> None:
    one = Recorded(series=Sampled(labels={"__name__": "a:b:c"}, level=1.0), every=240)
    spans = [(0, 1000), (1000, 1920), (1920, 2000)]
    found = [at for span in spans for _, moments, _ in recorded_samples([one], *span) for at in moments]
    assert found == list(range(240, 1921, 240))


def test_an_expression_is_relaxed_to_what_five_minutes_hold() -> None:
    asked = "avg_over_time(a:b:c[7d] offset 1d) and (count_over_time(a:b:c[7d] offset 1d) >= 288)"
    assert relaxed(asked) == "avg_over_time(a:b:c[7d]) and (count_over_time(a:b:c[7d]) >= 0)"


def test_what_is_read_over_days_has_days_and_what_is_read_over_hours_has_not() -> None:
    found = needs_days(Parameters())
    assert "service_gpu:dcgm_memory_used_bytes:max" in found
    assert "stage:dubbing_stage_duration_seconds:mean1h" in found
    hours = {"gpu:dcgm_memory_used_bytes:max", "job_route:http_server_request_duration_seconds:p95_rate5m"}
    assert not hours & found


@pytest.mark.slow
def test_prometheus_has_what_was_written_and_refuses_what_is_older(tmp_path: Path) -> None:
    moments = np.array([NOVEMBER, NOVEMBER + 0.5, NOVEMBER + 30])
    values = np.array([1.5, -2.0, 1e300])
    written = {"__name__": "a", "text": 'ä "quoted" \\', "empty": ""}
    with server(tmp_path, most_samples=1000) as one:
        write(one.url, [(written, moments, values), ({"__name__": "b"}, moments, values)])
        answer = one.ask(moment_of("a[1m]"), NOVEMBER + 30)
        (found,) = answer.result
        assert found["metric"] == {"__name__": "a", "text": 'ä "quoted" \\'}
        assert [(at, float(value)) for at, value in found["values"]] == list(
            zip(moments.tolist(), values.tolist(), strict=True)
        )
        assert answer.samples == 3
        with pytest.raises(WriteError, match="400"):
            write(one.url, [(written, moments - 10 * 86_400, values)])
