"""Every alert has a runbook with all of its parts, whose queries work on this stack."""

import re
from pathlib import Path

import promql_parser
import pytest
from pydantic import BaseModel

from stacks.alerting_settings import Alerts, MonthlyBudget, Thresholds
from stacks.notification_settings import Notifications
from tests.dashboards.alert_tests import RULES
from tests.dashboards.expressions import labels_by_name, selectors

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
SECTIONS = [
    "Meaning",
    "Impact",
    "How to confirm",
    "How to mitigate",
    "When to escalate",
    "How to tune",
]
FEWEST_WORDS = 80

each_alert = pytest.mark.parametrize("name", RULES)


def queries(text: str) -> list[str]:
    return re.findall(r"```promql\n(.*?)\n```", text, flags=re.DOTALL)


def test_there_is_a_page_for_each_alert_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(RULES)


@each_alert
def test_it_has_every_section_with_something_in_it(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    title, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert title.strip() == f"# {name}"
    assert [part.split("\n", 1)[0] for part in parts] == SECTIONS
    assert all(part.split("\n", 1)[1].strip() for part in parts)
    assert len(text.split()) > FEWEST_WORDS


@each_alert
def test_its_queries_parse_and_read_what_exists(name: str) -> None:
    known = labels_by_name()
    found = queries((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    assert found
    for query in found:
        promql_parser.parse(query)
        for series, labels in selectors(query):
            assert series in known, f"{series} in {query}"
            assert labels <= known[series], f"{series}: {labels - known[series]}"


def test_its_settings_exist() -> None:
    groups: dict[str, type[BaseModel]] = {
        "thresholds": Thresholds,
        "alerts": Alerts,
        "monthlyBudget": MonthlyBudget,
        "notifications": Notifications,
    }
    for path in FOLDER.glob("*.md"):
        for group, key in re.findall(rf"`({'|'.join(groups)})\.(\w+)", path.read_text("utf-8")):
            assert key in {one.alias for one in groups[group].model_fields.values()}, f"{path.name}: {key}"
