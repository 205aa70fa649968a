"""What notifications say, and where a tap on them leads: as a real Alertmanager sends them."""

from pathlib import Path
from typing import Any

from tests.stacks.notified import QUICK, Messages, alertmanager, an_alert, http_receiver, send

Json = dict[str, Any]
SLACK: Json = {"slack": {}, "grouping": QUICK}
GRAFANA = "https://grafana.example.com"
DASHBOARD = f"{GRAFANA}/d/system-health?viewPanel=panel-403"
SILENCE = f"{GRAFANA}/alerting/silence/new?alertmanager=Alertmanager"


def attachment(messages: Messages) -> Json:
    """The first message in the channel."""
    (said,) = messages.wait("slackWebhookUrl-slack", 1)
    (found,) = said["attachments"]
    return found


def test_many_alerts_are_summed_up(tmp_path: Path) -> None:
    with http_receiver() as (url, messages), alertmanager(tmp_path, SLACK, url) as address:
        send(address, *(an_alert("TargetDown", "warning", instance=f"n{number}") for number in range(8)))
        said = attachment(messages)
        assert said["title"] == "WARNING: TargetDown in dev (8 warnings)"
        assert said["color"] == "warning"
        assert said["text"].count("Where:") == 5
        assert "and 3 more." in said["text"]


def test_the_worst_of_a_group_comes_first_and_gives_it_its_title_and_colour(tmp_path: Path) -> None:
    group = [an_alert("NodeDiskUsageHigh", "warning", instance=f"n{number}") for number in range(6)]
    worst = an_alert("NodeDiskUsageHigh", "critical", instance="z9")
    worst["annotations"]["dashboard_url"] = f"{DASHBOARD}&var-instance=z9"
    with http_receiver() as (url, messages), alertmanager(tmp_path, SLACK, url) as address:
        send(address, *group, worst)
        said = attachment(messages)
        assert said["title"] == "CRITICAL: NodeDiskUsageHigh in dev (1 critical, 6 warnings)"
        assert said["color"] == "danger"
        assert said["text"].startswith("CRITICAL z9 is 91% full")
        assert said["text"].count("Where:") == 5
        assert "and 2 more." in said["text"]
        assert said["title_link"] == f"{DASHBOARD}&var-instance=z9"


def test_a_page_leads_to_the_dashboard_the_runbook_and_a_silence(tmp_path: Path) -> None:
    settings = {"critical": {"pagerduty": {}}, "grouping": QUICK}
    with http_receiver() as (url, messages), alertmanager(tmp_path, settings, url) as address:
        send(address, an_alert("NodeDiskUsageHigh", "critical", instance="n1"))
        (page,) = messages.wait("pagerduty", 1)
        assert page["client"] == "Dubbing platform"
        assert page["client_url"] == DASHBOARD
        assert page["links"] == [
            {"href": DASHBOARD, "text": "Dashboard"},
            {"href": "https://git.example.com/runbooks/NodeDiskUsageHigh.md", "text": "Runbook"},
            {
                "href": f"{SILENCE}&matcher=alertname%3DNodeDiskUsageHigh&matcher=cluster%3Ddev",
                "text": "Silence",
            },
        ]
        payload = page["payload"]
        assert payload["summary"] == "CRITICAL: NodeDiskUsageHigh in dev"
        assert payload["severity"] == "critical"
        details: Json = payload["custom_details"]
        assert details.pop("text").startswith("CRITICAL n1 is 91% full, above 80%.\nA full node")
        assert set(details.values()) == {0, 1}, "counts, not all alerts as JSON"


def test_an_alert_of_somebodys_own_says_what_it_has_and_leaves_no_gaps(tmp_path: Path) -> None:
    own: Json = {"labels": {"alertname": "Own"}, "startsAt": an_alert("Own", "")["startsAt"]}
    with http_receiver() as (url, messages), alertmanager(tmp_path, SLACK, url) as address:
        send(address, own)
        said = attachment(messages)
        assert said["title"] == "ALERT: Own"
        assert said["title_link"] == f"{GRAFANA}/alerting/groups?alertmanager=Alertmanager"
        first, second, *rest = said["text"].splitlines()
        assert first == "ALERT Own"
        assert second.startswith("Since ")
        assert second.endswith(" UTC.")
        assert rest == ["", f"Silence: {SILENCE}&matcher=alertname%3DOwn"]
