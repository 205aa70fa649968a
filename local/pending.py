"""Repair of a stack whose engine was killed in the middle of creating objects.

The engine writes down a create before it starts it. Killed before the answer, it leaves a pending create:
the object may exist or not, and the stack's state does not hold it. A plain refresh keeps pending creates,
and the next update fails where the object exists, since creating what exists is an error.

`pulumi refresh --import-pending-creates URN --import-pending-creates ID` only drops the operation in Pulumi
3.259, without importing anything (seen in a run; cmd/pulumi/operations/refresh.go marks it as importing,
which nothing reads). So the state is told instead: every pending create becomes a resource with the inputs
it was asked with and the id that its object has, and the refresh that follows reads it, or drops it where
the object was never made. With the official CLI these are `pulumi cancel`, `pulumi stack export`, the edit,
`pulumi stack import` and `pulumi refresh`.
"""

import copy
from typing import Any

_CREATING = "creating"


def adopt_pending_creates(deployment: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Move the pending creates of Kubernetes objects among the resources of an exported deployment.

    Args:
        deployment: the `deployment` of `pulumi stack export`.

    Returns:
        The deployment to import, without pending operations, and the URNs that the refresh after the import
        has to read. Without pending creates the list is empty and no import is needed.
    """
    adopted = {
        operation["resource"]["urn"]: operation["resource"] | {"id": _id(operation["resource"])}
        for operation in deployment.get("pending_operations") or []
        if operation["type"] == _CREATING and _id(operation["resource"])
    }
    repaired = copy.deepcopy(deployment)
    repaired["pending_operations"] = []
    # What waits for its replacement has been deleted already: the replacement is what was being created.
    repaired["resources"] = [
        resource
        for resource in repaired.get("resources") or []
        if resource["urn"] not in adopted or resource.get("delete")
    ] + list(copy.deepcopy(adopted).values())
    return repaired, list(adopted)


def _id(resource: dict[str, Any]) -> str:
    """The id that the Kubernetes provider gives an object: `namespace/name`, or the name alone."""
    metadata = resource.get("inputs", {}).get("metadata") or {}
    return "/".join(part for part in (metadata.get("namespace"), metadata.get("name")) if part)
