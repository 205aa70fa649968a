"""A history made by promtool on a real Prometheus, its figures worked out by hand."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml

from dashboards.metrics import application, exporters
from dashboards.parameters import Parameters
from dashboards.recordings import api, cost, jobs
from dashboards.render import rules as rendered
from local.errors import PlatformError
from local.history.fill import AHEAD, fill, install, installed
from local.history.targets import Target, discovered
from local.processes import started
from local.simulator.series import Simulated
from tests.dashboards.test_on_prometheus import Server, prometheus
from tests.history.platform import DAY, HOUR, JOBS_A_DAY, TARGETS, exposed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ENDS = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
SLOW_FOR = 49 * HOUR
#: Within the last day.
DOWN = (ENDS - 10 * HOUR, ENDS - 10 * HOUR + 36 * 60)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    for name, text in rendered(Parameters()).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def filled(rules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Prometheus with a history that ends on a day in the middle of a month."""
    folder = tmp_path_factory.mktemp("filled")
    incident = exposed(slow=ENDS - SLOW_FOR, down=DOWN)
    fill(TARGETS, incident, rules=rules, work=folder / "work", now=ENDS - AHEAD)
    install(folder / "work", [folder / "data"])
    with prometheus(folder / "data") as server:
        yield server


#: Labels that scraping gives too, or that are taken, or empty.
ODD = {"pod": "p", "exported_pod": "q", "instance": "", "job": "postgres"}
PLAIN = {"outcome": "success", "tier": "pro"}


def exposed_to_scrapes(_address: str, _path: str) -> list[Simulated]:
    """One job ends every second."""
    return [Simulated(metric=application.JOBS, labels=PLAIN, value=lambda moments: moments)]


