"""What is looked at before anything is deployed: one function a question, each with what it found.

An error would make `up` fail, a warning is what would not work, a note is what was looked at and is well.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from stacks.deployer_role import Manifest
from stacks.live_cluster import Json
from stacks.preflight_aws import pod_identity
from stacks.preflight_ownership import existing_objects, occupied_namespaces, rights
from stacks.preflight_situation import Check, Finding, Situation, identity, lives
from stacks.settings import Exporter, Settings

#: The server versions that the stack is for, the oldest first: those that kube-prometheus 0.18 tests the same
#: programs with. EKS offers the oldest in extended support until 2027-07-29. Each manifest is checked against
#: the schema of every one (tests/stacks/test_manifests.py); the embedded platform runs 1.36.
KUBERNETES_VERSIONS = ("1.33", "1.34", "1.35", "1.36")

#: Provisioners of old that the API server hands to a CSI driver instead (Kubernetes' CSI migration).
_MIGRATED = {"kubernetes.io/aws-ebs": "ebs.csi.aws.com"}

#: Pods whose network enforces NetworkPolicies, by a label of theirs.
_ENFORCERS = {
    ("k8s-app", "calico-node"),
    ("k8s-app", "cilium"),
    ("k8s-app", "kube-router"),
    ("app", "antrea"),
}
_EKS_AGENT = "aws-eks-nodeagent"


def version(situation: Situation) -> Iterator[Finding]:
    """Whether the server's version is one that the stack is for."""
    answer = situation.cluster.get("/version") or {}
    found = (_number(answer.get("major")), _number(answer.get("minor")))
    name = f"{found[0]}.{found[1]}"
    oldest, newest = (tuple(map(int, KUBERNETES_VERSIONS[end].split("."))) for end in (0, -1))
    known = f"{KUBERNETES_VERSIONS[0]} to {KUBERNETES_VERSIONS[-1]}"
    if found < oldest:
        yield Finding(
            level="error",
            text=f"the server is Kubernetes {name}; the stack is for {known}",
            mend="update the cluster, one minor version at a time",
        )
    elif found > newest:
        yield Finding(
            level="warning",
            text=f"the server is Kubernetes {name}, and the manifests are checked against {known} only",
            mend="a newer version of this project may know it; tests/stacks/test_manifests.py has the check",
        )
    else:
        yield Finding(level="note", text=f"the server is Kubernetes {name}, and the stack is for {known}")


def storage(situation: Situation) -> Iterator[Finding]:
    """Whether the storage class exists, can expand, and has its driver."""
    wanted = {item["spec"].get("storageClassName", "") for item in situation.of_kind("PersistentVolumeClaim")}
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    for name in sorted(wanted - {""}):
        found = situation.cluster.get(f"{classes}/{name}")
        if found is None:
            known = ", ".join(sorted(item["metadata"]["name"] for item in situation.cluster.items(classes)))
            yield Finding(
                level=_level_of_claims(situation, name),
                text=f"storage class {name} is missing: new claims would wait. There: {known or 'none'}",
                mend="kubernetes.storageClass in the stack file names one that is there",
            )
            continue
        if not found.get("allowVolumeExpansion"):
            patch = shlex.quote('{"allowVolumeExpansion": true}')
            yield Finding(
                level="warning",
                text=f"storage class {name} does not expand: a larger volume would be refused later",
                mend=f"{situation.kubectl} patch storageclass {name} -p {patch}",
            )
        yield _driver(situation, name, str(found["provisioner"]))


def _level_of_claims(situation: Situation, storage_class: str) -> Literal["error", "warning"]:
    """An error where a claim of the class is still to be made; those that are there have their volumes."""
    claims = [
        item
        for item in situation.of_kind("PersistentVolumeClaim")
        if item["spec"].get("storageClassName") == storage_class
    ]
    return "warning" if situation.are_there(claims) else "error"


