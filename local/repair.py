"""Mends a stack's state after an update that was killed, by steps that the official command line has too.

An engine that is killed leaves the stack's lock, and a pending operation for each object it was working on.
`pulumi refresh` finds out what came of updates and deletes. Creates it keeps for ever, since only a person
knows the object's id; for Kubernetes everybody does: namespace and name. So an object that was created by
this stack's provider is put into the state under that id, and the other creates are cleared.
`pulumi refresh --import-pending-creates` would be the command for it, but the engine that this was built with
(3.259) drops the operation instead of importing the object.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

State = dict[str, Any]
Live = Callable[[Mapping[str, Any]], State | None]

# Every object that the provider applies names it as its field manager, with a suffix of its own.
_MANAGER = "pulumi-kubernetes"


def pending(state: State) -> Sequence[State]:
    """Return the operations that had begun and not ended, out of an exported deployment."""
    return state.get("pending_operations") or []


def settle(state: State, live: Live) -> tuple[State, list[str]]:
    """Return the deployment without pending creates, and labels of the objects that it now holds.

    Args:
        state: An exported deployment.
        live: Finds the object that a resource's inputs describe in the cluster.
    """
    adopted: dict[str, State] = {}
    for operation in pending(state):
        resource = operation["resource"]
        inputs = resource.get("inputs", {})
        if operation["type"] != "creating" or "metadata" not in inputs:
            continue
        found = live(inputs)
        manager = _manager(found) if found is not None else None
        if manager is not None:
            adopted[resource["urn"]] = _created(resource, manager)
    resources = [kept for kept in state.get("resources", []) if kept["urn"] not in adopted]
    others = [operation for operation in pending(state) if operation["type"] != "creating"]
    settled = {**state, "resources": [*resources, *adopted.values()], "pending_operations": others}
    return settled, [f"{each['inputs']['kind']} {each['id']}" for each in adopted.values()]


def _created(resource: State, manager: str) -> State:
    """Return a resource as the engine would have written it down when its creation had ended.

    The inputs stay the program's own, so that the next update finds nothing to change in it.
    """
    inputs = resource["inputs"]
    metadata = inputs["metadata"]
    identity = "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))
    provider_state = {
        "__inputs": inputs,
        "__initialApiVersion": inputs["apiVersion"],
        "__fieldManager": manager,
    }
    return {**resource, "id": identity, "outputs": {**inputs, **provider_state}}


def _manager(live: State) -> str | None:
    managers = (str(entry.get("manager", "")) for entry in live["metadata"].get("managedFields", []))
    return next((manager for manager in managers if manager.startswith(_MANAGER)), None)


def finder(api: ApiClient) -> Live:
    """Return what looks objects up in a cluster."""
    cluster = DynamicClient(api)

    def find(inputs: Mapping[str, Any]) -> State | None:
        metadata = inputs["metadata"]
        try:
            kind = cluster.resources.get(api_version=inputs["apiVersion"], kind=inputs["kind"])
            return kind.get(name=metadata["name"], namespace=metadata.get("namespace")).to_dict()
        except (NotFoundError, ResourceNotFoundError):
            return None

    return find
