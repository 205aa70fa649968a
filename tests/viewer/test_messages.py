"""The messages: what is taken in, what is answered, what is shown. Each body is as Alertmanager sends it."""

import json
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from local.simulator.incidents import Schedule
from local.toolchain import binary
from local.viewer.html import html
from local.viewer.links import here, linked, silence_command
from local.viewer.message_cards import cards
from local.viewer.messages import Message, Messages, read
from local.viewer.server import RECEIVER_DOWN
from tests.stacks.notified import alertmanager
from tests.viewer.running import Running, viewer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALERTMANAGER = "http://127.0.0.1:9093"

SLACK: dict[str, Any] = {
    "channel": "#alerts",
    "username": "Watch",
    "attachments": [
        {
            "title": "CRITICAL: NodeDiskUsageHigh in dev",
            "title_link": "http://alertmanager:9093/#/alerts?receiver=slack",
            "text": "CRITICAL n1 is 91% full.\nDashboard: https://grafana.example.com/d/system-health?viewPanel=panel-403\n",
            "fallback": "CRITICAL: NodeDiskUsageHigh in dev",
            "color": "danger",
            "mrkdwn_in": ["fallback", "pretext", "text"],
        }
    ],
}
PAGERDUTY = {
    "routing_key": "a-secret-key",
    "dedup_key": "f2ca1bb6c7e907d06dafe4687e579fce",
    "event_action": "trigger",
    "payload": {
        "summary": "CRITICAL: NodeDiskUsageHigh in dev",
        "source": "Alertmanager",
        "severity": "critical",
        "custom_details": {"text": "n1 is 91% full.", "num_firing": "1"},
    },
    "client": "Dubbing platform",
    "client_url": "http://alertmanager:9093/#/alerts?receiver=critical",
}


def webhook(name: str, status: str, *severities: str) -> dict[str, Any]:
    """What the generic webhook gets."""
    return {
        "version": "4",
        "status": status,
        "receiver": "critical",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "groupLabels": {"alertname": name, "cluster": "dev"},
        "commonLabels": {"alertname": name},
        "commonAnnotations": {"runbook_url": f"https://git.example.com/{name}.md"},
        "externalURL": "http://alertmanager:9093",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, "severity": severity},
                "annotations": {"summary": f"{name} is {severity}."},
                "startsAt": "2026-11-20T11:00:00Z",
            }
            for severity in severities
        ],
    }


def taken(body: object) -> Message:
    return read("some", json.dumps(body).encode(), NOW)


def test_a_slack_message_is_read_with_its_channel_and_colour() -> None:
    message = taken(SLACK)
    assert (message.kind, message.channel, message.sender) == ("slack", "#alerts", "Watch")
    assert message.severity == "critical"
    assert message.title == "CRITICAL: NodeDiskUsageHigh in dev"
    assert message.text.startswith("CRITICAL n1 is 91% full.\nDashboard: https://")
    over = {"attachments": [{**SLACK["attachments"][0], "color": "good"}]}
    assert taken(over).severity == "resolved"


def test_a_page_is_read_without_the_secret_that_it_came_with() -> None:
    message = taken(PAGERDUTY)
    assert (message.kind, message.severity, message.sender) == ("pagerduty", "critical", "Dubbing platform")
    assert (message.text, message.key) == ("n1 is 91% full.", PAGERDUTY["dedup_key"])
    assert "a-secret-key" not in message.model_dump_json()
    assert taken({**PAGERDUTY, "event_action": "resolve"}).severity == "resolved"


def test_a_webhook_is_as_severe_as_its_worst_alert() -> None:
    message = taken(webhook("TargetDown", "firing", "warning", "critical"))
    assert (message.kind, message.severity, message.title) == ("webhook", "critical", "CRITICAL: TargetDown")
    assert message.text == "TargetDown is warning.\nTargetDown is critical."
    assert message.links == ("https://git.example.com/TargetDown.md",)
    assert taken(webhook("TargetDown", "resolved", "warning")).severity == "resolved"


@pytest.mark.parametrize("body", [{}, [], {"attachments": []}, {"event_action": "trigger"}, {"alerts": []}])
def test_what_is_no_message_is_refused(body: object) -> None:
    with pytest.raises(ValidationError):
        taken(body)


def test_messages_are_kept_one_a_line(tmp_path: Path) -> None:
    kept = Messages(tmp_path / "folder" / "messages.jsonl")
    assert kept.all() == []
    kept.add(taken(SLACK))
    kept.add(taken(PAGERDUTY))
    assert [one.kind for one in kept.all()] == ["slack", "pagerduty"]
    assert (tmp_path / "folder" / "messages.jsonl").read_text().count("\n") == 2


def test_cards_are_as_a_person_gets_them_newest_first_and_pings_are_counted() -> None:
    ping = taken(webhook("Watchdog", "firing", "none"))
    shown = html(cards([taken(SLACK), ping, taken(PAGERDUTY), ping], ["system-health"], ALERTMANAGER))
    assert "called 2 times, the last at 20 Nov 12:00:00 UTC" in shown
    assert shown.count("<article") == 2
    assert shown.index("PagerDuty") < shown.index("Slack")
    assert "to #alerts" in shown
    assert 'data-severity="critical"' in shown


