"""What OpenCost exposes: prices of nodes, volumes and the rest, and what containers are charged for."""

from collections.abc import Iterator, Mapping

from dashboards.metrics import exporters
from local.inventory import Inventory, Node, Pod
from local.nodes import NODES
from local.simulator.exporters import GIB, identity
from local.simulator.figures import steady
from local.simulator.series import Simulated
from local.simulator.services import NAMESPACE, requested

CORE, GIBIBYTE, GPU = 0.0335, 0.005, 0.93
"""Dollars per hour; together close to the list prices of EC2's m6i and g5 in Ireland."""

VOLUME_GIBIBYTE = 0.088 / 730
LOAD_BALANCER, CONTROL_PLANE = 0.028, 0.10

_INSTANCE_TYPE, _REGION, _ARCHITECTURE = (
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "kubernetes.io/arch",
)
_CAPACITY: Mapping[str, Mapping[str, str]] = {
    node["metadata"]["labels"][_INSTANCE_TYPE]: node["status"]["capacity"] for node in NODES
}


def opencost(inventory: Inventory) -> Iterator[Simulated]:
    """Yield all of it."""
    for node in inventory.nodes:
        yield from _node(node)
    nodes = {node.name for node in inventory.nodes}
    for pod in inventory.pods:
        if pod.node in nodes:
            yield from _pod(pod)
    for volume in inventory.volumes:
        labels = {
            "persistentvolume": volume.name,
            "volumename": volume.name,
            "provider_id": _numbered("vol", volume.name),
            "uid": identity(volume.name),
        }
        yield steady(exporters.PV_HOURLY_COST, labels, VOLUME_GIBIBYTE)
    balancer = {
        "namespace": NAMESPACE,
        "service_name": "gateway",
        "ingress_ip": "203.0.113.7",
        "uid": identity("gateway"),
    }
    yield steady(exporters.LOAD_BALANCER_COST, balancer, LOAD_BALANCER)
    yield steady(exporters.CLUSTER_MANAGEMENT_COST, {"provisioner_name": "EKS"}, CONTROL_PLANE)


def _node(node: Node) -> Iterator[Simulated]:
    instance_type = node.labels.get(_INSTANCE_TYPE, "")
    capacity = _CAPACITY.get(instance_type, {"cpu": "0", "memory": "0Gi"})
    labels = {
        "node": node.name,
        "instance": node.name,
        "instance_type": instance_type,
        "region": node.labels.get(_REGION, ""),
        "provider_id": _numbered("i", node.name),
        "arch": node.labels.get(_ARCHITECTURE, ""),
        "uid": identity(node.name),
    }
    cores, gibibytes = float(capacity["cpu"]), float(capacity["memory"].removesuffix("Gi"))
    whole = cores * CORE + gibibytes * GIBIBYTE + node.gpus * GPU
    yield steady(exporters.NODE_TOTAL_HOURLY_COST, labels, whole)
    yield steady(exporters.NODE_CPU_HOURLY_COST, labels, CORE)
    yield steady(exporters.NODE_RAM_HOURLY_COST, labels, GIBIBYTE)
    yield steady(exporters.NODE_GPU_HOURLY_COST, labels, GPU if node.gpus else 0)
    yield steady(exporters.NODE_GPU_COUNT, labels, node.gpus)


def _pod(pod: Pod) -> Iterator[Simulated]:
    cores, gibibytes = requested(pod)
    for number, container in enumerate(pod.containers):
        labels = {
            "namespace": pod.namespace,
            "pod": pod.name,
            "container": container.name,
            "node": pod.node,
            "instance": pod.node,
            "uid": identity(f"{pod.name}.{pod.namespace}"),
        }
        yield steady(exporters.CONTAINER_CPU_ALLOCATION, labels, cores)
        yield steady(exporters.CONTAINER_MEMORY_ALLOCATION, labels, gibibytes * GIB)
        if pod.gpus and number == 0:
            yield steady(exporters.CONTAINER_GPU_ALLOCATION, labels, pod.gpus)


def _numbered(kind: str, name: str) -> str:
    return f"{kind}-{identity(name).replace('-', '')[:17]}"
