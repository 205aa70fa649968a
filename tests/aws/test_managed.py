"""The documented stack, whose samples and Grafana are Amazon's: what it has in AWS, and who may do what."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from local.toolchain import binary
from stacks import render
from stacks.aws import deployer_policy
from stacks.recording import Registration
from tests.aws.conftest import of_type
from tests.aws.documents import listed, parsed, unknown, unnamed
from tests.stacks.test_traps import prometheus_config


@pytest.fixture(scope="module")
def managed() -> list[Registration]:
    """What it registers."""
    return render.registrations("managed")


def test_prometheus_alone_is_somebody_there_and_sends_to_the_workspace(managed: list[Registration]) -> None:
    [role] = of_type(managed, "iam/role:Role")
    [policy] = of_type(managed, "iam/rolePolicy:RolePolicy")
    trusting, allowing = parsed(role.inputs["assumeRolePolicy"]), parsed(policy.inputs["policy"])
    assert unnamed(trusting) + unknown(trusting, trusting=True) == []
    assert unnamed(allowing) + unknown(allowing) == []
    [statement] = allowing["Statement"]
    assert listed(statement["Action"]) == ["aps:RemoteWrite"]


def test_the_workspace_outlives_the_stack(managed: list[Registration]) -> None:
    [workspace] = of_type(managed, "amp/workspace:Workspace")
    assert (workspace.protect, workspace.retain_on_delete) == (True, True)


def test_both_replicas_write_signed_and_told_apart(managed: list[Registration], tmp_path: Path) -> None:
    [written] = prometheus_config(managed)["remote_write"]
    assert written["sigv4"] == {"region": "eu-central-1"}
    keep, rename, drop = written["write_relabel_configs"]
    assert (keep["action"], rename["target_label"], drop["action"]) == ("keep", "__replica__", "labeldrop")
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"remote_write": [written]}))
    command = [binary("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_deployer_gets_no_more_than_it_takes() -> None:
    policy = deployer_policy.of_stack("managed")
    assert unknown(policy) == []
    text = json.dumps(policy)
    assert "aps:CreateWorkspace" in text
    assert not [service for service in ("sns:", "kms:", "budgets:", "grafana:") if service in text]
