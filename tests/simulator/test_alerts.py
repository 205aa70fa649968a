"""The deployed rules over the simulated platform: silent while all is well, and true for what goes wrong.

Windows of hours and of a day see what there is of them here; what compares with a week is in
the end-to-end tests.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from dashboards.metrics import application, exporters, monitoring
from dashboards.parameters import Parameters
from dashboards.render import rules
from local.simulator.catalogue import INCIDENTS
from local.simulator.exposition import FLOOD
from local.simulator.incidents import Happening, Schedule
from local.simulator.rhythm import HOUR, MINUTE
from local.simulator.series import Moments
from local.simulator.targets import Failure, failure
from stacks.scrape import application_job
from tests.simulator.scraped import all_series, everything, notation, targets, up
from tests.simulator.test_figures import NOW

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PARAMETERS = Parameters(cluster="dubbing-dev")
BEFORE, WHILE = 20, 50
WATCHDOG = ("Watchdog", "none")

#: Minutes that an incident must last, where that is longer than usual: two hours of probes are judged.
MINUTES = {"api-outage": 125}
#: Judged against a day or a week of figures: the end-to-end tests see them.
OF_LONGER = {"users-leave", "cost-run-away", "stage-slow", "payments-fail"}

# Of the histograms only this one's buckets are alerted on; promtool would spend most of its time on the rest.
BUCKETS = {application.MODEL_INFERENCE_DURATION}


def samples(schedule: Schedule, moments: Moments) -> Iterator[tuple[str, Moments]]:
    """Yield every series that alerts read, with what scraping and Prometheus itself add."""
    for name, series in all_series(schedule):
        if series.suffix != "_bucket" or series.metric in BUCKETS:
            yield name, series.value(moments)
    for target in targets(schedule):
        yield notation(exporters.UP.name, target.labels), up(target, schedule, moments)
    server = {"cluster": "dubbing-dev", "job": "prometheus", "namespace": "monitoring", "pod": "prometheus-0"}
    thrown_away = [
        any(failure(everything(), target.address, schedule, at) is Failure.FLOODS for target in targets())
        and application_job().sample_limit < FLOOD
        for at in moments
    ]
    yield notation(monitoring.SCRAPES_OVER_LIMIT.name, server), np.cumsum(thrown_away).astype(float)


def firing(promtool: Path, folder: Path, schedule: Schedule, moments: Moments) -> set[tuple[str, str]]:
    """Return the alerts, with their severities, whose conditions hold at the last of some minutes."""
    names, groups = list[str](), list[str]()
    for name, text in rules(PARAMETERS).items():
        (folder / name).write_text(text, encoding="utf-8")
        names.append(name)
        groups.extend(group["name"] for group in yaml.safe_load(text)["groups"])
    series = [
        {
            "series": name,
            "values": " ".join("_" if np.isnan(value) else f"{value:.12g}" for value in values),
        }
        for name, values in samples(schedule, moments)
    ]
    declared = sorted(
        {
            (rule["alert"], rule["labels"]["severity"])
            for name in names
            for group in yaml.safe_load((folder / name).read_text())["groups"]
            for rule in group["rules"]
            if "alert" in rule
        }
    )
    # A case for each alert, that says it is silent: promtool tells which are not.
    cases = [
        {
            "expr": f'group by (alertname, severity) (ALERTS{{alertname="{alert}", severity="{severity}"}})',
            "eval_time": f"{len(moments) - 1}m",
            "exp_samples": [],
        }
        for alert, severity in declared
    ]
    test = {
        "rule_files": names,
        "evaluation_interval": "1m",
        "group_eval_order": groups,
        "tests": [
            {
                "interval": "1m",
                "start_timestamp": int(moments[0]),
                "input_series": series,
                "promql_expr_test": cases,
            }
        ],
    }
    (folder / "test.yaml").write_text(json.dumps(test), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, check=False
    )
    told = done.stdout + done.stderr
    found = {
        (alert, severity)
        for alert, severity in declared
        if f'got: {{__name__="", alertname="{alert}", severity="{severity}"}}' in told
        or f'alertname="{alert}", severity="{severity}"}} 1' in told
    }
    assert WATCHDOG in found, told[:2000]
    return found - {WATCHDOG}


def minutes(number: int) -> Moments:
    return np.linspace(NOW - (number - 1) * MINUTE, NOW, number)


@pytest.mark.parametrize("name", sorted(INCIDENTS.keys() - OF_LONGER))
def test_an_incident_makes_the_conditions_of_its_alerts_true_and_no_others(
    promtool: Path, tmp_path: Path, name: str
) -> None:
    lasts = MINUTES.get(name, WHILE)
    schedule = Schedule(happenings=(Happening(name=name, begins=NOW - lasts * MINUTE),))
    assert firing(promtool, tmp_path, schedule, minutes(BEFORE + lasts)) == set(INCIDENTS[name].fires)


@pytest.mark.parametrize("hours", [0, 12, 4 * 24 + 4])
def test_while_all_is_well_no_condition_is_true(promtool: Path, tmp_path: Path, hours: int) -> None:
    # In the middle of a working day, at night, and on a Saturday's early morning.
    moments = minutes(150) - hours * HOUR
    assert firing(promtool, tmp_path, Schedule(), moments) == set()