def _driver(situation: Situation, name: str, provisioner: str) -> Finding:
    driver = _MIGRATED.get(provisioner, provisioner)
    # A CSI driver's name is that of a domain, so what has a slash is another kind of provisioner.
    if "/" in driver:
        text = (
            f"storage class {name} is there; it has no CSI driver, so whether {provisioner} runs is not seen"
        )
        return Finding(level="note", text=text)
    if situation.cluster.get(f"/apis/storage.k8s.io/v1/csidrivers/{driver}") is not None:
        return Finding(level="note", text=f"storage class {name} is there, and its CSI driver {driver}")
    return Finding(
        level=_level_of_claims(situation, name),
        text=f"the CSI driver {driver} of storage class {name} is not installed: new claims would wait",
        mend="on EKS: aws eks create-addon --addon-name aws-ebs-csi-driver --cluster-name CLUSTER"
        if driver == "ebs.csi.aws.com"
        else "install it, or kubernetes.storageClass in the stack file names a class whose driver is there",
    )


def network_policies(situation: Situation) -> Iterator[Finding]:
    """Whether something is there that is known to enforce NetworkPolicies; it cannot be known for sure."""
    if not situation.of_kind("NetworkPolicy") or situation.pods is None:
        return
    for pod in situation.pods:
        labels = set((pod["metadata"].get("labels") or {}).items())
        agents = [item for item in pod["spec"]["containers"] if item["name"] == _EKS_AGENT]
        enabled = any("--enable-network-policy=true" in (item.get("args") or ()) for item in agents)
        if labels & _ENFORCERS or enabled:
            text = f"NetworkPolicies are enforced, as far as can be seen, by pods such as {identity(pod)}"
            yield Finding(level="note", text=text)
            return
    yield Finding(
        level="warning",
        text="nothing is seen that enforces NetworkPolicies: everybody in the cluster would reach "
        "Prometheus, Alertmanager and Grafana (looked for: EKS' agent, Calico, Cilium, kube-router, Antrea)",
        mend="on EKS: aws eks update-addon --addon-name vpc-cni --cluster-name CLUSTER "
        '--configuration-values \'{"enableNetworkPolicy": "true"}\'. EKS Auto Mode enforces them without a '
        f"pod that shows: {situation.kubectl} -n kube-system get configmap amazon-vpc-cni -o yaml",
    )


def node_labels(situation: Situation) -> Iterator[Finding]:
    """Whether each workload that asks for labelled nodes has one."""
    for item in situation.registrations if situation.nodes is not None else ():
        spec = _pod_spec(item.inputs) if item.is_kubernetes_object else None
        wanted: Mapping[str, str] = (spec or {}).get("nodeSelector") or {}
        if not wanted:
            continue
        count = sum(
            wanted.items() <= (node["metadata"].get("labels") or {}).items() for node in situation.nodes or ()
        )
        text = ", ".join(f"{key}={value}" for key, value in sorted(wanted.items()))
        what = f"{item.inputs['kind']} {item.inputs['metadata']['name']}"
        if count:
            yield Finding(level="note", text=f"{count} nodes have the label {text} for {what}")
            continue
        setting = situation.setting(item)
        yield Finding(
            level="warning",
            text=f"no node has the label {text} for {what}: it would have no pod, and its panels no data",
            mend=f"label the nodes, or set {setting}.nodeSelector to labels that they have, or "
            f"{setting}.mode to off",
        )


def external_exporters(situation: Situation) -> Iterator[Finding]:
    """Whether the exporters are there that someone else is said to run."""
    for name, field in Settings.model_fields.items() if situation.pods is not None else ():
        exporter = getattr(situation.settings, name)
        if not isinstance(exporter, Exporter) or exporter.mode != "external" or exporter.external is None:
            continue
        wanted, key = exporter.external, field.alias or name
        ports = {
            port.get("name")
            for pod in situation.pods or ()
            if pod["metadata"]["namespace"] == wanted.namespace
            and wanted.labels.items() <= (pod["metadata"].get("labels") or {}).items()
            for container in pod["spec"]["containers"]
            for port in container.get("ports") or ()
        }
        where = ", ".join(f"{label}={value}" for label, value in sorted(wanted.labels.items()))
        if wanted.port in ports:
            yield Finding(level="note", text=f"{key}: pods {where} in namespace {wanted.namespace} are there")
        else:
            yield Finding(
                level="warning",
                text=f"{key} is external, but namespace {wanted.namespace} has no pod with {where} and a "
                f"port named {wanted.port}: nothing would be scraped",
                mend=f"{key}.external says which pods; with {key}.mode: deploy this stack runs it",
            )


