"""Mistakes in what a stack file says of alerts and notifications: each with its key, among all others."""

from typing import Any

import pytest

from stacks.settings_base import PROJECT
from tests.stacks.test_settings import judge

WATCH = {"host": "mail.example.com", "sender": "watch@example.com", "username": "watch"}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alerts"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"notifications": {"slack": {}}},
            ["notifications.critical\n", "nobody would hear of critical alerts", "criticalRequired: false"],
        ),
        (
            {"notifications": {"critical": {"webhook": {}}}},
            ["notifications.slack\n", "warnings of team finance, ml, platform, product: set slack"],
        ),
        (
            {"notifications": {"critical": {"webhook": {}}, "owners": {"ml": {"sns": {"topicArn": TOPIC}}}}},
            ["notifications.slack\n", "warnings of team finance, platform, product: set slack"],
        ),
        (
            {"notifications": {"criticalRequired": False, "owners": {"finance": {}}}},
            ["notifications.owners.finance\n", "nobody would hear of this team's warnings"],
        ),
        (
            {"notifications": {"criticalRequired": False, "smtp": {**WATCH, "host": "mail.example.com:25"}}},
            ["notifications.smtp.host\n", "a host name or address, without its port\n"],
        ),
        (
            {"notifications": {"criticalRequired": False, "slack": {"username": "{{ nope }}"}}},
            ["notifications.slack.username\n", "it stands in a template"],
        ),
        (
            {"notifications": {"criticalRequired": False, "grouping": {"interval": "1h", "repeat": "59m"}}},
            ["notifications.grouping.repeat\n", "must not be below interval, 1h"],
        ),
        (
            {"notifications": {"criticalRequired": False, "grouping": {"repeat": "121h"}}},
            ["notifications.grouping.repeat\n", "must not be above 120h"],
        ),
        (
            {"notifications": {"criticalRequired": False, "workingHours": {"timeZone": "localtime"}}},
            ["notifications.workingHours.timeZone\n", "is no time zone such as Europe/Berlin"],
        ),
        (
            {"notifications": {"criticalRequired": False, "workingHours": {"start": "18:00"}}},
            ["notifications.workingHours.end\n", "must be after start, 18:00"],
        ),
        (
            {"notifications": {"criticalRequired": False, "critical": 3}},
            ["notifications.critical\n", "a group of keys\n"],
        ),
        (
            {"notifications": {"criticalRequired": False, "slack": {"channel": "alerts"}}},
            ["notifications.slack.channel", "a channel with # or a person with @"],
        ),
        (
            {"notifications": {"criticalRequired": False, "workingHours": {"timeZone": ""}}},
            ["notifications.workingHours.timeZone", "is no time zone such as Europe/Berlin"],
        ),
        (
            {"notifications": {"criticalRequired": False, "workingHours": {"start": "17:00", "end": "9:00"}}},
            ["notifications.workingHours.end", "a time of day"],
        ),
        (
            {"notifications": {"slack": {}, "critical": {"email": {"to": ["team@example.com"]}}}},
            ["notifications.smtp\n", "smtp must say through which server"],
        ),
        (
            {"notifications": {"slack": {}, "critical": {"sns": {"topicArn": "alerts"}}}},
            ["critical.sns.topicArn", "arn:aws:sns:"],
        ),
        (
            {"notifications": {"criticalRequired": False, "owners": {"sales": {"slack": {}}}}},
            [
                "notifications.owners.sales\n",
                "no alert is of team sales",
                "alerts.teams has finance, ml, platform, product",
            ],
        ),
        (
            {"notifications": {"criticalRequired": False, "severe": {}}},
            ["notifications.severe", "a key that does not exist"],
        ),
        (
            {"alerts": {"runbookUrl": "https://git.example.com/runbooks"}},
            ["alerts.runbookUrl", "with the slash at the end"],
        ),
        (
            {"thresholds": {"apiUptime": {"warning": 0.9, "critical": 0.95}}},
            ["thresholds.apiUptime.critical\n", "must be below warning, 0.9: less is worse"],
        ),
        (
            {"thresholds": {"queueDepth": {"warning": 10, "critical": 5}}},
            ["thresholds.queueDepth.critical\n", "must be above warning, 10: more is worse"],
        ),
        (
            {"thresholds": {"gpuTemperature": {"warning": 90, "critical": 90}}},
            ["thresholds.gpuTemperature.critical\n", "must be above warning, 90: more is worse"],
        ),
        (
            {"thresholds": {"gpuTemperature": {"warning": 80, "critical": 185}}},
            ["thresholds.gpuTemperature.critical\n", "degrees Celsius, 40 to 110"],
        ),
        ({"thresholds": {"processingTime": {"warning": 0.5}}}, ["got:   0.5", "a factor above 1"]),
        (
            {"thresholds": {"newSubscriptions": {"warning": True}}},
            ["newSubscriptions.warning", "got:   true", "true and false are no numbers"],
        ),
        (
            {"thresholds": {"budgetUtilization": {"warning": 90}}},
            ["budgetUtilization.warning", "a share above 0 and at most 2, where 1 is all of it"],
        ),
        ({"alerts": {"apiErrorBudget": 0.07}}, ["alerts.apiErrorBudget", "0.0001 to 0.05"]),
        ({"alerts": {"apiErrorBudget": 1e-12}}, ["alerts.apiErrorBudget", "0.0001 to 0.05"]),
        (
            {"alerts": {"runbookUrl": "https://git.example.com/{{ nope }}/"}},
            ["alerts.runbookUrl", "must have no space"],
        ),
        (
            {"alerts": {"runbookUrl": "https://git.example.com/{{nope}}/"}},
            ["alerts.runbookUrl", "it stands in a template"],
        ),
        ({"thresholds": {"gpuUtilization": {"warning": 90}}}, ["got:   90", "a ratio between 0 and 1"]),
        ({"thresholds": {"monthlyCost": {"warning": -1, "critical": 5}}}, ["got:   -1", "a number above 0"]),
        ({"monthlyBudget": {"services": {"api": 0}}}, ["monthlyBudget.services.api", "got:   0"]),
        (
            {"thresholds": {"diskUsage": {"warning": 0.9, "critical": 80}}},
            ["thresholds.diskUsage.critical", "got:   80", "a ratio between 0 and 1"],
        ),
    ],
)
def test_a_mistake_names_its_key_and_what_it_takes(changes: dict[str, Any], expected: list[str]) -> None:
    report = judge(changes)
    assert "has 1 mistake; nothing was created" in report
    for text in expected:
        assert text in report


