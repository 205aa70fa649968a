"""What Prometheus makes of the simulated platform: each target's labels added, as the deployed jobs do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

import numpy as np

from dashboards.metrics import exporters, gpu
from local.inventory import Inventory, Pod
from local.simulator.incidents import Schedule
from local.simulator.series import Moments, Simulated
from local.simulator.services import NAME_LABEL, NAMESPACE
from local.simulator.targets import exposed, failure
from tests.simulator.sample import PROBES, addresses, inventory

CLUSTER = {"cluster": "dubbing-dev"}

#: Jobs whose series tell in `namespace` and `pod` what they are about.
HONOURING = {
    exporters.KUBE_STATE_METRICS.name,
    exporters.OPENCOST.name,
    gpu.DCGM.name,
    exporters.KUBELET.name,
}
#: Jobs whose `instance` is the server's name in the settings.
OF_SERVERS = {exporters.POSTGRES_EXPORTER.name, exporters.REDIS_EXPORTER.name}


@dataclass(frozen=True, eq=False)
class Target:
    """A target: where it is, what it exposes, and the labels that scraping adds."""

    address: str
    path: str
    labels: Mapping[str, str]
    series: tuple[Simulated, ...]


@cache
def everything() -> Inventory:
    """The sample inventory, made once."""
    return inventory()


def targets(schedule: Schedule | None = None) -> list[Target]:
    """Return every target while what is scheduled goes wrong."""
    found = list[Target]()
    for address, path in addresses(everything()):
        series = exposed(everything(), address, path, schedule or Schedule())
        assert series is not None, f"nothing listens at {address}{path}"
        found.append(Target(address, path, CLUSTER | _labels(address, path), tuple(series)))
    return found


def _labels(address: str, path: str) -> dict[str, str]:
    host, _, port = address.partition(":")
    if path.startswith("/probe"):
        (probe,) = [(name, url) for name, url in PROBES.items() if url in unquote(path)]
        return {"job": "blackbox", "probe": probe[0], "instance": probe[1]}
    if port == "10250":
        (node,) = [one.name for one in everything().nodes if one.address == host]
        return {"job": "kubelet", "instance": address, "metrics_path": path, "node": node}
    pod = everything().at(host)
    assert isinstance(pod, Pod)
    job = pod.labels[NAME_LABEL]
    if job in HONOURING:
        return {"job": job, "instance": address} | ({"node": pod.node} if job == gpu.DCGM.name else {})
    if job in {exporters.NODE_EXPORTER.name, "blackbox-exporter"}:
        return {"job": job, "instance": address, "node": pod.node}
    own = {
        "job": job,
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": pod.containers[0].name,
        "node": pod.node,
        "instance": "main" if job in OF_SERVERS else address,
    }
    assert job in OF_SERVERS or pod.namespace in {NAMESPACE, "monitoring"}
    return own


def up(target: Target, schedule: Schedule, moments: Moments) -> Moments:
    """Return whether the scrapes of a target succeed."""
    failed = [failure(everything(), target.address, schedule, at) is not None for at in moments]
    return np.where(failed, 0.0, 1.0)


def notation(name: str, labels: Mapping[str, str]) -> str:
    """Return a series in PromQL's notation."""
    shown = ",".join(f'{label}="{value}"' for label, value in labels.items() if value)
    return f"{name}{{{shown}}}"


def all_series(schedule: Schedule | None = None) -> Iterator[tuple[str, Simulated]]:
    """Yield every scraped series under its name and labels in Prometheus."""
    for target in targets(schedule):
        for series in target.series:
            yield notation(series.name, {**target.labels, **series.labels}), series
