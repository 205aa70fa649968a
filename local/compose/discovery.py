"""Targets from files instead of the Kubernetes API, with the labels that Prometheus' discovery gives them.

So the deployed relabelling is what runs: it reads the same `__meta_kubernetes_…` labels.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from local.agent.containers import Files
from local.errors import PlatformError
from local.inventory import Inventory, Node, Pod
from local.simulator.kubelet import PORT as KUBELET_PORT

Json = dict[str, Any]
Group = dict[str, Any]


def by_files(config: Files, folder: str, seen: Inventory) -> tuple[Files, Files]:
    """Replace the discovery through the API server in `prometheus.yml`.

    Args:
        config: The files beside `prometheus.yml`, and itself.
        folder: Where the targets' files go, seen from there.
        seen: What there is to discover.

    Returns:
        The changed files, and a file of targets for each scrape job.

    Raises:
        PlatformError: A job looks for what is not known here.
    """
    changed = yaml.safe_load(config["prometheus.yml"])
    targets: Files = {}
    for job in changed["scrape_configs"]:
        found = [one for looks in job.pop("kubernetes_sd_configs", ()) for one in groups(looks, seen)]
        file = f"{job['job_name']}.json"
        job["file_sd_configs"] = [{"files": [f"{folder}/{file}"]}]
        targets[file] = (json.dumps(found, indent=1) + "\n").encode()
    return {**config, "prometheus.yml": yaml.safe_dump(changed, sort_keys=False).encode()}, targets


def groups(discovery: Json, seen: Inventory) -> Iterator[Group]:
    """Yield the target groups that one of `kubernetes_sd_configs` finds.

    Raises:
        PlatformError: It looks for what is not known here.
    """
    if discovery["role"] == "node":
        for node in seen.nodes:
            yield _node(node)
        return
    if discovery["role"] != "pod":
        raise PlatformError(f"Discovery of role {discovery['role']!r} is not known in local/compose.")
    namespaces = discovery.get("namespaces", {}).get("names")
    wanted = dict(_equals(term) for term in _terms(discovery))
    for pod in seen.pods:
        if (namespaces is None or pod.namespace in namespaces) and wanted.items() <= pod.labels.items():
            yield from _pod(pod)


def _terms(discovery: Json) -> Iterator[str]:
    for selector in discovery.get("selectors", ()):
        if selector.keys() != {"role", "label"}:
            raise PlatformError(f"Discovery by {selector} is not known in local/compose.")
        yield from selector["label"].split(",")


def _equals(term: str) -> tuple[str, str]:
    found = re.fullmatch(r"([^=!\s]+)=([^=\s]+)", term)
    if not found:
        raise PlatformError(f"Discovery by the label selector {term!r} is not known in local/compose.")
    return found[1], found[2]


def _node(node: Node) -> Group:
    return {
        "targets": [f"{node.address}:{KUBELET_PORT}"],
        "labels": {
            "instance": node.name,
            **_meta("node", name=node.name, address_InternalIP=node.address),
            **_each("node_label", node.labels),
        },
    }


def _pod(pod: Pod) -> Iterator[Group]:
    of_pod = {
        "__meta_kubernetes_namespace": pod.namespace,
        **_meta("pod", name=pod.name, ip=pod.address, node_name=pod.node, phase="Running", ready="true"),
        **_each("pod_label", pod.labels),
        **_each("pod_annotation", pod.annotations),
    }
    for container in pod.containers:
        for name, number in container.ports.items():
            of_port = _meta(
                "pod_container",
                name=container.name,
                image=container.image,
                init="false",
                port_name=name,
                port_number=str(number),
            )
            yield {"targets": [f"{pod.address}:{number}"], "labels": of_pod | of_port}


def _meta(prefix: str, **values: str) -> dict[str, str]:
    return {f"__meta_kubernetes_{prefix}_{name}": value for name, value in values.items()}


def _each(prefix: str, values: dict[str, str]) -> dict[str, str]:
    """Each label or annotation, and that it is there."""
    found = dict[str, str]()
    for name, value in values.items():
        sanitized = re.sub(r"\W", "_", name, flags=re.ASCII)
        found |= _meta(prefix, **{sanitized: value}) | _meta(f"{prefix}present", **{sanitized: "true"})
    return found
