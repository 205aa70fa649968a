"""What the monitoring stack exposes about itself."""

from dashboards.contract import Metric, MetricType, Source
from dashboards.metrics.exporters import BLACKBOX, KUBE_STATE_METRICS

PROMETHEUS_SERVER = Source(
    name="prometheus",
    version="3.13",
    labels={"cluster": "dev", "job": "prometheus", "namespace": "monitoring", "pod": "prometheus-0"},
)
ALERTMANAGER = Source(
    name="alertmanager",
    version="0.34",
    labels={"cluster": "dev", "job": "alertmanager", "namespace": "monitoring", "pod": "alertmanager-0"},
)

PROMETHEUS_RELOADED = Metric(
    name="prometheus_config_last_reload_successful",
    type=MetricType.GAUGE,
    unit="0 or 1",
    source=PROMETHEUS_SERVER,
    meaning="1 where Prometheus took its last configuration and rules.",
)
RULE_FAILURES = Metric(
    name="prometheus_rule_evaluation_failures_total",
    type=MetricType.COUNTER,
    unit="evaluations",
    labels={"rule_group": "/etc/prometheus/rules/api.yaml;api-1m"},
    source=PROMETHEUS_SERVER,
    meaning="Evaluations of a group's rules that failed.",
)
SCRAPES_OVER_LIMIT = Metric(
    name="prometheus_target_scrapes_exceeded_sample_limit_total",
    type=MetricType.COUNTER,
    unit="scrapes",
    source=PROMETHEUS_SERVER,
    meaning="Scrapes that were thrown away because the target exposed more than its job allows.",
)
ALERTMANAGERS = Metric(
    name="prometheus_notifications_alertmanagers_discovered",
    type=MetricType.GAUGE,
    unit="servers",
    source=PROMETHEUS_SERVER,
    meaning="Alertmanagers that Prometheus knows.",
)
NOTIFICATIONS_DROPPED = Metric(
    name="prometheus_notifications_dropped_total",
    type=MetricType.COUNTER,
    unit="alerts",
    source=PROMETHEUS_SERVER,
    meaning="Alerts that no Alertmanager took.",
)
DISCOVERY_FAILURES = Metric(
    name="prometheus_sd_kubernetes_failures_total",
    type=MetricType.COUNTER,
    unit="requests",
    source=PROMETHEUS_SERVER,
    meaning="Lists and watches of the Kubernetes API that failed.",
)
REMOTE_WRITE_NEWEST = Metric(
    name="prometheus_remote_storage_queue_highest_timestamp_seconds",
    type=MetricType.GAUGE,
    unit="seconds since 1970",
    labels={"remote_name": "a1b2c3"},
    source=PROMETHEUS_SERVER,
    meaning="Time of the newest sample that waits to be written to the remote storage.",
)
REMOTE_WRITE_SENT = Metric(
    name="prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
    type=MetricType.GAUGE,
    unit="seconds since 1970",
    labels=REMOTE_WRITE_NEWEST.labels,
    source=PROMETHEUS_SERVER,
    meaning="Time of the newest sample that the remote storage took.",
)
ALERTMANAGER_RELOADED = Metric(
    name="alertmanager_config_last_reload_successful",
    type=MetricType.GAUGE,
    unit="0 or 1",
    source=ALERTMANAGER,
    meaning="1 where Alertmanager took its last configuration.",
)
NOTIFICATIONS_FAILED = Metric(
    name="alertmanager_notifications_failed_total",
    type=MetricType.COUNTER,
    unit="notifications",
    labels={"integration": "slack", "reason": "clientError"},
    source=ALERTMANAGER,
    meaning="Notifications that were given up after all tries; the group's next one tries again.",
)
CERTIFICATE_EXPIRY = Metric(
    name="probe_ssl_earliest_cert_expiry",
    type=MetricType.GAUGE,
    unit="seconds since 1970",
    source=BLACKBOX,
    meaning="When the first certificate of the probed address ends.",
)
NODE_ALLOCATABLE = Metric(
    name="kube_node_status_allocatable",
    type=MetricType.GAUGE,
    unit="of the resource's own",
    labels={"node": "gpu-1", "resource": "nvidia_com_gpu"},
    source=KUBE_STATE_METRICS,
    meaning="What a node has of a resource for pods.",
)
