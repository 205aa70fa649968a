"""The real Prometheus and Alertmanager with simulator and viewer, on the files that `make compose` wrote."""

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.compose.running import Running, services
from tests.dashboards.expressions import with_values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Json = dict[str, Any]
SECONDS = 2

EMPTY = {
    "cost-performance 106 Firing alerts A": "nothing is wrong",
    "job-processing 106 Firing alerts A": "nothing is wrong",
    "model-performance 106 Firing alerts A": "nothing is wrong",
    "system-health 106 Firing alerts A": "nothing is wrong",
    "user-activity 106 Firing alerts A": "nothing is wrong",
    "user-activity 201 Daily Active Users B": "there is no week before",
    "cost-performance 202 Budget Utilization A": "dev sets no budgets of services",
}
"""Queries that rightly return nothing, with the reason."""

AFTER_THE_FIRST_JOBS = {
    "cost-performance 204 Cost per Job A",
    "job-processing 103 Success Rate A",
    "user-activity 210 Average Project Completion Time A",
}
"""Queries that return something once a job has ended, which may take minutes at night."""


@pytest.fixture(scope="module")
def running(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with services(written, tmp_path_factory.mktemp("running"), seconds=SECONDS) as found:
        found.post("alertmanager", "/api/v2/alerts", [an_alert()])
        yield found


def an_alert() -> Json:
    return {
        "labels": {"alertname": "Sent", "severity": "warning", "cluster": "dubbing-dev"},
        "annotations": {"summary": "Sent by hand"},
        "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }


def until(question: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float) -> Any:  # noqa: ANN401 - of any kind
    deadline = time.monotonic() + seconds
    while not wanted(answer := question()):
        assert time.monotonic() < deadline, answer
        time.sleep(1)
    return answer


def targets(running: Running) -> list[Json]:
    return running.get("prometheus", "/api/v1/targets", state="active")["data"]["activeTargets"]


def test_every_target_is_up_but_for_the_program_that_is_not_here(running: Running) -> None:
    found = until(
        lambda: targets(running), lambda now: bool(now) and all(one["health"] != "unknown" for one in now), 60
    )
    down = {one["scrapePool"]: one["lastError"] for one in found if one["health"] != "up"}
    assert list(down) == ["grafana"], down
    assert "502" in down["grafana"]


def test_jobs_and_targets_are_those_that_the_cluster_would_have(running: Running) -> None:
    found = targets(running)
    counts = dict[str, int]()
    for one in found:
        counts[one["scrapePool"]] = counts.get(one["scrapePool"], 0) + 1
    assert counts == {
        "alertmanager": 1,
        "applications": 13,
        "blackbox-exporter": 1,
        "dcgm-exporter": 2,
        "grafana": 1,
        "kube-state-metrics": 1,
        "kubelet": 4,
        "kubelet-cadvisor": 4,
        "node-exporter": 4,
        "opencost": 1,
        "postgres-exporter": 1,
        "probe-api": 1,
        "prometheus": 1,
        "redis-exporter": 1,
    }
    (api, *_) = [one["labels"] for one in found if one["labels"]["job"] == "api"]
    assert api.keys() == {"cluster", "container", "instance", "job", "namespace", "node", "pod"}
    assert (api["namespace"], api["container"], api["cluster"]) == ("dubbing", "api", "dubbing-dev")


def queries(written: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((written / "grafana/etc/grafana/dashboards/platform").iterdir()):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                name = f"{path.stem} {panel['id']} {panel['title']} {target['refId']}"
                yield name, with_values(target["expr"])


def test_every_query_that_needs_no_history_returns_data(running: Running, written: Path) -> None:
    asked = dict(queries(written))

    def empty() -> set[str]:
        return {name for name, query in asked.items() if not has_data(running, query)}

    found = until(empty, lambda now: now <= EMPTY.keys() | AFTER_THE_FIRST_JOBS, 90)
    assert EMPTY.keys() <= found
    assert len(asked) > 80


def has_data(running: Running, query: str) -> bool:
    result = running.get("prometheus", "/api/v1/query", query=query)["data"]["result"]
    return any(math.isfinite(float(one["value"][1])) for one in result)


def test_what_alertmanager_sends_is_on_the_page_of_messages(running: Running) -> None:
    def titles() -> list[str]:
        return [json.dumps(one) for one in running.get("viewer", "/messages.json")]

    # Alertmanager waits a minute at its start before it notifies, as deployed.
    found = until(titles, lambda now: any("Sent by hand" in one for one in now), 120)
    assert "slackWebhookUrl-slack" in found[0]
