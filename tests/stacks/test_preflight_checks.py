"""The checks of the preflight before clusters that are made up; tests/preflight has a real API server."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest
import yaml
from kubernetes.client import ApiClient, Configuration

from stacks import preflight_checks, preflight_ownership, stack_file, workload
from stacks.deployer_role import Manifest, Right
from stacks.live_cluster import Json, LiveCluster, RefusedError, path_of
from stacks.preflight_situation import Check, Finding, Situation
from stacks.recording import Registration
from stacks.settings import Exporter

CONTEXT = "arn:aws:eks:eu-central-1:123456789012:cluster/a b"
CLASS = "/apis/storage.k8s.io/v1/storageclasses/gp3"
DRIVERS = "/apis/storage.k8s.io/v1/csidrivers"


class MadeUp(LiveCluster):
    """A cluster of a few objects, by their paths, of which some may not be looked at."""

    def __init__(self, objects: Mapping[str, Json], secret: Iterable[str] = (), *, may_all: bool) -> None:
        super().__init__(ApiClient(Configuration(host="http://127.0.0.1:1")))
        self._objects = objects
        self._secret = set(secret)
        self._may_all = may_all

    def get(self, path: str, **_: str) -> Json | None:
        if path in self._secret:
            msg = f"{path} is forbidden"
            raise RefusedError(msg)
        if path.endswith("/storageclasses"):
            return {"items": []}
        return self._objects.get(path)

    def denied(self, rights: Iterable[Right]) -> list[Right]:
        return [] if self._may_all else list(rights)


@dataclass(frozen=True)
class Stack:
    """The stack dev, before whatever cluster."""

    registrations: list[Registration]

    def __call__(
        self,
        objects: Mapping[str, Json] | None = None,
        pods: Iterable[Json] = (),
        secret: Iterable[str] = (),
        *,
        may_all: bool = True,
    ) -> Situation:
        settings = stack_file.read_stack_file(stack_file.stack_file("dev"))
        chosen = settings.kubernetes.model_copy(update={"context": CONTEXT})
        return Situation(
            stack="dev",
            settings=settings.model_copy(update={"kubernetes": chosen}),
            registrations=tuple(self.registrations),
            cluster=MadeUp(objects or {}, secret, may_all=may_all),
            pods=tuple(pods),
            nodes=(),
        )

    def of_kind(self, kind: str) -> list[Manifest]:
        return self().of_kind(kind)


@pytest.fixture
def dev(recorded: dict[str, list[Registration]]) -> Stack:
    return Stack(recorded["dev"])


def judged(check: Check, situation: Situation) -> list[Finding]:
    return [finding for finding in check(situation) if finding.level != "note"]


def pod(
    name: str,
    namespace: str,
    labels: Mapping[str, str] | None = None,
    *,
    port: Json | None = None,
    phase: str = "Running",
) -> Json:
    container = {"name": "only", "ports": [port] if port else []}
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels or {})}
    spec = {"hostNetwork": bool(port), "containers": [container]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


def namespace(name: str, manager: str = "kubectl-create") -> dict[str, Json]:
    metadata = {"name": name, "managedFields": [{"manager": manager}]}
    return {f"/api/v1/namespaces/{name}": {"metadata": metadata}}


STRANGERS = [pod(f"proxy-{index}", "monitoring") for index in range(4)]


@pytest.mark.parametrize(
    ("name", "key", "level"),
    [("monitoring", "namespace", "restricted"), ("monitoring-node", "nodeNamespace", "privileged")],
)
def test_a_namespace_with_pods_of_somebody_else(dev: Stack, name: str, key: str, level: str) -> None:
    strangers = [pod(f"proxy-{index}", name) for index in range(4)]
    (finding,) = judged(preflight_ownership.occupied_namespaces, dev(namespace(name), strangers))
    assert finding.level == "error"
    assert f"namespace {name} has 4 pods of somebody else" in finding.text
    assert f"{name}/proxy-0, {name}/proxy-1, {name}/proxy-2:" in finding.text
    assert f"Pod Security level {level}" in finding.text
    assert f"kubernetes.{key} " in finding.mend


@pytest.mark.parametrize(
    ("there", "pods"),
    [
        ({}, STRANGERS),
        (namespace("monitoring"), []),
        (namespace("monitoring"), [pod("proxy", "kube-system")]),
        (namespace("monitoring"), [pod("job", "monitoring", phase="Succeeded")]),
        (namespace("monitoring"), [pod("own", "monitoring", workload.labels("prometheus"))]),
        (namespace("monitoring", "pulumi-kubernetes-0123abcd"), STRANGERS),
    ],
)
def test_a_namespace_that_may_be_taken_over(dev: Stack, there: Mapping[str, Json], pods: list[Json]) -> None:
    assert judged(preflight_ownership.occupied_namespaces, dev(there, pods)) == []


def test_the_pods_of_every_workload_are_the_stacks_own(dev: Stack) -> None:
    workloads = dev().of_kind("Deployment", "StatefulSet", "DaemonSet")
    pods = [
        {**item["spec"]["template"], "metadata": {**item["spec"]["template"]["metadata"], **place}}
        for item in workloads
        for place in [{"name": "pod", "namespace": item["metadata"]["namespace"]}]
    ]
    there = namespace("monitoring") | namespace("monitoring-node")
    assert len(pods) > 5
    assert judged(preflight_ownership.occupied_namespaces, dev(there, pods)) == []


def test_rights_are_granted_by_lines_to_paste(dev: Stack) -> None:
    (finding,) = judged(preflight_ownership.rights, dev(namespace("monitoring"), may_all=False))
    kubectl = f"kubectl --context '{CONTEXT}'"
    assert finding.mend.splitlines()[1:] == [
        f"  {kubectl} create namespace monitoring-node",
        f"  .venv/bin/python -m stacks.deployer_role dev | {kubectl} apply -f -",
    ]
    assert "monitoring-deployers" in finding.mend


def test_rights_are_granted_by_lines_to_paste_where_nothing_is_seen(dev: Stack) -> None:
    secret = [path_of(item) for item in dev.of_kind("Namespace")]
    (finding,) = judged(preflight_ownership.rights, dev(secret=secret, may_all=False))
    assert len(re.findall(r"^  kubectl .* create namespace ", finding.mend, re.MULTILINE)) == 2
    assert "only where they are missing" in finding.mend


def node_exporter(dev: Stack) -> dict[str, Json]:
    (own,) = [item for item in dev.of_kind("DaemonSet") if item["metadata"]["name"] == "node-exporter"]
    return {path_of(own): dict(own)}


def test_a_port_that_is_taken_holds_up_the_first_up_only(dev: Stack) -> None:
    labels = {"app.kubernetes.io/name": "their-node-exporter"}
    others = [pod("their", "kube-system", labels, port={"name": "web", "containerPort": 9100})]
    (finding,) = judged(preflight_checks.host_ports, dev({}, others))
    assert finding.level == "error"
    said = yaml.safe_load(finding.mend.partition("the same exporter: ")[2])
    assert Exporter.model_validate(said["nodeExporter"]).mode == "external"
    (finding,) = judged(preflight_checks.host_ports, dev(node_exporter(dev), others))
    assert finding.level == "warning"
    (finding,) = judged(preflight_checks.host_ports, dev({}, others, secret=node_exporter(dev)))
    assert finding.level == "error", "who may not look has not deployed it"


def test_a_port_without_a_name_needs_one(dev: Stack) -> None:
    others = [pod("their", "kube-system", {"app": "their"}, port={"containerPort": 9100})]
    (finding,) = judged(preflight_checks.host_ports, dev({}, others))
    assert "its port 9100 needs a name first" in finding.mend
    assert "port: NAME" in finding.mend
    assert "None" not in finding.mend


def claims(dev: Stack) -> dict[str, Json]:
    return {path_of(item): dict(item) for item in dev.of_kind("PersistentVolumeClaim")}


def storage_class(provisioner: str) -> dict[str, Json]:
    return {CLASS: {"provisioner": provisioner, "allowVolumeExpansion": True}}


@pytest.mark.parametrize(
    ("there", "part"),
    [
        ({}, "storage class gp3 is missing"),
        (
            storage_class("ebs.csi.aws.com"),
            "CSI driver ebs.csi.aws.com of storage class gp3 is not installed",
        ),
        (storage_class("kubernetes.io/aws-ebs"), "CSI driver ebs.csi.aws.com of"),
        (storage_class("driver.longhorn.io"), "CSI driver driver.longhorn.io of"),
        (storage_class("csi.vsphere.vmware.com"), "CSI driver csi.vsphere.vmware.com of"),
    ],
)
def test_storage_that_is_missing_holds_up_new_claims_only(
    dev: Stack, there: Mapping[str, Json], part: str
) -> None:
    (finding,) = judged(preflight_checks.storage, dev(there))
    assert finding.level == "error"
    assert part in finding.text
    assert ("aws eks" in finding.mend) == ("ebs.csi" in part)
    made = claims(dev)
    (finding,) = judged(preflight_checks.storage, dev({**there, **made}))
    assert finding.level == "warning"
    made.popitem()
    (finding,) = judged(preflight_checks.storage, dev({**there, **made}))
    assert finding.level == "error", "one is still to be made"


@pytest.mark.parametrize(
    ("provisioner", "driver", "part"),
    [
        ("driver.longhorn.io", "driver.longhorn.io", "its CSI driver driver.longhorn.io"),
        ("kubernetes.io/aws-ebs", "ebs.csi.aws.com", "its CSI driver ebs.csi.aws.com"),
        ("kubernetes.io/no-provisioner", "", "is not seen"),
        ("rancher.io/local-path", "", "is not seen"),
    ],
)
def test_storage_that_is_there(dev: Stack, provisioner: str, driver: str, part: str) -> None:
    drivers: dict[str, Json] = {f"{DRIVERS}/{driver}": {}} if driver else {}
    (finding,) = preflight_checks.storage(dev({**storage_class(provisioner), **drivers}))
    assert finding.level == "note"
    assert part in finding.text