def host_ports(situation: Situation) -> Iterator[Finding]:
    """Whether a port of the nodes that a workload needs is taken by somebody else's pod."""
    for item in situation.registrations if situation.pods is not None else ():
        spec = _pod_spec(item.inputs) if item.is_kubernetes_object else None
        for port in sorted(_host_ports(spec or {})):
            what = f"{item.inputs['kind']} {item.inputs['metadata']['name']}"
            others = [
                pod
                for pod in situation.pods or ()
                if port in _host_ports(pod["spec"]) and not _is_of(pod, item.inputs) and lives(pod)
            ]
            if not others:
                yield Finding(level="note", text=f"port {port} of the nodes is free for {what}")
                continue
            setting = situation.setting(item)
            yield Finding(
                # Once it is deployed, a node on which it does not fit must not hold up all else.
                level="warning" if situation.are_there([item.inputs]) else "error",
                text=f"{what} needs port {port} of each node, which {len(others)} other pods have, such as "
                f"{identity(others[0])}: its pods would wait for ever",
                mend=_left_to(others[0], port, setting),
            )


#: Every check, in the order in which they are told.
CHECKS: tuple[Check, ...] = (
    version,
    rights,
    existing_objects,
    occupied_namespaces,
    storage,
    host_ports,
    node_labels,
    external_exporters,
    network_policies,
    pod_identity,
)


def _number(text: object) -> int:
    """A number of a version; managed clusters write such as 36+."""
    found = re.match(r"\d+", str(text))
    return int(found[0]) if found else 0


def _pod_spec(manifest: Manifest) -> Mapping[str, Any] | None:
    return manifest.get("spec", {}).get("template", {}).get("spec")


def _host_ports(spec: Mapping[str, Any]) -> set[int]:
    """The ports of its node that a pod needs: all of its own, where it is on the host's network."""
    on_host = bool(spec.get("hostNetwork"))
    return {
        int(port["hostPort"] if port.get("hostPort") else port["containerPort"])
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if on_host or port.get("hostPort")
    }


def _is_of(pod: Json, workload: Manifest) -> bool:
    labels = workload["spec"]["selector"]["matchLabels"]
    return (
        pod["metadata"]["namespace"] == workload["metadata"]["namespace"]
        and labels.items() <= (pod["metadata"].get("labels") or {}).items()
    )


def _left_to(pod: Json, port: int, setting: str) -> str:
    """How an exporter of this stack is given up for that of a pod, which has its port."""
    labels = pod["metadata"].get("labels") or {}
    kept = {
        key: value
        for key, value in labels.items()
        if key in ("app", "app.kubernetes.io/name", "k8s-app", "name")
    } or labels
    names = (
        entry.get("name")
        for container in pod["spec"]["containers"]
        for entry in container.get("ports") or ()
        if port in (entry.get("hostPort"), entry["containerPort"])
    )
    name = next(names, None)
    text = ", ".join(f"{key}: {value}" for key, value in sorted(kept.items()))
    where = f"namespace: {pod['metadata']['namespace']}, labels: {{{text}}}, port: {name or 'NAME'}"
    external = f"{setting}: {{mode: external, external: {{{where}}}}}"
    if name:
        return f"where that is the same exporter: {external}"
    return (
        f"where that is the same exporter, its port {port} needs a name first, in the manifest of the pods; "
        f"with that as NAME: {external}"
    )
