"""What Grafana finds at its start: data sources, folders of dashboards, the contact point."""

from typing import Any

from dashboards.exported import DATASOURCE_UID
from stacks.alertmanager import PORT as ALERTMANAGER_PORT
from stacks.grafana_options import secret_file
from stacks.notification_settings import ROOT, Slack
from stacks.prometheus import PORT as PROMETHEUS_PORT
from stacks.prometheus import to_yaml

#: Folders of dashboards, by the path that each is read from.
FOLDERS = {"platform": "Dubbing platform", "custom": "Custom", "sandbox": "Sandbox"}
DASHBOARDS_PATH = "/etc/grafana/dashboards"

CONTACT_POINT = "slack-alerts"
GROUP_BY = ("grafana_folder", "alertname")
#: The name that Grafana's messages come from in Slack.
SENDER = "Grafana"


def folder_uid(folder: str) -> str:
    """The uid of a folder of `FOLDERS`."""
    return f"dubbing-{folder}"


def provisioning_files(
    scrape_interval: str, slack: Slack | None, long_term: str | None = None
) -> dict[str, str]:
    """The provisioning files: data sources, the folders that dashboards are read from, the contact point."""
    return {
        "datasources.yaml": to_yaml(datasources(scrape_interval, long_term)),
        "dashboards.yaml": to_yaml(dashboard_providers()),
        "alerting.yaml": to_yaml(contact_points(slack) if slack else {"apiVersion": 1}),
    }


def contact_points(slack: Slack) -> dict[str, Any]:
    """The specification's notifier, for alerts that people build in Grafana itself."""
    return {
        "apiVersion": 1,
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
                        },
                    }
                ],
            }
        ],
        "policies": [
            {"orgId": 1, "receiver": CONTACT_POINT, "group_by": list(GROUP_BY)},
        ],
    }


def datasources(scrape_interval: str, long_term: str | None = None) -> dict[str, Any]:
    """The file of data sources; `long_term` is the URL at which longer ago is kept."""
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            # What was written before stays byte for byte: another order would restart Grafana.
            {**without_json, "editable": False, "jsonData": source["jsonData"]}
            for source in data_sources(
                scrape_interval,
                prometheus_url=f"http://prometheus:{PROMETHEUS_PORT}",
                alertmanager_url=f"http://alertmanager:{ALERTMANAGER_PORT}",
                long_term_url=long_term,
            )
            for without_json in [{key: value for key, value in source.items() if key != "jsonData"}]
        ],
    }


def data_sources(
    scrape_interval: str,
    *,
    prometheus_url: str,
    alertmanager_url: str | None,
    long_term_url: str | None = None,
) -> list[dict[str, Any]]:
    """The data sources, whichever way Grafana is told of them: Prometheus, as the specification names it.

    Alertmanager and a store that keeps samples for longer are there with their URLs. The latter judges no
    alerts, and is of Prometheus' type, so that the dashboards' choice of a data source has both.
    """
    common = {"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": scrape_interval}
    alerts = {"manageAlerts": True, "alertmanagerUid": "alertmanager"} if alertmanager_url else {}
    sources: list[dict[str, Any]] = [
        {
            "name": "Prometheus",
            "type": "prometheus",
            "uid": DATASOURCE_UID,
            "access": "proxy",
            "url": prometheus_url,
            "isDefault": True,
            "jsonData": {**common, **alerts},
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
    if long_term_url:
        sources.append(
            {
                "name": "Prometheus (long-term)",
                "type": "prometheus",
                "uid": "prometheus-long-term",
                "access": "proxy",
                "url": long_term_url,
                "jsonData": {**common, "manageAlerts": False},
            }
        )
    return sources


def dashboard_providers() -> dict[str, Any]:
    """Three folders: the project's dashboards, those that people dropped in, and one for people to play in.

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
