"""A small mistake in any alert's expression is noticed: each in turn, against the alert's own cases."""

import copy
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dashboards.alert_cases import CASES
from tests.dashboards.alert_edges import EDGES
from tests.dashboards.alert_mutants import mutants
from tests.dashboards.alert_tests import (
    RULE_FILES,
    RULES,
    Json,
    failure,
    firing_case,
    only,
    recovery_case,
    silent_case,
)
from tests.dashboards.test_alerts import BY_THEMSELVES

MAXIMUM = "the largest for the sum"
NO_DIFFERENCE = {
    ("NodeDiskUsageHigh", "a label not matched: fstype"): "the sides meet by all labels: one matcher does",
    ("RuleEvaluationFailing", MAXIMUM): "a group has one counter",
    ("AlertsNotDelivered", MAXIMUM): "a server has one counter",
    ("ScrapeOverLimit", MAXIMUM): "a server has one counter",
    ("DiscoveryFailing", MAXIMUM): "a server has one counter",
    ("JobFailureRateHigh", f"{MAXIMUM}: sum by at 3 "): "failures are one series for each namespace",
    ("JobFailureRateHigh", f"{MAXIMUM}: sum by at 333 "): "failures are one series for each namespace",
    ("ModelErrorRateHigh", f"{MAXIMUM}: sum by at 3 "): "failures are one series for each model",
    ("ModelErrorRateHigh", f"{MAXIMUM}: sum by at 422 "): "failures are one series for each model",
    ("InferenceLatencyHigh", MAXIMUM): "recorded as one series for each model and bucket",
    ("NewSubscriptionsLow", f"{MAXIMUM}: sum by at 101 "): "only whether it was there",
    ("BudgetUtilizationHigh", f"{MAXIMUM}: sum by at 170 "): "a service has one budget",
}
"""Mistakes that change nothing, by alert and what they begin with; each with the reason."""


def changes_nothing(alert: str, mistake: str) -> bool:
    """Whether it is one of those."""
    return any(alert == name and mistake.startswith(begin) for name, begin in NO_DIFFERENCE)


@dataclass(frozen=True)
class Mutant:
    """A rule whose expression has a mistake."""

    alert: str
    severity: str
    mistake: str
    expression: str

    def __str__(self) -> str:
        return f"{self.alert}-{self.severity}-{self.mistake}"


MUTANTS = [
    Mutant(rule["alert"], rule["labels"]["severity"], mistake, expression)
    for file in RULE_FILES.values()
    for rule in file["groups"][0]["rules"]
    if rule["alert"] not in BY_THEMSELVES
    for mistake, expression in mutants(rule["expr"])
    if not changes_nothing(rule["alert"], mistake)
]


def all_cases(alert: str, severity: str) -> list[Json]:
    """All cases of one rule."""
    cases = [one for one in CASES if one.name == alert and severity in one.bad]
    made = (firing_case, silent_case, recovery_case)
    return [make(one, severity) for one in cases for make in made] + [
        edge.test for edge in EDGES if (edge.alert, edge.severity) == (alert, severity)
    ]


def test_every_mistake_that_changes_nothing_can_be_made() -> None:
    made = [
        (rule["alert"], mistake)
        for file in RULE_FILES.values()
        for rule in file["groups"][0]["rules"]
        for mistake, _ in mutants(rule["expr"])
    ]
    for name, begin in NO_DIFFERENCE:
        assert any(alert == name and mistake.startswith(begin) for alert, mistake in made), (name, begin)


def test_every_rule_that_reads_a_number_or_window_has_mistakes() -> None:
    by_state = {name for name, rules in RULES.items() if all(rule.threshold is None for _, rule in rules)}
    assert {mutant.alert for mutant in MUTANTS} >= RULES.keys() - by_state - BY_THEMSELVES


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mistake_in_an_expression_is_noticed(promtool: Path, tmp_path: Path, mutant: Mutant) -> None:
    files = copy.deepcopy(only(mutant.alert))
    (group,) = next(iter(files.values()))["groups"]
    (rule,) = [one for one in group["rules"] if one["labels"]["severity"] == mutant.severity]
    rule["expr"] = mutant.expression
    assert failure(promtool, tmp_path, files, all_cases(mutant.alert, mutant.severity))
