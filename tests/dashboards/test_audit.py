"""The audit on a real Prometheus with the deployed rules, and a past in which each finding is planted."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dashboards.__main__ import main
from dashboards.audit import AuditError, Rule, Server, firing_shares, thresholds
from dashboards.model import Thresholds
from dashboards.parameters import Levels, Parameters
from dashboards.recordings import api, jobs
from dashboards.render import rules
from local.toolchain import binary
from tests.dashboards.test_on_prometheus import prometheus

NOW = int(time.time())
HOUR, DAY = 3600, 86400
EVERY = 120

SCOPE = 'cluster="dubbing-dev",namespace="dubbing"'
UPTIME = 'cluster="dubbing-dev",probe="api"'
QUEUE_ALERT = 'alertname="QueueDepthHigh",severity="warning",team="platform",dashboard="job-processing"'
FAILURES_ALERT = (
    'alertname="JobFailureRateHigh",severity="warning",team="platform",dashboard="job-processing"'
)
HEARTBEAT = 'alertname="Watchdog",severity="none",team="platform",dashboard="system-health"'

#: Series with their value, and from when to when (seconds ago) they were there.
PAST: dict[str, tuple[float, int, int]] = {
    f'ALERTS{{alertstate="firing",{HEARTBEAT}}}': (1, 2 * DAY, 0),
    f'ALERTS{{alertstate="firing",{QUEUE_ALERT}}}': (1, 2 * DAY, 0),
    # A single evaluation.
    f'ALERTS{{alertstate="firing",{FAILURES_ALERT}}}': (1, DAY, DAY),
    # Gone since a day: no data now, and data within the two days.
    f'{jobs.QUEUE.name}{{{SCOPE},stage="transcription"}}': (150, 2 * DAY, DAY),
    f'{jobs.QUEUE.name}{{{SCOPE},stage="lip-sync"}}': (7, 2 * DAY, DAY),
    f"{api.UPTIME.name}{{{UPTIME}}}": (0.5, 2 * DAY, 0),
    f"{api.UPTIME_HISTORY.name}{{{UPTIME}}}": (700, 2 * DAY, 0),
    # Older than what is looked at.
    'pg_up{cluster="dubbing-dev",instance="main"}': (1, 3 * DAY, 2 * DAY + 3 * HOUR),
}


def samples() -> Iterator[str]:
    """The past as OpenMetrics."""
    for series, (value, since, until) in PAST.items():
        for moment in range(NOW - since, NOW - until + 1, EVERY):
            yield f"{series} {value:g} {moment}\n"
    yield "# EOF\n"


def audited(folder: Path, parameters: Parameters, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints of two days on a server with this past, and these parameters' rules."""
    text, data = folder / "past.txt", folder / "data"
    text.write_text("".join(samples()))
    subprocess.run(
        [binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, data],
        check=True,
        capture_output=True,
    )
    (folder / "rules").mkdir()
    for name, rule_file in rules(parameters).items():
        (folder / "rules" / name).write_text(rule_file)
    with prometheus(data, yaml.safe_dump({"rule_files": [str(folder / "rules" / "*.yaml")]})) as server:
        assert main(["audit", "--prometheus", server.url, "--days", "2"]) == 0
    return capsys.readouterr().out


def table(printed: str, title: str) -> list[list[str]]:
    """The rows of one of its tables, without the head."""
    (section,) = [one for one in printed.split("\n\n") if one.startswith(title)]
    first, *rows = section.splitlines()
    found = [re.split(r"  +", row.strip()) for row in rows[1:]]
    assert first.rpartition(": ")[2] == (str(len(found)) if found else "none")
    return found


