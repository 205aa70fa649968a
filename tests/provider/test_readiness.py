"""When an object counts as ready: rows of the judges, each with the official awaiter it follows."""

from typing import Any

import pytest

from local.kubernetes_provider.readiness import WAITS, Related

Object = dict[str, Any]

SELECTED: Object = {"selector": {"app": "web"}}
DEPLOYED: Object = {
    "observedGeneration": 2,
    "conditions": [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ],
}
STATEFUL: Object = {
    "observedGeneration": 2,
    "replicas": 1,
    "readyReplicas": 1,
    "currentReplicas": 1,
    "currentRevision": "a",
    "updateRevision": "a",
}
ON_NODES: Object = {
    "observedGeneration": 2,
    "desiredNumberScheduled": 2,
    "currentNumberScheduled": 2,
    "updatedNumberScheduled": 2,
    "numberAvailable": 2,
    "numberReady": 2,
}


def live(status: Object, revision: str = "2", **spec: object) -> Object:
    annotations = {"deployment.kubernetes.io/revision": revision}
    found = {"name": "web", "generation": 2, "annotations": annotations}
    return {"metadata": found, "spec": {"replicas": 1, "template": {"spec": {}}} | spec, "status": status}


def replica_sets(ready: int, revision: str = "2") -> Related:
    owner = {"kind": "Deployment", "name": "web"}
    annotations = {"deployment.kubernetes.io/revision": revision}
    one = {
        "metadata": {"name": "web-1", "ownerReferences": [owner], "annotations": annotations},
        "spec": {"replicas": 1},
        "status": {"readyReplicas": ready},
    }
    return {"replicasets": [one]}


def endpoints(**subset: object) -> Related:
    return {"endpoints": [{"metadata": {"name": "web"}, "subsets": [subset]}]}


def classes(mode: str) -> Related:
    return {"storageclasses": [{"metadata": {"name": "fast"}, "volumeBindingMode": mode}]}


CLAIMED: Object = {"template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}}}
UNBOUND: Related = {
    "persistentvolumeclaims": [{"metadata": {"name": "data"}, "status": {"phase": "Pending"}}]
}

ROWS = [
    ("deployment.go", "Deployment", live(DEPLOYED), replica_sets(1), True),
    ("deployment.go", "Deployment", live(DEPLOYED | {"observedGeneration": 1}), replica_sets(1), False),
    ("deployment.go", "Deployment", live(DEPLOYED | {"conditions": []}), replica_sets(1), False),
    ("deployment.go", "Deployment", live(DEPLOYED), replica_sets(0), False),
    ("deployment.go", "Deployment", live(DEPLOYED), replica_sets(1, "1"), False),
    ("deployment.go", "Deployment", live(DEPLOYED, **CLAIMED), {**replica_sets(1), **UNBOUND}, False),
    ("statefulset.go", "StatefulSet", live(STATEFUL), {}, True),
    ("statefulset.go", "StatefulSet", live(STATEFUL | {"readyReplicas": 0}), {}, False),
    ("statefulset.go", "StatefulSet", live(STATEFUL | {"updateRevision": "b"}), {}, False),
    ("statefulset.go", "StatefulSet", live(STATEFUL | {"observedGeneration": 1}), {}, False),
    ("daemonset.go", "DaemonSet", live(ON_NODES), {}, True),
    ("daemonset.go", "DaemonSet", live(ON_NODES | {"numberAvailable": 1}), {}, False),
    ("daemonset.go", "DaemonSet", live(ON_NODES | {"updatedNumberScheduled": 1}), {}, False),
    ("daemonset.go", "DaemonSet", live({}), {}, False),
    ("service.go", "Service", live({}, **SELECTED), endpoints(addresses=[{"ip": "10.0.0.1"}]), True),
    ("service.go", "Service", live({}, **SELECTED), endpoints(notReadyAddresses=[{"ip": "1"}]), False),
    ("service.go", "Service", live({}, **SELECTED), {}, False),
    ("service.go", "Service", live({}, **SELECTED, clusterIP="None"), {}, True),
    ("service.go", "Service", live({}), {}, True),
    ("service.go", "Service", live({}, type="LoadBalancer"), {}, False),
    ("awaiters.go", "PersistentVolumeClaim", live({"phase": "Bound"}), {}, True),
    ("awaiters.go", "PersistentVolumeClaim", live({"phase": "Pending"}), {}, False),
    (
        "awaiters.go",
        "PersistentVolumeClaim",
        live({"phase": "Pending"}, storageClassName="fast"),
        classes("WaitForFirstConsumer"),
        True,
    ),
    (
        "awaiters.go",
        "PersistentVolumeClaim",
        live({"phase": "Pending"}, storageClassName="fast"),
        classes("Immediate"),
        False,
    ),
    ("ingress.go", "Ingress", live({}), {}, False),
    ("ingress.go", "Ingress", live({"loadBalancer": {"ingress": [{"ip": "1"}]}}), {}, True),
]


@pytest.mark.parametrize(("source", "kind", "item", "related", "ready"), ROWS)
def test_an_object_is_ready_when_the_official_provider_says_so(
    source: str,
    kind: str,
    item: Object,
    related: Related,
    ready: bool,  # noqa: FBT001 - a row's expectation
) -> None:
    wait = WAITS[kind]
    everything = {plural: related.get(plural, []) for _, plural in wait.related}
    state = wait.judge(item, None, everything)
    assert state.ready == ready, source
    assert ready or state.problems or state.progress


def test_a_service_counts_only_once_its_endpoints_have_been_still() -> None:
    """Source: service.go processEndpointEvent, the ten seconds to settle."""
    judge = WAITS["Service"].judge
    assert judge(live({}, **SELECTED), None, endpoints(addresses=[{"ip": "1"}])).settling
    assert not judge(live({}, clusterIP="None"), None, {"endpoints": []}).settling


def test_the_error_of_a_workload_names_what_its_pods_wait_for() -> None:
    """Source: deployment.go aggregatePodErrors."""
    owner = {"kind": "StatefulSet", "name": "web"}
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod = {
        "metadata": {"name": "web-0", "ownerReferences": [owner]},
        "status": {"containerStatuses": [{"state": waiting}]},
    }
    state = WAITS["StatefulSet"].judge(live({}), None, {"pods": [pod]})
    assert "[Pod web-0]: ImagePullBackOff -- no such image" in state.problems
