"""Every alert has a runbook with all of its parts, whose queries work on this stack."""

import re
from pathlib import Path

import promql_parser
import pytest
from pydantic import BaseModel

from stacks.alerting_settings import Alerts, MonthlyBudget, Thresholds
from stacks.notification_settings import Notifications
from tests.dashboards.alert_case import SCOPE, AlertCase
from tests.dashboards.alert_cases import CASES
from tests.dashboards.alert_tests import RULES, failure, fires_at, firing_case
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


BY_ROUTE = f'job_method_route_code:http_server_requests:rate5m{{{SCOPE}, http_response_status_code="503"}}'
BESIDE_THE_CASE: dict[str, str] = {
    # The rule reads their sums.
    "ApiErrorBudgetFastBurn": BY_ROUTE,
    "ApiErrorBudgetSlowBurn": BY_ROUTE,
    "ApiUptimeLow": 'probe_success{cluster="dev", probe="api"}',
    "JobFailureRateHigh": f'stage_error_type:dubbing_stage_failures:rate5m{{{SCOPE}, stage="asr"}}',
}
"""Series that are there, too, when the alert fires, and that its page looks at."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_queries_show_something_when_the_alert_fires(
    promtool: Path, tmp_path: Path, case: AlertCase
) -> None:
    severity = next(iter(case.bad))
    found = queries((FOLDER / f"{case.name}.md").read_text(encoding="utf-8"))
    firing = firing_case(case, severity)
    beside = {"series": BESIDE_THE_CASE.get(case.name, "nothing"), "values": "1x10000"}
    test = {
        "interval": "1m",
        "name": case.name,
        "input_series": [*firing["input_series"], beside],
        "promql_expr_test": [
            {
                # How many of them return something.
                "expr": f"count(({' or '.join(f'count({query})' for query in found)})) >= 1",
                "eval_time": f"{fires_at(case, severity)}m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
        ],
    }
    assert failure(promtool, tmp_path, {}, [test]) is None


def test_the_pages_of_all_other_alerts_are_about_what_is_not_there() -> None:
    assert RULES.keys() - {case.name for case in CASES} == {
        "Watchdog",
        "SourceAbsent",
        "ApplicationMetricsGone",
    }


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
