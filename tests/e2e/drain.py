"""Takes a node out of service as `kubectl drain` does, and watches who goes on serving."""

import json
import os
import signal
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

import urllib3
from kubernetes.client.exceptions import ApiException

from tests.e2e.checkout import Api
from tests.e2e.live import Live

NAMESPACE = "monitoring"


def servers(api: Api) -> dict[str, dict[str, str]]:
    """Each server with several replicas: its Pods, and the node of each."""
    return {
        one.metadata.name: {
            pod.metadata.name: pod.spec.node_name
            for pod in api.core.list_namespaced_pod(
                NAMESPACE,
                label_selector=",".join(
                    f"{key}={value}" for key, value in one.spec.selector.match_labels.items()
                ),
            ).items
        }
        for one in api.apps.list_namespaced_stateful_set(NAMESPACE).items
        if one.spec.replicas > 1
    }


def evict(api: Api, pod: str, *, dry: bool = False) -> int:
    """Ask the API server to evict a Pod, as a drain does, and return the status of its answer."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": NAMESPACE},
        "deleteOptions": {"dryRun": ["All"]} if dry else {},
    }
    try:
        api.core.create_namespaced_pod_eviction(pod, NAMESPACE, eviction)
    except ApiException as error:
        return error.status or 0
    return 201


@contextmanager
def cordoned(api: Api, node: str) -> Generator[None]:
    """Let no new Pod onto the node."""
    api.core.patch_node(node, {"spec": {"unschedulable": True}})
    try:
        yield
    finally:
        api.core.patch_node(node, {"spec": {"unschedulable": None}})


@contextmanager
def kubelets_paused(live: Live) -> Generator[None]:
    """Keep what stands for the kubelets from ending Pods, and from making new ones Ready."""
    pid = json.loads((live.state / "cluster" / "kwok.pid").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@dataclass
class Served:
    """How many replicas of each server served at each look.

    Attributes:
        endpoints: How many ready endpoints its Service had.
        processes: How many of its real processes were ready by their own word.
    """

    endpoints: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    processes: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def newest(self, servers: Iterable[str]) -> dict[str, tuple[int, int]]:
        """The ready endpoints and the ready processes of each server at the last look."""
        return {name: (self.endpoints[name][-1], self.processes[name][-1]) for name in servers}

    def fewest(self, server: str) -> tuple[int, int]:
        """The fewest ready endpoints and the fewest ready processes at any look."""
        return min(self.endpoints[server]), min(self.processes[server])


@contextmanager
def watched(live: Live, names: Iterable[str]) -> Generator[Served]:
    """Look at the servers all the time, until the block ends."""
    served = Served()
    began, over = threading.Event(), threading.Event()
    failures: list[Exception] = []
    addresses = {name: [run.addresses["web"] for run in live.runs() if run.program == name] for name in names}

    def look() -> None:
        try:
            with live.checkout.api() as api:
                while not over.is_set():
                    for name in names:
                        served.endpoints.setdefault(name, []).append(ready_endpoints(api, name))
                        served.processes.setdefault(name, []).append(sum(map(answers, addresses[name])))
                    began.set()
                    over.wait(0.1)
        except Exception as error:  # noqa: BLE001 - told where the block ends
            failures.append(error)
            began.set()

    looking = threading.Thread(target=look)
    looking.start()
    began.wait()
    try:
        yield served
    finally:
        over.set()
        looking.join()
    assert failures == []


def ready_endpoints(api: Api, service: str) -> int:
    """How many addresses a Service sends its clients to."""
    slices = api.discovery.list_namespaced_endpoint_slice(
        NAMESPACE, label_selector=f"kubernetes.io/service-name={service}"
    ).items
    return sum(bool(one.conditions.ready) for part in slices for one in part.endpoints or ())


def answers(address: str) -> bool:
    """Whether a server says that it is ready."""
    try:
        return urllib3.request("GET", f"http://{address}/-/ready", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False
