"""What should be there and is not: from the start, for what settings declare; once seen, for the rest."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.parameters import Parameters
from dashboards.render import rules
from tests.dashboards.alert_tests import PARAMETERS, RULE_FILES, failure, only

Json = dict[str, Any]
RECORDED: dict[str, Json] = {
    name: yaml.safe_load(text) for name, text in rules(PARAMETERS).items() if not name.startswith("alerts-")
}
HEALTH = {"alerts-system-health.yaml": RULE_FILES["alerts-system-health.yaml"]}
JOBS = ("kube-state-metrics", "node-exporter", "kubelet", "postgres-exporter", "redis-exporter", "opencost")
SERVERS = ("postgres-exporter", "redis-exporter")
"""Exporters of which there is one for each server that the settings name."""
UP = {f'up{{cluster="dev", job="{job}", instance="{"main" if job in SERVERS else job}"}}': 1 for job in JOBS}
PROBE = {'probe_success{cluster="dev", job="blackbox", probe="api"}': 1}
GPU_NODE = {'kube_node_status_allocatable{cluster="dev", node="gpu-1", resource="nvidia_com_gpu"}': 4}
DCGM = {'up{cluster="dev", job="dcgm-exporter", instance="gpu-1"}': 1}


def firing(name: str, at: str, *expected: dict[str, str], state: str = "firing") -> Json:
    """One expectation: which of an alert's instances are in a state; each by the labels that differ."""
    return {
        "expr": f'sort(ALERTS{{alertname="{name}", alertstate="{state}"}})',
        "eval_time": at,
        "exp_samples": [
            {
                "labels": "ALERTS{"
                + ", ".join(
                    f"{label}={json.dumps(value)}"
                    for label, value in {
                        "alertname": name,
                        "alertstate": state,
                        "severity": "warning",
                        "team": "platform",
                        "dashboard": "system-health",
                        "cluster": "dev",
                        **labels,
                    }.items()
                )
                + "}",
                "value": 1,
            }
            for labels in expected
        ],
    }


def case(series: dict[str, Any], *expected: Json, interval: str = "1m") -> Json:
    return {
        "interval": interval,
        "input_series": [
            {"series": name, "values": value if isinstance(value, str) else f"{value}x300"}
            for name, value in series.items()
        ],
        "promql_expr_test": list(expected),
    }


def test_the_watchdog_fires_always(promtool: Path, tmp_path: Path) -> None:
    always = firing("Watchdog", "0m", {"severity": "none"})
    always["exp_samples"][0]["labels"] = always["exp_samples"][0]["labels"].replace(', cluster="dev"', "")
    assert failure(promtool, tmp_path, HEALTH, [case({}, always)]) is None


@pytest.mark.parametrize("job", JOBS)
def test_a_declared_source_that_never_came_alerts_after_15_minutes(
    promtool: Path, tmp_path: Path, job: str
) -> None:
    others = {name: value for name, value in UP.items() if f'job="{job}"' not in name} | PROBE
    missed = {"job": job} | ({"instance": "main"} if job in SERVERS else {})
    tests = [
        case(
            others,
            firing("SourceAbsent", "14m"),
            firing("SourceAbsent", "14m", missed, state="pending"),
            firing("SourceAbsent", "15m", missed),
        )
    ]
    assert failure(promtool, tmp_path, HEALTH, tests) is None


@pytest.mark.parametrize(("job", "setting"), [(job, job.split("-")[0] + "_servers") for job in SERVERS])
def test_one_of_several_servers_without_an_exporter_is_missed(
    promtool: Path, tmp_path: Path, job: str, setting: str
) -> None:
    parameters = replace(PARAMETERS, **{setting: ("main", "replica")})
    files = {"alerts-system-health.yaml": yaml.safe_load(rules(parameters)["alerts-system-health.yaml"])}
    replica = f'up{{cluster="dev", job="{job}", instance="replica"}}'
    missed = {"job": job, "instance": "replica"}
    tests = [
        case(UP | PROBE | {replica: "1x20 _x40"}, firing("SourceAbsent", "45m", missed)),
        case(UP | PROBE | {replica: 1}, firing("SourceAbsent", "45m")),
    ]
    assert failure(promtool, tmp_path, files, tests) is None


