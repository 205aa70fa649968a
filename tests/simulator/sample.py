"""The inventory of a cluster with the simulated platform and every exporter, as the node agent has it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from local.inventory import Container, Inventory, Node, Pod, Volume
from local.nodes import NODES
from local.simulator.platform import METRICS_PORT, manifests
from local.simulator.services import NAME_LABEL, NAMESPACE

GIB = 1024**3
GENERAL, OTHER, GPU, GPUS = (node["metadata"]["name"] for node in NODES)

#: What the monitoring deploys: namespace, node and port of each.
MONITORING = {
    "prometheus": ("monitoring", GENERAL, 9090),
    "alertmanager": ("monitoring", GENERAL, 9093),
    "grafana": ("monitoring", OTHER, 3000),
    "kube-state-metrics": ("monitoring", OTHER, 8080),
    "blackbox-exporter": ("monitoring", OTHER, 9115),
    "postgres-exporter": ("monitoring", OTHER, 9187),
    "redis-exporter": ("monitoring", OTHER, 9121),
    "opencost": ("monitoring", OTHER, 9003),
}

#: What is probed, by its name in the settings.
PROBES = {"api": "http://api.dubbing/health", "site": "https://api.example.com/health"}


def inventory() -> Inventory:
    """Return it; always the same."""
    nodes = tuple(
        Node(
            name=node["metadata"]["name"],
            address=node["status"]["addresses"][0]["address"],
            labels=node["metadata"]["labels"],
            gpus=int(node["status"]["capacity"].get("nvidia.com/gpu", "0")),
        )
        for node in NODES
    )
    pods = [*_platform(), *_monitoring(), *_on_nodes(nodes)]
    volumes = tuple(
        Volume(namespace=pod.namespace, claim=claim, name=f"pvc-{claim}", size=100 * GIB)
        for pod in pods
        for claim in pod.claims
    )
    return Inventory(pods=tuple(pods), nodes=nodes, volumes=volumes)


def address(pod_inventory: Inventory, name: str, *, number: int = 0) -> str:
    """Return address and port of the pod of a program, the first one unless told."""
    found = [pod for pod in pod_inventory.pods if pod.labels[NAME_LABEL] == name]
    (port,) = found[number].containers[0].ports.values()
    return f"{found[number].address}:{port}"


def addresses(pod_inventory: Inventory) -> list[tuple[str, str]]:
    """Return every address and path that Prometheus would scrape."""
    found = [
        (f"{pod.address}:{port}", "/metrics")
        for pod in pod_inventory.pods
        if pod.labels[NAME_LABEL] not in {"prometheus", "alertmanager"}
        for port in pod.containers[0].ports.values()
    ]
    found += [
        (f"{node.address}:10250", path)
        for node in pod_inventory.nodes
        for path in ("/metrics", "/metrics/cadvisor")
    ]
    probe = address(pod_inventory, "blackbox-exporter")
    return found + [
        (probe, f"/probe?{urlencode({'module': 'http_2xx', 'target': target})}") for target in PROBES.values()
    ]


def _pod(
    namespace: str,
    place: tuple[str, str],
    labels: Mapping[str, str],
    port: int,
    **extra: object,
) -> Pod:
    (node, host), name = place, labels[NAME_LABEL]
    container = Container(name=name, image=f"registry.example.com/{name}:1.0", ports={"metrics": port})
    return Pod.model_validate(
        {
            "namespace": namespace,
            "name": f"{name}-7d9c5b6f4-{host.replace('.', 'x')}",
            "node": node,
            "address": host,
            "labels": {**labels, "pod-template-hash": "7d9c5b6f4"},
            "containers": (container,),
            **extra,
        }
    )


def _platform() -> list[Pod]:
    pods = list[Pod]()
    gpu_nodes = iter((GPU, GPUS, GPUS, GPUS))
    for manifest in manifests():
        if manifest["kind"] != "Deployment":
            continue
        template = manifest["spec"]["template"]
        spec = template["spec"]
        (container,) = spec["containers"]
        gpus = int(container["resources"]["limits"].get("nvidia.com/gpu", "0"))
        for number in range(manifest["spec"]["replicas"]):
            node = next(gpu_nodes) if gpus else (GENERAL, OTHER)[number % 2]
            pods.append(
                _pod(
                    NAMESPACE,
                    (node, f"10.244.1.{len(pods) + 2}"),
                    template["metadata"]["labels"],
                    METRICS_PORT,
                    annotations=template["metadata"]["annotations"],
                    claims=tuple(one["persistentVolumeClaim"]["claimName"] for one in spec["volumes"]),
                    gpus=gpus,
                )
            )
    return pods


def _monitoring() -> list[Pod]:
    return [
        _pod(
            namespace,
            (node, f"10.244.2.{number + 2}"),
            {NAME_LABEL: name},
            port,
            claims=("data-prometheus-0",) if name == "prometheus" else (),
        )
        for number, (name, (namespace, node, port)) in enumerate(MONITORING.items())
    ]


def _on_nodes(nodes: tuple[Node, ...]) -> list[Pod]:
    namespace = "monitoring-node"
    pods = [_pod(namespace, (node.name, node.address), {NAME_LABEL: "node-exporter"}, 9100) for node in nodes]
    return pods + [
        _pod(namespace, (node.name, f"10.244.3.{number + 2}"), {NAME_LABEL: "dcgm-exporter"}, 9400)
        for number, node in enumerate(nodes)
        if node.gpus
    ]
