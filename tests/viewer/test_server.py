"""The viewer's addresses: read-only, for this machine alone, and plain about what can't be shown."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.viewer.alert_list import age, listed, strip
from local.viewer.html import html
from local.viewer.servers import FiringAlert
from stacks import render
from tests.viewer.running import Running, viewer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A viewer of dev's dashboards, without Prometheus and Alertmanager."""
    folder = tmp_path_factory.mktemp("viewer")
    render.render("dev", folder / "rendered")
    with viewer(folder, dashboards=folder / "rendered" / "dashboards") as found:
        yield found


def test_every_page_says_what_it_is_not(running: Running) -> None:
    for path in ("/", "/alerts", "/messages"):
        reply = running.ask(path)
        assert reply.status == 200
        assert "not Grafana" in reply.text
        assert "Alertmanager does not answer" in reply.text


def test_a_server_that_does_not_answer_is_named(running: Running) -> None:
    page = running.ask("/d/system-health")
    assert page.status == 400
    assert "Prometheus does not answer at http://127.0.0.1:9" in page.text
    panel = running.ask("/d/system-health/panels/101")
    assert panel.status == 502
    assert "Prometheus does not answer" in json.loads(panel.text)["error"]


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/d/nothing", 404, "there is no dashboard nothing"),
        ("/d/system-health/panels/9", 404, "no panel 9"),
        ("/d/system-health?viewPanel=panel-9", 400, "no panel 9"),
        ("/d/system-health?from=then", 400, "is no time"),
        ("/nowhere", 404, "Not Found"),
        ("/static/../server.py", 404, "Not Found"),
        ("/runbooks/Nothing", 404, "there is no runbook Nothing"),
        ("/runbooks/..%2f..%2fREADME", 404, "can't be shown"),
        ("/d/<script>alert(1)</script>", 404, "can't be shown"),
    ],
)
def test_what_does_not_exist_is_said(running: Running, path: str, status: int, text: str) -> None:
    reply = running.ask(path.replace("<", "%3C").replace(">", "%3E"))
    assert (reply.status, text in reply.text) == (status, True), reply.text
    assert "<script>" not in reply.text


@pytest.mark.parametrize("path", ["/", "/d/system-health", "/messages", "/alerts", "/messages.json"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_messages_are_taken_in(running: Running, path: str, method: str) -> None:
    assert running.ask(path, b"{}", method=method).status == 405


def test_another_hosts_name_gets_nothing(running: Running) -> None:
    assert running.ask("/", Host="evil.example.com").status == 400
    assert running.ask("/", Host="localhost").status == 200


def test_pages_may_only_load_what_the_viewer_serves(running: Running) -> None:
    for path in ("/", "/nowhere", "/messages.json", "/static/viewer.js"):
        policy = running.ask(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    text = running.ask("/").text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text


def test_places_are_those_of_the_json(running: Running) -> None:
    styles = running.ask("/d/system-health/grid.css").text
    assert "#panel-105 { grid-area: 2 / 21 / span 4 / span 4; }" in styles


def test_a_changed_dashboard_is_read_again(tmp_path: Path) -> None:
    with viewer(tmp_path) as running:
        file = tmp_path / "dashboards" / "one.json"
        file.write_text('{"uid": "one", "title": "First name"}')
        assert "First name" in running.ask("/").text
        file.write_text('{"uid": "one", "title": "Second name"}')
        assert "Second name" in running.ask("/").text
        file.unlink()
        assert "Second name" not in running.ask("/").text


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    options = ["prometheus", "alertmanager", "dashboards", "messages", "incidents"]
    command = [sys.executable, "-m", "local.viewer", "--listen", "0.0.0.0:0"]
    command += [part for name in options for part in (f"--{name}", str(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "is not loopback" in done.stderr


def firing(name: str, severity: str, state: str = "active", minutes: int = 5) -> FiringAlert:
    return FiringAlert.model_validate(
        {
            "labels": {"alertname": name, "severity": severity},
            "annotations": {
                "summary": f"{name} happens.",
                "dashboard_url": "https://grafana.example.com/d/system-health?viewPanel=panel-403",
                "runbook_url": f"https://git.example.com/{name}.md",
            },
            "startsAt": (NOW - timedelta(minutes=minutes)).isoformat(),
            "status": {"state": state},
        }
    )


def test_the_strip_shows_the_worst_and_how_many_more_there_are() -> None:
    alerts = [firing("A", "critical"), firing("B", "warning", "suppressed"), firing("Watchdog", "none")]
    alerts += [firing(name, "warning", minutes=90) for name in "CDE"]
    shown = html(strip(alerts, NOW, ["system-health"]))
    assert shown.count("<li>") == 3
    assert "and 1 more" in shown
    assert "B happens" not in shown
    assert "Watchdog" not in shown
    assert "for <time" in shown
    assert ">5 min<" in shown
    assert ">1 h 30 min<" in shown
    assert 'href="/d/system-health?viewPanel=panel-403"' in shown
    assert 'href="https://git.example.com/A.md"' in shown
    assert "No alert fires" in html(strip([firing("Watchdog", "none")], NOW, []))


def test_the_list_has_all_and_says_whether_alerts_arrive_at_all() -> None:
    alerts = [firing("A", "critical"), firing("B", "warning", "suppressed")]
    shown = html(listed(alerts, NOW, []))
    assert shown.index("A happens") < shown.index("Silenced, or inhibited") < shown.index("B happens")
    assert "The Watchdog does not fire" in shown
    assert "The Watchdog fires" in html(listed([firing("Watchdog", "none")], NOW, []))


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(seconds=-1), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(days=2, hours=1), "2 d 1 h"),
    ],
)
def test_an_age_is_told_in_its_largest_units(time: timedelta, text: str) -> None:
    assert age(time) == text


def test_a_runbook_can_be_read(running: Running) -> None:
    reply = running.ask("/runbooks/RedisDown")
    assert reply.status == 200
    assert "How to mitigate" in reply.text
