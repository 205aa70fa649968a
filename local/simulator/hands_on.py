"""Incidents that are no figures: hands on the cluster, servers that are gone. `local.by_hand` does them."""

from local.simulator.incidents import Incident


def _incident(name: str, does: str, alert: str, severity: str, seen: str) -> Incident:
    return Incident(name=name, does=does, fires=((alert, severity),), seen=seen)


RULES_BROKEN = _incident(
    "rules-broken",
    "Somebody adds a rule file by hand that is no YAML.",
    "ConfigReloadFailed",
    "warning",
    "Prometheus goes on with its old rules; the alert fires after 5 minutes.",
)
RULES_FAILING = _incident(
    "rules-failing",
    "Somebody adds a rule by hand that fails at each evaluation.",
    "RuleEvaluationFailing",
    "warning",
    "The alert fires within a quarter of an hour; all other rules go on.",
)
ALERTMANAGER_FORGOTTEN = _incident(
    "alertmanager-forgotten",
    "Somebody edits Prometheus' configuration by hand and loses the section alerting.",
    "NoAlertmanager",
    "critical",
    "It fires after 10 minutes, in Prometheus only: this very alert has no way out any more.",
)
ALERTMANAGER_MISCONFIGURED = _incident(
    "alertmanager-misconfigured",
    "Somebody edits Alertmanager's configuration by hand and makes it reload.",
    "AlertmanagerConfigReloadFailed",
    "warning",
    "Alertmanager goes on with the old one; the alert fires after 5 minutes.",
)
RIGHTS_WITHDRAWN = _incident(
    "rights-withdrawn",
    "Somebody deletes the ClusterRoleBinding of Prometheus.",
    "DiscoveryFailing",
    "warning",
    "Watches that run go on for up to 10 minutes; it fires 15 minutes after the first failure.",
)
EXPORTER_REMOVED = _incident(
    "exporter-removed",
    "Somebody scales the Redis exporter to nothing.",
    "SourceAbsent",
    "warning",
    "It fires after 15 minutes; the tile Redis Status has no data.",
)
ALERTMANAGER_GONE = _incident(
    "alertmanager-gone",
    "Alertmanager does not run any more.",
    "AlertsNotDelivered",
    "critical",
    "It fires after 10 minutes in Prometheus, and reaches people when Alertmanager is back.",
)
RECEIVER_DOWN = _incident(
    "receiver-down",
    "The receivers' servers answer every message with an error.",
    "NotificationsFailing",
    "critical",
    "Firing in Prometheus after minutes; people get it when the receivers are back.",
)
STORE_AWAY = _incident(
    "remote-store-away",
    "The workspace that Prometheus writes to answers every write with an error.",
    "RemoteWriteBehind",
    "warning",
    "The alert after about 17 minutes, where Prometheus writes to a workspace: in prod; nothing is lost.",
)

HANDS_ON = {value.name: value for value in tuple(globals().values()) if isinstance(value, Incident)}
"""All of them by name."""
