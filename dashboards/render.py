"""Render the declared dashboards and rules as the files that Grafana and Prometheus load."""

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import (
    alert_rules,
    cost_performance,
    grafana,
    job_processing,
    model_performance,
    system_health,
    user_activity,
)
from dashboards.alert import Alert
from dashboards.alerts import cost_performance as cost_alerts
from dashboards.alerts import job_processing as job_alerts
from dashboards.alerts import model_performance as model_alerts
from dashboards.alerts import monitoring as monitoring_alerts
from dashboards.alerts import system_health as health_alerts
from dashboards.alerts import user_activity as user_alerts
from dashboards.model import Dashboard, Recording
from dashboards.parameters import Parameters
from dashboards.recordings.subjects import group_name, recordings
from dashboards.yaml_text import to_yaml

CONFIG_MAP_BYTES = 1024 * 1024
"""What Kubernetes takes in one ConfigMap, keys and values together."""


class TooLargeError(ValueError):
    """Files that do not fit into one ConfigMap."""


def declared(parameters: Parameters) -> tuple[Dashboard, ...]:
    """Return every dashboard of the project, in the specification's order."""
    return tuple(
        module.dashboard(parameters)
        for module in (system_health, job_processing, model_performance, user_activity, cost_performance)
    )


def alerts(parameters: Parameters) -> dict[str, tuple[Alert, ...]]:
    """Return every alert by the uid of its dashboard."""
    return {
        "system-health": health_alerts.alerts(parameters) + monitoring_alerts.alerts(parameters),
        "job-processing": job_alerts.alerts(parameters),
        "model-performance": model_alerts.alerts(parameters),
        "user-activity": user_alerts.alerts(parameters),
        "cost-performance": cost_alerts.alerts(parameters),
    }


def alert_identity(parameters: Parameters) -> tuple[str, ...]:
    """Return every label that tells what an alert is about, of those that are a warning or critical."""
    labels = frozenset[str]()
    for declared_alerts in alerts(parameters).values():
        labels |= frozenset[str]().union(*(one.query.labels for one in declared_alerts if len(one.rules) > 1))
    return tuple(sorted(labels))


def dashboards(parameters: Parameters) -> dict[str, str]:
    """Return the text of each dashboard's JSON by file name."""
    return {f"{one.uid}.json": dashboard_json(one, parameters.switched_off) for one in declared(parameters)}


def uids(parameters: Parameters) -> dict[str, str]:
    """Return each dashboard's uid by the name of its file."""
    return {f"{one.uid}.json": one.uid for one in declared(parameters)}


def dashboard_json(dashboard: Dashboard, switched_off: frozenset[str] = frozenset()) -> str:
    """Return one dashboard as JSON, always in the same order."""
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return encoder.encode(grafana.build(dashboard, switched_off)) + "\n"


def rules(parameters: Parameters) -> dict[str, str]:
    """Return the text of each rule file by file name."""
    recorded = {
        f"{subject}.yaml": to_yaml({"groups": _recording_groups(subject, rules)})
        for subject, rules in recordings(parameters).items()
    }
    by_dashboard = alerts(parameters)
    return recorded | {
        f"alerts-{one.uid}.yaml": to_yaml(
            {"groups": [alert_rules.group(one, by_dashboard[one.uid], parameters)]}
        )
        for one in declared(parameters)
    }


def _recording_groups(subject: str, recordings: tuple[Recording, ...]) -> list[dict[str, Any]]:
    intervals = dict.fromkeys(one.every for one in recordings)
    return [
        {
            "name": group_name(subject, every),
            "interval": every,
            "rules": [
                {"record": one.name, "expr": str(one.query)} for one in recordings if one.every == every
            ],
        }
        for every in intervals
    ]


def refuse_too_large(config_map: str, files: Mapping[str, str]) -> None:
    """Refuse files that do not fit into one ConfigMap together.

    Args:
        config_map: Its name, for the error.
        files: File name to text, as its data.

    Raises:
        TooLargeError: They are larger than 1 MiB; the error names the largest.
    """
    sizes = {name: len(name.encode()) + len(text.encode()) for name, text in files.items()}
    if sum(sizes.values()) > CONFIG_MAP_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise TooLargeError(
            f"ConfigMap {config_map}: {sum(sizes.values())} bytes, Kubernetes takes {CONFIG_MAP_BYTES}. "
            f"The largest file is {largest} with {sizes[largest]} bytes: split it or take panels out."
        )
