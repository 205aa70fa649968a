"""The exporter that NVIDIA's GPU Operator would bring, for a stack that leaves it to the operator."""

from local.nodes import Manifest
from local.simulator.services import NAME_LABEL
from stacks.exporters.gpu_metrics import NAME, PORT
from stacks.settings import GpuMetrics

_EXPORTER = "nvidia-dcgm-exporter"


def manifests(settings: GpuMetrics) -> tuple[Manifest, ...]:
    """Return its objects, as the settings look for them; none where someone else or nobody runs it."""
    if settings.mode != "external" or settings.external is None:
        return ()
    wanted = settings.external
    # By the second the simulator knows what to answer.
    labels = {**wanted.labels, NAME_LABEL: NAME}
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": wanted.namespace}},
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": _EXPORTER, "namespace": wanted.namespace, "labels": labels},
            "spec": {
                "selector": {"matchLabels": wanted.labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "nodeSelector": settings.node_selector,
                        "tolerations": [
                            {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
                        ],
                        "containers": [
                            {
                                "name": _EXPORTER,
                                "image": f"registry.example.com/nvidia/{_EXPORTER}:1.0",
                                "ports": [{"name": wanted.port, "containerPort": PORT}],
                            }
                        ],
                    },
                },
            },
        },
    )
