"""Who hears of what: the rendered routes by amtool, and notifications of a real Alertmanager."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.render import alert_identity, alerts
from local.overlay import relocate
from local.toolchain import binary
from stacks import monitoring, render, stack_file
from stacks.alertmanager_config import CONFIG_PATH, SECRETS_PATH, alertmanager_config, message_templates
from stacks.notification_settings import Notifications
from stacks.prometheus import to_yaml

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


@pytest.mark.parametrize(
    ("stack", "labels", "receivers"),
    [(stack, labels, to) for stack, routes in ROUTES.items() for labels, to in routes.items()],
)
def test_every_alert_goes_to_its_receivers(
    tmp_path_factory: pytest.TempPathFactory, stack: str, labels: str, receivers: str
) -> None:
    folder = tmp_path_factory.mktemp("rendered")
    render.render(stack, folder)
    amtool = [
        str(binary("amtool")),
        "config",
        "routes",
        "test",
        f"--config.file={folder / 'alertmanager.yml'}",
    ]
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


class Messages:
    """What receivers got: a channel's or path's name, and the message."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Json]] = []

    def of(self, receiver: str) -> list[Json]:
        return [message for name, message in self.got if name == receiver]

    def wait(self, receiver: str, count: int, seconds: float = 15) -> list[Json]:
        """The receiver's messages, once there are so many of them."""
        deadline = time.monotonic() + seconds
        while len(self.of(receiver)) < count:
            assert time.monotonic() < deadline, f"{receiver} got {self.of(receiver)}, all: {self.got}"
            time.sleep(0.05)
        return self.of(receiver)


@contextmanager
def http_receiver() -> Generator[tuple[str, Messages]]:
    """A real HTTP receiver on loopback; the path of its URL names the receiver."""
    messages = Messages()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.got.append((self.path.strip("/"), json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", messages
        server.shutdown()
        thread.join()


@contextmanager
def alertmanager(folder: Path, settings: Mapping[str, Any], url: str) -> Generator[str]:
    """A real Alertmanager with what the program renders of these settings; its secrets lead to loopback."""
    write_configuration(folder, settings, url)
    web = free_address()
    arguments = [
        f"--config.file={folder / 'config' / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={web}",
        "--cluster.listen-address=",
    ]
    with running(arguments, web, folder / "log"):
        yield f"http://{web}"


def write_configuration(folder: Path, settings: Mapping[str, Any], url: str) -> dict[str, Path]:
    """The files of an Alertmanager, under `folder`; returns where each mounted folder lies."""
    notifications = Notifications.model_validate(settings)
    folders = {CONFIG_PATH: folder / "config", SECRETS_PATH: folder / "secrets"}
    for path in folders.values():
        path.mkdir(parents=True)
    config = relocate(alertmanager_config(notifications, ("cluster", "instance")), folders)
    # PagerDuty's address is no secret, so it is none of the files.
    config["global"] = {**config.get("global", {}), "pagerduty_url": f"{url}/pagerduty"}
    (folder / "config" / "alertmanager.yml").write_text(to_yaml(config))
    (folder / "config" / "messages.tmpl").write_text(message_templates("https://grafana.example.com/"))
    for secret in notifications.secrets_needed():
        (folder / "secrets" / secret.key).write_text(f"{url}/{secret.key}")
    return folders


def free_address() -> str:
    """A free address on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def running(arguments: Sequence[str], web: str, log: Path) -> Generator[subprocess.Popen[bytes]]:
    """An Alertmanager process that is ready at its address `web`."""
    with log.open("a") as output:
        process = subprocess.Popen(
            [binary("alertmanager"), *arguments], stdout=subprocess.DEVNULL, stderr=output
        )
        try:
            _wait_until_ready(f"http://{web}/-/ready", log)
            yield process
        finally:
            process.terminate()
            # It takes its leave only when it has begun to send, a minute after its start as deployed.
            process.wait(timeout=80)


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def send(address: str, *sent: Json) -> None:
    """Post alerts as Prometheus does."""
    request = urllib.request.Request(
        f"{address}/api/v2/alerts",
        data=json.dumps(sent).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def an_alert(name: str, severity: str, *, over: bool = False, **labels: str) -> Json:
    now = datetime.now(UTC)
    alert: Json = {
        "labels": {"alertname": name, "severity": severity, "cluster": "dev", "team": "platform", **labels},
        "annotations": {
            "summary": f"{labels.get('instance', name)} is 91% full, above 80%.",
            "description": "A full node evicts its pods.",
            "dashboard_url": "https://grafana.example.com/d/system-health?viewPanel=panel-403",
            "runbook_url": f"https://git.example.com/runbooks/{name}.md",
        },
        # A group whose alerts are older than its wait is sent at once, before the rest of it came.
        "startsAt": (now - timedelta(minutes=3) if over else now).isoformat(),
    }
    if over:
        alert["endsAt"] = (now - timedelta(seconds=1)).isoformat()
    return alert


QUICK = {"wait": "1s", "interval": "1s", "repeat": "12h"}


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
        assert attachment["title"] == "ALERT: NodeDiskUsageHigh in dev (2 firing)"
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


def test_a_changed_secret_is_used_at_the_next_notification_without_a_reload(tmp_path: Path) -> None:
    settings = {"criticalRequired": False, "slack": {}, "grouping": QUICK}
    with http_receiver() as (url, messages), alertmanager(tmp_path, settings, url) as address:
        send(address, an_alert("First", "warning"))
        messages.wait("slackWebhookUrl-slack", 1)
        (tmp_path / "secrets" / "slackWebhookUrl-slack").write_text(f"{url}/renewed")
        send(address, an_alert("Second", "warning"))
        (said,) = messages.wait("renewed", 1)
        assert said["attachments"][0]["title"] == "WARNING: Second in dev"


def test_many_alerts_are_summed_up(tmp_path: Path) -> None:
    settings = {"criticalRequired": False, "slack": {}, "grouping": QUICK}
    with http_receiver() as (url, messages), alertmanager(tmp_path, settings, url) as address:
        send(address, *(an_alert("TargetDown", "warning", instance=f"n{number}") for number in range(8)))
        (said,) = messages.wait("slackWebhookUrl-slack", 1)
        assert said["attachments"][0]["title"] == "WARNING: TargetDown in dev (8 firing)"
        text = said["attachments"][0]["text"]
        assert text.count("Where:") == 5
        assert "and 3 more." in text


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
    file = tmp_path / "alertmanager.yml"
    file.write_text(to_yaml(alertmanager_config(notifications, ["cluster"])))
    subprocess.run([binary("amtool"), "check-config", file], check=True, capture_output=True)
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
