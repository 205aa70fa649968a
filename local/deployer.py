"""The embedded cluster's administrator, who lets the deployer deploy a stack, and no more than that.

The roles are those that `python -m stacks.deployer_role` prints, bound to one user in the place of a group.
"""

from collections.abc import Sequence
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient

from local.cluster import DEPLOYER
from stacks.deployer_role import RBAC, role
from stacks.recording import Registration

_FIELD_MANAGER = "administrator"


def grant(api: ApiClient, registrations: Sequence[Registration], namespace: str) -> None:
    """Make the stack's namespaces, and give the deployer exactly the rights that deploying the stack takes.

    Args:
        api: The cluster, as its administrator.
        registrations: What the stack registers.
        namespace: The stack's namespace.
    """
    client: Any = DynamicClient(api)
    subject = {"apiGroup": RBAC, "kind": "User", "name": DEPLOYER}
    objects = [one.inputs for one in registrations if one.is_kubernetes_object]
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": item["metadata"]["name"]}}
        for item in objects
        if item["kind"] == "Namespace"
    ]
    for item in [*namespaces, *role(objects, namespace)]:
        manifest: dict[str, Any] = {**item, "subjects": [subject]} if "subjects" in item else item
        client.server_side_apply(
            client.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"]),
            manifest,
            manifest["metadata"]["name"],
            manifest["metadata"].get("namespace"),
            field_manager=_FIELD_MANAGER,
            force_conflicts=True,
        )