@pytest.mark.parametrize("job", SERVERS)
def test_an_exporter_that_someone_else_runs_is_missed_as_a_whole(
    promtool: Path, tmp_path: Path, job: str
) -> None:
    parameters = replace(PARAMETERS, postgres_servers=(), redis_servers=())
    files = {"alerts-system-health.yaml": yaml.safe_load(rules(parameters)["alerts-system-health.yaml"])}
    theirs = {name.replace('"main"', '"10.0.0.9:9187"'): 1 for name in UP}
    others = {name: 1 for name in theirs if f'job="{job}"' not in name}
    tests = [
        case(theirs | PROBE, firing("SourceAbsent", "30m")),
        case(others | PROBE, firing("SourceAbsent", "30m", {"job": job})),
    ]
    assert failure(promtool, tmp_path, files, tests) is None


def test_a_probe_that_is_gone_alerts_and_a_source_that_is_back_does_not(
    promtool: Path, tmp_path: Path
) -> None:
    name, *_ = PROBE
    tests = [
        case(UP, firing("SourceAbsent", "15m", {"probe": "api"})),
        case(
            # Gone at minute 11, which shows five minutes later; back at minute 61.
            UP | {name: "1x10 _x50 1x20"},
            firing("SourceAbsent", "29m"),
            firing("SourceAbsent", "32m", {"probe": "api"}),
            firing("SourceAbsent", "62m"),
        ),
    ]
    assert failure(promtool, tmp_path, HEALTH, tests) is None


def test_dcgm_is_missed_only_where_nodes_have_gpus(promtool: Path, tmp_path: Path) -> None:
    missed = firing("SourceAbsent", "20m", {"job": "dcgm-exporter"})
    tests = [
        case(UP | PROBE, firing("SourceAbsent", "60m")),
        case(UP | PROBE | GPU_NODE, missed),
        case(UP | PROBE | GPU_NODE | DCGM, firing("SourceAbsent", "60m")),
    ]
    assert failure(promtool, tmp_path, HEALTH, tests) is None


def test_one_of_several_replicas_that_is_gone_is_missed_by_the_other(promtool: Path, tmp_path: Path) -> None:
    pods = ("prometheus-0", "prometheus-1")
    parameters = replace(PARAMETERS, replicas={"prometheus": pods, "alertmanager": ("alertmanager-0",)})
    files = {"alerts-system-health.yaml": yaml.safe_load(rules(parameters)["alerts-system-health.yaml"])}
    both = {f'up{{cluster="dev", job="prometheus", pod="{pod}"}}': 1 for pod in pods}
    gone = both | {f'up{{cluster="dev", job="prometheus", pod="{pods[1]}"}}': "1x20 _x40"}
    missed = {"job": "prometheus", "pod": pods[1]}
    tests = [
        # The one Alertmanager is nobody's to miss.
        case(UP | PROBE | both, firing("SourceAbsent", "45m")),
        case(UP | PROBE | gone, firing("SourceAbsent", "45m", missed)),
    ]
    assert failure(promtool, tmp_path, files, tests) is None


def test_what_is_switched_off_is_not_missed() -> None:
    off = frozenset({*JOBS, "blackbox", "dcgm-exporter"})
    assert "SourceAbsent" in rules(Parameters())["alerts-system-health.yaml"]
    assert "SourceAbsent" not in rules(Parameters(switched_off=off))["alerts-system-health.yaml"]


def test_metrics_of_an_application_are_missed_only_when_they_were_seen_within_the_week(
    promtool: Path, tmp_path: Path
) -> None:
    files = {"presence.yaml": RECORDED["presence.yaml"]} | HEALTH
    name = 'dubbing_jobs_total{cluster="dev", namespace="dubbing", job="api", outcome="success"}'
    gone = {"namespace": "dubbing", "metrics": "jobs"}
    tests = [
        case({}, firing("ApplicationMetricsGone", "4h")),
        case(
            {name: "1x60 _x60 1x60"},
            firing("ApplicationMetricsGone", "60m"),
            firing("ApplicationMetricsGone", "75m"),
            firing("ApplicationMetricsGone", "76m", gone),
            firing("ApplicationMetricsGone", "120m", gone),
            firing("ApplicationMetricsGone", "122m"),
        ),
    ]
    assert failure(promtool, tmp_path, files, tests) is None


@pytest.mark.slow
def test_after_a_week_they_are_not_missed_any_more(promtool: Path, tmp_path: Path) -> None:
    files = {"presence.yaml": RECORDED["presence.yaml"]} | only("ApplicationMetricsGone")
    gone = {"namespace": "dubbing", "metrics": "storage"}
    tests = [
        case(
            {'dubbing_storage_up{cluster="dev", namespace="dubbing", job="api", backend="s3"}': "1x2"},
            firing("ApplicationMetricsGone", "6d23h", gone),
            firing("ApplicationMetricsGone", "7d1h"),
        )
    ]
    assert failure(promtool, tmp_path, files, tests) is None
