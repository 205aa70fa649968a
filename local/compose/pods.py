"""What the manifests would make of a cluster, without one: Pods with names, nodes and addresses."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from local.agent.cluster_view import GPUS, Json, View
from local.errors import PlatformError
from local.nodes import NODES


def made_up(objects: Sequence[Json]) -> View:
    """Return what the API server would show once every Pod of these manifests runs on the local nodes.

    Raises:
        PlatformError: No node is left for one.
    """
    nodes = _Nodes()
    # The engine registers in no fixed order, and addresses shall stay the same.
    workloads = sorted((one for one in objects if "template" in one.get("spec", {})), key=_name)
    return View(
        pods=tuple(pod for one in workloads for pod in _pods(one, nodes)),
        nodes=NODES,
        claims=tuple(_bound(one) for one in sorted(_of_kind(objects, "PersistentVolumeClaim"), key=_name)),
        config_maps=_by_name(_of_kind(objects, "ConfigMap")),
        secrets=_by_name(_stored(one) for one in _of_kind(objects, "Secret")),
        accounts={},
    )


class _Nodes:
    """Who runs where: the scheduler's part, as far as these Pods need it."""

    def __init__(self) -> None:
        self._pods = Counter[str]()
        self._gpus = Counter[str]()

    def fitting(self, spec: Json) -> list[Json]:
        """Return the nodes that a Pod selects and whose taints it tolerates, the emptiest first.

        A node without a free GPU for it is none of them.
        """
        tolerated = {one.get("key") for one in spec.get("tolerations", ())}
        found = [
            node
            for node in NODES
            if spec.get("nodeSelector", {}).items() <= node["metadata"]["labels"].items()
            and (None in tolerated or tolerated >= {taint["key"] for taint in node["spec"]["taints"]})
            and self._gpus[_name(node)] + _gpus(spec) <= int(node["status"]["allocatable"].get(GPUS, 0))
        ]
        return sorted(found, key=lambda node: self._pods[_name(node)])

    def address(self, node: Json, spec: Json) -> str:
        """Return the address of one more Pod on a node."""
        self._pods[_name(node)] += 1
        self._gpus[_name(node)] += _gpus(spec)
        if spec.get("hostNetwork"):
            return node["status"]["addresses"][0]["address"]
        network: str = node["spec"]["podCIDR"].removesuffix("0/24")
        return f"{network}{self._pods[_name(node)] + 1}"


def _pods(workload: Json, nodes: _Nodes) -> Iterator[Json]:
    spec, name = workload["spec"]["template"]["spec"], workload["metadata"]["name"]
    if workload["kind"] == "DaemonSet":
        for number, node in enumerate(nodes.fitting(spec)):
            yield _pod(workload, f"{name}-{number:05}", node, nodes)
        return
    for number in range(workload["spec"]["replicas"]):
        of_set = workload["kind"] == "StatefulSet"
        pod = f"{name}-{number}" if of_set else f"{name}-{_hash(workload)}-{number:05}"
        fitting = nodes.fitting(spec)
        if not fitting:
            raise PlatformError(f"No local node takes {pod}: see local/nodes.py.")
        yield _pod(workload, pod, fitting[0], nodes)


def _pod(workload: Json, name: str, node: Json, nodes: _Nodes) -> Json:
    template = workload["spec"]["template"]
    metadata, spec = template["metadata"], template["spec"]
    claims = [
        {"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"data-{name}"}}
        for one in workload["spec"].get("volumeClaimTemplates", ())
    ]
    labels = dict(metadata["labels"])
    if workload["kind"] == "Deployment":
        labels["pod-template-hash"] = _hash(workload)
    return {
        "metadata": {
            **metadata,
            "labels": labels,
            "name": name,
            "namespace": workload["metadata"]["namespace"],
            "uid": name,
        },
        "spec": {**spec, "nodeName": _name(node), "volumes": [*spec.get("volumes", ()), *claims]},
        "status": {"phase": "Running", "podIP": nodes.address(node, spec)},
    }


def _hash(workload: Json) -> str:
    template = json.dumps(workload["spec"]["template"], sort_keys=True)
    return hashlib.sha256(template.encode()).hexdigest()[:9]


def _gpus(spec: Json) -> int:
    return sum(int(one.get("resources", {}).get("limits", {}).get(GPUS, 0)) for one in spec["containers"])


def _name(one: Json) -> str:
    return one["metadata"]["name"]


def _of_kind(objects: Iterable[Json], kind: str) -> list[Json]:
    return [one for one in objects if one["kind"] == kind]


def _by_name(objects: Iterable[Json]) -> dict[tuple[str, str], Json]:
    return {(one["metadata"]["namespace"], _name(one)): one for one in objects}


def _bound(claim: Json) -> Json:
    return {**claim, "spec": {**claim["spec"], "volumeName": f"pvc-{_name(claim)}"}, "status": {}}


def _stored(secret: Json) -> Json:
    """A Secret as the API server keeps what was written as text."""
    texts: dict[str, str] = secret.get("stringData", {})
    return {**secret, "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}}
