"""Each finding on a real API server, beside a cluster on which all is well."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from stacks import preflight, preflight_checks, render, stack_file
from stacks.preflight_situation import Finding
from stacks.recording import Registration
from stacks.settings import Exporter
from tests.preflight.conftest import CONTEXT, Found, Hands, Json, of_level

pytestmark = pytest.mark.slow


def pod(name: str, labels: Mapping[str, str], container: Json, **spec: Any) -> Json:  # noqa: ANN401 - any field
    image = {"name": "agent", "image": "agent"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": dict(labels)},
        "spec": {"containers": [image | container], **spec},
    }


def storage_class(name: str, provisioner: str, *, expands: bool = True) -> Json:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": provisioner,
        "allowVolumeExpansion": expands,
    }


def config_map(labels: Mapping[str, str]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "prometheus-config", "namespace": "monitoring", "labels": dict(labels)},
    }


def namespace(name: str, managed_by: str | None = "pulumi") -> Json:
    labels = {"app.kubernetes.io/managed-by": managed_by} if managed_by else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


CILIUM = pod("cilium", {"k8s-app": "cilium"}, {})
NODE_EXPORTER = pod(
    "their-node-exporter",
    {"app.kubernetes.io/name": "their-node-exporter"},
    {"ports": [{"name": "web", "containerPort": 9100}]},
    hostNetwork=True,
)


def only(found: list[Finding], part: str) -> Finding:
    """The one finding that stands in the way; it has this in its text."""
    (finding,) = [finding for finding in found if finding.level != "note"]
    assert part in finding.text
    return finding


def test_all_is_well(found: Found, hands: Hands) -> None:
    with hands.there(CILIUM):
        findings = found()
    assert {finding.level for finding in findings} == {"note"}, findings
    text = "\n".join(map(preflight.text, findings))
    for looked_at in ("1.36", "rights", "objects", "gp3", "port 9100", "nvidia.com/gpu", "NetworkPolicies"):
        assert looked_at in text


def test_no_network_that_enforces_policies(found: Found) -> None:
    assert only(found(), "NetworkPolicies").level == "warning"


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_the_agent_of_eks_enforces_policies_where_it_is_told_to(
    found: Found, hands: Hands, enabled: str
) -> None:
    agent = {"name": "aws-eks-nodeagent", "args": [f"--enable-network-policy={enabled}"]}
    with hands.there(pod("aws-node", {"k8s-app": "aws-node"}, agent)):
        warnings = of_level(found(), "warning")
    assert bool(warnings) == (enabled == "false")


@pytest.mark.parametrize(
    ("known", "level"), [(("1.37", "1.38"), "error"), (("1.30", "1.35"), "warning"), (("1.30", "1.40"), "")]
)
def test_the_version_of_the_server(
    found: Found,
    hands: Hands,
    monkeypatch: pytest.MonkeyPatch,
    known: tuple[str, str],
    level: str,
) -> None:
    monkeypatch.setattr(preflight_checks, "KUBERNETES_VERSIONS", known)
    with hands.there(CILIUM):
        findings = found()
    if level:
        assert only(findings, "the server is Kubernetes 1.36").level == level
    else:
        assert {finding.level for finding in findings} == {"note"}


def test_a_storage_class_that_is_missing(found: Found, hands: Hands) -> None:
    with hands.there(CILIUM):
        finding = only(found(changes={"kubernetes": {"storageClass": "gp2"}}), "storage class gp2 is missing")
    assert finding.level == "error"
    assert "There: gp3" in finding.text


@pytest.mark.parametrize(
    ("made", "level", "part"),
    [
        (storage_class("other", "ebs.csi.aws.com", expands=False), "warning", "does not expand"),
        (storage_class("other", "disk.csi.example.com"), "error", "disk.csi.example.com"),
        (storage_class("other", "driver.example.com"), "error", "driver.example.com"),
        (storage_class("other", "example.com/nfs"), "note", "not seen"),
        # The API server itself hands these to ebs.csi.aws.com, which is installed.
        (storage_class("other", "kubernetes.io/aws-ebs"), "note", "its CSI driver ebs.csi.aws.com"),
    ],
)
def test_a_storage_class(found: Found, hands: Hands, made: Json, level: str, part: str) -> None:
    with hands.there(CILIUM, made):
        findings = found(changes={"kubernetes": {"storageClass": "other"}})
    assert [finding.level for finding in findings if part in finding.text] == [level]
    assert {finding.level for finding in findings} == {level, "note"}


def test_no_node_has_the_label_of_gpus(found: Found, hands: Hands) -> None:
    with hands.there(CILIUM):
        findings = found(changes={"gpuMetrics": {"nodeSelector": {"gpu": "yes"}}})
    finding = only(findings, "gpu=yes")
    assert finding.level == "warning"
    assert "gpuMetrics.nodeSelector" in finding.mend


def test_an_external_exporter_that_is_not_there(found: Found, hands: Hands) -> None:
    there = {"namespace": "kube-system", "labels": {"app.kubernetes.io/name": "their-node-exporter"}}
    changes = {"nodeExporter": {"mode": "external", "external": {**there, "port": "web"}}}
    with hands.there(CILIUM):
        finding = only(found(changes=changes), "nodeExporter is external")
        assert finding.level == "warning"
        with hands.there(NODE_EXPORTER):
            assert {finding.level for finding in found(changes=changes)} == {"note"}


def test_a_port_of_the_nodes_that_is_taken(found: Found, hands: Hands) -> None:
    with hands.there(CILIUM, NODE_EXPORTER):
        finding = only(found(), "port 9100")
        assert finding.level == "error"
        assert "kube-system/their-node-exporter" in finding.text
        # What it says to set is a setting, and with it all is well.
        said = yaml.safe_load(finding.mend.partition("the same exporter: ")[2])
        assert Exporter.model_validate(said["nodeExporter"]).mode == "external"
        assert {finding.level for finding in found(changes=said)} == {"note"}


def test_objects_that_exist_already(found: Found, hands: Hands) -> None:
    with hands.there(CILIUM, namespace("monitoring"), namespace("monitoring-node"), config_map({})):
        finding = only(found(), "ConfigMap monitoring/prometheus-config exists already")
        assert finding.level == "error"
        for part in ('import_="monitoring/prometheus-config"', "kubernetes:core/v1:ConfigMap"):
            assert part in finding.mend
        with hands.there(config_map({"app.kubernetes.io/managed-by": "pulumi"})):
            assert {finding.level for finding in found()} == {"note"}


def test_an_object_with_the_import_option_is_taken_over(
    found: Found, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = [
        replace(item, import_id="monitoring/prometheus-config") if item.name == "prometheus-config" else item
        for item in render.registrations("dev")
    ]

    def with_import(*_: object) -> list[Registration]:
        return planned

    monkeypatch.setattr(render, "planned", with_import)
    with hands.there(CILIUM, namespace("monitoring"), namespace("monitoring-node"), config_map({})):
        assert {finding.level for finding in found()} == {"note"}


def test_an_exporter_that_exists_may_be_left_to_whoever_runs_it(found: Found, hands: Hands) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "kube-state-metrics", "namespace": "monitoring"},
    }
    with hands.there(CILIUM, namespace("monitoring"), account):
        assert "kubeStateMetrics.mode: external" in only(found(), "kube-state-metrics").mend


def test_a_namespace_that_is_somebody_elses(found: Found, hands: Hands) -> None:
    with hands.there(CILIUM, namespace("monitoring", "Helm")):
        assert "kubernetes.namespace" in only(found(), "Namespace monitoring exists").mend
        with hands.there(namespace("monitoring")):
            assert {finding.level for finding in found()} == {"note"}
        with hands.there(namespace("monitoring", None)):
            assert {finding.level for finding in found()} == {"note"}, "one that an administrator made"


def test_all_is_told_at_once_and_ends_the_command(
    found: Found, hands: Hands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found()  # KUBECONFIG is the cluster's from here on.
    monkeypatch.setattr("sys.argv", ["preflight", "dev"])
    assert preflight.main() == 0
    assert "error:" not in capsys.readouterr().out
    monkeypatch.setattr(preflight_checks, "KUBERNETES_VERSIONS", ("1.37",))
    with hands.there(NODE_EXPORTER):
        assert preflight.main() == 1
    told = capsys.readouterr().out
    assert told.index("error:") < told.index("warning:") < told.index("well:")
    for part in ("1.36", "port 9100", "NetworkPolicies"):
        assert part in told


def test_errors_end_an_up_and_warnings_do_not(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    path = stack_file.stack_file("dev")
    settings, values = stack_file.read_stack_file(path), stack_file.raw_values(path)
    (warning,) = preflight.refuse(settings, values, "dev")
    assert "NetworkPolicies" in warning
    monkeypatch.setattr(preflight_checks, "KUBERNETES_VERSIONS", ("1.37",))
    with pytest.raises(stack_file.SettingsError, match=f"'{CONTEXT}' is not ready for stack dev") as refused:
        preflight.refuse(settings, values, "dev")
    for part in ("Nothing was created", "1.36", "NetworkPolicies", "Mend:"):
        assert part in str(refused.value)
    assert "well:" not in str(refused.value)
