"""Who hears of what: the rendered routes by amtool, and notifications of a real Alertmanager."""

import itertools
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.render import alert_identity, alerts
from dashboards.yaml_text import to_yaml
from local.toolchain import binary
from stacks import monitoring, render, stack_file
from stacks.alertmanager import alertmanager_workload
from stacks.alertmanager_config import SECRETS_PATH, alertmanager_config
from stacks.notification_settings import RETENTION, Notifications
from stacks.settings import Alertmanager
from tests.dashboards.alert_cases import CASES
from tests.stacks.notified import QUICK, alertmanager, an_alert, http_receiver, send

Json = dict[str, Any]

ROUTES = {
    "prod": {
        "alertname=ApiUptimeLow severity=critical team=platform": "critical,slack",
        "alertname=ApiUptimeLow severity=warning team=platform": "slack",
        "alertname=GpuTemperatureHigh severity=warning team=ml": "slack",
        "alertname=MonthlyCostProjectionHigh severity=warning team=finance": "owner-finance",
        "alertname=MonthlyCostProjectionHigh severity=critical team=finance": "critical,slack",
        "alertname=DailyActiveUsersFalling severity=warning team=product": "owner-product",
        "alertname=Watchdog severity=none team=platform": "nobody",
        "alertname=SomebodysOwn": "slack",
    },
    "dev": {
        "alertname=ApiUptimeLow severity=critical team=platform": "slack",
        "alertname=MonthlyCostProjectionHigh severity=warning team=finance": "slack",
        "alertname=Watchdog severity=none team=platform": "nobody",
    },
}


@pytest.fixture(scope="module")
def configurations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each stack's rendered `alertmanager.yml`."""
    folders = {stack: tmp_path_factory.mktemp(stack) for stack in ROUTES}
    for stack, folder in folders.items():
        render.render(stack, folder)
    return {stack: folder / "alertmanager.yml" for stack, folder in folders.items()}


