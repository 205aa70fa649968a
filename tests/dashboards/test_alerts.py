"""Every alert in the real Prometheus engine: silent, pending, firing with its text, and over."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.alert_case import AlertCase
from tests.dashboards.alert_cases import CASES
from tests.dashboards.alert_edges import EDGES, Edge
from tests.dashboards.alert_table import TABLE
from tests.dashboards.alert_tests import (
    DASHBOARDS,
    RULE_FILES,
    RULES,
    failure,
    firing_case,
    no_data_case,
    only,
    recovery_case,
    silent_case,
)
from tests.spec import SECTIONS, Condition, Section

Json = dict[str, Any]

#: Alerts that are brought to fire by tests of their own.
BY_THEMSELVES = {"Watchdog", "SourceAbsent", "ApplicationMetricsGone"}

ALL = [(case, severity) for case in CASES for severity in case.bad]
every_rule = pytest.mark.parametrize(
    ("case", "severity"), ALL, ids=[f"{case.name}-{severity}" for case, severity in ALL]
)


def test_every_alert_and_severity_has_a_case() -> None:
    covered = {(case.name, severity) for case, severity in ALL}
    declared = {(name, str(rule.severity)) for name, rules in RULES.items() for _, rule in rules}
    assert covered | {one for one in declared if one[0] in BY_THEMSELVES} == declared
    assert {name for name, _ in covered} & BY_THEMSELVES == set()


@pytest.mark.parametrize(
    ("section", "condition"),
    [(section, one) for section in SECTIONS for one in section.alerts],
    ids=[one.text for section in SECTIONS for one in section.alerts],
)
def test_every_alert_of_the_specification_is_a_rule_with_its_threshold(
    section: Section, condition: Condition
) -> None:
    (group,) = RULE_FILES[f"alerts-{section.uid}.yaml"]["groups"]
    found = [
        rule
        for rule in group["rules"]
        if rule["alert"] in condition.alerts and rule["labels"]["severity"] == condition.severity
    ]
    assert {rule["alert"] for rule in found} == set(condition.alerts)
    for rule in found:
        comparison = "<" if "<" in condition.text else ">"
        threshold = f"{comparison} {condition.threshold:g}" if condition.threshold is not None else "== 0"
        assert rule["expr"].endswith(threshold)


def test_every_alert_has_its_times_and_leads_to_its_panel() -> None:
    titles = {(one.uid, panel.id): panel.title for one in DASHBOARDS for panel in one.panels}
    rendered = {
        (
            rule["alert"],
            rule["labels"]["severity"],
            rule["for"],
            rule["keep_firing_for"],
            titles[rule["labels"]["dashboard"], panel_of(rule)],
        )
        for file in RULE_FILES.values()
        for rule in file["groups"][0]["rules"]
    }
    assert rendered == set(TABLE)
    assert len(set(TABLE)) == len(TABLE)


def panel_of(rule: Json) -> int:
    """The panel that the rule's link opens."""
    found = re.search(r"viewPanel=panel-(\d+)&", rule["annotations"]["dashboard_url"])
    assert found
    return int(found[1])


def test_a_time_that_the_specification_names_is_the_rules() -> None:
    named = {
        (rule["alert"], condition.text, rule["for"], rule["expr"])
        for section in SECTIONS
        for condition in section.alerts
        for rule in RULE_FILES[f"alerts-{section.uid}.yaml"]["groups"][0]["rules"]
        if rule["alert"] in condition.alerts and " for " in condition.text
    }
    assert {(name, text) for name, text, _, _ in named} == {
        ("GpuUtilizationHigh", "GPU utilization > 90% for 5 minutes (warning)"),
        ("GpuUnderutilized", "GPU utilization < 50% for 1 hour (warning - underutilization)"),
    }
    for name, _, lasts, expression in named:
        if name == "GpuUtilizationHigh":
            assert lasts == "5m"
        else:
            # A mean of the hour: one busy minute would reset a for of an hour.
            assert expression.startswith("(avg_over_time(service:dcgm_utilization:avg[1h])")


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.alert}: {edge.what}, at {edge.at}")
def test_just_on_either_side_of_an_edge(promtool: Path, tmp_path: Path, edge: Edge) -> None:
    assert failure(promtool, tmp_path, only(edge.alert), [edge.test]) is None


@every_rule
def test_it_fires_at_its_minute_and_is_silent_just_below(
    promtool: Path, tmp_path: Path, case: AlertCase, severity: str
) -> None:
    tests = [firing_case(case, severity), silent_case(case, severity)]
    assert failure(promtool, tmp_path, only(case.name), tests) is None


@pytest.mark.slow
@every_rule
def test_it_ends_when_it_should_and_is_silent_without_data(
    promtool: Path, tmp_path: Path, case: AlertCase, severity: str
) -> None:
    assert failure(promtool, tmp_path, only(case.name), [recovery_case(case, severity)]) is None
    assert failure(promtool, tmp_path, RULE_FILES, [no_data_case(case, severity)]) is None
