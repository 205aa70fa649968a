"""What stands in the embedded cluster before anything is deployed: nodes and storage, as on EKS."""

from collections.abc import Mapping
from typing import Any

from local.toolchain import version

REGION = "eu-west-1"
STORAGE_CLASS = "gp3"
STORAGE_DRIVER = "ebs.csi.aws.com"

Manifest = dict[str, Any]


def node(
    number: int,
    *,
    zone: str,
    instance_type: str,
    resources: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    taints: tuple[Mapping[str, str], ...] = (),
) -> Manifest:
    """Return a node as EKS would register it; its number gives its address and its own pod range.

    Without a pod range of its own KWOK would give pods on different nodes the same address.
    """
    address = f"10.0.{number}.10"
    name = f"ip-{address.replace('.', '-')}.{REGION}.compute.internal"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": instance_type,
                "topology.kubernetes.io/region": REGION,
                "topology.kubernetes.io/zone": f"{REGION}{zone}",
                **(labels or {}),
            },
        },
        "spec": {
            "podCIDR": f"10.244.{number}.0/24",
            "podCIDRs": [f"10.244.{number}.0/24"],
            "providerID": f"aws:///{REGION}{zone}/i-{number:017d}",
            "taints": [dict(taint) for taint in taints],
        },
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": dict(resources),
            "capacity": dict(resources),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kernelVersion": "6.12.46",
                "kubeProxyVersion": "",
                "kubeletVersion": f"v{version('kube-apiserver')}",
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023",
                "systemUUID": "",
            },
        },
    }


_GENERAL = {"cpu": "8", "memory": "32Gi", "pods": "58", "ephemeral-storage": "80Gi"}
_GPU_LABELS = {
    "eks.amazonaws.com/nodegroup": "gpu",
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.product": "NVIDIA-A10G",
}
_GPU_TAINTS = ({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},)

NODES = (
    node(
        1,
        zone="a",
        instance_type="m6i.2xlarge",
        resources=_GENERAL,
        labels={"eks.amazonaws.com/nodegroup": "general"},
    ),
    node(
        2,
        zone="b",
        instance_type="m6i.2xlarge",
        resources=_GENERAL,
        labels={"eks.amazonaws.com/nodegroup": "general"},
    ),
    node(
        3,
        zone="a",
        instance_type="g5.2xlarge",
        resources={**_GENERAL, "nvidia.com/gpu": "1"},
        labels=_GPU_LABELS,
        taints=_GPU_TAINTS,
    ),
    node(
        4,
        zone="b",
        instance_type="g5.12xlarge",
        resources={
            "cpu": "48",
            "memory": "192Gi",
            "pods": "234",
            "ephemeral-storage": "80Gi",
            "nvidia.com/gpu": "4",
        },
        labels=_GPU_LABELS,
        taints=_GPU_TAINTS,
    ),
)

# Not marked as the default class: EKS marks none, so a stack has to name it.
STORAGE: Manifest = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": STORAGE_CLASS},
    "provisioner": STORAGE_DRIVER,
    "parameters": {"type": "gp3"},
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
}

# No kubelet attaches volumes here, so none is asked to.
DRIVER: Manifest = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": STORAGE_DRIVER},
    "spec": {"attachRequired": False, "podInfoOnMount": False},
}
