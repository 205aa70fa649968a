"""Every deployed query of every panel on the running Prometheus, for each value of each variable."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.expressions import with_values
from tests.e2e.live import Live, measured

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
SECONDS = {"6h": 6 * 3600, "30d": 30 * 86400}
STEPS = 200

SAMPLES = 400_000
"""What one query may read for a dashboard's own range, by Prometheus' own count.

It does not depend on the machine, only on how many series there are and how long they are looked at.
"""

RIGHTLY_EMPTY = {
    "Firing alerts": "nothing is wrong",
    "Budget Utilization C": "dev sets no budget for a single service",
}
"""Queries that rightly return nothing, with the reason."""


@dataclass(frozen=True)
class Asked:
    """A query of a panel as it is sent."""

    name: str
    expression: str
    seconds: int | None
    choice: str


def dashboards(live: Live) -> list[Json]:
    """The dashboards as they are deployed."""
    found = [json.loads(path.read_text()) for path in sorted((live.state / "dashboards").glob("*.json"))]
    assert len(found) == 5
    return found


def values_of(live: Live, variable: Json) -> list[str]:
    """The values that a variable offers."""
    query: str = variable["query"] if isinstance(variable["query"], str) else variable["query"]["query"]
    selector, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(",")
    found = live.get(f"/api/v1/label/{label.strip()}/values", **{"match[]": with_values(selector)})
    return found["data"]


def queries(live: Live, dashboard: Json) -> Iterator[Asked]:
    """Every query with All, and with each value of each variable that it reads."""
    seconds = SECONDS[dashboard["time"]["from"].removeprefix("now-")]
    variables = {
        variable["name"]: values_of(live, variable)
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    }
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            expression: str = target["expr"]
            name = f"{panel['title']} {target['refId']}"
            span = None if target.get("instant") else seconds
            yield Asked(name, with_values(expression), span, "All")
            for variable, values in variables.items():
                if f"${variable}" in expression:
                    assert values, f"{dashboard['title']}: {variable} offers nothing"
                    for value in values:
                        chosen = with_values(expression, **{variable: value})
                        yield Asked(name, chosen, span, f"{variable}={value}")


def ask(live: Live, asked: Asked) -> tuple[bool, int]:
    """Whether there is a finite value, and how many samples were read."""
    if asked.seconds is None:
        data = live.get("/api/v1/query", query=asked.expression, stats="all")["data"]
        values = [one["value"] for one in data["result"]]
    else:
        end = time.time()
        data = live.get(
            "/api/v1/query_range",
            query=asked.expression,
            start=f"{end - asked.seconds:.0f}",
            end=f"{end:.0f}",
            step=str(asked.seconds // STEPS),
            stats="all",
        )["data"]
        values = [value for one in data["result"] for value in one["values"]]
    there = any(math.isfinite(float(value)) for _, value in values)
    return there, int(data["stats"]["samples"]["totalQueryableSamples"])


def test_every_query_returns_data_within_its_budget_of_samples(live: Live) -> None:
    empty = dict[str, list[str]]()
    costs = dict[str, int]()
    asked = 0
    for dashboard in dashboards(live):
        for query in queries(live, dashboard):
            there, samples = ask(live, query)
            asked += 1
            key = f"{dashboard['title']}: {query.name}"
            if query.choice == "All":
                costs[key] = samples
            if not there and not any(query.name.startswith(one) for one in RIGHTLY_EMPTY):
                empty.setdefault(key, []).append(query.choice)
    table = written(costs, Path("rendered") / "query-costs.md")
    measured(f"{asked} queries asked; samples of each panel's query at All are in {table}")
    dearest = max(costs, key=lambda key: costs[key])
    measured(f"the dearest reads {costs[dearest]:,} samples: {dearest}")
    assert empty == {}
    assert {key: cost for key, cost in costs.items() if cost > SAMPLES} == {}


def test_a_query_that_returns_nothing_would_be_seen(live: Live) -> None:
    there, samples = ask(live, Asked("x", "no_such_metric", None, "All"))
    assert not there
    assert samples == 0


def written(costs: dict[str, int], path: Path) -> Path:
    """Write the table of what each query reads."""
    rows = [f"| {name} | {cost:,} |" for name, cost in sorted(costs.items(), key=lambda one: -one[1])]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["| panel and query | samples read |", "|---|---:|", *rows]) + "\n")
    return path
