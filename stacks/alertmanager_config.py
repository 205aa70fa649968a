"""What Alertmanager is told: who gets what, when, and in which words. Secrets are names of files here."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stacks.notification_settings import (
    CRITICAL,
    DEAD_MANS_SWITCH,
    ROOT,
    SMTP_PASSWORD,
    Notifications,
    Receiver,
    WorkingHours,
)

CONFIG_PATH = "/etc/alertmanager/config"
SECRETS_PATH = "/etc/alertmanager/secrets"
NOBODY = "nobody"
SWITCH = "dead-mans-switch"
HOURS = "working-hours"

TITLE = '{{ template "message.title" . }}'
TEXT = '{{ template "message.text" . }}'
SEVERITY = '{{ template "message.severity" . }}'
COLOR = '{{ template "message.color" . }}'
LINK = '{{ template "message.link" . }}'
SILENCE = '{{ template "message.silence" . }}'
RUNBOOK = "{{ .CommonAnnotations.runbook_url }}"

Yaml = dict[str, Any]


def alertmanager_config(settings: Notifications, identity: Iterable[str]) -> Yaml:
    """The content of `alertmanager.yml`.

    Args:
        settings: Who hears of alerts.
        identity: The labels that make out what an alert is about: a critical alert silences the warning with
            the same ones.
    """
    config: Yaml = {
        "route": _route(settings),
        "inhibit_rules": [
            {
                "source_matchers": ['severity="critical"'],
                "target_matchers": ['severity="warning"'],
                "equal": ["alertname", *identity],
            }
        ],
        "receivers": [
            *(_receiver(name, receiver) for name, receiver in settings.receivers().items()),
            {"name": SWITCH, "webhook_configs": [_webhook(DEAD_MANS_SWITCH, resolved=False)]}
            if settings.dead_mans_switch
            else {"name": NOBODY},
        ],
        "templates": [f"{CONFIG_PATH}/*.tmpl"],
        "time_intervals": [{"name": HOURS, "time_intervals": [_hours(settings.working_hours)]}],
    }
    if smtp := settings.smtp:
        config["global"] = {
            "smtp_smarthost": f"{smtp.host}:{smtp.port}",
            "smtp_from": smtp.sender,
            "smtp_auth_username": smtp.username,
            "smtp_auth_password_file": f"{SECRETS_PATH}/{SMTP_PASSWORD}",
            "smtp_require_tls": True,
        }
    return config


def _route(settings: Notifications) -> Yaml:
    watchdog = {
        "receiver": SWITCH if settings.dead_mans_switch else NOBODY,
        "matchers": ['alertname="Watchdog"'],
        # A sign of life every minute: a switch that waits five minutes may miss some. Each flush must find
        # the repeat interval over: an equal one is over a moment later, and every second flush sends nothing.
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "50s",
    }
    # What is critical goes to the pager, and on to the channel like everything else.
    pager = {"receiver": CRITICAL, "matchers": ['severity="critical"'], "continue": True}
    owners = [
        {
            "receiver": f"owner-{team}",
            "matchers": ['severity="warning"', f'team="{team}"'],
            "active_time_intervals": [HOURS],
        }
        for team in settings.owners
    ]
    return {
        "receiver": ROOT,
        "group_by": ["alertname", "cluster"],
        "group_wait": settings.grouping.wait,
        "group_interval": settings.grouping.interval,
        "repeat_interval": settings.grouping.repeat,
        "routes": [
            watchdog,
            *([pager] if settings.critical.is_set else []),
            *owners,
            {"receiver": ROOT},
        ],
    }


def _hours(hours: WorkingHours) -> Yaml:
    return {
        # One by one: Alertmanager's week begins on Sunday, and takes no range over its end.
        "weekdays": list(hours.days),
        "times": [{"start_time": hours.start, "end_time": hours.end}],
        "location": hours.time_zone,
    }


def _receiver(name: str, receiver: Receiver) -> Yaml:
    config: Yaml = {"name": name}
    if slack := receiver.slack:
        config["slack_configs"] = [
            {
                "api_url_file": f"{SECRETS_PATH}/slackWebhookUrl-{name}",
                "channel": slack.channel,
                "username": slack.username,
                "send_resolved": True,
                "color": COLOR,
                "title": TITLE,
                # Without it the title leads to a pod's own address.
                "title_link": LINK,
                "fallback": TITLE,
                "text": TEXT,
            }
        ]
    if pagerduty := receiver.pagerduty:
        config["pagerduty_configs"] = [
            {
                "routing_key_file": f"{SECRETS_PATH}/pagerdutyRoutingKey-{name}",
                "send_resolved": True,
                "client": pagerduty.description,
                "client_url": LINK,
                "severity": SEVERITY,
                "description": TITLE,
                # The last two are all alerts as JSON unless they are given.
                "details": {
                    "text": TEXT,
                    "firing": "{{ len .Alerts.Firing }}",
                    "resolved": "{{ len .Alerts.Resolved }}",
                },
                "links": [
                    {"href": LINK, "text": "Dashboard"},
                    {"href": RUNBOOK, "text": "Runbook"},
                    {"href": SILENCE, "text": "Silence"},
                ],
            }
        ]
    if email := receiver.email:
        config["email_configs"] = [
            {
                "to": ", ".join(email.to),
                "send_resolved": True,
                "headers": {"Subject": TITLE},
                # The same text as everywhere; without this Alertmanager's own page is sent, too.
                "html": "",
                "text": TEXT,
            }
        ]
    if receiver.webhook:
        config["webhook_configs"] = [
            {**_webhook(f"webhookUrl-{name}", resolved=True), "max_alerts": receiver.webhook.max_alerts}
        ]
    if sns := receiver.sns:
        config["sns_configs"] = [
            {
                "topic_arn": sns.topic_arn,
                "sigv4": {"region": sns.region},
                "send_resolved": True,
                "subject": TITLE,
                "message": TEXT,
            }
        ]
    return config


def _webhook(secret: str, *, resolved: bool) -> Yaml:
    return {"url_file": f"{SECRETS_PATH}/{secret}", "send_resolved": resolved}


def message_templates(grafana_url: str) -> str:
    """The content of `messages.tmpl`: one text for all receivers.

    Args:
        grafana_url: Where people reach Grafana, to silence from.
    """
    text = (Path(__file__).parent / "messages.tmpl").read_text(encoding="utf-8")
    return text.replace("GRAFANA_URL/", grafana_url.rstrip("/") + "/")
