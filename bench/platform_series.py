"""The series of a large platform: 1,000 GPUs on 125 nodes, and 200 services.

Only what the metric contract declares, for nothing else is read by a query of this project; a real platform's
exporters have five times as many (see `stacks.capacity`). Names and labels come from the contract, and the
number of each from here.
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.remote_write import Vector
from dashboards.contract import Metric, MetricType
from dashboards.metrics import CONTRACT, application, exporters, gpu

CLUSTER, NAMESPACE = "dubbing-prod", "dubbing"
GPUS, GPUS_A_NODE, OTHER_NODES = 1000, 8, 25
GPU_NODES = GPUS // GPUS_A_NODE
#: Services that answer HTTP, with so many pods each; workers and model servers make them 200.
HTTP_SERVICES, HTTP_PODS, ROUTES = 170, 2, 4
STAGES = tuple(f"stage-{number}" for number in range(10))
WORKERS = 10
MODELS = tuple(f"model-{number:02d}" for number in range(20))
TIERS = ("free", "basic", "pro", "enterprise")
CODES = ("200", "404", "503")
ERRORS = ("timeout", "oom", "input", "other")
VOLUMES, ALERTS = 200, 50
DASHBOARDS = ("system-health", "job-processing", "model-performance", "user-activity", "cost-performance")
SERVICES = HTTP_SERVICES + len(STAGES) + len(MODELS)
#: Of OpenTelemetry's semantic conventions, which the contract names for HTTP.
HTTP_BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
#: Emitted by another version of DCGM's exporter in the place of those that are there.
ABSENT = tuple(one for one in CONTRACT.values() if one.source is gpu.DCGM_NEW)
_BEGAN = 1_790_000_000
_DAY = 86_400
_GIB = 1024**3
#: What a gauge is around; one whose unit is a state is 1, and every other 10.
_LEVELS = {
    exporters.PG_SETTINGS_MAX_CONNECTIONS: 100.0,
    exporters.KUBE_REPLICASET_CREATED: _BEGAN,
    exporters.CONTAINER_MEMORY_WORKING_SET: _GIB,
    exporters.CONTAINER_MEMORY_ALLOCATION: _GIB,
    exporters.KUBE_PERSISTENTVOLUME_CAPACITY: 100 * _GIB,
    exporters.KUBELET_VOLUME_AVAILABLE: 30 * _GIB,
    exporters.KUBELET_VOLUME_CAPACITY: 100 * _GIB,
    exporters.NODE_FILESYSTEM_AVAILABLE: 30 * _GIB,
    exporters.NODE_FILESYSTEM_SIZE: 100 * _GIB,
    exporters.NODE_TOTAL_HOURLY_COST: 1.2,
    exporters.NODE_CPU_HOURLY_COST: 0.03,
    exporters.NODE_RAM_HOURLY_COST: 0.004,
    exporters.NODE_GPU_HOURLY_COST: 0.1,
    exporters.CONTAINER_GPU_ALLOCATION: 1.0,
    exporters.PV_HOURLY_COST: 0.0001,
    application.SUBSCRIPTIONS_CANCELLED: 0.05,
    gpu.UTILIZATION: 60.0,
    gpu.ENGINE_ACTIVE: 0.5,
    gpu.TEMPERATURE: 65.0,
    gpu.POWER: 180.0,
    gpu.MEMORY_USED: 12_288.0,
    gpu.MEMORY_FREE: 12_288.0,
}
_STATES = ("0 or 1", "1")


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A series.

    Attributes:
        labels: Its labels with `__name__`, as Prometheus stores them.
        level: What it is around; of a counter, what it rises by in a second.
        counter: Whether it only rises.
        constant: Whether it never changes.
        decimals: Digits after the point that its values have.
    """

    labels: dict[str, str]
    level: float
    counter: bool = False
    constant: bool = False
    decimals: int = 0

    def values(self, moments: Vector) -> Vector:
        """Its values at the moments, seconds since 1970: a day's rhythm, and a ripple of minutes."""
        if self.constant:
            return np.full(moments.shape, self.level)
        phase = zlib.crc32("".join(self.labels.values()).encode()) % _DAY
        ripple = np.sin((moments + phase) / 97) * np.sin((moments + phase) / 41)
        day = 2 * math.pi / _DAY
        if self.counter:
            # Its rate is never below zero: the integral of 1 + 0.4 cos(day).
            passed = moments - _BEGAN + 0.4 * np.sin(day * (moments + phase)) / day
            return np.floor(self.level * passed)
        return np.round(
            self.level * (1 + 0.2 * np.sin(day * (moments + phase)) + 0.05 * ripple), self.decimals
        )


def platform() -> Iterator[Sampled]:
    """Yield every series of the platform."""
    written = set[Metric](ABSENT)
    for metric, one in _written():
        written.add(metric)
        yield from one
    for metric in CONTRACT.values():
        if metric not in written:
            yield from series(metric)


