"""Every alert in the real Prometheus engine: silent, pending, firing with its text, and over."""

import copy
from pathlib import Path

import pytest

from tests.dashboards.alert_cases import CASES, AlertCase
from tests.dashboards.alert_tests import (
    DASHBOARDS,
    RULE_FILES,
    RULES,
    failure,
    firing_case,
    no_data_case,
    only,
    recovery_case,
    rule_of,
    silent_case,
)
from tests.spec import SECTIONS, Condition, Section

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


def test_every_alert_leads_to_a_panel_of_its_dashboard() -> None:
    for one in DASHBOARDS:
        ids = {panel.id for panel in one.panels}
        assert {rule.alert.panel for rules in RULES.values() for uid, rule in rules if uid == one.uid} <= ids


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
    tests = [recovery_case(case, severity), no_data_case(case, severity)]
    assert failure(promtool, tmp_path, RULE_FILES, tests) is None


MUTANTS = [
    (case, severity, factor)
    for case, severity in ALL
    if rule_of(case, severity)[1].threshold is not None
    for factor in (0.9, 1.1)
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "severity", "factor"),
    MUTANTS,
    ids=[f"{case.name}-{severity}-{factor}" for case, severity, factor in MUTANTS],
)
def test_a_threshold_that_is_off_by_a_tenth_is_noticed(
    promtool: Path, tmp_path: Path, case: AlertCase, severity: str, factor: float
) -> None:
    threshold = rule_of(case, severity)[1].threshold
    assert threshold is not None
    files = copy.deepcopy(only(case.name))
    (group,) = next(iter(files.values()))["groups"]
    (rule,) = [one for one in group["rules"] if one["labels"]["severity"] == severity]
    ending = f"{threshold:.15g}"
    assert rule["expr"].endswith(ending)
    rule["expr"] = rule["expr"].removesuffix(ending) + f"{threshold * factor:.15g}"
    assert failure(promtool, tmp_path, files, [firing_case(case, severity), silent_case(case, severity)])
