"""The embedded cluster's administrator, who lets the deployer deploy a stack, and no more than that.

The roles are those that `python -m stacks.deployer_role` prints, bound to one user in the place of a group.
"""

from collections.abc import Sequence
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from local.cluster import DEPLOYER
from stacks.deployer_role import RBAC, role
from stacks.recording import Registration

_FIELD_MANAGER = "administrator"

#: What an update takes to make the namespaces and nothing else: them, what they are in, and the provider.
NAMESPACES = (
    "**::pulumi:providers:kubernetes::cluster",
    "**::dubbing:monitoring:MonitoringStack::monitoring",
    "**$kubernetes:core/v1:Namespace::*",
)


def grant(api: ApiClient, registrations: Sequence[Registration], namespace: str) -> None:
    """Give the deployer exactly the rights that deploying what is registered takes.

    Args:
        api: The cluster, as its administrator.
        registrations: What the stack registers; its namespaces exist.
        namespace: The stack's namespace.
    """
    client: Any = DynamicClient(api)
    subject = {"apiGroup": RBAC, "kind": "User", "name": DEPLOYER}
    for item in role([one.inputs for one in registrations if one.is_kubernetes_object], namespace):
        manifest: dict[str, Any] = {**item, "subjects": [subject]} if "subjects" in item else item
        client.server_side_apply(
            client.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"]),
            manifest,
            manifest["metadata"]["name"],
            manifest["metadata"].get("namespace"),
            field_manager=_FIELD_MANAGER,
            force_conflicts=True,
        )


def lacks_namespaces(api: ApiClient, registrations: Sequence[Registration]) -> bool:
    """Whether a namespace of the stack does not exist yet: only the administrator may make one."""
    client: Any = DynamicClient(api)
    resource: Any = client.resources.get(api_version="v1", kind="Namespace")
    for item in registrations:
        if item.is_kubernetes_object and item.inputs["kind"] == "Namespace":
            try:
                resource.get(name=item.inputs["metadata"]["name"])
            except NotFoundError:
                return True
    return False
