"""What the agent sees of the cluster: Pods, nodes, volumes and what Pods mount."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local.inventory import Container, Inventory, Node, Pod, Volume
from local.kubernetes_provider.api import Cluster
from stacks.quantities import kubernetes_quantity

Json = dict[str, Any]
GPUS = "nvidia.com/gpu"


@dataclass(frozen=True, kw_only=True)
class View:
    """One look at the cluster; objects as the API server has them."""

    pods: tuple[Json, ...]
    nodes: tuple[Json, ...]
    claims: tuple[Json, ...]
    config_maps: dict[tuple[str, str], Json]
    secrets: dict[tuple[str, str], Json]
    accounts: dict[tuple[str, str], Json]


def look(cluster: Cluster) -> View:
    """Ask the API server for all of it.

    Raises:
        ApiError: The server refused.
        UnreachableError: It did not answer in time.
    """

    def every(plural: str) -> tuple[Json, ...]:
        return tuple(cluster.request("GET", f"/api/v1/{plural}", {"resourceVersion": "0"})["items"])

    return View(
        pods=tuple(pod for pod in every("pods") if _runs(pod)),
        nodes=every("nodes"),
        claims=every("persistentvolumeclaims"),
        config_maps=_by_name(every("configmaps")),
        secrets=_by_name(every("secrets")),
        accounts=_by_name(every("serviceaccounts")),
    )


def inventory(view: View, processes: dict[str, str]) -> Inventory:
    """Return the inventory of what was seen."""
    return Inventory(
        pods=tuple(_pod(pod) for pod in view.pods),
        nodes=tuple(_node(node) for node in view.nodes),
        volumes=tuple(_volume(claim) for claim in view.claims if "volumeName" in claim["spec"]),
        processes=processes,
    )


def _runs(pod: Json) -> bool:
    going = "deletionTimestamp" in pod["metadata"]
    return not going and pod["status"].get("phase") == "Running" and "podIP" in pod["status"]


def _by_name(objects: Iterable[Json]) -> dict[tuple[str, str], Json]:
    return {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in objects}


def _pod(pod: Json) -> Pod:
    metadata, spec = pod["metadata"], pod["spec"]
    claims = (volume.get("persistentVolumeClaim") for volume in spec.get("volumes", ()))
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        node=spec["nodeName"],
        address=pod["status"]["podIP"],
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
        containers=tuple(
            Container(
                name=one["name"],
                image=one["image"],
                ports={
                    port["name"]: port["containerPort"] for port in one.get("ports", ()) if "name" in port
                },
            )
            for one in spec["containers"]
        ),
        claims=tuple(claim["claimName"] for claim in claims if claim),
        gpus=sum(int(one.get("resources", {}).get("limits", {}).get(GPUS, 0)) for one in spec["containers"]),
    )


def _node(node: Json) -> Node:
    status = node["status"]
    (address,) = [one["address"] for one in status["addresses"] if one["type"] == "InternalIP"]
    return Node(
        name=node["metadata"]["name"],
        address=address,
        labels=node["metadata"].get("labels", {}),
        gpus=int(status["allocatable"].get(GPUS, 0)),
    )


def _volume(claim: Json) -> Volume:
    size = (claim["status"].get("capacity") or claim["spec"]["resources"]["requests"])["storage"]
    return Volume(
        namespace=claim["metadata"]["namespace"],
        claim=claim["metadata"]["name"],
        name=claim["spec"]["volumeName"],
        size=round(kubernetes_quantity(size)),
    )
