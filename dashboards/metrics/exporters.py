"""What the exporters expose, as their sources have it."""

from dashboards.contract import Metric, MetricType, Source

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

OPENCOST = Source(name="opencost", version="1.120", labels={"cluster": "dev", "job": "opencost"})

UP = Metric(
    name="up",
    type=MetricType.GAUGE,
    unit="0 or 1",
    labels={"job": "api", "instance": "10.0.0.7:8000", "namespace": "dubbing", "pod": "api-0"},
    source=PROMETHEUS,
    meaning="1 where the last scrape of the target succeeded.",
)
ALERTS = Metric(
    name="ALERTS",
    type=MetricType.GAUGE,
    unit="1",
    labels={
        "alertname": "NodeDiskUsageHigh",
        "alertstate": "firing",
        "severity": "warning",
        "team": "platform",
        "dashboard": "system-health",
        "namespace": "dubbing",
    },
    source=PROMETHEUS,
    meaning="1 for every alert that is pending or firing.",
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
    meaning="Of the connections that the server accepts, the ones kept for superusers.",
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
        "label_dubbing_model": "whisper-large",
    },
    source=KUBE_STATE_METRICS,
    meaning=(
        "A pod's labels; the two need --metric-labels-allowlist=pods=[app.kubernetes.io/name,dubbing/model]."
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

_OPENCOST_NODE = {
    "node": "ip-10-0-1-7",
    "instance": "ip-10-0-1-7",
    "instance_type": "g5.xlarge",
    "region": "eu-west-1",
    "provider_id": "i-0abc",
    "arch": "amd64",
    "uid": "0b5e",
}
_OPENCOST_POD = {
    "namespace": "dubbing",
    "pod": "whisper-6c5f7d8b9-abcde",
    "container": "server",
    "node": "ip-10-0-1-7",
    "instance": "ip-10-0-1-7",
    "uid": "77aa",
}
NODE_TOTAL_HOURLY_COST = Metric(
    name="node_total_hourly_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour",
    labels=_OPENCOST_NODE,
    source=OPENCOST,
    meaning="Price of a whole node: CPU, memory and GPU.",
)
NODE_CPU_HOURLY_COST = Metric(
    name="node_cpu_hourly_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour and core",
    labels=_OPENCOST_NODE,
    source=OPENCOST,
    meaning="Price of one core of a node.",
)
NODE_RAM_HOURLY_COST = Metric(
    name="node_ram_hourly_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour and GiB",
    labels=_OPENCOST_NODE,
    source=OPENCOST,
    meaning="Price of one GiB of a node's memory.",
)
NODE_GPU_HOURLY_COST = Metric(
    name="node_gpu_hourly_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour and GPU",
    labels=_OPENCOST_NODE,
    source=OPENCOST,
    meaning="Price of one GPU of a node.",
)
NODE_GPU_COUNT = Metric(
    name="node_gpu_count",
    type=MetricType.GAUGE,
    unit="GPUs",
    labels=_OPENCOST_NODE,
    source=OPENCOST,
    meaning="GPUs of a node.",
)
CONTAINER_CPU_ALLOCATION = Metric(
    name="container_cpu_allocation",
    type=MetricType.GAUGE,
    unit="cores",
    labels=_OPENCOST_POD,
    source=OPENCOST,
    meaning="Cores that a container is charged for: the larger of what it requests and what it uses.",
)
CONTAINER_MEMORY_ALLOCATION = Metric(
    name="container_memory_allocation_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels=_OPENCOST_POD,
    source=OPENCOST,
    meaning="Memory that a container is charged for: the larger of what it requests and what it uses.",
)
CONTAINER_GPU_ALLOCATION = Metric(
    name="container_gpu_allocation",
    type=MetricType.GAUGE,
    unit="GPUs",
    labels=_OPENCOST_POD,
    source=OPENCOST,
    meaning="GPUs that a container is charged for.",
)
PV_HOURLY_COST = Metric(
    name="pv_hourly_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour and GiB",
    labels={
        "persistentvolume": "pvc-1f2e",
        "volumename": "pvc-1f2e",
        "provider_id": "vol-0abc",
        "uid": "1f2e",
    },
    source=OPENCOST,
    meaning="Price of one GiB of a persistent volume.",
)
LOAD_BALANCER_COST = Metric(
    name="kubecost_load_balancer_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour",
    labels={"namespace": "dubbing", "service_name": "gateway", "ingress_ip": "203.0.113.7", "uid": "9c8d"},
    source=OPENCOST,
    meaning="Price of a load balancer.",
)
CLUSTER_MANAGEMENT_COST = Metric(
    name="kubecost_cluster_management_cost",
    type=MetricType.GAUGE,
    unit="US dollars per hour",
    labels={"provisioner_name": "EKS"},
    source=OPENCOST,
    meaning="Price of the managed control plane.",
)
KUBE_PERSISTENTVOLUME_CAPACITY = Metric(
    name="kube_persistentvolume_capacity_bytes",
    type=MetricType.GAUGE,
    unit="bytes",
    labels={"persistentvolume": "pvc-1f2e"},
    source=KUBE_STATE_METRICS,
    meaning="Size of a persistent volume.",
)
