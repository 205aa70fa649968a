"""Every deployed query of every panel on the running Prometheus, for each value of each variable."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.simulator.services import SERVICES
from tests.dashboards.expressions import with_values
from tests.e2e.live import Live, measured, until

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
SECONDS = {"6h": 6 * 3600, "30d": 30 * 86400}
STEPS = 200
LONGEST = 300
"""The longest interval of a group of rules, in seconds, but for the one that looks once an hour."""

NEVER = "0001-01-01"
"""How Prometheus writes down when a group was evaluated that never was."""

SAMPLES = 50_000
"""What one query may read for a dashboard's own range, by Prometheus' own count.

It does not depend on the machine, only on how many series there are and how long they are looked at.
"""

PLATFORM = "dubbing"
MODELS = {service.name for service in SERVICES if service.gpus}
WORKERS = {service.name for service in SERVICES if service.name.startswith("worker-")}
OF_SERVICES = {
    "Storage Status": {"api"},
    "Active WebSocket Connections": {"api"},
    "API Request Rate": {"api"},
    "API Response Time (p95)": {"api"},
    "Error Rate by Endpoint": {"api"},
    "GPU Utilization by Service": MODELS,
    "GPU Memory Usage": MODELS,
    "Queue Depth by Service": WORKERS,
}
"""Panels of which only some services have data: the API's, those with a GPU, those with a queue."""

EVERY_NAMESPACE = {PLATFORM, "monitoring", "monitoring-node"}
OF_NAMESPACES = {
    "CPU Usage by Service": EVERY_NAMESPACE,
    "Memory Usage by Service": EVERY_NAMESPACE,
    "Cost by Service": EVERY_NAMESPACE,
    "Cost per Processing Minute": EVERY_NAMESPACE,
    "Cost per Job": EVERY_NAMESPACE,
    "Disk Usage": {PLATFORM, "monitoring"},
}
"""Panels that tell of other namespaces than the platform's, which alone has jobs, models and users."""

WITHOUT_BUDGET = "202 Budget Utilization A"
"""The budgets of single services: dev sets none."""

NOT_JUDGED = "Firing alerts"
"""Empty while nothing is wrong; its query is asked, too."""


def has_data(query: "Asked") -> bool:
    """Whether a query has something to show for what was chosen, the platform being as it is."""
    if query.name == WITHOUT_BUDGET:
        return False
    variable, _, value = query.choice.partition("=")
    if variable == "service":
        return value in OF_SERVICES.get(query.panel, {value})
    if variable == "namespace":
        return value in OF_NAMESPACES.get(query.panel, {PLATFORM})
    # Nobody cancels what is free.
    return (query.panel, query.choice) != ("Subscription Cancellations", "tier=free")


@dataclass(frozen=True)
class Asked:
    """A query of a panel as it is sent."""

    number: int
    panel: str
    letter: str
    expression: str
    seconds: int | None
    choice: str

    @property
    def name(self) -> str:
        """The panel's id and title and the query's letter."""
        return f"{self.number} {self.panel} {self.letter}"


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
            of = (panel["id"], panel["title"], target["refId"])
            span = None if target.get("instant") else seconds
            yield Asked(*of, with_values(expression), span, "All")
            for variable, values in variables.items():
                if f"${variable}" in expression:
                    assert values, f"{dashboard['title']}: {variable} offers nothing"
                    for value in values:
                        chosen = with_values(expression, **{variable: value})
                        yield Asked(*of, chosen, span, f"{variable}={value}")


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


def waiting(live: Live) -> list[str]:
    """The groups of rules that have an interval of minutes, and were not evaluated since they were loaded."""
    groups: list[Json] = live.get("/api/v1/rules")["data"]["groups"]
    return [
        group["name"]
        for group in groups
        if group["interval"] <= LONGEST and group["lastEvaluation"].startswith(NEVER)
    ]


def test_every_query_returns_data_within_its_budget_of_samples(live: Live) -> None:
    # What they record is older than a query looks back, where a start took long.
    until(lambda: waiting(live), lambda groups: not groups, LONGEST + 60)
    surprising = list[str]()
    costs = dict[str, int]()
    asked = 0
    for dashboard in dashboards(live):
        for query in queries(live, dashboard):
            there, samples = ask(live, query)
            asked += 1
            name = f"{dashboard['title']}: {query.name}"
            if query.choice == "All":
                costs[name] = samples
            if query.panel != NOT_JUDGED and there != has_data(query):
                surprising.append(f"{name} for {query.choice}: {'data' if there else 'nothing'}")
    table = written(costs, Path("rendered") / "query-costs.md")
    measured(f"{asked} queries asked; the samples that each panel's query reads are in {table}")
    dearest = max(costs, key=lambda name: costs[name])
    measured(f"the dearest reads {costs[dearest]:,} samples: {dearest}")
    assert surprising == []
    assert {name: cost for name, cost in costs.items() if cost > SAMPLES} == {}


def test_a_query_that_returns_nothing_would_be_seen(live: Live) -> None:
    there, samples = ask(live, Asked(1, "x", "A", "no_such_metric", None, "All"))
    assert not there
    assert samples == 0


def written(costs: dict[str, int], path: Path) -> Path:
    """Write the table of what each query reads."""
    rows = [f"| {name} | {cost:,} |" for name, cost in sorted(costs.items(), key=lambda one: -one[1])]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["| panel and query | samples read |", "|---|---:|", *rows]) + "\n")
    return path
