"""Dev and prod in one cluster: what has a name of its own there, and what would meet."""

import json
from pathlib import Path

import pytest

from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import run_main, write_kubeconfig
from tests.stacks.test_program import WORKLOADS, objects

#: As docs/operations.md has it.
BESIDE_PROD = {
    "kubernetes": {
        "context": "dubbing-prod",
        "storageClass": "gp3",
        "namespace": "monitoring-dev",
        "nodeNamespace": "monitoring-dev-node",
    },
    # Each node has these ports once.
    "nodeExporter": {
        "mode": "external",
        "external": {
            "namespace": "monitoring-node",
            "labels": {"app.kubernetes.io/name": "node-exporter"},
            "port": "metrics",
        },
    },
}


@pytest.fixture
def prod(recorded: dict[str, list[Registration]]) -> list[Registration]:
    """What prod registers."""
    return recorded["prod"]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> list[Registration]:
    """What dev registers beside prod."""
    write_kubeconfig(tmp_path / "config", {"dubbing-prod": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return run_main("dev", {f"{PROJECT}:{key}": json.dumps(value) for key, value in BESIDE_PROD.items()})


def names(resources: list[Registration]) -> set[tuple[str, str, str]]:
    """Kind, namespace and name of every object."""
    found = [one.inputs for one in resources if one.is_kubernetes_object]
    return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in found}


def host_ports(resources: list[Registration]) -> set[int]:
    """The ports that the stack takes of each node."""
    pods = [one["spec"]["template"]["spec"] for one in objects(resources, *WORKLOADS).values()]
    return {
        port["containerPort"]
        for pod in pods
        for container in pod["containers"]
        for port in container.get("ports", ())
        if pod.get("hostNetwork") or "hostPort" in port
    }


def test_two_stacks_share_no_name_and_no_port_of_a_node(
    dev: list[Registration], prod: list[Registration]
) -> None:
    assert names(dev) & names(prod) == set()
    assert host_ports(prod)
    assert host_ports(dev) & host_ports(prod) == set()


def test_as_they_are_committed_they_would_meet(recorded: dict[str, list[Registration]]) -> None:
    dev, prod = recorded["dev"], recorded["prod"]
    assert ("Namespace", "", "monitoring") in names(dev) & names(prod)
    assert host_ports(dev) & host_ports(prod)
