"""What the benchmark of alerts makes of times, and what it takes for the fastest that they can be."""

import json
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import typer

from bench import alert_latency
from bench.alert_latency import (
    EACH,
    RESULTS,
    SOURCES,
    SPREAD_SECONDS,
    STACK,
    Fault,
    Floor,
    Measured,
    Scene,
    floor,
    schedule,
)
from stacks import render
from stacks.stack_file import ROOT

FLOOR = Floor(scrape=30, evaluation=60, lasts=120, group_wait=10)
FAULT = Fault("DatabaseDown", "bench-0")


def message(title: str) -> str:
    """What Alertmanager sends to Slack."""
    return json.dumps({"channel": "#alerts", "attachments": [{"title": title}]})


def test_a_floor_is_half_of_each_interval_on_average_and_all_of_it_at_worst() -> None:
    assert FLOOR.mean == 15 + 30 + 120 + 10
    assert FLOOR.worst == 30 + 60 + 120 + 10


@pytest.mark.parametrize(("lasts", "held"), [(0, 0), (60, 60), (61, 120), (90, 120), (120, 120)])
def test_a_rule_is_held_for_whole_evaluations(lasts: float, held: float) -> None:
    found = Floor(scrape=30, evaluation=60, lasts=lasts, group_wait=10)
    assert found.mean == 15 + 30 + held + 10


def test_a_floor_is_of_what_is_deployed(tmp_path: Path) -> None:
    render.render(STACK, tmp_path)
    assert {alert: floor(alert, tmp_path).mean for alert in SOURCES} == {
        "NotificationsFailing": 55,
        "DatabaseDown": 175,
        "GpuTemperatureHigh": 175,
        "NodeDiskUsageHigh": 355,
        "QueueDepthHigh": 355,
    }
    config = tmp_path / "alertmanager.yml"
    config.write_text(config.read_text().replace("group_wait: 10s", "group_wait: 30s", 1))
    assert floor("DatabaseDown", tmp_path).mean == 195


def test_faults_meet_every_phase_of_both_intervals() -> None:
    for alert in SOURCES:
        times = [at for fault, at in schedule(1000).items() if fault.alert == alert]
        assert len(times) == EACH
        assert SPREAD_SECONDS % FLOOR.scrape == SPREAD_SECONDS % FLOOR.evaluation == 0
        for interval in (FLOOR.scrape, FLOOR.evaluation):
            # Evenly, and the rounds meet the same ones.
            assert len({round(at % interval, 6) for at in times}) == EACH * interval / SPREAD_SECONDS


def test_a_target_is_bad_from_its_fault_on() -> None:
    scene = Scene({FAULT: 100.0}, {})
    assert scene.exposed("/DatabaseDown/bench-0", 99.9) == "pg_up 1\n"
    assert scene.exposed("/DatabaseDown/bench-0", 100.0) == "pg_up 0\n"


def test_the_first_critical_message_about_a_fault_counts() -> None:
    scene = Scene({FAULT: 100.0}, {})
    for title in (
        "WARNING: DatabaseDown in bench-0",
        "RESOLVED: DatabaseDown in bench-0",
        "CRITICAL: RedisDown in bench-0",
        "CRITICAL: DatabaseDown in bench-1",
        "CRITICAL: DatabaseDown",
    ):
        scene.receive(message(title), 200)
    assert scene.missing == {FAULT}
    scene.receive(message("CRITICAL: DatabaseDown in bench-0 (1 critical, 1 warning)"), 300)
    scene.receive(message("CRITICAL: DatabaseDown in bench-0"), 310)
    assert not scene.missing
    assert scene.seconds("DatabaseDown") == (200,)


@pytest.mark.parametrize(("seconds", "status"), [(175, 0), (218, 0), (220, 1)])
def test_messages_that_come_a_quarter_later_end_the_check_with_an_error(
    seconds: float,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = tmp_path / "alert_latency.json"
    written.write_text(json.dumps({"ratios": {STACK: {"DatabaseDown": 1.0}}}))
    found = {"DatabaseDown": Measured(floor=FLOOR, seconds=(seconds - 5, seconds + 5))}
    monkeypatch.setattr(alert_latency, "RESULTS", written)
    monkeypatch.setattr(alert_latency, "measure", MagicMock(return_value=found))
    with pytest.raises(typer.Exit) as ended:
        alert_latency.main(check=True)
    assert ended.value.exit_code == status
    assert ("dev, DatabaseDown: 1.257, and 1.0" in capsys.readouterr().out) == bool(status)


def test_the_page_has_what_is_written_of_every_alert() -> None:
    written = json.loads(RESULTS.read_text())
    assert set(written["ratios"][STACK]) == set(written["alerts"]) == set(SOURCES)
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    for alert, figures in written["alerts"].items():
        one = Measured(floor=Floor(**figures["floor"]), seconds=tuple(figures["seconds"]))
        assert written["ratios"][STACK][alert] == one.ratio
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {alert} ")]
        cells = [cell.strip() for cell in row.split("|")]
        assert [f"{one.mean:.0f} s", f"{one.seconds[-1]:.0f} s", f"{one.ratio:.2f}"] == cells[-4:-1]
        assert f"{one.floor.mean:.0f} s" in cells
