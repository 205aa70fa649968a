"""Every query of every panel on a real Prometheus, with the deployed rules and data of the contract."""

import json
import math
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import audit
from dashboards.contract import Metric
from dashboards.metrics import application
from dashboards.model import SLOW, BarGauge, Dashboard, PieChart, Recording, Stat
from dashboards.parameters import Budget, Parameters
from dashboards.render import declared
from dashboards.render import rules as rule_files
from local.toolchain import binary
from tests.dashboards.expressions import every_recording, with_values
from tests.dashboards.sample_data import openmetrics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: With a budget for a service, so that the panel of services' budgets has something to show.
PARAMETERS = Parameters(budget=Budget(services={"api": 1_000}))

END = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86400
SECONDS = {"6h": 6 * HOUR, "30d": 30 * DAY}
STEPS = 200
MOMENTS_A_FILE = 120

RIGHTLY_EMPTY = {
    "106 Firing alerts A": "the sample data are those of a healthy platform",
}
"""Queries that rightly return nothing on any of the data, with the reason."""

TWO_HOURS = {
    **RIGHTLY_EMPTY,
    "201 Daily Active Users B": "there is no week before",
}
"""Queries that rightly return nothing on two hours of data, with the reason."""

SAMPLES_PER_QUERY = 150_000
"""What a panel's query may read of eight days of the sample data, which has one or two of each thing."""


@dataclass(frozen=True)
class Span:
    """A stretch of time up to the end, in seconds, and how densely it is filled."""

    since: int
    until: int
    step: int


def spans(seconds: int, step: int) -> tuple[Span, ...]:
    """The last 26 hours as dense as asked for, what is older half as dense: it would take minutes."""
    recent = 26 * HOUR
    if seconds <= recent:
        return (Span(END - seconds, END, step),)
    return (Span(END - seconds, END - recent - 2 * step, 2 * step), Span(END - recent, END, step))