@pytest.mark.parametrize(
    ("stack", "labels", "receivers"),
    [(stack, labels, to) for stack, routes in ROUTES.items() for labels, to in routes.items()],
)
def test_every_alert_goes_to_its_receivers(
    configurations: dict[str, Path], stack: str, labels: str, receivers: str
) -> None:
    file = configurations[stack]
    amtool = [str(binary("amtool")), "config", "routes", "test", f"--config.file={file}"]
    done = subprocess.run([*amtool, *labels.split()], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == receivers


def test_every_label_that_a_route_or_inhibition_matches_can_occur() -> None:
    settings = stack_file.read_stack_file(stack_file.stack_file("prod"))
    parameters = monitoring.dashboard_parameters(settings)
    config = alertmanager_config(settings.notifications, alert_identity(parameters))
    declared = alerts(parameters)
    names = {alert.name for group in declared.values() for alert in group}
    severities = {str(rule.severity) for group in declared.values() for one in group for rule in one.rules}
    possible = {"alertname": names, "severity": severities, "team": set(parameters.teams.values())}
    matched = [part.split("=") for part in _matchers(config["route"]["routes"])]
    assert matched
    assert all(json.loads(value) in possible[label] for label, value in matched)
    (rule,) = config["inhibit_rules"]
    labels = {label for group in declared.values() for one in group for label in one.query.labels}
    assert set(rule["equal"]) - {"alertname"} <= labels


def _matchers(routes: list[Json]) -> list[str]:
    return [matcher for route in routes for matcher in route.get("matchers", ())]


def test_one_message_for_a_group_none_for_what_is_inhibited_and_one_when_it_is_over(tmp_path: Path) -> None:
    settings = {
        "slack": {"channel": "#alerts"},
        "critical": {"webhook": {}},
        "grouping": QUICK,
        "deadMansSwitch": True,
    }
    disk = "NodeDiskUsageHigh"
    with http_receiver() as (url, messages), alertmanager(tmp_path, settings, url) as address:
        group = [
            an_alert(disk, "critical", instance="n1"),
            an_alert(disk, "warning", instance="n1"),
            an_alert(disk, "warning", instance="n2"),
        ]
        send(address, *group, an_alert("Watchdog", "none"))
        (page,) = messages.wait("webhookUrl-critical", 1)
        assert [one["labels"]["severity"] for one in page["alerts"]] == ["critical"]
        (said,) = messages.wait("slackWebhookUrl-slack", 1)
        messages.wait("deadMansSwitchUrl", 1)
        assert said["channel"] == "#alerts"
        (attachment,) = said["attachments"]
        assert attachment["title"] == "CRITICAL: NodeDiskUsageHigh in dev (1 critical, 1 warning)"
        text = attachment["text"]
        assert "CRITICAL n1 is 91% full, above 80%." in text
        assert "WARNING n2 is 91% full, above 80%." in text
        assert "WARNING n1" not in text
        assert "Where: cluster=dev instance=n1" in text
        assert "UTC. Dashboard: https://grafana.example.com/d/system-health?viewPanel=panel-403" in text
        assert "Runbook: https://git.example.com/runbooks/NodeDiskUsageHigh.md" in text
        assert (
            "Silence: https://grafana.example.com/alerting/silence/new?alertmanager=Alertmanager"
            "&matcher=alertname%3DNodeDiskUsageHigh&matcher=cluster%3Ddev" in text
        )
        time.sleep(3)
        assert len(messages.of("slackWebhookUrl-slack")) == 1, "the same group is not told again"

        over = [
            an_alert(disk, one["labels"]["severity"], over=True, instance=one["labels"]["instance"])
            for one in group
        ]
        send(address, *over)
        _, resolved = messages.wait("slackWebhookUrl-slack", 2)
        assert resolved["attachments"][0]["title"] == "RESOLVED: NodeDiskUsageHigh in dev"
        assert resolved["attachments"][0]["text"].startswith("RESOLVED n1 is 91% full")
        assert "Silence:" not in resolved["attachments"][0]["text"]
        (_, page_over) = messages.wait("webhookUrl-critical", 2)
        assert page_over["status"] == "resolved"
        time.sleep(2)
        assert len(messages.of("slackWebhookUrl-slack")) == 2


@pytest.mark.slow
def test_owners_are_written_to_in_their_working_hours_only(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    if now.hour == 23 and now.minute >= 57:
        pytest.skip("the day ends within the test")
    another_hour = (now.hour + 12) % 24
    settings = {
        "criticalRequired": False,
        "owners": {"finance": {"webhook": {}}},
        "slack": {},
        "grouping": QUICK,
    }
    every_day = {"firstDay": "sunday", "lastDay": "saturday"}
    on = {**settings, "workingHours": {**every_day, "start": "00:00", "end": "23:59"}}
    off = {
        **settings,
        "workingHours": {**every_day, "start": f"{another_hour:02}:00", "end": f"{another_hour:02}:30"},
    }
    cost = an_alert("MonthlyCostProjectionHigh", "warning", team="finance")
    worse = an_alert("MonthlyCostProjectionHigh", "critical", team="finance", instance="other")
    with http_receiver() as (url, messages):
        with alertmanager(tmp_path / "on", on, url) as address:
            send(address, cost)
            messages.wait("webhookUrl-owner-finance", 1)
        messages.got.clear()
        with alertmanager(tmp_path / "off", off, url) as address:
            send(address, cost, worse)
            (said,) = messages.wait("slackWebhookUrl-slack", 1)
            assert said["attachments"][0]["title"].startswith("CRITICAL: ")
            time.sleep(3)
            assert messages.of("webhookUrl-owner-finance") == []


@pytest.mark.slow
def test_a_changed_secret_is_used_at_the_next_notification_without_a_reload(tmp_path: Path) -> None:
    settings = {"criticalRequired": False, "slack": {}, "grouping": QUICK}
    with http_receiver() as (url, messages), alertmanager(tmp_path, settings, url) as address:
        send(address, an_alert("First", "warning"))
        messages.wait("slackWebhookUrl-slack", 1)
        (tmp_path / "secrets" / "slackWebhookUrl-slack").write_text(f"{url}/renewed")
        send(address, an_alert("Second", "warning"))
        (said,) = messages.wait("renewed", 1)
        assert said["attachments"][0]["title"] == "WARNING: Second in dev"


def checked(folder: Path, notifications: Notifications) -> Path:
    """The configuration as a file, which amtool takes."""
    file = folder / "alertmanager.yml"
    file.write_text(to_yaml(alertmanager_config(notifications, ["cluster"])))
    subprocess.run([binary("amtool"), "check-config", file], check=True, capture_output=True)
    return file


def test_every_kind_of_receiver_is_accepted_and_names_files_instead_of_secrets(tmp_path: Path) -> None:
    every = {
        "slack": {"channel": "@anna", "username": "Watch"},
        "pagerduty": {},
        "email": {"to": ["a@example.com", "b@example.com"]},
        "webhook": {"maxAlerts": 5},
        "sns": {"topicArn": "arn:aws:sns:eu-central-1:123456789012:alerts"},
    }
    notifications = Notifications.model_validate(
        {
            "critical": every,
            "smtp": {"host": "mail.example.com", "sender": "watch@example.com", "username": "watch"},
            "deadMansSwitch": True,
        }
    )
    file = checked(tmp_path, notifications)
    (critical,) = [one for one in yaml.safe_load(file.read_text())["receivers"] if one["name"] == "critical"]
    assert len(critical) == 1 + len(every)
    for secret in notifications.secrets_needed():
        assert f"{SECRETS_PATH}/{secret.key}" in file.read_text()
    assert {secret.key for secret in notifications.secrets_needed()} == {
        "slackWebhookUrl-critical",
        "pagerdutyRoutingKey-critical",
        "webhookUrl-critical",
        "smtpPassword",
        "deadMansSwitchUrl",
    }


WATCH = {"host": "mail.example.com", "sender": "watch@example.com", "username": "watch"}
EDGES: dict[str, Json] = {
    "a week from Friday to Monday": {"workingHours": {"firstDay": "friday", "lastDay": "monday"}},
    "a week from Monday to Sunday": {"workingHours": {"firstDay": "monday", "lastDay": "sunday"}},
    "a week of one day": {"workingHours": {"firstDay": "sunday", "lastDay": "sunday"}},
    "a day's first and last minute": {"workingHours": {"start": "00:00", "end": "23:59"}},
    "a zone with three parts": {"workingHours": {"timeZone": "America/Argentina/Ushuaia"}},
    "repeated as often as looked at": {"grouping": {"interval": "1h", "repeat": "1h"}},
    "the longest repeat": {"grouping": {"repeat": RETENTION}},
    "a mixed duration": {"grouping": {"wait": "1m30s", "interval": "1h30m", "repeat": "1d12h"}},
    "a mail server by its address": {"smtp": {**WATCH, "host": "10.0.0.7", "port": 25}},
    "a person, in letters of anywhere": {"slack": {"channel": "@jörg", "username": 'Wächter: #1 "A"'}},
    "a team with a hyphen": {"owners": {"data-science": {"webhook": {}}}},
}


@pytest.mark.parametrize("settings", EDGES.values(), ids=EDGES)
def test_what_the_settings_accept_alertmanager_accepts(tmp_path: Path, settings: Json) -> None:
    checked(tmp_path, Notifications.model_validate({"criticalRequired": False, **settings}))


def test_a_week_over_its_end_has_its_days_in_order() -> None:
    settings = {"criticalRequired": False, "workingHours": {"firstDay": "friday", "lastDay": "monday"}}
    hours = alertmanager_config(Notifications.model_validate(settings), [])["time_intervals"][0]
    assert hours["time_intervals"][0]["weekdays"] == ["friday", "saturday", "sunday", "monday"]


def test_a_group_is_repeated_before_alertmanager_forgets_it() -> None:
    assert f"--data.retention={RETENTION}" in alertmanager_workload(Alertmanager(), "dev", "").args


BOTH = [case for case in CASES if {"warning", "critical"} <= case.bad.keys()]


def test_a_critical_alert_silences_the_warning_of_the_same_thing_and_of_no_other(tmp_path: Path) -> None:
    expected = dict[str, str]()
    sent = list[Json]()
    for case in BOTH:
        about = {name: value for name, value in case.labels.items() if name != "cluster"}
        others = [{**about, name: "another"} for name in about]
        sent += [an_alert(case.name, severity, over=False, **about) for severity in ("critical", "warning")]
        sent += [an_alert(case.name, "warning", over=False, **other) for other in others]
        expected[case.name] = {0: "", 1: " (1 critical, 1 warning)"}.get(
            len(others), f" (1 critical, {len(others)} warnings)"
        )
    settings = {"slack": {}, "grouping": QUICK}
    with http_receiver() as (url, messages), alertmanager(tmp_path, settings, url) as address:
        send(address, *sent)
        said = messages.wait("slackWebhookUrl-slack", len(expected))
        titles = {message["attachments"][0]["title"] for message in said}
        assert titles == {f"CRITICAL: {name} in dev{counted}" for name, counted in expected.items()}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_dead_mans_switch_is_called_every_minute(tmp_path: Path) -> None:
    with http_receiver() as (url, messages), alertmanager(tmp_path, {"deadMansSwitch": True}, url) as address:
        called = list[float]()
        for count in (1, 2, 3):
            # Prometheus sends it again every minute, too; else it would end after five.
            send(address, an_alert("Watchdog", "none"))
            messages.wait("deadMansSwitchUrl", count, seconds=90)
            called.append(time.monotonic())
        waited = [later - earlier for earlier, later in itertools.pairwise(called)]
        assert waited == [pytest.approx(60, abs=8)] * 2