def series(metric: Metric, **labels: str) -> Iterator[Sampled]:
    """Yield a metric's series with the contract's example of each label that is not given."""
    every = {**metric.source.labels, **metric.labels, "cluster": CLUSTER, **labels}
    if metric.type is MetricType.GAUGE:
        level = 1.0 if metric.unit in _STATES else _LEVELS.get(metric, 10.0)
        constant = metric.unit in _STATES or any(word in metric.unit for word in ("dollars", "since 1970"))
        decimals = 0 if level >= 10 else 3  # noqa: PLR2004 - whole numbers where they are large enough
        yield Sampled(
            labels={"__name__": metric.name, **every}, level=level, constant=constant, decimals=decimals
        )
        return
    one = partial(Sampled, counter=True)
    if metric.type is MetricType.COUNTER:
        yield one(labels={"__name__": metric.name, **every}, level=0.5)
        return
    ends = metric.boundaries or HTTP_BOUNDARIES
    for position, end in enumerate((*ends, math.inf), start=1):
        bucket = {"__name__": f"{metric.name}_bucket", **every, "le": _le(end)}
        yield one(labels=bucket, level=0.5 * min(1.0, position / (len(ends) - 1)))
    yield one(labels={"__name__": f"{metric.name}_count", **every}, level=0.5)
    yield one(labels={"__name__": f"{metric.name}_sum", **every}, level=0.5 * ends[len(ends) // 2])


def _le(end: float) -> str:
    return "+Inf" if math.isinf(end) else str(float(end))


_Written = tuple[Metric, Iterator[Sampled]]


def _written() -> Iterator[_Written]:
    yield from _services()
    for number in range(GPUS):
        model = MODELS[number * len(MODELS) // GPUS]
        pod, node = _pod(model, number), f"gpu-{number // GPUS_A_NODE:03d}"
        yield from _pod_series(model, pod, node, model=model)
        yield from _model(model, pod)
        yield from _gpu(number, node, pod)
    for number in range(GPU_NODES):
        yield from _a_node(f"gpu-{number:03d}", gpus=True)
    for number in range(OTHER_NODES):
        yield from _a_node(_node(number), gpus=False)
    yield from _volumes()
    for number in range(ALERTS):
        dashboard = DASHBOARDS[number % len(DASHBOARDS)]
        yield exporters.ALERTS, series(exporters.ALERTS, alertname=f"Alert{number}", dashboard=dashboard)


def _services() -> Iterator[_Written]:
    for service in range(HTTP_SERVICES):
        name = f"service-{service:03d}"
        for number in range(HTTP_PODS):
            pod = _pod(name, number)
            yield from _pod_series(name, pod, _node(service + number))
            yield from _http(name, pod)
    for stage in STAGES:
        for number in range(WORKERS):
            pod = _pod(f"worker-{stage}", number)
            yield from _pod_series(f"worker-{stage}", pod, _node(number))
            yield from _worker(stage, pod)
    for number in range(HTTP_PODS):
        yield from _users(_pod("service-000", number))


def _volumes() -> Iterator[_Written]:
    for number in range(VOLUMES):
        claim = f"data-{number}"
        for metric in (exporters.KUBELET_VOLUME_AVAILABLE, exporters.KUBELET_VOLUME_CAPACITY):
            yield metric, series(metric, namespace=NAMESPACE, persistentvolumeclaim=claim)
        volume = f"pvc-{number}"
        price, size = exporters.PV_HOURLY_COST, exporters.KUBE_PERSISTENTVOLUME_CAPACITY
        yield price, series(price, persistentvolume=volume, volumename=volume)
        yield size, series(size, persistentvolume=volume)


def _pod(service: str, number: int) -> str:
    return f"{service}-6c5f7d8b9-{number:05d}"


def _node(number: int) -> str:
    return f"ip-10-0-{number % OTHER_NODES}-7"


def _application(metric: Metric, job: str, pod: str, **labels: str) -> _Written:
    address = f"10.{zlib.crc32(pod.encode()) % 250}.{zlib.crc32(pod[::-1].encode()) % 250}.7:8000"
    return metric, series(metric, job=job, pod=pod, namespace=NAMESPACE, instance=address, **labels)


def _pod_series(service: str, pod: str, node: str, model: str = "") -> Iterator[_Written]:
    yield _application(exporters.UP, service, pod)
    about = {"namespace": NAMESPACE, "pod": pod}
    info = exporters.KUBE_POD_LABELS
    yield (
        info,
        series(info, **about, label_app_kubernetes_io_name=service, label_dubbing_model=model, uid=pod),
    )
    for metric in (exporters.CONTAINER_CPU_USAGE, exporters.CONTAINER_MEMORY_WORKING_SET):
        instance = f"{node}:10250"
        yield metric, series(metric, **about, container="server", instance=instance)
        yield metric, series(metric, **about, container="", image="", instance=instance)
    for metric in (exporters.CONTAINER_CPU_ALLOCATION, exporters.CONTAINER_MEMORY_ALLOCATION):
        yield metric, series(metric, **about, node=node, instance=node, uid=pod)
    if model:
        held = exporters.CONTAINER_GPU_ALLOCATION
        yield held, series(held, **about, node=node, instance=node, uid=pod)
    if pod.endswith("00000"):
        rollout = exporters.KUBE_REPLICASET_CREATED
        yield rollout, series(rollout, namespace=NAMESPACE, replicaset=pod.rpartition("-")[0])


def _http(service: str, pod: str) -> Iterator[_Written]:
    for route in range(ROUTES):
        method = "POST" if route % 2 else "GET"
        for code in CODES:
            yield _application(
                application.HTTP_SERVER_REQUEST_DURATION,
                service,
                pod,
                http_route=f"/v1/resources/{{id}}/{route}",
                http_request_method=method,
                http_response_status_code=code,
            )
    yield _application(application.WEBSOCKET_CONNECTIONS, service, pod)
    yield _application(application.STORAGE_UP, service, pod)


def _worker(stage: str, pod: str) -> Iterator[_Written]:
    job = f"worker-{stage}"
    for outcome in ("success", "failure"):
        yield _application(application.STAGE_RUNS, job, pod, stage=stage, outcome=outcome)
        yield _application(application.JOB_DURATION, job, pod, outcome=outcome)
        for tier in TIERS:
            yield _application(application.JOBS, job, pod, outcome=outcome, tier=tier)
    for error in ERRORS:
        yield _application(application.STAGE_FAILURES, job, pod, stage=stage, error_type=error)
    for metric in (
        application.STAGE_DURATION,
        application.QUEUE_DEPTH,
        application.WORKER_SLOTS,
        application.WORKER_SLOTS_BUSY,
    ):
        yield _application(metric, job, pod, stage=stage)


def _model(model: str, pod: str) -> Iterator[_Written]:
    for outcome in ("success", "failure"):
        yield _application(application.MODEL_INFERENCES, model, pod, model=model, outcome=outcome)
    for metric in (
        application.MODEL_INFERENCE_DURATION,
        application.MODEL_ITEMS,
        application.MODEL_BATCH_SIZE,
        application.MODEL_INPUT_SIZE,
    ):
        yield _application(metric, model, pod, model=model)


def _gpu(number: int, node: str, pod: str) -> Iterator[_Written]:
    place = str(number % GPUS_A_NODE)
    for metric in CONTRACT.values():
        if metric.source is gpu.DCGM:
            labels = {
                "node": node,
                "instance": f"{node}:9400",
                "Hostname": node,
                "hostname": node,
                "pod": pod,
            }
            one = {"gpu": place, "device": f"nvidia{place}", "UUID": f"GPU-{number:012x}"}
            yield metric, series(metric, **labels, **one, namespace=NAMESPACE)


def _a_node(node: str, *, gpus: bool) -> Iterator[_Written]:
    for job in ("node-exporter", "kubelet", *(["dcgm-exporter"] if gpus else [])):
        yield exporters.UP, series(exporters.UP, job=job, instance=f"{node}:9100", pod=f"{job}-{node}")
    for metric in (exporters.NODE_FILESYSTEM_AVAILABLE, exporters.NODE_FILESYSTEM_SIZE):
        for mountpoint in ("/", "/var/lib/kubelet"):
            yield metric, series(metric, instance=f"{node}:9100", mountpoint=mountpoint)
    for metric in (
        exporters.NODE_TOTAL_HOURLY_COST,
        exporters.NODE_CPU_HOURLY_COST,
        exporters.NODE_RAM_HOURLY_COST,
        *([exporters.NODE_GPU_HOURLY_COST, exporters.NODE_GPU_COUNT] if gpus else []),
    ):
        kind = "p4d.24xlarge" if gpus else "m7i.4xlarge"
        yield metric, series(metric, node=node, instance=node, instance_type=kind, provider_id=node, uid=node)


def _users(pod: str) -> Iterator[_Written]:
    changes = application.SUBSCRIPTION_CHANGES
    for metric in CONTRACT.values():
        if (
            metric.source is application.APPLICATION
            and "tier" in metric.labels
            and "outcome" not in metric.labels
        ):
            for tier in TIERS:
                yield _application(metric, "service-000", pod, tier=tier)
    for before in TIERS:
        for after in TIERS:
            if before != after:
                way = "upgrade" if TIERS.index(after) > TIERS.index(before) else "downgrade"
                yield _application(
                    changes, "service-000", pod, from_tier=before, to_tier=after, direction=way
                )
