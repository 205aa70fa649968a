"""The embedded cluster's administrator, who lets the deployer deploy a stack, and no more than that.

The roles are those that `python -m stacks.deployer_role` prints, bound to one user in the place of a group.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from local.cluster import DEPLOYER
from stacks.deployer_role import RBAC, role
from stacks.recording import Registration

_FIELD_MANAGER = "administrator"


def grant(api: ApiClient, registrations: Sequence[Registration], namespace: str) -> None:
    """Make the stack's namespaces, and give the deployer exactly the rights that deploying the stack takes.

    Nothing is taken away again: to delete what leaves the stack takes the rights that it had before.

    Args:
        api: The cluster, as its administrator.
        registrations: What the stack registers.
        namespace: The stack's namespace.
    """
    client: Any = DynamicClient(api)
    subject = {"apiGroup": RBAC, "kind": "User", "name": DEPLOYER}
    objects = [one.inputs for one in registrations if one.is_kubernetes_object]
    namespaces: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": item["metadata"]["name"]}}
        for item in objects
        if item["kind"] == "Namespace"
    ]
    for item in [*namespaces, *role(objects, namespace)]:
        resource: Any = client.resources.get(api_version=item["apiVersion"], kind=item["kind"])
        manifest: dict[str, Any] = {**item, "subjects": [subject]} if "subjects" in item else item
        if "rules" in item:
            before = _rules(resource, item["metadata"])
            manifest = {**item, "rules": [*before, *(rule for rule in item["rules"] if rule not in before)]}
        client.server_side_apply(
            resource,
            manifest,
            manifest["metadata"]["name"],
            manifest["metadata"].get("namespace"),
            field_manager=_FIELD_MANAGER,
            force_conflicts=True,
        )


def _rules(resource: Any, metadata: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: ANN401 - of an untyped client
    try:
        found = resource.get(name=metadata["name"], namespace=metadata.get("namespace"))
    except NotFoundError:
        return []
    return found.to_dict().get("rules") or []
