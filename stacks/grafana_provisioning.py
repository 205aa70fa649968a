"""What a Grafana has of the stack, by files or by its API: data sources, folders, the contact point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from dashboards.exported import DATASOURCE_UID
from dashboards.yaml_text import to_yaml
from stacks.alertmanager import PORT as ALERTMANAGER_PORT
from stacks.grafana_options import secret_file
from stacks.notification_settings import ROOT, Slack
from stacks.prometheus import PORT as PROMETHEUS_PORT

#: Folders of dashboards, by the path that each is read from.
FOLDERS = {"platform": "Dubbing platform", "custom": "Custom", "archive": "Archive", "sandbox": "Sandbox"}
DASHBOARDS_PATH = "/etc/grafana/dashboards"

CONTACT_POINT = "slack-alerts"
TEMPLATE = "dubbing"
#: What the contact point says, in the words of the template.
TITLE = '{{ template "dubbing.title" . }}'
TEXT = '{{ template "dubbing.text" . }}'
GROUP_BY = ("grafana_folder", "alertname")
#: The name that Grafana's messages come from in Slack.
SENDER = "Grafana"


def folder_uid(folder: str) -> str:
    """The uid of a folder of `FOLDERS`."""
    return f"dubbing-{folder}"


@dataclass(frozen=True, kw_only=True)
class Store:
    """Where Grafana asks for series, as it asks a Prometheus."""

    url: pulumi.Input[str]
    type: str = "prometheus"
    signing: Mapping[str, object] = field(default_factory=dict[str, object])
    """How what it asks is signed, in the words of the data source."""


def workspace_store(query_url: pulumi.Input[str], region: str, kind: str) -> Store:
    """A workspace of Amazon, asked by a Grafana that signs as the role of its own."""
    return Store(
        url=query_url,
        type=kind,
        signing={"sigV4Auth": True, "sigV4AuthType": "ec2_iam_role", "sigV4Region": region},
    )


def provisioning_files(sources: Sequence[Mapping[str, Any]], slack: Slack | None) -> dict[str, str]:
    """The provisioning files: data sources, the folders that dashboards are read from, the contact point."""
    return {
        "datasources.yaml": to_yaml(datasources(sources)),
        "dashboards.yaml": to_yaml(dashboard_providers()),
        "alerting.yaml": to_yaml(contact_points(slack) if slack else {"apiVersion": 1}),
    }


def contact_points(slack: Slack) -> dict[str, Any]:
    """The specification's notifier, for alerts that people build in Grafana itself, and what it says."""
    return {
        "apiVersion": 1,
        "templates": [{"orgId": 1, "name": TEMPLATE, "template": message_template()}],
        "contactPoints": [
            {
                "orgId": 1,
                "name": CONTACT_POINT,
                "receivers": [
                    {
                        "uid": "slack1",
                        "type": "slack",
                        "settings": {
                            "url": secret_file(f"slackWebhookUrl-{ROOT}"),
                            "recipient": slack.channel,
                            "username": SENDER,
                            "title": TITLE,
                            "text": TEXT,
                        },
                    }
                ],
            }
        ],
        "policies": [
            {"orgId": 1, "receiver": CONTACT_POINT, "group_by": list(GROUP_BY)},
        ],
    }


def message_template() -> str:
    """The words of Grafana's own alerts; Alertmanager's have functions that Grafana's templates lack."""
    return (Path(__file__).parent / "grafana_messages.tmpl").read_text(encoding="utf-8")


def datasources(sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The file of data sources."""
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            # What was written before stays byte for byte: another order would restart Grafana.
            {**without_json, "editable": False, "jsonData": source["jsonData"]}
            for source in sources
            for without_json in [{key: value for key, value in source.items() if key != "jsonData"}]
        ],
    }


def own_data_sources(scrape_interval: str, long_term_url: str | None = None) -> list[dict[str, Any]]:
    """The data sources of a Grafana of the stack's own, which are in its namespace."""
    return data_sources(
        scrape_interval,
        prometheus=Store(url=f"http://prometheus:{PROMETHEUS_PORT}"),
        alertmanager_url=f"http://alertmanager:{ALERTMANAGER_PORT}",
        long_term=Store(url=long_term_url) if long_term_url else None,
    )


def data_sources(
    scrape_interval: str, *, prometheus: Store, alertmanager_url: str | None, long_term: Store | None = None
) -> list[dict[str, Any]]:
    """The data sources, whichever way Grafana is told of them: Prometheus, as the specification names it.

    Alertmanager and a store that keeps samples for longer are there where they are given. The latter judges
    no alerts, and is of a type that Grafana takes for Prometheus', so that the dashboards' choice has both.
    """
    common = {"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": scrape_interval}
    alerts = {"manageAlerts": True, "alertmanagerUid": "alertmanager"} if alertmanager_url else {}
    sources: list[dict[str, Any]] = [
        {
            "name": "Prometheus",
            "type": prometheus.type,
            "uid": DATASOURCE_UID,
            "access": "proxy",
            "url": prometheus.url,
            "isDefault": True,
            "jsonData": {**common, **alerts, **prometheus.signing},
        }
    ]
    if alertmanager_url:
        sources.append(
            {
                "name": "Alertmanager",
                "type": "alertmanager",
                "uid": "alertmanager",
                "access": "proxy",
                "url": alertmanager_url,
                "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
            }
        )
    if long_term:
        sources.append(
            {
                "name": "Prometheus (long-term)",
                "type": long_term.type,
                "uid": "prometheus-long-term",
                "access": "proxy",
                "url": long_term.url,
                "jsonData": {**common, "manageAlerts": False, **long_term.signing},
            }
        )
    return sources


def dashboard_providers() -> dict[str, Any]:
    """A folder each: the project's dashboards, what people dropped in, what they retired, and one to play in.

    A path that has no files is an empty folder: Grafana would delete the dashboards of a provider that goes.
    The last one's path stays empty: the provider makes the folder, and nothing in it is provisioned.
    """
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": folder,
                "orgId": 1,
                "folder": title,
                "folderUid": folder_uid(folder),
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 10,
                "options": {"path": f"{DASHBOARDS_PATH}/{folder}"},
            }
            for folder, title in FOLDERS.items()
        ],
    }
