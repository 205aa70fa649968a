"""The official engine, its language host and the official provider deploy dev to a cluster of containers.

What the embedded platform's tests assert of the stand-in is asserted here of what it stands in for.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local.engine import official
from tests.docker.conftest import require
from tests.e2e.checkout import Checkout, deployed, planned, ready_workloads

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]

NAME = "dubbing-monitoring-test"
CONTEXT = f"kind-{NAME}"
#: kind has one class that neither grows nor has the name that the stack file asks for.
STORAGE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "gp3"},
    "provisioner": "rancher.io/local-path",
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    require(("docker", "kind", "kubectl", "pulumi"), (("docker", "info"), ("pulumi", "version")))
    if not official():
        pytest.exit(
            "Missing on this machine:\n  the plugins of the official engine: pulumi install", returncode=1
        )
    made = Checkout.make_at(tmp_path_factory.mktemp("kind") / "project")
    # No node of kind has a GPU, so an exporter of GPUs would have no pod to be ready.
    made.edit("Pulumi.dev.yaml", "gpuMetrics: {mode: deploy}", "gpuMetrics: {mode: 'off'}")
    made.commit("as on kind")
    kubeconfig = made.state / "cluster" / "kubeconfig"
    kubeconfig.parent.mkdir(parents=True)
    try:
        kind("create", "cluster", "--name", NAME, "--wait", "5m", "--kubeconfig", str(kubeconfig))
        kubectl(kubeconfig, "apply", STORAGE)
        yield made
    finally:
        kind("delete", "cluster", "--name", NAME)


def kind(*arguments: str) -> None:
    subprocess.run(["kind", *arguments], check=True)


def kubectl(kubeconfig: Path, verb: str, manifest: object) -> None:
    command = ["kubectl", "--kubeconfig", str(kubeconfig), verb, "--filename", "-"]
    subprocess.run(command, input=yaml.safe_dump(manifest), text=True, check=True)


def run(checkout: Checkout, *arguments: str) -> str:
    """Run make on the cluster of containers, which must succeed, and return its output."""
    environment = {"KUBECONFIG": str(checkout.state / "cluster" / "kubeconfig")}
    done = checkout.make(*arguments, f"CONTEXT={CONTEXT}", environment=environment, timeout=2000)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_dev_comes_up_with_every_workload_ready(checkout: Checkout) -> None:
    run(checkout, "up")
    states = ready_workloads(checkout)
    assert {"prometheus", "alertmanager", "grafana", "kube-state-metrics", "node-exporter"} <= set(states)
    assert all(states.values()), states


def test_a_second_up_changes_nothing(checkout: Checkout) -> None:
    assert "Nothing changed." in run(checkout, "up")


def test_a_threshold_is_two_files_and_restarts_nothing(checkout: Checkout) -> None:
    before = deployed(checkout)
    with (checkout.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write("  dubbing-monitoring:thresholds: {queueDepth: {warning: 90, critical: 200}}\n")
    steps = planned(run(checkout, "preview"))
    assert {
        name: step for name, step in steps.items() if step != "same" and name.startswith("ConfigMap")
    } == {
        "ConfigMap prometheus-rules": "update",
        "ConfigMap grafana-dashboards": "update",
    }
    run(checkout, "up")
    after = deployed(checkout)
    assert {name for name in after if after[name] != before[name]} == {
        "ConfigMap prometheus-rules",
        "ConfigMap grafana-dashboards",
    }
    checkout.restore()
    run(checkout, "up")
    assert deployed(checkout) == before