@dataclass(frozen=True)
class Server:
    """A running Prometheus."""

    url: str

    def get(self, path: str, **arguments: str) -> dict[str, Any]:
        """Ask its API, and return what it answers under `data`."""
        query = urllib.parse.urlencode(arguments)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=60) as answer:
            return json.load(answer)["data"]

    def values(self, expression: str, *, seconds: int | None) -> tuple[list[float], int]:
        """Evaluate at the end, or over a range up to it; return all values and the samples that it read."""
        if seconds is None:
            found = self.get("query", query=expression, time=str(END), stats="all")
            values = [one["value"] for one in found["result"]]
        else:
            found = self.get(
                "query_range",
                query=expression,
                start=str(END - seconds),
                end=str(END),
                step=str(seconds // STEPS),
                stats="all",
            )
            values = [value for one in found["result"] for value in one["values"]]
        samples = int(found["stats"]["samples"]["totalQueryableSamples"])
        return [float(value) for _, value in values], samples


@contextmanager
def prometheus(data: Path, configuration: str = "{}") -> Generator[Server]:
    """Run Prometheus on a folder of blocks; it scrapes nothing unless its configuration says so."""
    config = data.parent / "prometheus.yml"
    config.write_text(configuration)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (data.parent / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                binary("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    server = Server(f"http://127.0.0.1:{port}")
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{server.url}/-/ready", timeout=5):
                    break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, (data.parent / "prometheus.log").read_text()
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def levels() -> list[list[Recording]]:
    """The recording rules, each after all that it reads."""
    depth = dict[str, int]()
    rules = every_recording(PARAMETERS)
    for _ in rules:
        for rule in rules:
            read = [depth.get(name, 0) for name in rule.query.series if ":" in name]
            depth[rule.name] = 1 + max(read, default=0)
    return [[rule for rule in rules if depth[rule.name] == level] for level in sorted(set(depth.values()))]


def backfill(folder: Path, span: int, step: int, without: Metric | None = None) -> Path:
    """Fill a folder with blocks of raw samples, then of each level of the deployed rules."""
    data, text = folder / "data", folder / "samples.txt"
    parts = spans(span, step)
    moments = [moment for part in parts for moment in range(part.since, part.until + 1, part.step)]
    blocks = [binary("promtool"), "tsdb", "create-blocks-from"]
    # promtool reads a file once for each block of two hours in it, so a few hours at a time.
    for first in range(0, len(moments), MOMENTS_A_FILE):
        with text.open("w", encoding="utf-8") as file:
            file.writelines(openmetrics(moments[0], moments[first : first + MOMENTS_A_FILE], without))
        subprocess.run([*blocks, "openmetrics", text, data], check=True, capture_output=True)
    text.unlink()
    for number, level in enumerate(levels()):
        made = folder / f"level-{number}"
        with prometheus(data) as server:
            for part in parts:
                rules = folder / f"level-{number}-{part.since}.yaml"
                rules.write_text(rule_file(level, coarse=part.until < END), encoding="utf-8")
                command = [*blocks, "rules", f"--start={part.since}", f"--end={part.until}"]
                done = subprocess.run(
                    [*command, f"--url={server.url}", f"--output-dir={made}", rules],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
        for block in made.iterdir():
            shutil.move(block, data / block.name)
    return data


def rule_file(rules: list[Recording], *, coarse: bool) -> str:
    """The rules in groups by their interval; coarse, none more often than every four minutes."""
    by_interval = dict[str, list[Recording]]()
    for rule in rules:
        by_interval.setdefault(SLOW if coarse and rule.every == "1m" else rule.every, []).append(rule)
    groups = [
        {
            "name": every,
            "interval": every,
            "rules": [{"record": rule.name, "expr": str(rule.query)} for rule in those],
        }
        for every, those in by_interval.items()
    ]
    return yaml.safe_dump({"groups": groups})


def queries(dashboard: Dashboard) -> Iterator[tuple[str, str, int | None]]:
    """Yield each panel query's name, its expression for All, and the seconds of its range, if it has one."""
    for panel in dashboard.panels:
        instant = isinstance(panel, Stat | BarGauge | PieChart)
        for letter, target in zip("ABC", panel.targets, strict=False):
            seconds = None if instant else SECONDS[dashboard.default_range]
            yield f"{panel.id} {panel.title} {letter}", with_values(str(target.query)), seconds


def empty(server: Server) -> set[str]:
    """Return the names of queries that return nothing finite."""
    found = set[str]()
    for dashboard in declared(PARAMETERS):
        for name, expression, seconds in queries(dashboard):
            values, _ = server.values(expression, seconds=seconds)
            if not any(map(math.isfinite, values)):
                found.add(name)
        for variable in dashboard.variables:
            arguments = {
                "match[]": with_values(str(variable.query)),
                "start": str(END - HOUR),
                "end": str(END),
            }
            if not server.get(f"label/{variable.label}/values", **arguments):
                found.add(f"variable {variable.name}")
    return found


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Prometheus with two hours of data, a sample every 30 s."""
    with prometheus(backfill(tmp_path_factory.mktemp("hours"), 2 * HOUR, 30)) as server:
        yield server


@pytest.fixture(scope="module")
def eight_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Prometheus with eight days of data, a sample every two minutes of the last day."""
    with prometheus(backfill(tmp_path_factory.mktemp("days"), 8 * DAY, 120)) as server:
        yield server


def test_every_query_returns_data_on_two_hours(two_hours: Server) -> None:
    assert empty(two_hours) == set(TWO_HOURS)


def test_every_query_returns_data_on_eight_days(eight_days: Server) -> None:
    assert empty(eight_days) == set(RIGHTLY_EMPTY)


def alerting_rules(parameters: Parameters) -> list[audit.Rule]:
    """The deployed alerting rules, as the audit reads them from a server."""
    return [
        audit.Rule(expression=rule["expr"], labels={"alertname": rule["alert"], **rule["labels"]})
        for text in rule_files(parameters).values()
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def test_the_audit_finds_data_for_every_panel_and_a_value_for_thresholds(two_hours: Server) -> None:
    server = audit.Server(url=two_hours.url, days=1, now=END)
    loaded = alerting_rules(PARAMETERS)
    assert list(audit.panels_without_data(server, loaded)) == []
    measured = {row[0]: row[5] for row in audit.thresholds(server, loaded)}
    assert measured["GpuTemperatureHigh"] == measured["QueueDepthHigh"] == "within"
    assert measured["CertificateExpiring"] != "no data"


def test_the_projection_says_how_many_hours_were_measured(eight_days: Server) -> None:
    (cost,) = [one for one in declared(PARAMETERS) if one.uid == "cost-performance"]
    (tile, *_) = cost.panels
    (answer,) = eight_days.get("query", query=with_values(str(tile.targets[0].query)), time=str(END))[
        "result"
    ]
    # Eight days of November; the hours' group need not run on the hour.
    assert 190 <= int(answer["metric"]["measured"]) <= 192
    assert answer["metric"]["hours"] == "720"


def test_no_query_reads_more_than_its_budget(eight_days: Server) -> None:
    cost = {
        f"{dashboard.uid}: {name}": eight_days.values(expression, seconds=seconds)[1]
        for dashboard in declared(PARAMETERS)
        for name, expression, seconds in queries(dashboard)
    }
    dear = {name: samples for name, samples in cost.items() if samples > SAMPLES_PER_QUERY}
    assert dear == {}, sorted(cost.items(), key=lambda item: -item[1])[:10]


def test_a_metric_that_is_missing_leaves_its_panels_empty(tmp_path: Path) -> None:
    # The hours' group runs once in each hour, at a moment that the folder's name decides: one hour might
    # have it after all that reads it.
    with prometheus(backfill(tmp_path, 2 * HOUR, 60, without=application.QUEUE_DEPTH)) as server:
        missing = empty(server) - set(TWO_HOURS)
    assert missing == {
        "105 Total Queue Depth A",
        "202 Queue Depth by Stage A",
        "401 Queue Depth by Service A",
        "variable stage",
    }
