"""The alerts that judge against a week or a month, on a real Prometheus with eight simulated days.

Only what they read is filled in and recorded: the whole would take a quarter of an hour.
"""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dashboards.alert import AlertRule
from dashboards.metrics import CONTRACT
from dashboards.model import Recording
from dashboards.parameters import Parameters
from dashboards.render import alerts
from local.simulator.catalogue import INCIDENTS
from local.simulator.incidents import Happening, Schedule
from local.simulator.rhythm import DAY, HOUR
from local.simulator.series import Moments
from local.toolchain import binary
from tests.dashboards.expressions import every_recording
from tests.dashboards.test_on_prometheus import Server, levels, prometheus, rule_file
from tests.simulator.test_alerts import samples
from tests.simulator.test_figures import NOW
from tests.simulator.test_incidents import TOUCHES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DAYS, STEP = 8.5, 240
MOMENTS_A_FILE = 360
PARAMETERS = Parameters(cluster="dubbing-dev")

#: When each of the incidents that are judged against a week began, in hours before the end.
BEGAN = {"users-leave": 8, "cost-run-away": 24, "stage-slow": 1}


@cache
def recorded() -> dict[str, Recording]:
    """Every recording rule by its name."""
    return {one.name: one for one in every_recording(PARAMETERS)}


def read(names: frozenset[str]) -> frozenset[str]:
    """Return these series and all that they are recorded from."""
    found = frozenset[str]()
    for name in names:
        found |= {name}
        if name in recorded():
            # A series that carries itself on reads itself.
            found |= read(recorded()[name].query.series - {name})
    return found


def judging() -> Iterator[tuple[AlertRule, frozenset[str]]]:
    """Yield each rule of the alerts that read what one of the incidents touches, with all that it reads."""
    touched = {metric.name for name in BEGAN for metric in TOUCHES[name]}
    parts = {f"{name}{suffix}" for name in touched for suffix in ("", "_sum", "_count")}
    for declared in alerts(PARAMETERS).values():
        for alert in declared:
            series = read(alert.query.series)
            if series & parts:
                yield from ((rule, series) for rule in alert.rules)


def needed() -> frozenset[str]:
    return frozenset[str]().union(*(series for _, series in judging()))


def write_samples(schedule: Schedule, moments: Moments, file: Path) -> None:
    """Write what is needed in the format of OpenMetrics."""
    names = {name for name in needed() if name not in recorded()}
    with file.open("w", encoding="utf-8") as text:
        for name, values in samples(schedule, moments):
            if name.partition("{")[0] in names:
                text.writelines(
                    f"{name} {value:.12g} {moment:.0f}\n"
                    for value, moment in zip(values, moments, strict=True)
                    if not np.isnan(value)
                )
        text.write("# EOF\n")


def backfilled(folder: Path, schedule: Schedule) -> Path:
    """Fill a folder with blocks of raw samples, then of each level of the deployed rules."""
    data, text = folder / "data", folder / "samples.txt"
    blocks = [binary("promtool"), "tsdb", "create-blocks-from"]
    moments = np.arange(NOW - DAYS * DAY, NOW + 1, STEP)
    # promtool reads a file once for each block of two hours in it.
    for first in range(0, len(moments), MOMENTS_A_FILE):
        write_samples(schedule, moments[first : first + MOMENTS_A_FILE], text)
        subprocess.run([*blocks, "openmetrics", text, data], check=True, stdout=subprocess.DEVNULL)
    wanted = needed()
    for number, level in enumerate(levels()):
        rules = [rule for rule in level if rule.name in wanted]
        if not rules:
            continue
        made, group = folder / f"level-{number}", folder / f"level-{number}.yaml"
        # As often as the samples: every minute would take four times as long, and find the same.
        group.write_text(rule_file(rules, coarse=True), encoding="utf-8")
        span = [f"--start={moments[0]:.0f}", f"--end={moments[-1]:.0f}"]
        with prometheus(data) as server:
            command = [*blocks, "rules", *span, f"--url={server.url}", f"--output-dir={made}", group]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for block in made.iterdir():
            shutil.move(block, data / block.name)
    return data


def true(server: Server, path: str, **when: str) -> set[tuple[str, str]]:
    """Return the alerts, with their severities, whose conditions hold."""
    return {
        (rule.alert.name, str(rule.severity))
        for rule, _ in judging()
        if server.get(path, query=str(rule.condition), **when)["result"]
    }


def test_the_alerts_that_are_judged_here_are_those_of_a_week_or_a_month() -> None:
    judged = {rule.alert.name for rule, _ in judging()}
    fired = {alert for name in BEGAN for alert, _ in INCIDENTS[name].fires}
    assert judged == fired | {"ApplicationMetricsGone"}
    assert all(
        name in CONTRACT or name.rpartition("_")[0] in CONTRACT for name in needed() - recorded().keys()
    )


def test_in_a_healthy_day_none_is_ever_true_and_the_figures_are_plausible(tmp_path: Path) -> None:
    with prometheus(backfilled(tmp_path, Schedule())) as server:
        day = {"start": f"{NOW - 24 * HOUR:.0f}", "end": f"{NOW:.0f}", "step": "600"}
        assert true(server, "query_range", **day) == set()

        def figure(expression: str) -> float:
            (found,) = server.get("query", query=expression, time=f"{NOW:.0f}")["result"]
            return float(found["value"][1])

        assert 5_000 < figure("sum(service:cost_dollars:month_projection)") < 12_000
        assert 2_000 < figure('sum(outcome:dubbing_jobs:increase24h{outcome="success"})') < 4_000
        assert figure("cluster:idle_cost_dollars_per_hour:sum") > 0
        of_average = "cluster:cost_dollars_per_job:ratio24h / cluster:cost_dollars_per_job:avg7d"
        assert 0.9 < figure(of_average) < 1.1


def test_their_incidents_make_their_conditions_true_and_no_others(tmp_path: Path) -> None:
    schedule = Schedule(
        happenings=tuple(Happening(name=name, begins=NOW - hours * HOUR) for name, hours in BEGAN.items())
    )
    with prometheus(backfilled(tmp_path, schedule)) as server:
        expected = {fired for name in BEGAN for fired in INCIDENTS[name].fires}
        assert true(server, "query", time=f"{NOW:.0f}") == expected
