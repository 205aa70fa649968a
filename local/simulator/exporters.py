"""What the exporters of PostgreSQL, Redis, the nodes' disks, Kubernetes' state and the probes expose."""

import uuid
from collections.abc import Iterator

import numpy as np

from dashboards.metrics import exporters, monitoring
from local.inventory import Inventory, Node
from local.simulator import catalogue, certificates
from local.simulator.disks import Used
from local.simulator.figures import gauge, hidden, steady
from local.simulator.incidents import Schedule
from local.simulator.rhythm import EPOCH, during, rhythm
from local.simulator.series import Moments, Simulated
from local.simulator.services import MODEL_LABEL, NAME_LABEL

GIB = 1024**3

CONNECTIONS = {"active": 14, "idle": 46, "idle in transaction": 2}
MAX_CONNECTIONS, RESERVED_CONNECTIONS = 200, 3

REDIS_USED, REDIS_MAX, REDIS_HOST = 1.3 * GIB, 3 * GIB, 6 * GIB

FILE_SYSTEMS = {
    "/": ("/dev/nvme0n1p1", 80 * GIB, 0.46),
    "/var/lib/containerd": ("/dev/nvme1n1", 200 * GIB, 0.55),
}
"""Each mount point of a node: its device, its size and the share of it that is used."""
FILLING_MOUNT = "/"
FILLED = {catalogue.DISK_FILLS: 0.84, catalogue.DISK_FULL: 0.94}


def postgres(schedule: Schedule) -> Iterator[Simulated]:
    """Yield the series of postgres_exporter; of a server that refuses it only that."""
    down = during(schedule, catalogue.DATABASE_DIES)
    yield gauge(exporters.PG_UP, {}, lambda moments: np.where(down.last(moments), 0.0, 1.0))
    for state, usual in CONNECTIONS.items():
        labels = {
            "datname": "dubbing",
            "state": state,
            "usename": "dubbing",
            "application_name": "api",
            "backend_type": "client backend",
            "wait_event_type": "",
            "wait_event": "",
        }
        yield hidden(
            gauge(exporters.PG_STAT_ACTIVITY_COUNT, labels, _Around(f"connections {state}", usual)), down
        )
    yield hidden(steady(exporters.PG_SETTINGS_MAX_CONNECTIONS, {}, MAX_CONNECTIONS), down)
    yield hidden(steady(exporters.PG_SETTINGS_SUPERUSER_RESERVED_CONNECTIONS, {}, RESERVED_CONNECTIONS), down)


def redis(schedule: Schedule) -> Iterator[Simulated]:
    """Yield the series of redis_exporter; of a server that refuses it only that."""
    down = during(schedule, catalogue.REDIS_DIES)
    yield gauge(exporters.REDIS_UP, {}, lambda moments: np.where(down.last(moments), 0.0, 1.0))
    yield hidden(gauge(exporters.REDIS_MEMORY_USED, {}, _Around("redis memory", REDIS_USED)), down)
    yield hidden(steady(exporters.REDIS_MEMORY_MAX, {}, REDIS_MAX), down)
    yield hidden(steady(exporters.REDIS_TOTAL_SYSTEM_MEMORY, {}, REDIS_HOST), down)


class _Around:
    """A whole number around a usual one."""

    def __init__(self, seed: str, usual: float) -> None:
        self._usual = usual
        self._rhythm = rhythm(seed, day=0.3)

    def __call__(self, moments: Moments) -> Moments:
        return (self._usual * self._rhythm.at(moments)).round()


def probe(schedule: Schedule, target: str) -> Iterator[Simulated]:
    """Yield what blackbox_exporter says of an address that it asked for the API's health."""
    outage = during(schedule, catalogue.API_OUTAGE)
    yield gauge(exporters.PROBE_SUCCESS, {}, lambda moments: np.where(outage.last(moments), 0.0, 1.0))
    if target.startswith("https:"):
        yield gauge(monitoring.CERTIFICATE_EXPIRY, {}, certificates.ends(schedule))


def file_systems(inventory: Inventory, schedule: Schedule, node: Node) -> Iterator[Simulated]:
    """Yield what node_exporter says of a node's disks."""
    first = node.name == min(one.name for one in inventory.nodes)
    for mountpoint, (device, size, share) in FILE_SYSTEMS.items():
        labels = {"device": device, "mountpoint": mountpoint, "fstype": "xfs", "device_error": ""}
        filled = FILLED if first and mountpoint == FILLING_MOUNT else {}
        used = Used(f"{node.name} {mountpoint}", share)
        for incident, until in filled.items():
            used.filled(schedule, incident, until)
        yield gauge(exporters.NODE_FILESYSTEM_AVAILABLE, labels, used.available(size))
        yield steady(exporters.NODE_FILESYSTEM_SIZE, labels, size)


def kube_state(inventory: Inventory) -> Iterator[Simulated]:
    """Yield what kube-state-metrics says of pods, ReplicaSets, volumes and nodes."""
    replica_sets = set[tuple[str, str]]()
    for pod in inventory.pods:
        labels = {
            "namespace": pod.namespace,
            "pod": pod.name,
            "uid": identity(f"{pod.name}.{pod.namespace}"),
            "label_app_kubernetes_io_name": pod.labels.get(NAME_LABEL, ""),
            "label_dubbing_model": pod.labels.get(MODEL_LABEL, ""),
        }
        yield steady(exporters.KUBE_POD_LABELS, labels, 1)
        if "pod-template-hash" in pod.labels:
            replica_sets.add((pod.namespace, pod.name.rpartition("-")[0]))
    for namespace, name in sorted(replica_sets):
        yield steady(exporters.KUBE_REPLICASET_CREATED, {"namespace": namespace, "replicaset": name}, EPOCH)
    for volume in inventory.volumes:
        yield steady(exporters.KUBE_PERSISTENTVOLUME_CAPACITY, {"persistentvolume": volume.name}, volume.size)
    for node in inventory.nodes:
        if node.gpus:
            labels = {"node": node.name, "resource": "nvidia_com_gpu"}
            yield steady(monitoring.NODE_ALLOCATABLE, labels, node.gpus)


def identity(name: str) -> str:
    """Return an id as Kubernetes gives one to each object, always the same for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
