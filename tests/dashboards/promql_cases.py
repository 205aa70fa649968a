"""Evaluate the shipped rules and panel queries in the real Prometheus engine, by `promtool test rules`."""

import json
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import yaml

from dashboards.parameters import Parameters
from dashboards.render import declared, rules
from tests.dashboards.expressions import with_values

Samples = dict[str, float]
"""Series in PromQL's notation, or `{}` for one without labels, to its value."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What one expression must return at one moment.

    Attributes:
        expression: PromQL, dashboard variables and all.
        at: The moment, such as `24h`.
        expected: Exactly the series that it returns; none means that it returns nothing.
        chosen: Values of dashboard variables; All unless named.
    """

    expression: str
    at: str
    expected: Samples
    chosen: dict[str, str] = field(default_factory=dict[str, str])


def panel(title: str, query: int = 0, *, uid: str = "system-health", number: int | None = None) -> str:
    """Return a panel's query, by the panel's title and, where two have the same, its id."""
    (dashboard,) = [one for one in declared(Parameters()) if one.uid == uid]
    (found,) = [one for one in dashboard.panels if one.title == title and number in {None, one.id}]
    return str(found.targets[query].query)


def failure(
    promtool: Path,
    folder: Path,
    series: dict[str, str],
    *cases: Case,
    interval: str = "1m",
    evaluation_interval: str = "1m",
    start: datetime | None = None,
    parameters: Parameters | None = None,
) -> str | None:
    """Evaluate the cases over the series, with the shipped rules.

    Args:
        promtool: The program.
        folder: Where its files go.
        series: Series in PromQL's notation to their values.
        cases: What to expect.
        interval: Time between the series' values.
        evaluation_interval: Time between evaluations; promtool knows one for all groups.
        start: The first values' moment; 1970 unless told.
        parameters: What the rules are rendered with.

    Returns:
        What promtool found wrong, or None.
    """
    names, groups = list[str](), list[str]()
    for name, text in rules(parameters or Parameters()).items():
        # Nothing reads alerts, and over days they are most of the work.
        if name.startswith("alerts-"):
            continue
        (folder / name).write_text(text, encoding="utf-8")
        names.append(name)
        groups.extend(group["name"] for group in yaml.safe_load(text)["groups"])
    test = {
        "rule_files": names,
        "evaluation_interval": evaluation_interval,
        "fuzzy_compare": True,
        # Without it promtool takes the groups in any order, and a figure may lag or not.
        "group_eval_order": groups,
        "tests": [
            {
                "interval": interval,
                "start_timestamp": int(start.timestamp()) if start else 0,
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": with_values(case.expression, **case.chosen),
                        "eval_time": case.at,
                        "exp_samples": [
                            {"labels": labels, "value": value} for labels, value in case.expected.items()
                        ],
                    }
                    for case in cases
                ],
            }
        ],
    }
    # JSON is YAML, and keeps every value's quotes.
    (folder / "test.yaml").write_text(json.dumps(test), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else done.stdout + done.stderr
