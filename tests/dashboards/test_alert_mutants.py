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
    Json,
    failure,
    firing_case,
    only,
    recovery_case,
    silent_case,
)
from tests.dashboards.test_alerts import BY_THEMSELVES

NO_DIFFERENCE: dict[tuple[str, str], str] = {}
"""Mistakes that change nothing, with the reason."""


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
    if (rule["alert"], mistake) not in NO_DIFFERENCE
]


def tests_of(alert: str, severity: str) -> list[Json]:
    """All cases of one rule."""
    cases = [one for one in CASES if one.name == alert and severity in one.bad]
    made = (firing_case, silent_case, recovery_case)
    return [make(one, severity) for one in cases for make in made] + [
        edge.test for edge in EDGES if (edge.alert, edge.severity) == (alert, severity)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mistake_in_an_expression_is_noticed(promtool: Path, tmp_path: Path, mutant: Mutant) -> None:
    files = copy.deepcopy(only(mutant.alert))
    (group,) = next(iter(files.values()))["groups"]
    (rule,) = [one for one in group["rules"] if one["labels"]["severity"] == mutant.severity]
    rule["expr"] = mutant.expression
    assert failure(promtool, tmp_path, files, tests_of(mutant.alert, mutant.severity))
