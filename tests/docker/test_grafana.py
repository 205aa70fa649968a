"""Real Grafana on docker-compose.yml: it is well, has the five dashboards, and their queries return data."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboards.parameters import Parameters
from dashboards.render import declared
from stacks.stack_file import ROOT
from tests.compose.test_running import AFTER_THE_FIRST_JOBS, EMPTY
from tests.dashboards.expressions import with_values
from tests.docker.conftest import require

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]

ADDRESS = "http://127.0.0.1:3000"
# Known to everybody; docker-compose.yml publishes it on loopback alone.
LOGIN = b64encode(b"admin:admin").decode()
COMPOSE = ("docker", "compose")
UIDS = [one.uid for one in declared(Parameters())]


@pytest.fixture(scope="module", autouse=True)
def containers() -> Iterator[None]:
    require(("docker",), ((*COMPOSE, "version"), ("docker", "info")))
    subprocess.run(["make", "compose"], cwd=ROOT, check=True)
    try:
        subprocess.run([*COMPOSE, "up", "--detach", "--build", "prometheus", "grafana"], cwd=ROOT, check=True)
        until(lambda: asked("/api/health"), lambda answer: answer["database"] == "ok", 180)
        yield
    finally:
        subprocess.run([*COMPOSE, "logs", "--tail", "50", "grafana"], cwd=ROOT, check=False)
        subprocess.run([*COMPOSE, "down", "--volumes"], cwd=ROOT, check=True)


def asked(path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
    """What Grafana's API answers."""
    request = urllib.request.Request(
        f"{ADDRESS}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {LOGIN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(question: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float) -> Any:  # noqa: ANN401 - of any kind
    """The answer, once it is the wanted one; Grafana that does not answer yet is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if wanted(answer := question()):
                return answer
        except (urllib.error.URLError, ConnectionError) as error:
            answer = error
        assert time.monotonic() < deadline, answer
        time.sleep(2)


def test_no_plugin_failed_to_load() -> None:
    assert asked("/api/plugins/errors") == []


def test_the_five_dashboards_are_there_by_uid() -> None:
    found = until(
        lambda: {one["uid"] for one in asked("/api/search?type=dash-db")}, lambda uids: set(UIDS) <= uids, 60
    )
    assert len(UIDS) == len(set(UIDS) & found) == 5


def queries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every query of every panel, as Grafana itself has it, with what to call it."""
    for uid in UIDS:
        for panel in asked(f"/api/dashboards/uid/{uid}")["dashboard"]["panels"]:
            for target in panel.get("targets", ()):
                yield f"{uid} {panel['id']} {panel['title']} {target['refId']}", target


def failed(source: str, wanted: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The queries that Grafana's data source returns an error or nothing for, each with why."""
    found: dict[str, str] = {}
    for name, target in wanted.items():
        query = {
            **target,
            "expr": with_values(target["expr"]),
            "datasource": {"type": "prometheus", "uid": source},
            "intervalMs": 15_000,
            "maxDataPoints": 500,
        }
        try:
            answer = asked("/api/ds/query", {"queries": [query], "from": "now-15m", "to": "now"})
        except urllib.error.HTTPError as error:
            found[name] = error.read().decode()
            continue
        result = answer["results"][target["refId"]]
        values = [value for frame in result.get("frames", ()) for value in frame["data"]["values"]]
        if result.get("error") or not any(values):
            found[name] = result.get("error") or "no data"
    return found


def test_every_query_of_a_panel_returns_data_through_grafanas_data_source() -> None:
    (source,) = [one["uid"] for one in asked("/api/datasources") if one["isDefault"]]
    wanted = dict(queries())
    assert len(wanted) > 50
    for name in EMPTY.keys() | AFTER_THE_FIRST_JOBS:
        del wanted[name]
    left = until(lambda: failed(source, wanted), lambda names: not names, 600)
    assert left == {}
    broken = {**wanted[next(iter(wanted))], "expr": "sum(("}
    assert failed(source, {"broken": broken}) != {}
