"""The simulated platform's objects in the embedded cluster, which Prometheus discovers."""

from collections.abc import Iterable, Mapping
from typing import Any

from kubernetes.client import ApiClient

from local.errors import PlatformError
from local.kubernetes_provider.api import ApiError, Cluster, UnreachableError
from local.kubernetes_provider.kinds import KINDS
from local.nodes import STORAGE_CLASS, Manifest
from local.simulator.services import API, CLAIMS, NAME_LABEL, NAMESPACE, SERVICES, Service

RELEASE = "2026.11.2"
METRICS_PORT = 8000
_FIELD_MANAGER = "dubbing-simulator"
_USER = 10001


def manifests() -> tuple[Manifest, ...]:
    """Return every object of the platform; one that others need comes before them."""
    return (
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": NAMESPACE,
                "labels": {
                    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
                },
            },
        },
        *(_claim(name, size) for name, size in CLAIMS.items()),
        *(_deployment(service) for service in SERVICES),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(API.name),
            "spec": {
                "selector": {NAME_LABEL: API.name},
                "ports": [{"name": "http", "port": 80, "targetPort": "metrics"}],
            },
        },
    )


def apply(api: ApiClient, objects: Iterable[Manifest]) -> None:
    """Bring objects of the platform into the cluster by server-side apply; again, and nothing changes.

    Raises:
        PlatformError: The cluster refuses an object, or does not answer.
    """
    cluster = Cluster(api, NAMESPACE)
    paths = {kind.name: kind for kind in KINDS}
    for manifest in objects:
        kind, metadata = paths[manifest["kind"]], manifest["metadata"]
        name: str = metadata["name"]
        try:
            cluster.request(
                "PATCH",
                kind.path(metadata.get("namespace", ""), name),
                {"fieldManager": _FIELD_MANAGER, "force": "true"},
                manifest,
                "application/apply-patch+yaml",
            )
        except (ApiError, UnreachableError) as error:
            raise PlatformError(
                f"The cluster does not take {kind.name} {name} of the simulated platform: {error}"
            ) from error


def _metadata(name: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {NAME_LABEL: name, **(labels or {})}}


def _claim(name: str, size: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(name),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": size}},
        },
    }


def _deployment(service: Service) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(service.name, service.labels),
        "spec": {
            "replicas": service.replicas,
            "selector": {"matchLabels": {NAME_LABEL: service.name}},
            # A volume that one pod writes to has to be free before the next one starts.
            "strategy": {"type": "Recreate" if service.claims else "RollingUpdate"},
            "template": {
                "metadata": {
                    "labels": {NAME_LABEL: service.name, **service.labels},
                    "annotations": {"prometheus.io/scrape": "true"},
                },
                "spec": _pod(service),
            },
        },
    }


def _pod(service: Service) -> dict[str, Any]:
    resources: dict[str, Any] = {
        "requests": {"cpu": str(service.cores), "memory": f"{service.gibibytes:g}Gi"},
        "limits": {"memory": f"{service.gibibytes:g}Gi"},
    }
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": service.name,
                "image": f"registry.example.com/dubbing/{service.name}:{RELEASE}",
                "ports": [{"name": "metrics", "containerPort": METRICS_PORT}],
                "resources": resources,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": claim, "mountPath": path} for claim, path in service.claims.items()
                ],
            }
        ],
        "volumes": [
            {"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in service.claims
        ],
    }
    if service.gpus:
        resources["limits"]["nvidia.com/gpu"] = str(service.gpus)
        resources["requests"]["nvidia.com/gpu"] = str(service.gpus)
        pod["nodeSelector"] = {"nvidia.com/gpu.present": "true"}
        pod["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    return pod
