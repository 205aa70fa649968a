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


#: The provisioning files, each by the folder that Grafana reads it in.
PROVISIONING_FILES = ("datasources.yaml", "dashboards.yaml", "alerting.yaml")


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
                "name": "slack-alerts",
                "receivers": [
                    {
                        "uid": "slack1",
                        "type": "slack",
                        "settings": {
                            "url": secret_file(f"slackWebhookUrl-{ROOT}"),
                            "recipient": slack.channel,
                            "username": "Grafana",
                        },
                    }
                ],
            }
        ],
        "policies": [
            {"orgId": 1, "receiver": "slack-alerts", "group_by": ["grafana_folder", "alertname"]},
        ],
    }


def datasources(scrape_interval: str, long_term: str | None = None) -> dict[str, Any]:
    """Prometheus, as the specification names it, Alertmanager, and where longer ago is kept.

    The latter is of Prometheus' type, so that the dashboards' choice of a data source has both.
    """
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": "Prometheus",
                "type": "prometheus",
                "uid": DATASOURCE_UID,
                "access": "proxy",
                "url": f"http://prometheus:{PROMETHEUS_PORT}",
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "httpMethod": "POST",
                    "prometheusType": "Prometheus",
                    "timeInterval": scrape_interval,
                    "manageAlerts": True,
                    "alertmanagerUid": "alertmanager",
                },
            },
            {
                "name": "Alertmanager",
                "type": "alertmanager",
                "uid": "alertmanager",
                "access": "proxy",
                "url": f"http://alertmanager:{ALERTMANAGER_PORT}",
                "editable": False,
                "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
            },
            *([long_term_datasource(scrape_interval, long_term)] if long_term else []),
        ],
    }


def long_term_datasource(scrape_interval: str, url: str) -> dict[str, Any]:
    """A store that keeps samples for longer; it judges no alerts."""
    return {
        "name": "Prometheus (long-term)",
        "type": "prometheus",
        "uid": "prometheus-long-term",
        "access": "proxy",
        "url": url,
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            "prometheusType": "Prometheus",
            "timeInterval": scrape_interval,
            "manageAlerts": False,
        },
    }


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
                "folderUid": f"dubbing-{folder}",
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 10,
                "options": {"path": f"{DASHBOARDS_PATH}/{folder}"},
            }
            for folder, title in FOLDERS.items()
        ],
    }
