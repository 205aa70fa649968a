"""The list of a dashboard's firing alerts, the same on every one."""

from dashboards.metrics import exporters
from dashboards.model import GRID_COLUMNS, Table
from dashboards.promql import Matcher, group_by, select
from dashboards.variables import CLUSTER

FIRING = 106
"""The list's panel id."""

COLUMNS = {
    "severity": "Severity",
    "alertname": "Alert",
    "cluster": "Cluster",
    "namespace": "Namespace",
    "team": "Team",
}


def firing(uid: str) -> Table:
    """The alerts of a dashboard that fire now."""
    # What always fires is no news: its absence is.
    news = Matcher("!=", "none")
    mine = select(exporters.ALERTS, alertstate="firing", severity=news, dashboard=uid, cluster=CLUSTER)
    return Table(
        id=FIRING,
        title="Firing alerts",
        description=(
            "Alerts of this dashboard that fire now, silenced ones, too. Each has a runbook in "
            "docs/runbooks, named as the alert is; silence it in Alertmanager while somebody works on it."
        ),
        unit="none",
        query=group_by(mine, *COLUMNS),
        columns=COLUMNS,
        width=GRID_COLUMNS,
        no_data="No alert fires",
    )