@pytest.mark.parametrize(
    ("counted", "reason"), [(1.0, "less than 5 minutes: ask again later"), (None, "no rule was evaluated")]
)
def test_rules_that_have_just_begun_are_told_from_rules_that_never_ran(
    monkeypatch: pytest.MonkeyPatch, counted: float | None, reason: str
) -> None:
    def values(_: Server, expression: str) -> list[tuple[dict[str, str], float]]:
        # The subquery steps over so short a time.
        found = counted is not None and not expression.startswith("count_over_time")
        return [({"alertname": "Watchdog"}, counted or 0)] if found else []

    monkeypatch.setattr(Server, "values", values)
    rule = Rule(expression="vector(1)", labels={"alertname": "Watchdog"})
    with pytest.raises(AuditError, match=reason):
        firing_shares(Server(url="http://127.0.0.1:1", days=30, now=NOW), [rule])


@pytest.mark.slow
def test_each_planted_finding_is_listed_and_nothing_that_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = audited(tmp_path, Parameters(), capsys)
    assert re.match(r"2 days until .* UTC; rules were evaluated in (9\d\.\d|100\.0)% of that time\.", printed)

    empty = {panel: why for _, panel, why in table(printed, "Panels without data")}
    assert empty["102 Database Status"].endswith("(source: postgres-exporter)")
    assert empty["103 Redis Status"] == "no series redis_up (source: redis-exporter)"
    assert not {"101 API Uptime", "105 Total Queue Depth", "106 Firing alerts"} & empty.keys()

    never = {tuple(row[:2]) for row in table(printed, "Alerts that never fired")}
    assert ("QueueDepthHigh", "critical") in never
    assert not {("QueueDepthHigh", "warning"), ("JobFailureRateHigh", "warning")} & never
    assert [row[:2] for row in table(printed, "Alerts that always fired")] == [["QueueDepthHigh", "warning"]]

    measured = {row[0]: row[1:] for row in table(printed, "Thresholds against p95")}
    where = "cluster dubbing-dev"
    queue = ["high", "100", "200", "157", "beyond warning", f"{where}, namespace dubbing"]
    assert measured["QueueDepthHigh"] == queue
    assert measured["ApiUptimeLow"] == ["low", "0.99", "0.95", "0.5", "beyond critical", where]
    assert measured["MonthlyCostProjectionHigh"][:3] == ["high", "15,000", "20,000"]
    assert measured["GpuUtilizationHigh"][:5] == ["high", "0.9", "-", "-", "no data"]


@pytest.mark.slow
def test_a_stack_with_other_settings_is_judged_by_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Parameters(
        levels=Levels(queue_depth=Thresholds(warning=160, critical=300)),
        switched_off=frozenset({"redis-exporter"}),
    )
    printed = audited(tmp_path, own, capsys)
    panels = {panel for _, panel, _ in table(printed, "Panels without data")}
    assert "102 Database Status" in panels
    assert not {"103 Redis Status", "302 Redis Memory Usage"} & panels
    measured = {row[0]: row[1:5] for row in table(printed, "Thresholds against p95")}
    assert measured["QueueDepthHigh"] == ["high", "160", "300", "157"]


@pytest.mark.slow
def test_a_server_without_the_rules_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with prometheus(tmp_path / "data") as server:
        assert main(["audit", "--prometheus", server.url]) == 1
    assert "has no rule Watchdog" in capsys.readouterr().err


def test_a_rule_of_another_release_is_told() -> None:
    rule = Rule(expression="queue < 100", labels={"alertname": "QueueDepthHigh", "severity": "warning"})
    nobody = Server(url="http://127.0.0.1:9", days=1, now=NOW)
    with pytest.raises(AuditError, match=r"QueueDepthHigh is not as it is declared here \(queue < 100\)"):
        list(thresholds(nobody, [rule]))


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://127.0.0.1:9", "does not answer as Prometheus does"), ("file:///etc", "is no address such as")],
)
def test_a_server_that_cannot_be_asked_is_told(
    url: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--prometheus", url]) == 1
    assert said in capsys.readouterr().err


def imported_by(command: str) -> set[str]:
    """The modules that a command loads."""
    program = (
        f"import sys; from dashboards.__main__ import main; main([{command!r}]); "
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_commands_that_ask_no_server_load_nothing_for_it() -> None:
    assert "dashboards.render" in imported_by("list")
    assert not {"dashboards.audit", "urllib.request", "pulumi"} & (imported_by("list") | imported_by("check"))
