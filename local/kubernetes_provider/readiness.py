"""When an object counts as ready, told from the object and from what belongs to it.

Each judge follows the awaiter of the same kind in provider/pkg/await of the official provider. Judges are
pure: they see JSON and answer with a state; waiting.py asks the server and passes the time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from local.kubernetes_provider.objects import annotation, name_of
from local.provider_wire import Json, JsonObject

Related: TypeAlias = Mapping[str, list[JsonObject]]
"""Objects of the same namespace by plural, such as `pods`; `storageclasses` are the cluster's."""

_REVISION: Final = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class State:
    """How far an object is.

    Attributes:
        ready: whether it is ready now.
        progress: a line for the person who waits.
        problems: why it is not ready, for the error if time runs out.
        settling: what has to stay the same for a while before the object counts as ready; empty for nothing.
    """

    ready: bool
    progress: str = ""
    problems: list[str] = field(default_factory=list[str])
    settling: str = ""


Judge: TypeAlias = Callable[[JsonObject, JsonObject | None, Related], State]


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How to wait for a kind.

    Attributes:
        judge: tells the state from the live object, the object before the update and the related objects.
        seconds: how long at most, if the program sets no timeout.
        fixed: whether the program's timeouts do not count.
        related: what the judge needs beside the object, as pairs of API version and plural.
        on_read: whether a refresh judges too.
    """

    judge: Judge
    seconds: int = 600
    fixed: bool = False
    related: tuple[tuple[str, str], ...] = ()
    on_read: bool = True


def _number(item: Json, *keys: str) -> int:
    for key in keys:
        item = item.get(key) if isinstance(item, dict) else None
    return item if isinstance(item, int) else 0


def _condition(item: JsonObject, name: str) -> JsonObject:
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == name), {})


def _owned(item: JsonObject, kind: str, name: str) -> bool:
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == kind and owner.get("name") == name for owner in owners)


def pod_problems(pods: list[JsonObject], kind: str, owner: str) -> list[str]:
    """Why the pods of an owner are not ready: conditions that are false, containers that wait."""
    problems: list[str] = []
    for pod in pods:
        if not _owned(pod, kind, owner):
            continue
        place = f"[Pod {name_of(pod)}]"
        for name in ("PodScheduled", "Ready"):
            condition = _condition(pod, name)
            if condition.get("status") == "False" and condition.get("message"):
                problems.append(f"{place}: {condition.get('reason', '')} -- {condition['message']}")
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            waiting = (status.get("state") or {}).get("waiting")
            if waiting and waiting.get("message"):
                problems.append(f"{place}: {waiting.get('reason', '')} -- {waiting['message']}")
    return problems


def deployment(live: JsonObject, previous: JsonObject | None, related: Related) -> State:
    """Available, its newest ReplicaSet fully ready, and every claim of its pods bound (deployment.go)."""
    status = live.get("status") or {}
    if status.get("observedGeneration") != live["metadata"]["generation"]:
        return State(ready=False, progress="Waiting for the Deployment controller", problems=[_NO_PODS])
    revision = annotation(live, _REVISION)
    rollout = previous is None or revision != annotation(previous, _REVISION)
    replica_set = next(
        (
            item
            for item in related["replicasets"]
            if _owned(item, "Deployment", name_of(live)) and annotation(item, _REVISION) == revision
        ),
        None,
    )
    progressing, available = _condition(live, "Progressing"), _condition(live, "Available")
    is_available = available.get("status") == "True"
    rolled_out = revision == "1" or (
        progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
    )
    wanted = (replica_set or {}).get("spec", {}).get("replicas", 1)
    have = _number(replica_set, "status", "readyReplicas")
    pods_ready = bool(revision) and replica_set is not None and have >= wanted
    unbound = _unbound_claims(live, related["persistentvolumeclaims"])
    problems = [
        f"[{condition.get('reason')}] {condition.get('message')}"
        for condition in (progressing, available)
        if condition.get("status") == "False"
    ]
    failure = _condition(live, "ReplicaFailure")
    if failure.get("status") == "True":
        problems.append(f"[{failure.get('reason')}] {failure.get('message')}")
    if unbound:
        problems.append(f"Failed to bind PersistentVolumeClaim(s): {', '.join(unbound)}")
    if not is_available:
        problems.append(_NO_PODS)
    elif not pods_ready or (rollout and not rolled_out):
        problems.append(
            "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"
        )
    problems += pod_problems(related["pods"], "ReplicaSet", name_of(replica_set or {}))
    return State(
        ready=is_available and rolled_out and pods_ready and not unbound,
        progress=f"Waiting for app ReplicaSet to be available ({have}/{wanted} Pods available)",
        problems=problems,
    )


_NO_PODS: Final = "Minimum number of live Pods was not attained"


def _unbound_claims(live: JsonObject, claims: list[JsonObject]) -> list[str]:
    volumes = live["spec"]["template"]["spec"].get("volumes") or []
    named = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    }
    return [
        name_of(claim)
        for claim in claims
        if name_of(claim) in named and (claim.get("status") or {}).get("phase") != "Bound"
    ]


def stateful_set(live: JsonObject, _: JsonObject | None, related: Related) -> State:
    """All replicas ready, and the revision that runs is the revision that was asked for (statefulset.go)."""
    status = live.get("status") or {}
    wanted, have = _number(live, "spec", "replicas"), _number(status, "readyReplicas")
    all_ready = wanted == have == _number(status, "replicas")
    on_delete = (live["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if live["metadata"]["generation"] > 1 and on_delete:
        current, revision_ready = all_ready, True
    else:
        current = all_ready and wanted == _number(status, "currentReplicas")
        revision = status.get("currentRevision")
        revision_ready = bool(revision) and revision == status.get("updateRevision")
    observed = status.get("observedGeneration") == live["metadata"]["generation"]
    problems: list[str] = []
    if not current:
        problems.append(f"{have} out of {wanted} replicas succeeded readiness checks")
    if not revision_ready:
        problems.append(
            "StatefulSet controller failed to advance from revision "
            f'"{status.get("currentRevision", "")}" to revision "{status.get("updateRevision", "")}"'
        )
    problems += pod_problems(related["pods"], "StatefulSet", name_of(live))
    return State(
        ready=observed and current and revision_ready,
        progress=f"Waiting for StatefulSet to create Pods ({have}/{wanted} Pods ready)",
        problems=problems,
    )


def daemon_set(live: JsonObject, _: JsonObject | None, related: Related) -> State:
    """Every node that wants a pod has an up-to-date, available one (daemonset.go, by kstatus)."""
    status = live.get("status") or {}
    wanted = status.get("desiredNumberScheduled")
    counts = {
        key: _number(status, key)
        for key in ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
    }
    short = [f"{key}: {count} of {wanted}" for key, count in counts.items() if count < (wanted or 0)]
    observed = status.get("observedGeneration") == live["metadata"]["generation"]
    return State(
        ready=observed and wanted is not None and not short,
        progress=f"Waiting for DaemonSet ({counts['numberReady']}/{wanted or 0} Pods ready)",
        problems=short + pod_problems(related["pods"], "DaemonSet", name_of(live)),
    )


def service(live: JsonObject, _: JsonObject | None, related: Related) -> State:
    """An address where a load balancer gives one, and no endpoint that is not ready (service.go)."""
    spec = live["spec"]
    problems: list[str] = []
    if spec.get("type") == "LoadBalancer" and not _addresses(live):
        problems.append("Service was not allocated an IP address; does your cloud provider support this?")
    settling = ""
    alone = spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName" or not spec.get("selector")
    if not alone:
        endpoints = next((item for item in related["endpoints"] if name_of(item) == name_of(live)), None)
        subsets = (endpoints or {}).get("subsets") or []
        settling = f"endpoints {_versions([endpoints] if endpoints else [])}"
        if endpoints is None or any(subset.get("notReadyAddresses") for subset in subsets):
            problems.append(
                "Service does not target any Pods. Selected Pods may not be ready, or field "
                "'.spec.selector' may not match labels on any Pods"
            )
    return State(
        ready=not problems,
        progress="Finding Pods to direct traffic to",
        problems=problems,
        settling=settling,
    )


def _versions(items: list[JsonObject]) -> str:
    return " ".join(str(item["metadata"].get("resourceVersion")) for item in items)


def _addresses(live: JsonObject) -> list[JsonObject]:
    return ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


def ingress(live: JsonObject, _: JsonObject | None, related: Related) -> State:
    """An address, and endpoints for each Service that a rule names (ingress.go)."""
    known = {name_of(item) for item in related["endpoints"]} | {
        name_of(item) for item in related["services"] if item["spec"].get("type") == "ExternalName"
    }
    targets = {
        path["backend"]["service"]["name"]
        for rule in live["spec"].get("rules") or []
        for path in (rule.get("http") or {}).get("paths") or []
        if "service" in path["backend"]
    }
    problems: list[str] = []
    if targets - known:
        problems.append("Ingress has at least one rule with an unavailable target endpoint.")
    if not _addresses(live):
        problems.append("Ingress .status.loadBalancer field was not updated with a hostname/IP address.")
    return State(
        ready=not problems,
        progress="Waiting for update of .status.loadBalancer with hostname/IP",
        problems=problems,
        settling=f"endpoints {_versions(related['endpoints'])}",
    )


def claim(live: JsonObject, _: JsonObject | None, related: Related) -> State:
    """Bound, or pending where its storage class binds on first use (awaiters.go)."""
    phase = (live.get("status") or {}).get("phase", "")
    wanted = live["spec"].get("storageClassName", "")
    on_first_use = any(
        name_of(item) == wanted and item.get("volumeBindingMode") == "WaitForFirstConsumer"
        for item in related["storageclasses"]
    )
    return State(
        ready=phase == "Bound" or (on_first_use and phase == "Pending"),
        progress=f"Waiting for the claim to be bound ({phase})",
        problems=[f'The claim is {phase or "new"}; its storage class is "{wanted}"'],
    )


def secret(live: JsonObject, _: JsonObject | None, __: Related) -> State:
    """Has data, where a controller fills it in (awaiters.go)."""
    filled_in = live.get("type") == "kubernetes.io/service-account-token"
    return State(ready=not filled_in or bool(live.get("data")), problems=["The token was not filled in"])


_PODS: Final = ("v1", "pods")
_ENDPOINTS: Final = ("v1", "endpoints")

WAITS: Final[Mapping[str, Wait]] = {
    "Deployment": Wait(
        judge=deployment,
        related=(("apps/v1", "replicasets"), _PODS, ("v1", "persistentvolumeclaims")),
    ),
    "StatefulSet": Wait(judge=stateful_set, related=(_PODS,)),
    "DaemonSet": Wait(judge=daemon_set, related=(_PODS,)),
    "Service": Wait(judge=service, related=(_ENDPOINTS,)),
    "Ingress": Wait(judge=ingress, related=(_ENDPOINTS, ("v1", "services"))),
    "PersistentVolumeClaim": Wait(
        judge=claim,
        seconds=300,
        fixed=True,
        related=(("storage.k8s.io/v1", "storageclasses"),),
        on_read=False,
    ),
    "Secret": Wait(judge=secret, seconds=5, fixed=True, on_read=False),
}
