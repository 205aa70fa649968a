"""What must not wake anyone: little traffic, a young installation, a value that hovers, a week's habit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alert import DeclarationError
from dashboards.parameters import Parameters
from dashboards.render import alerts, rules
from tests.dashboards.alert_case import SCOPE, AlertCase, Values
from tests.dashboards.alert_cases import CASES
from tests.dashboards.alert_tests import RULE_FILES, failure, only
from tests.dashboards.promql_cases import Case
from tests.dashboards.promql_cases import failure as recorded_failure


def silent(case: AlertCase, values: Values, severity: str, minutes: int) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value}x{minutes}"} for name, value in values.items()],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{case.name}", severity="{severity}"}}',
                "eval_time": f"{minutes}m",
                "exp_samples": [],
            }
        ],
    }


@pytest.mark.parametrize("name", ["QueueDepthHigh", "GpuTemperatureHigh", "JobFailureRateHigh"])
def test_a_value_that_hovers_at_its_threshold_fires_once(promtool: Path, tmp_path: Path, name: str) -> None:
    (case,) = [one for one in CASES if one.name == name]
    (first, *_) = case.bad.values()
    bad, good = case.series(first), case.series(first * 0.97)
    hovering = {
        "interval": "1m",
        "input_series": [
            {
                "series": series,
                "values": f"{bad[series]}x9 " + f"{good[series]} {good[series]} {bad[series]} " * 20,
            }
            for series in bad
        ],
        "promql_expr_test": [
            {
                "expr": f'count_over_time(ALERTS{{alertname="{name}", alertstate="firing"}}[50m]) == 50',
                "eval_time": "60m",
                "exp_samples": [{"labels": EVERY[name], "value": 50}],
            }
        ],
    }
    assert failure(promtool, tmp_path, only(name), [hovering]) is None


EVERY = {
    name: "{"
    f'alertname="{name}", alertstate="firing", severity="warning", team="{team}", dashboard="{uid}", {labels}'
    "}"
    for name, team, uid, labels in (
        ("QueueDepthHigh", "platform", "job-processing", SCOPE),
        ("JobFailureRateHigh", "platform", "job-processing", SCOPE),
        (
            "GpuTemperatureHigh",
            "ml",
            "model-performance",
            'cluster="dev", node="gpu-1", gpu="0", UUID="GPU-1"',
        ),
    )
}


def test_no_alert_fires_on_a_fresh_installation_that_is_healthy_and_has_no_load(
    promtool: Path, tmp_path: Path
) -> None:
    recorded = {name: yaml.safe_load(text) for name, text in rules(Parameters(cluster="dev")).items()}
    up = {
        f'up{{cluster="dev", job="{job}", instance="main"}}': 1
        for job in ("kube-state-metrics", "node-exporter", "kubelet", "postgres-exporter", "redis-exporter")
    }
    series = up | {
        'up{cluster="dev", job="opencost", instance="opencost"}': 1,
        # The first probe found the API still starting.
        'probe_success{cluster="dev", job="blackbox", probe="api"}': "0 1x119",
        'pg_up{cluster="dev", job="postgres-exporter", instance="main"}': 1,
        'redis_up{cluster="dev", job="redis-exporter", instance="main"}': 1,
        f'dubbing_queue_depth{{{SCOPE}, job="api", stage="asr"}}': 0,
        f'dubbing_jobs_total{{{SCOPE}, job="api", outcome="failure"}}': "0x10 1x109",
        f'dubbing_active_users{{{SCOPE}, job="api", tier="pro", window="1d"}}': 3,
        f'dubbing_subscriptions_started_recent{{{SCOPE}, job="api", tier="pro", window="1d"}}': 0,
        'node_total_hourly_cost{cluster="dev", job="opencost", node="n1"}': 900,
    }
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": value if isinstance(value, str) else f"{value}x119"}
            for name, value in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": 'count(ALERTS{alertname!="Watchdog"})',
                "eval_time": f"{minute}m",
                "exp_samples": [],
            }
            for minute in (1, 30, 60, 119)
        ],
    }
    assert failure(promtool, tmp_path, recorded, [test]) is None


@pytest.mark.slow
def test_the_average_of_a_stage_is_not_drawn_up_by_what_is_slow_now(promtool: Path, tmp_path: Path) -> None:
    stage = f'{SCOPE}, job="worker", stage="asr"'
    days = 9 * 288
    # 60 s a run, then three hours of 150 s.
    series = {
        f"dubbing_stage_duration_seconds_sum{{{stage}}}": f"0+300x{days} {days * 300 + 750}+750x36",
        f"dubbing_stage_duration_seconds_count{{{stage}}}": f"0+5x{days} {days * 5 + 5}+5x36",
    }
    (group,) = RULE_FILES["alerts-job-processing.yaml"]["groups"]
    (rule,) = [one for one in group["rules"] if one["alert"] == "ProcessingTimeHigh"]
    found = recorded_failure(
        promtool,
        tmp_path,
        series,
        # Half a day of figures is no average yet.
        Case(expression="stage:dubbing_stage_duration_seconds:avg7d", at="36h", expected={}),
        Case(
            expression="round(stage:dubbing_stage_duration_seconds:avg7d, 0.01)",
            at="9d2h",
            expected={f'{{{SCOPE}, stage="asr"}}': 60},
        ),
        Case(expression=rule["expr"], at="8d", expected={}),
        Case(
            expression=f"round({rule['expr']}, 0.01)",
            at="9d2h",
            expected={f'{{{SCOPE}, stage="asr"}}': 2.5},
        ),
        interval="5m",
        evaluation_interval="5m",
    )
    assert found is None


def test_a_queue_per_stage_and_a_gpu_that_is_busy_while_jobs_wait_are_settings(
    promtool: Path, tmp_path: Path
) -> None:
    parameters = Parameters(cluster="dev", queue_depth_per_stage=True, gpu_busy_with_queue=True)
    text = rules(parameters)
    queue = yaml.safe_load(text["alerts-job-processing.yaml"])["groups"][0]["rules"][0]
    assert queue["alert"] == "QueueDepthHigh"
    assert queue["expr"].startswith("sum by (cluster, namespace, stage)")
    busy = 'gpu:dcgm_utilization:ratio{cluster="dev", node="gpu-1", gpu="0", UUID="GPU-1"}'
    wait = f'stage:dubbing_queue_depth:max{{{SCOPE}, stage="asr"}}'
    (case,) = [one for one in CASES if one.name == "GpuUtilizationHigh"]
    files = {"alerts-model-performance.yaml": yaml.safe_load(text["alerts-model-performance.yaml"])}
    assert failure(promtool, tmp_path, files, [silent(case, {busy: 1, wait: 0}, "warning", 30)]) is None
    assert failure(promtool, tmp_path, files, [silent(case, {busy: 1, wait: 1}, "warning", 30)])


def test_an_alert_that_tells_what_it_cannot_know_is_refused() -> None:
    (alert, *_) = alerts(Parameters())["job-processing"]
    with pytest.raises(DeclarationError, match="has no stage to tell"):
        replace(alert, summary="{{ $labels.stage }} is long.")
    with pytest.raises(DeclarationError, match="CamelCase"):
        replace(alert, name="queue_depth")
    with pytest.raises(DeclarationError, match="no duration"):
        replace(alert, lasts="5 minutes")
