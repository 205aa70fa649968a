"""What dashboards and rules take from the settings, key by key."""

import dataclasses
import json
from typing import Any

import pytest

from dashboards import metrics
from dashboards.model import Thresholds
from dashboards.parameters import Levels, Parameters
from dashboards.render import dashboards, rules
from stacks import monitoring, stack_file
from stacks.settings import Settings
from stacks.settings_base import PROJECT


def parameters(**changes: Any) -> Parameters:  # noqa: ANN401 - any key of a stack file
    return monitoring.dashboard_parameters(settings(**changes))


def settings(**changes: Any) -> Settings:  # noqa: ANN401 - any key of a stack file
    values = stack_file.raw_values(stack_file.stack_file("dev"))
    for key, value in changes.items():
        values[f"{PROJECT}:{key}"] = json.dumps(value)
    return stack_file.parse(values, [secret.key for secret in _needed()], stack="dev")


def _needed() -> tuple[Any, ...]:
    return stack_file.read_stack_file(stack_file.stack_file("dev")).secrets_needed()


def test_the_defaults_are_the_specifications_numbers() -> None:
    assert parameters() == Parameters()


@pytest.mark.parametrize("level", [field.name for field in dataclasses.fields(Levels)])
def test_every_threshold_reaches_a_dashboard_or_rule(level: str) -> None:
    default: Thresholds = getattr(Levels(), level)
    worse = 0.9 if default.low_is_bad else 1.05
    key = "".join(part.capitalize() if place else part for place, part in enumerate(level.split("_")))
    changed: dict[str, float] = {"warning": default.warning * worse}
    if default.critical is not None:
        changed["critical"] = default.critical * worse
    taken = parameters(thresholds={key: changed})
    assert getattr(taken.levels, level).warning == changed["warning"]
    assert getattr(taken.levels, level).low_is_bad == default.low_is_bad
    assert (dashboards(taken), rules(taken)) != (dashboards(Parameters()), rules(Parameters()))


def test_budgets_reach_the_rules() -> None:
    text = rules(parameters(monthlyBudget={"total": 12_345, "services": {"api": 678}}))["cost.yaml"]
    assert "+ 12345" in text
    assert "+ 678" in text
    assert "+ 678" not in rules(parameters())["cost.yaml"]


def test_each_server_with_an_exporter_of_its_own_is_told_apart_others_are_not() -> None:
    two = {
        "mode": "deploy",
        "servers": [{"name": name, "host": f"{name}.db"} for name in ("main", "replica")],
    }
    theirs = {
        "mode": "external",
        "external": {"namespace": "db", "labels": {"app": "exporter"}, "port": "metrics"},
        "servers": [{"name": "main", "host": "main.db"}],
    }
    taken = parameters(postgres=two, redis=theirs)
    assert taken.postgres_servers == ("main", "replica")
    assert taken.redis_servers == ()


EXPORTERS = {
    "gpuMetrics": "dcgm-exporter",
    "kubeStateMetrics": "kube-state-metrics",
    "nodeExporter": "node-exporter",
    "kubelet": "kubelet",
    "postgres": "postgres-exporter",
    "redis": "redis-exporter",
    "blackbox": "blackbox",
    "opencost": "opencost",
}


@pytest.mark.parametrize("key", EXPORTERS)
def test_a_source_that_is_switched_off_leaves_its_panels_in_place_saying_so(key: str) -> None:
    off = parameters(**{key: {"mode": "off"}})
    assert off.switched_off == {EXPORTERS[key]}
    for name, text in dashboards(off).items():
        before, after = json.loads(dashboards(Parameters())[name]), json.loads(text)
        assert [one["id"] for one in after["panels"]] == [one["id"] for one in before["panels"]]
    assert f"{EXPORTERS[key]} switched off" in "".join(dashboards(off).values())
    assert "switched off" not in "".join(dashboards(Parameters()).values())


def test_every_exporter_of_the_contract_can_be_switched_off_by_its_jobs_name() -> None:
    sources = {metric.source.name for metric in metrics.CONTRACT.values()}
    assert set(EXPORTERS.values()) == sources - {"application", "prometheus", "alertmanager"}
    names = {job.name for job in monitoring.scrape_jobs(settings())}
    # The probes' jobs are named for what they probe.
    assert set(EXPORTERS.values()) - {"blackbox"} <= names
