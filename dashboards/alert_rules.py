"""Turn declared alerts into Prometheus' rules, with the labels and links that all of them carry."""

from typing import Any

from dashboards.alert import Alert, AlertRule
from dashboards.model import Dashboard
from dashboards.parameters import Parameters

EVALUATED_EVERY = "1m"
#: A millisecond in Go's durations is 1,000,000; an hour before the evaluation.
_AN_HOUR_BEFORE = "{{ ((now | toTime).Add -3600000000000).UnixMilli }}"
_NOW = "{{ (now | toTime).UnixMilli }}"


def group(dashboard: Dashboard, alerts: tuple[Alert, ...], parameters: Parameters) -> dict[str, Any]:
    """The rule group of a dashboard's alerts, as it stands in a rule file."""
    return {
        "name": f"alerts-{dashboard.uid}",
        "interval": EVALUATED_EVERY,
        "rules": [rule(dashboard, one, parameters) for alert in alerts for one in alert.rules],
    }


def rule(dashboard: Dashboard, one: AlertRule, parameters: Parameters) -> dict[str, Any]:
    """One alerting rule."""
    alert = one.alert
    return {
        "alert": alert.name,
        "expr": str(one.condition),
        "for": one.lasts,
        "keep_firing_for": alert.keeps_firing,
        "labels": {
            "severity": str(one.severity),
            "team": parameters.teams[dashboard.uid],
            "dashboard": dashboard.uid,
            **(alert.instance or {}),
        },
        "annotations": {
            "summary": one.summary,
            "description": alert.description,
            "dashboard_url": dashboard_url(dashboard, alert, parameters),
            "runbook_url": f"{parameters.runbook_url}{alert.name}.md",
        },
    }


def dashboard_url(dashboard: Dashboard, alert: Alert, parameters: Parameters) -> str:
    """The address of the alert's panel in the hour before the evaluation, with what the alert is about."""
    # A label that this alert has not must not choose nothing.
    chosen = "".join(
        f"{{{{ with $labels.{one.name} }}}}&var-{one.name}={{{{ . | urlQueryEscape }}}}{{{{ end }}}}"
        for one in dashboard.variables
        if one.name in alert.query.labels
    )
    query = f"viewPanel=panel-{alert.panel}&from={_AN_HOUR_BEFORE}&to={_NOW}{chosen}"
    return f"{parameters.grafana_url.rstrip('/')}/d/{dashboard.uid}?{query}"
