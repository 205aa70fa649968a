"""The metric contract: every metric that a query of this project reads, declared once.

Queries are built from these declarations (see `dashboards.promql`), so a misspelt metric or label is an
error when the module is imported, never an empty panel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MetricType(StrEnum):
    """How Prometheus counts a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Who emits a group of metrics.

    Attributes:
        name: The application or exporter; for an exporter also its scrape job's name.
        version: The version whose metric names were read, or where the names are specified.
        labels: Labels that scraping adds to each of its series, with an example value. Labels of the
            exporter's own pod are left out: they say nothing about what is measured.
    """

    name: str
    version: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Series:
    """What a selector can select: a name in Prometheus, with the labels that its series carry.

    Attributes:
        name: The name in Prometheus.
        labels: Every label that its series may carry.
        sources: Names of the sources without which it has no data.
        counter: True where only its increase means something.
    """

    name: str
    labels: frozenset[str]
    sources: frozenset[str]
    counter: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """A declared metric.

    Attributes:
        name: The name as it is exposed (a histogram without `_bucket`, `_sum` and `_count`).
        type: Counter, gauge or histogram.
        unit: Base unit of its value.
        labels: Its own labels with an example value each.
        source: Who emits it.
        meaning: What it tells.
    """

    name: str
    type: MetricType
    unit: str
    source: Source
    meaning: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def series(self) -> Series:
        """The series of a counter or gauge.

        Raises:
            TypeError: It is a histogram.
        """
        if self.type is MetricType.HISTOGRAM:
            raise TypeError(f"{self.name} is a histogram: select its .buckets, .count or .sum")
        return self._series("", counter=self.type is MetricType.COUNTER)

    @property
    def buckets(self) -> Series:
        """The cumulative buckets of a histogram.

        Raises:
            TypeError: It is not a histogram.
        """
        return self._part("_bucket", "le")

    @property
    def count(self) -> Series:
        """The number of observations of a histogram.

        Raises:
            TypeError: It is not a histogram.
        """
        return self._part("_count")

    def _part(self, suffix: str, *labels: str) -> Series:
        if self.type is not MetricType.HISTOGRAM:
            raise TypeError(f"{self.name} is a {self.type}, only a histogram has {suffix} series")
        return self._series(suffix, *labels, counter=True)

    def _series(self, suffix: str, *labels: str, counter: bool) -> Series:
        return Series(
            name=self.name + suffix,
            labels=frozenset({*self.labels, *self.source.labels, *labels}),
            sources=frozenset({self.source.name}),
            counter=counter,
        )


APPLICATION = Source(
    name="application",
    version="the platform's own services",
    labels={
        "cluster": "dev",
        "namespace": "dubbing",
        "pod": "api-7d9c5b6f4-x2x9k",
        "job": "api",
        "instance": "10.0.0.7:8000",
    },
)
PROMETHEUS = Source(name="prometheus", version="3.13", labels={"cluster": "dev"})
BLACKBOX = Source(
    name="blackbox",
    version="0.28",
    labels={
        "cluster": "dev",
        "job": "blackbox",
        "instance": "https://api.example.com/health",
        "probe": "api",
    },
)
POSTGRES_EXPORTER = Source(
    name="postgres-exporter",
    version="0.20.1",
    labels={"cluster": "dev", "job": "postgres-exporter", "instance": "postgres:5432"},
)
REDIS_EXPORTER = Source(
    name="redis-exporter",
    version="1.88",
    labels={"cluster": "dev", "job": "redis-exporter", "instance": "redis:6379"},
)
NODE_EXPORTER = Source(
    name="node-exporter",
    version="1.12",
    labels={"cluster": "dev", "job": "node-exporter", "instance": "10.0.0.4:9100"},
)
KUBELET = Source(
    name="kubelet",
    version="Kubernetes 1.36",
    labels={"cluster": "dev", "job": "kubelet", "instance": "10.0.0.4:10250", "metrics_path": "/metrics"},
)
CADVISOR = Source(
    name="kubelet",
    version="cAdvisor 0.60 in Kubernetes 1.36",
    labels={**KUBELET.labels, "metrics_path": "/metrics/cadvisor"},
)
KUBE_STATE_METRICS = Source(
    name="kube-state-metrics",
    version="2.20",
    labels={"cluster": "dev", "job": "kube-state-metrics", "instance": "10.0.0.5:8080"},
)

UP = Metric(
    name="up",
    type=MetricType.GAUGE,
    unit="0 or 1",
    labels={"job": "api", "instance": "10.0.0.7:8000", "namespace": "dubbing"},
    source=PROMETHEUS,
    meaning="1 where the last scrape of the target succeeded.",
)
ALERTS = Metric(
    name="ALERTS",
    type=MetricType.GAUGE,
    unit="1",
    labels={"alertname": "DiskUsage", "alertstate": "firing", "severity": "warning"},
    source=PROMETHEUS,
    meaning="1 for every alert that is pending or firing.",
)

HTTP_SERVER_REQUEST_DURATION = Metric(
    name="http_server_request_duration_seconds",
    type=MetricType.HISTOGRAM,
    unit="seconds",
    labels={
        "http_request_method": "GET",
        "http_route": "/v1/projects/{project_id}",
        "http_response_status_code": "200",
    },
    source=APPLICATION,
    meaning=(
        "Time to answer an HTTP request, by method, route template and status code "
        "(OpenTelemetry semantic conventions 1.23 and later)."
    ),
)
WEBSOCKET_CONNECTIONS = Metric(
    name="dubbing_websocket_connections",
    type=MetricType.GAUGE,
    unit="connections",
    source=APPLICATION,
    meaning="WebSocket connections open in this pod now.",
)
STORAGE_UP = Metric(
    name="dubbing_storage_up",
    type=MetricType.GAUGE,
    unit="0 or 1",
    labels={"backend": "s3"},
    source=APPLICATION,
    meaning=(
        "1 where the last authenticated write and read of a canary object in the bucket succeeded; "
        "tried every 30 to 60 s."
    ),
)

PROBE_SUCCESS = Metric(
    name="probe_success",
    type=MetricType.GAUGE,
    unit="0 or 1",
    source=BLACKBOX,
    meaning="1 where the probe's last request was answered as its module demands.",
)

PG_UP = Metric(
    name="pg_up",
    type=MetricType.GAUGE,
    unit="0 or 1",
    source=POSTGRES_EXPORTER,
    meaning="1 where the exporter's last connection to PostgreSQL succeeded.",
)
PG_STAT_ACTIVITY_COUNT = Metric(
    name="pg_stat_activity_count",
    type=MetricType.GAUGE,
    unit="connections",
    labels={
        "datname": "dubbing",
        "state": "active",
        "usename": "api",
        "application_name": "api",
        "backend_type": "client backend",
        "wait_event_type": "",
        "wait_event": "",
    },
    source=POSTGRES_EXPORTER,
    meaning="Server processes by database and state.",
)
PG_SETTINGS_MAX_CONNECTIONS = Metric(
    name="pg_settings_max_connections",
    type=MetricType.GAUGE,
    unit="connections",
    source=POSTGRES_EXPORTER,
    meaning="Connections that the server accepts at once.",
)
PG_SETTINGS_SUPERUSER_RESERVED_CONNECTIONS = Metric(
    name="pg_settings_superuser_reserved_connections",
    type=MetricType.GAUGE,
    unit="connections",
    source=POSTGRES_EXPORTER,
    meaning="Of these, the ones kept for superusers.",
)

REDIS_UP = Metric(
    name="redis_up",
    type=MetricType.GAUGE,
    unit="0 or 1",
    source=REDIS_EXPORTER,
    meaning="1 where the exporter's last connection to Redis succeeded.",
)
REDIS_MEMORY_USED = Metric(
    name="redis_memory_used_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    source=REDIS_EXPORTER,
    meaning="Memory that Redis allocated.",
)
REDIS_MEMORY_MAX = Metric(
    name="redis_memory_max_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    source=REDIS_EXPORTER,
    meaning="Redis' maxmemory; 0 where it is not set, which is Redis' default.",
)
REDIS_TOTAL_SYSTEM_MEMORY = Metric(
    name="redis_total_system_memory_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    source=REDIS_EXPORTER,
    meaning="Memory of Redis' host; emitted with the exporter's flag --include-system-metrics only.",
)

CONTAINER_CPU_USAGE = Metric(
    name="container_cpu_usage_seconds_total",
    type=MetricType.COUNTER,
    unit="seconds",
    labels={
        "namespace": "dubbing",
        "pod": "api-7d9c5b6f4-x2x9k",
        "container": "api",
        "image": "registry.example.com/api:1.4.2",
        "cpu": "total",
    },
    source=CADVISOR,
    meaning="CPU time used; series without container and image are sums over a pod.",
)
CONTAINER_MEMORY_WORKING_SET = Metric(
    name="container_memory_working_set_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels={
        "namespace": "dubbing",
        "pod": "api-7d9c5b6f4-x2x9k",
        "container": "api",
        "image": "registry.example.com/api:1.4.2",
    },
    source=CADVISOR,
    meaning="Memory that cannot be reclaimed: what the kernel's OOM killer looks at.",
)
KUBELET_VOLUME_AVAILABLE = Metric(
    name="kubelet_volume_stats_available_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels={"namespace": "monitoring", "persistentvolumeclaim": "data-prometheus-0"},
    source=KUBELET,
    meaning="Bytes still free in a mounted persistent volume.",
)
KUBELET_VOLUME_CAPACITY = Metric(
    name="kubelet_volume_stats_capacity_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels={"namespace": "monitoring", "persistentvolumeclaim": "data-prometheus-0"},
    source=KUBELET,
    meaning="Size of a mounted persistent volume.",
)
NODE_FILESYSTEM_AVAILABLE = Metric(
    name="node_filesystem_avail_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels={"device": "/dev/nvme0n1p1", "mountpoint": "/", "fstype": "xfs", "device_error": ""},
    source=NODE_EXPORTER,
    meaning="Bytes that programs other than root's can still write.",
)
NODE_FILESYSTEM_SIZE = Metric(
    name="node_filesystem_size_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels={"device": "/dev/nvme0n1p1", "mountpoint": "/", "fstype": "xfs", "device_error": ""},
    source=NODE_EXPORTER,
    meaning="Size of a node's file system.",
)

KUBE_POD_LABELS = Metric(
    name="kube_pod_labels",
    type=MetricType.GAUGE,
    unit="1",
    labels={
        "namespace": "dubbing",
        "pod": "api-7d9c5b6f4-x2x9k",
        "uid": "5c1f0a52-8f4e-4a57-9d1c-0d8f1b7f2a11",
        "label_app_kubernetes_io_name": "api",
    },
    source=KUBE_STATE_METRICS,
    meaning=(
        "A pod's labels; label_app_kubernetes_io_name needs "
        "--metric-labels-allowlist=pods=[app.kubernetes.io/name]."
    ),
)
KUBE_REPLICASET_CREATED = Metric(
    name="kube_replicaset_created",
    type=MetricType.GAUGE,
    unit="seconds since 1970",
    labels={"namespace": "dubbing", "replicaset": "api-7d9c5b6f4"},
    source=KUBE_STATE_METRICS,
    meaning="When a ReplicaSet was created: the moment a Deployment's new version began to roll out.",
)

CONTRACT: Mapping[str, Metric] = {
    value.name: value for value in tuple(vars().values()) if isinstance(value, Metric)
}
