"""checkov finds nothing in the rendered stacks that has no reason here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from local.toolchain import python_packages
from tests.checkers.conftest import REACHED
from tests.checkers.findings import Accepted, Finding, out_of_date, unexplained

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOCK = Path(__file__).parent / "checkov.txt"

ACCEPTED = (
    Accepted(
        check="CKV_K8S_11",
        says="CPU limits should be set",
        why="Throttling hides load, and a request already divides the CPU; settings can set a limit.",
    ),
    Accepted(
        check="CKV_K8S_15",
        says="Image Pull Policy should be Always",
        why="Images are fixed versions; with Always, a registry that is down takes monitoring along.",
    ),
    Accepted(
        check="CKV_K8S_43",
        says="Image should use digest",
        why="Digests come from the registry itself, never invented; images.requireDigest asks for them.",
    ),
    Accepted(
        check="CKV_K8S_38",
        says="Ensure that Service Account Tokens are only mounted where necessary",
        about=("prometheus", "kube-state-metrics", "opencost"),
        why="These three ask the API server.",
    ),
    Accepted(
        check="CKV_K8S_40",
        says="Containers should run as a high UID to avoid host conflict",
        about=("grafana", "opencost", "dcgm-exporter"),
        why="It is the image's own user, who owns its files; DCGM reads no field without root.",
    ),
    *(
        Accepted(
            check=check,
            says=f"Containers should not share the host {which} namespace",
            about=("node-exporter",),
            why="It measures the node: the processes and the network interfaces of the host.",
        )
        for check, which in (("CKV_K8S_17", "process ID"), ("CKV_K8S_19", "network"))
    ),
    *(
        Accepted(
            check=check,
            says=says,
            about=("dcgm-exporter",),
            why="Profiling fields need root and SYS_ADMIN; in a namespace of its own, and only on GPU nodes.",
        )
        for check, says in (
            ("CKV_K8S_23", "Minimize the admission of root containers"),
            ("CKV_K8S_25", "Minimize the admission of containers with added capability"),
            ("CKV_K8S_39", "Do not use the CAP_SYS_ADMIN linux capability"),
        )
    ),
)


def findings(manifests: list[Path]) -> list[Finding]:
    """What checkov says of these files; it asks nobody on the network."""
    environment = {**os.environ, "PYTHONPATH": str(python_packages(LOCK))}
    command = [
        sys.executable,
        "-m",
        "checkov.main",
        "--framework=kubernetes",
        "--skip-download",
        "--output=json",
    ]
    done = subprocess.run(
        [*command, f"--directory={manifests[0].parent}"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    assert result["summary"]["parsing_errors"] == 0
    assert result["summary"]["passed"] > 500
    return [
        Finding(check["check_id"], check["check_name"], check["resource"].rsplit(".", 1)[-1])
        for check in result["results"]["failed_checks"]
    ]


@pytest.mark.parametrize("stack", ["dev", "prod", "managed", REACHED])
def test_every_finding_has_its_reason(manifests: Callable[[str], list[Path]], stack: str) -> None:
    assert unexplained(findings(manifests(stack)), ACCEPTED) == []


def test_every_reason_is_still_asked_for(manifests: Callable[[str], list[Path]]) -> None:
    found = [finding for stack in ("dev", "prod") for finding in findings(manifests(stack))]
    assert out_of_date(found, ACCEPTED) == []


def test_a_privileged_container_is_found(manifests: Callable[[str], list[Path]]) -> None:
    """The positive control."""
    files = manifests("dev")
    (grafana,) = [file for file in files if file.name == "monitoring-deployment-grafana.yaml"]
    document = yaml.safe_load(grafana.read_text())
    document["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    grafana.write_text(yaml.safe_dump(document))
    assert any("privileged" in one.says for one in unexplained(findings(files), ACCEPTED))