def test_links_to_a_dashboard_lead_to_the_viewer_and_others_stay() -> None:
    grafana = "https://grafana.example.com/d/system-health?viewPanel=panel-403&from=1"
    assert here(grafana, ["system-health"]) == "/d/system-health?viewPanel=panel-403&from=1"
    assert here(grafana.replace("/d/", "/ops/d/"), ["system-health"]).startswith("/d/system-health?")
    assert here(grafana, ["another"]) == grafana
    runbook = "https://git.example.com/runbooks/TargetDown.md"
    assert here(runbook, ["system-health"]) == runbook


def test_addresses_in_a_text_are_links_without_the_point_behind_them() -> None:
    parts = list(linked("See https://git.example.com/a.md. Not javascript:alert(1) <b>", []))
    assert [part if isinstance(part, str) else part.get("href") for part in parts] == [
        "See ",
        "https://git.example.com/a.md",
        ". Not javascript:alert(1) <b>",
    ]


def test_a_link_that_is_not_of_the_web_is_mere_text() -> None:
    evil = {**SLACK, "attachments": [{"title": "T<script>", "title_link": "javascript:alert(1)"}]}
    shown = html(cards([taken(evil)], [], ALERTMANAGER))
    assert "javascript:" not in shown
    assert "<h2>T&lt;script&gt;</h2>" in shown


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A viewer without anything to show."""
    with viewer(tmp_path_factory.mktemp("viewer")) as found:
        yield found


def test_each_kind_of_sender_gets_the_answer_that_it_takes_for_delivered(running: Running) -> None:
    before = len(running.listed())
    slack = running.ask("/receive/slack", json.dumps(SLACK).encode())
    assert (slack.status, slack.text) == (200, "ok")
    assert slack.headers["content-type"].startswith("text/plain"), "JSON counts as a failed delivery"
    page = running.ask("/receive/critical", json.dumps(PAGERDUTY).encode())
    assert page.status == 202
    assert json.loads(page.text)["dedup_key"] == PAGERDUTY["dedup_key"]
    assert running.ask("/receive/hook", json.dumps(webhook("A", "firing", "warning")).encode()).status == 200
    assert running.ask("/receive/hook", b"{}").status == 400
    assert [one["receiver"] for one in running.listed()[before:]] == ["slack", "critical", "hook"]


def test_nothing_is_taken_while_the_receiver_is_down(running: Running) -> None:
    body = json.dumps(SLACK).encode()
    before = len(running.listed())
    down = Schedule().begin(RECEIVER_DOWN, time.time() - 1)
    down.write(running.incidents)
    assert running.ask("/receive/slack", body).status == 503
    assert len(running.listed()) == before
    down.end(time.time()).write(running.incidents)
    assert running.ask("/receive/slack", body).status == 200
    assert len(running.listed()) == before + 1


def test_the_link_to_a_runbook_leads_to_the_viewers_own() -> None:
    assert here("https://git.example.com/a/blob/main/docs/runbooks/RedisDown.md", []) == "/runbooks/RedisDown"
    assert here("https://git.example.com/docs/runbooks/README.txt", []).startswith("https://")


SILENCE = "https://grafana.example.com/alerting/silence/new?alertmanager=Alertmanager"


def test_the_command_beside_a_silences_link_silences_the_same(tmp_path: Path) -> None:
    text = f"n1 is full.\nSilence: {SILENCE}&matcher=alertname%3DNodeDiskUsageHigh&matcher=disk%3D+a+%27b"
    with alertmanager(tmp_path, {"slack": {}}, ALERTMANAGER) as address:
        command = silence_command(text, address)
        assert command is not None
        name, *arguments = shlex.split(command)
        assert name == "amtool"
        subprocess.run([binary("amtool"), *arguments], check=True, capture_output=True)
        with urllib.request.urlopen(f"{address}/api/v2/silences", timeout=5) as answer:
            (silence,) = json.load(answer)
    matchers = {one["name"]: one["value"] for one in silence["matchers"]}
    assert matchers == {"alertname": "NodeDiskUsageHigh", "disk": " a 'b"}


def test_a_message_that_can_be_silenced_says_how_and_another_does_not() -> None:
    link = f"{SILENCE}&matcher=alertname%3DRedisDown"
    for body in (
        {"attachments": [{"title": "A", "text": f"Silence: {link}"}]},
        {**PAGERDUTY, "links": [{"href": link, "text": "Silence"}]},
    ):
        shown = html(cards([taken(body)], [], ALERTMANAGER))
        assert "<code>amtool silence add " in shown
        assert f"--alertmanager.url={ALERTMANAGER}" in shown
    assert "amtool" not in html(cards([taken(SLACK)], [], ALERTMANAGER))
    assert silence_command(SILENCE, ALERTMANAGER) is None
