"""Which program answers at an address, and what it exposes there."""

from collections.abc import Iterator
from enum import Enum, auto
from urllib.parse import parse_qs, urlsplit

from dashboards.metrics import application, exporters, gpu
from local.inventory import Inventory, Node, Pod
from local.simulator import api, catalogue, gpus, jobs, kubelet, models, opencost, users
from local.simulator import exporters as exporter
from local.simulator.figures import hidden
from local.simulator.incidents import Incident, Schedule
from local.simulator.rhythm import during
from local.simulator.series import Simulated
from local.simulator.services import API, MODEL_LABEL, NAME_LABEL, STAGE_LABEL, replicas

METRICS_PATH = "/metrics"
PROBE_PATH = "/probe"
PATH_ANNOTATION = "prometheus.io/path"
BLACKBOX_EXPORTER = "blackbox-exporter"

NOT_SIMULATED = frozenset({"prometheus", "alertmanager"})
"""Programs that expose themselves, or nothing: nobody stands in for them."""


class Failure(Enum):
    """How a target fails to be scraped."""

    REFUSES = auto()
    HANGS = auto()
    FLOODS = auto()


FAILURES = {
    catalogue.EXPORTER_GONE: (Failure.REFUSES, exporters.POSTGRES_EXPORTER.name),
    catalogue.TARGET_HANGS: (Failure.HANGS, "worker-voice-synthesis"),
    catalogue.LABEL_EXPLOSION: (Failure.FLOODS, "worker-translation"),
}
"""How an incident makes the first pod of a service fail."""


def exposed(inventory: Inventory, address: str, path: str, schedule: Schedule) -> list[Simulated] | None:
    """Return what the target at an address exposes.

    While an incident keeps it from being scraped, its series have no samples.

    Args:
        inventory: What there is in the cluster.
        address: Address and port, such as `10.244.1.3:8000`.
        path: The path that is asked, with its query.
        schedule: What goes wrong, and when.

    Returns:
        Its series; None where nothing listens, or not on that path.
    """
    pod, node = _at(inventory, address)
    url = urlsplit(path)
    if node:
        return _of_node(inventory, schedule, node, url.path)
    if pod is None or pod.labels.get(NAME_LABEL) in NOT_SIMULATED:
        return None
    series = _of_pod(inventory, schedule, pod, url.path, url.query)
    if series is None:
        return None
    failing = during(schedule, *_failing(inventory, pod))
    return [hidden(one, failing) for one in series]


def failure(inventory: Inventory, address: str, schedule: Schedule, at: float) -> Failure | None:
    """Return how the target at an address fails at a moment; None if it answers."""
    pod, _ = _at(inventory, address)
    failing = _failing(inventory, pod) if pod else {}
    return next((how for incident, how in failing.items() if schedule.lasts(incident.name, at)), None)


def _failing(inventory: Inventory, pod: Pod) -> dict[Incident, Failure]:
    """The incidents that keep a pod from being scraped: it is the first one of the service they strike."""
    service = pod.labels.get(NAME_LABEL)
    first = min(one.name for one in inventory.pods if one.labels.get(NAME_LABEL) == service)
    struck = pod.name == first
    return {incident: how for incident, (how, name) in FAILURES.items() if struck and name == service}


def _at(inventory: Inventory, address: str) -> tuple[Pod | None, Node | None]:
    host, _, port = address.rpartition(":")
    if port == str(kubelet.PORT):
        return None, next((node for node in inventory.nodes if node.address == host), None)
    # Pods on the host's network share the node's address: the port tells them apart.
    found = (
        pod
        for pod in inventory.pods
        if pod.address == host
        and any(str(number) == port for one in pod.containers for number in one.ports.values())
    )
    return next(found, None), None


def _of_node(inventory: Inventory, schedule: Schedule, node: Node, path: str) -> list[Simulated] | None:
    if path == METRICS_PATH:
        return list(kubelet.volumes(inventory, schedule, node))
    if path == kubelet.CADVISOR_PATH:
        return list(kubelet.cadvisor(inventory, node))
    return None


def _of_pod(
    inventory: Inventory, schedule: Schedule, pod: Pod, path: str, query: str
) -> list[Simulated] | None:
    name = pod.labels.get(NAME_LABEL)
    if name == BLACKBOX_EXPORTER and path == PROBE_PATH:
        (target,) = parse_qs(query).get("target", [""])
        return list(exporter.probe(schedule, target))
    if path != pod.annotations.get(PATH_ANNOTATION, METRICS_PATH):
        return None
    return list(_program(inventory, schedule, pod))


def _program(inventory: Inventory, schedule: Schedule, pod: Pod) -> Iterator[Simulated]:
    """Yield what the pod's program exposes; nothing of one that is not known here."""
    name = pod.labels.get(NAME_LABEL)
    node = next((one for one in inventory.nodes if one.name == pod.node), None)
    if name == exporters.POSTGRES_EXPORTER.name:
        yield from exporter.postgres(schedule)
    elif name == exporters.REDIS_EXPORTER.name:
        yield from exporter.redis(schedule)
    elif name == exporters.KUBE_STATE_METRICS.name:
        yield from exporter.kube_state(inventory)
    elif name == exporters.OPENCOST.name:
        yield from opencost.opencost(inventory)
    elif name == exporters.NODE_EXPORTER.name and node:
        yield from exporter.file_systems(inventory, schedule, node)
    elif name == gpu.DCGM.name and node:
        yield from gpus.dcgm(inventory, schedule, node)
    else:
        yield from _application(schedule, pod)


def _application(schedule: Schedule, pod: Pod) -> Iterator[Simulated]:
    share = 1 / replicas(pod)
    if pod.labels.get(NAME_LABEL) == API.name:
        lost = during(schedule, catalogue.METRICS_LOST)
        for series in api.api(schedule, share):
            yield hidden(series, lost) if series.metric is application.STORAGE_UP else series
        yield from jobs.jobs(schedule, share)
        yield from jobs.queues(schedule)
        yield from users.users(schedule)
        yield from users.usage(schedule, share)
        yield from users.bill(schedule)
    elif stage := pod.labels.get(STAGE_LABEL):
        yield from jobs.worker(schedule, stage, share)
        yield from jobs.queues(schedule)
    elif model := pod.labels.get(MODEL_LABEL):
        yield from models.model(schedule, model, share)