class _Page(BaseHTTPRequestHandler):
    """The same as text."""

    def do_GET(self) -> None:
        odd = ",".join(f'{name}="{value}"' for name, value in ODD.items())
        page = (
            f'dubbing_jobs_total{{outcome="success",tier="pro"}} {time.time()}\npg_up{{{odd}}} 1\n'.encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        """Say nothing."""


@pytest.fixture
def port() -> Generator[int]:
    """The loopback port of a server whose every page says how many jobs have ended."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def scraping(port: int) -> str:
    """A configuration with a job that does not honour labels, one that does, and one whose target refuses."""
    static = {"targets": [f"127.0.0.1:{port}"], "labels": {"cluster": "dev", "pod": "api-1"}}
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                {"job_name": "plain", "static_configs": [static]},
                {
                    "job_name": "honoring",
                    "honor_labels": True,
                    "metrics_path": "/probe",
                    "params": {"target": ["http://api/health"]},
                    "static_configs": [static],
                },
                {"job_name": "refusing", "static_configs": [{"targets": ["127.0.0.1:1"]}]},
            ],
        }
    )


def value(server: Server, query: str, at: float = ENDS) -> float:
    (found,) = server.get("query", query=query, time=str(at))["result"]
    return float(found["value"][1])


def scraped(server: Server) -> tuple[Target, ...]:
    """Wait until the two targets that answer have been scraped; return all."""
    deadline = time.monotonic() + 20
    while sum(one.up for one in discovered(server.url)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return discovered(server.url)


def count(server: Server, query: str, at: float = ENDS) -> int:
    return int(value(server, f"count({query})", at))


def test_raw_samples_are_those_of_the_functions(filled: Server) -> None:
    for days, step in ((0, 60), (1, 60), (5, 120), (8.9, 120)):
        at = ENDS - days * DAY
        found = value(filled, "dubbing_jobs_total", at)
        assert 0 <= at * JOBS_A_DAY / DAY - found <= step * JOBS_A_DAY / DAY


def test_labels_are_those_that_scraping_would_give(filled: Server) -> None:
    (run,) = filled.get("query", query="dubbing_stage_duration_seconds_sum", time=str(ENDS))["result"]
    assert run["metric"]["pod"] == "api-1"
    assert run["metric"]["exported_pod"] == "its own"
    (charged,) = filled.get("query", query="container_cpu_allocation", time=str(ENDS))["result"]
    assert charged["metric"]["namespace"] == "dubbing"
    assert charged["metric"]["job"] == "opencost"
    assert count(filled, "up == 1") == len(TARGETS)


def test_the_counts_of_a_day_are_right_today_and_a_week_ago(filled: Server) -> None:
    for days in (0, 1, 7, 8):
        found = value(filled, jobs.JOBS.name, ENDS - days * DAY)
        assert found == pytest.approx(JOBS_A_DAY, rel=0.005)


def test_the_cost_of_a_day_counts_each_minute_once(filled: Server) -> None:
    # The node's 4 dollars an hour, one of them charged to the API.
    for days in (0, 0.9, 1.1, 7):
        at = ENDS - days * DAY
        assert value(filled, f"sum({cost.DAY.name})", at) == pytest.approx(96, rel=0.002)
        assert value(filled, f'{cost.DAY.name}{{service="api"}}', at) == pytest.approx(24, rel=0.002)
        assert value(filled, cost.MINUTES_MEASURED.name, at) == pytest.approx(1440, abs=1)


def test_the_month_so_far_is_made_from_every_hour_of_it(filled: Server) -> None:
    # The 20th at noon: 19.5 days. An hourly group need not be evaluated on the hour.
    hours = 19.5 * 24
    assert value(filled, cost.HOURS_MEASURED.name) == pytest.approx(hours, abs=1)
    assert value(filled, f"sum({cost.MONTH_TO_DATE.name})") == pytest.approx(4 * hours, abs=4)
    assert value(filled, f"sum({cost.PROJECTION.name})") == pytest.approx(4 * 720, rel=0.002)


def test_the_baseline_of_a_week_is_right_to_the_hour(filled: Server) -> None:
    # Runs took 10 s, and 30 s from 49 h ago on. The week that ended a day ago has 25 h of that: in the first
    # the mean of an hour rises from 10 to 30, then 24 are at 30.
    assert value(filled, jobs.STAGE_TIME.name, ENDS - 3 * DAY) == pytest.approx(10, rel=0.001)
    assert value(filled, jobs.STAGE_TIME.name) == pytest.approx(30, rel=0.001)
    expected = 10 + (10 * 1 + 20 * 24) / 168
    assert value(filled, jobs.STAGE_TIME_AVERAGE.name) == pytest.approx(expected, abs=0.03)
    assert value(filled, cost.PER_JOB_AVERAGE.name) == pytest.approx(96 / JOBS_A_DAY, rel=0.01)


def test_an_outage_weighs_what_it_lasted(filled: Server) -> None:
    assert value(filled, api.UPTIME.name) == pytest.approx(1 - 36 / 1440, abs=0.0005)
    assert value(filled, api.UPTIME.name, ENDS - DAY) == 1


def test_no_recorded_series_has_a_gap_that_a_panel_shows(filled: Server) -> None:
    read_by_windows = {cost.HOUR, cost.TOTAL_HOUR, cost.PER_JOB, cost.PER_JOB_AVERAGE, jobs.STAGE_TIME}
    for recording in (cost.RATE, cost.DAY, jobs.JOBS, api.UPTIME, cost.MONTH_TO_DATE):
        assert recording not in read_by_windows
        answer = filled.get(
            "query_range",
            query=f"count({recording.name})",
            start=str(ENDS - 8 * DAY),
            end=str(ENDS),
            step="97",
        )
        (series,) = answer["result"]
        assert len(series["values"]) == 8 * DAY // 97 + 1


def test_a_gap_would_be_seen(filled: Server) -> None:
    # A series that is recorded once an hour is there for five minutes of it.
    answer = filled.get(
        "query_range", query=cost.TOTAL_HOUR.name, start=str(ENDS - DAY), end=str(ENDS), step="97"
    )
    (series,) = answer["result"]
    assert len(series["values"]) < DAY // 97 / 6


def test_hours_of_cost_reach_back_35_days_and_nothing_else_beyond_nine(filled: Server) -> None:
    assert value(filled, f"sum(count_over_time({cost.TOTAL_HOUR.name}[40d]))") == pytest.approx(
        35 * 24, abs=1
    )
    assert value(filled, f"{cost.TOTAL_RATE.name}", ENDS - 34 * DAY) == 4
    assert filled.get("query", query=jobs.JOBS.name, time=str(ENDS - 10 * DAY))["result"] == []


def test_two_histories_that_end_at_the_same_moment_are_the_same(
    filled: Server, rules: Path, tmp_path: Path
) -> None:
    work = tmp_path / "elsewhere" / "work"
    incident = exposed(slow=ENDS - SLOW_FOR, down=DOWN)
    shallow = frozenset({exporters.PROBE_SUCCESS.name})
    fill(TARGETS, incident, rules=rules, work=work, now=ENDS - AHEAD, shallow=shallow)
    asked = {"start": str(ENDS - 8 * DAY), "end": str(ENDS), "step": "3607"}
    with prometheus(work / "data") as server:
        for recording in (jobs.JOBS, jobs.STAGE_TIME_AVERAGE, cost.DAY):
            ours, theirs = (one.get("query_range", query=recording.name, **asked) for one in (server, filled))
            assert ours["result"] == theirs["result"] != []
        # And of what is wanted of the last day alone there is nothing before it.
        assert count(server, exporters.PROBE_SUCCESS.name, ENDS - DAY) == 1
        query = {"query": exporters.PROBE_SUCCESS.name, "time": str(ENDS - 2 * DAY)}
        assert server.get("query", **query)["result"] == []
        assert filled.get("query", **query)["result"] != []


def test_the_targets_are_those_that_prometheus_scrapes(port: int, tmp_path: Path) -> None:
    with prometheus(tmp_path / "data", scraping(port)) as server:
        found = {one.labels["job"]: one for one in scraped(server)}
    assert found["honoring"].honors_labels
    assert not found["plain"].honors_labels
    assert found["honoring"].path == "/probe?target=http%3A%2F%2Fapi%2Fhealth"
    assert found["plain"].path == "/metrics"
    assert found["plain"].address == f"127.0.0.1:{port}"
    assert found["plain"].labels == {
        "job": "plain",
        "instance": f"127.0.0.1:{port}",
        "cluster": "dev",
        "pod": "api-1",
    }
    assert found["plain"].interval == 1
    assert not found["refusing"].up


def test_labels_are_merged_as_prometheus_merges_them(port: int, tmp_path: Path) -> None:
    with prometheus(tmp_path / "data", scraping(port)) as server:
        targets = [one for one in scraped(server) if one.up]
        found = server.get("query", query="pg_up", time=str(time.time()))["result"]
    stored = [{name: text for name, text in one["metric"].items() if name != "__name__"} for one in found]
    ours = [one.labelled(ODD) for one in targets]
    assert len(stored) == len(ours) == 2
    assert sorted(stored, key=str) == sorted((dict(sorted(one.items())) for one in ours), key=str)


def test_live_samples_go_on_where_the_history_ends(port: int, rules: Path, tmp_path: Path) -> None:
    with prometheus(tmp_path / "data", scraping(port)) as server:
        targets = [one for one in scraped(server) if one.labels["job"] == "plain"]
    began = int(time.time())
    fill(targets, exposed_to_scrapes, rules=rules, work=tmp_path / "work", now=began)
    assert not installed(tmp_path / "data")
    install(tmp_path / "work", [tmp_path / "data"])
    assert installed(tmp_path / "data")
    with prometheus(tmp_path / "data", scraping(port)) as server:
        scraped(server)
        time.sleep(4)
        query, now = 'dubbing_jobs_total{job="plain"}[10m]', str(time.time())
        (series,) = server.get("query", query=query, time=now)["result"]
    moments, values = np.array(series["values"], dtype=float).T
    live = moments > began + AHEAD
    assert live.sum() >= 3
    assert np.diff(moments).max() <= 60 + 10
    # History's are a minute apart: none of the live ones lies between them.
    assert np.diff(moments[~live]).min() == 60
    assert (np.diff(values) > 0).all()
    assert values == pytest.approx(moments, abs=2)


@pytest.mark.parametrize("stage", ["*/samples-*", "history-prometheus.pid"])
def test_a_killed_fill_is_repaired_by_the_same_call(stage: str, rules: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    killed = subprocess.Popen([sys.executable, "-m", "tests.history.platform", work, rules])
    deadline = time.monotonic() + 60
    while not list(work.glob(stage)):
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (work / "data").exists()
    with pytest.raises(FileNotFoundError):
        install(work, [tmp_path / "data"])
    left_behind = [json.loads(file.read_text())["pid"] for file in work.glob("*.pid")]
    assert all(started(pid) for pid in left_behind)

    fill(TARGETS, exposed(), rules=rules, work=work, now=ENDS)
    assert not any(started(pid) for pid in left_behind)
    install(work, [tmp_path / "data"])
    assert installed(tmp_path / "data")
    assert list(work.iterdir()) == []
    with prometheus(tmp_path / "data") as server:
        assert count(server, "up == 1") == len(TARGETS)


def test_a_fill_before_anything_is_discovered_is_refused(rules: Path, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="no targets"):
        fill([], exposed(), rules=rules, work=tmp_path / "work", now=ENDS)


def test_what_promtool_refuses_is_told(rules: Path, tmp_path: Path) -> None:
    broken = tmp_path / "rules"
    shutil.copytree(rules, broken)
    (broken / "more.yaml").write_text(
        "groups: [{name: g, interval: 1m, rules: [{record: 'a:x:y', expr: 'up * on () up'}]}]"
    )
    with pytest.raises(PlatformError, match="many-to-many"):
        fill(TARGETS, exposed(), rules=broken, work=tmp_path / "work", now=ENDS)
    assert not (tmp_path / "work" / "data").exists()