def test_what_contradicts_another_key_is_reported_whatever_else_is_wrong_in_its_group() -> None:
    report = judge(
        {
            "notifications": {
                "slack": {"channel": "alerts"},
                "owners": {
                    "sales": {"webhook": {}},
                    "finance": {},
                    "product": {"email": {"to": ["product@example.com"]}},
                },
                "workingHours": {"timeZone": "", "start": "18:00", "end": "17:00"},
                "grouping": {"wait": "soon", "interval": "1h", "repeat": "1m"},
                "severe": {},
            },
            "thresholds": {
                "queueDepth": {"warning": 200, "critical": 100, "page": 300},
                "apiUptime": {"warning": 0.95, "critical": 0.99},
                "diskUsage": {"warning": 0.8, "critical": 90},
            },
            "alerts": {"runbookUrl": "docs/runbooks"},
            "smtpPassword": "plain",
            "slackWebhookUrl-slack": "https://",
        },
        secret_keys=[f"{PROJECT}:slackWebhookUrl-slack"],
    )
    keys = [line.split(":", 1)[1] for line in report.splitlines() if line.startswith(f"  {PROJECT}:")]
    assert sorted(keys) == sorted(
        [
            "notifications.slack.channel",
            "notifications.critical",
            "notifications.owners.sales",
            "notifications.owners.finance",
            "notifications.workingHours.timeZone",
            "notifications.workingHours.end",
            "notifications.grouping.wait",
            "notifications.grouping.repeat",
            "notifications.severe",
            "thresholds.queueDepth.critical",
            "thresholds.queueDepth.page",
            "thresholds.apiUptime.critical",
            "thresholds.diskUsage.critical",
            "alerts.runbookUrl",
            "smtpPassword",
            "slackWebhookUrl-slack",
        ]
    )


def test_mail_needs_a_server_whatever_else_is_wrong() -> None:
    report = judge(
        {
            "notifications": {
                "critical": {"webhook": {}},
                "owners": {"ml": {"email": {"to": ["ml@example.com"]}}},
                "slack": {"channel": "alerts"},
                "workingHours": {"timeZone": "Mars"},
            }
        }
    )
    assert "3 mistakes" in report
    assert f"{PROJECT}:notifications.smtp\n" in report


def test_a_team_without_a_dashboard_is_none_even_where_its_group_has_another_mistake() -> None:
    report = judge(
        {
            "alerts": {"teams": {"costPerformance": "money"}, "apiErrorBudget": 2},
            "notifications": {"criticalRequired": False, "owners": {"finance": {"webhook": {}}}},
        }
    )
    assert "2 mistakes" in report
    assert "no alert is of team finance; alerts.teams has ml, money, platform, product" in report
