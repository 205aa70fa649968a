"""What a node's kubelet exposes: containers' CPU and memory by its cAdvisor, and the mounted volumes."""

import fnmatch
from collections.abc import Iterator, Mapping

from dashboards.metrics import exporters
from local.inventory import Inventory, Node, Pod
from local.simulator import catalogue
from local.simulator.disks import Used
from local.simulator.exporters import GIB
from local.simulator.figures import Rate, amount, gauge, steady
from local.simulator.incidents import Incident, Schedule
from local.simulator.rhythm import HOUR, rhythm
from local.simulator.series import Simulated
from local.simulator.services import NAMESPACE, VIDEOS, requested

PORT = 10250
CADVISOR_PATH = "/metrics/cadvisor"

CPU_OF_REQUEST, MEMORY_OF_REQUEST = 0.55, 0.7
"""What containers use of what they request."""

USED = {"data-prometheus-*": 0.32, VIDEOS: 0.55}
USED_OTHERWISE = 0.2
FILLED: Mapping[Incident, float] = {catalogue.VOLUME_FILLS: 0.84, catalogue.VOLUME_FULL: 0.94}
PROMETHEUS_CLAIMS, PROMETHEUS_LOSES = "data-prometheus-*", 0.04 / HOUR


def cadvisor(inventory: Inventory, node: Node) -> Iterator[Simulated]:
    """Yield the containers' CPU and memory, and the sums of each pod, as cAdvisor has them."""
    for pod in inventory.pods:
        if pod.node == node.name:
            yield from _pod(pod)


def _pod(pod: Pod) -> Iterator[Simulated]:
    cores, gibibytes = requested(pod)
    here = {"namespace": pod.namespace, "pod": pod.name}
    usual = rhythm(f"{pod.namespace} {pod.name}", day=0.35, ripple=0.2)
    cpu = Rate(per_second=cores * CPU_OF_REQUEST, rhythm=usual)
    memory = gibibytes * MEMORY_OF_REQUEST * GIB
    for container in pod.containers:
        labels = {**here, "container": container.name, "image": container.image}
        yield amount(exporters.CONTAINER_CPU_USAGE, {**labels, "cpu": "total"}, cpu)
        yield gauge(
            exporters.CONTAINER_MEMORY_WORKING_SET,
            labels,
            lambda moments: (memory * (1 + 0.1 * (usual.at(moments) - 1))).round(),
        )
    number = len(pod.containers)
    whole = Rate(per_second=cpu.per_second * number, rhythm=usual)
    yield amount(exporters.CONTAINER_CPU_USAGE, {**here, "cpu": "total"}, whole)
    yield gauge(
        exporters.CONTAINER_MEMORY_WORKING_SET,
        here,
        lambda moments: (memory * number * (1 + 0.1 * (usual.at(moments) - 1))).round(),
    )


def volumes(inventory: Inventory, schedule: Schedule, node: Node) -> Iterator[Simulated]:
    """Yield size and free bytes of each claim that a pod of the node mounts."""
    mounted = {
        (pod.namespace, claim) for pod in inventory.pods if pod.node == node.name for claim in pod.claims
    }
    for volume in inventory.volumes:
        if (volume.namespace, volume.claim) not in mounted:
            continue
        labels = {"namespace": volume.namespace, "persistentvolumeclaim": volume.claim}
        share = next(
            (one for name, one in USED.items() if fnmatch.fnmatch(volume.claim, name)), USED_OTHERWISE
        )
        used = Used(f"{volume.namespace} {volume.claim}", share)
        if (volume.namespace, volume.claim) == (NAMESPACE, VIDEOS):
            for incident, filled in FILLED.items():
                used.filled(schedule, incident, filled)
        if fnmatch.fnmatch(volume.claim, PROMETHEUS_CLAIMS):
            used.filling(schedule, catalogue.PROMETHEUS_VOLUME_FILLS, PROMETHEUS_LOSES)
        yield gauge(exporters.KUBELET_VOLUME_AVAILABLE, labels, used.available(volume.size))
        yield steady(exporters.KUBELET_VOLUME_CAPACITY, labels, volume.size)
