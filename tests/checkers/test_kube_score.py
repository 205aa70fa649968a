"""kube-score finds nothing in the rendered stacks that has no reason here."""

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.toolchain import binary
from tests.checkers.conftest import REACHED
from tests.checkers.findings import Accepted, Finding, out_of_date, unexplained
from tests.stacks.test_manifests import KUBERNETES

pytestmark = pytest.mark.slow

#: Checks that are off unless they are asked for. The others compare requests with limits, which here differ:
#: a limit is what a program may take before it is ended, not what it usually takes.
OPTIONAL = ("container-seccomp-profile", "container-ports-check")
#: The grade of a check that is passed; below it is a warning (5) or critical (1).
PASSED = 10


ACCEPTED = (
    Accepted(
        check="container-resources",
        says="CPU limit is not set",
        why="Throttling hides load, and a request already divides the CPU; settings can set a limit.",
    ),
    *(
        Accepted(
            check="container-ephemeral-storage-request-and-limit",
            says=f"Ephemeral Storage {which} is not set",
            why="Roots are read-only and data is on volumes of a stated size; what is left is logs and tmp.",
        )
        for which in ("request", "limit")
    ),
    Accepted(
        check="container-image-pull-policy",
        says="ImagePullPolicy is not set to Always",
        why="Images are fixed versions; with Always, a registry that is down takes monitoring along.",
    ),
    *(
        Accepted(
            check="container-security-context-user-group-id",
            says=says,
            about=("grafana", "opencost", "dcgm-exporter"),
            why="It is the image's own user, who owns its files; DCGM reads no field without root.",
        )
        for says in (
            "The container is running with a low user ID",
            "The container running with a low group ID",
        )
    ),
    Accepted(
        check="deployment-replicas",
        says="Deployment few replicas",
        about=("grafana",),
        why="Its database is a file, which one pod at a time may write.",
    ),
    Accepted(
        check="deployment-replicas",
        says="Deployment few replicas",
        about=("aws-sigv4-proxy",),
        why="People look through it at the past; alerts and what Prometheus writes do not need it.",
    ),
    Accepted(
        check="deployment-strategy",
        says="Deployment update strategy",
        about=("grafana",),
        why="Recreate: a second pod would not get the volume before the first one is gone.",
    ),
    Accepted(
        check="networkpolicy-targets-pod",
        says="The NetworkPolicys selector doesn't match any pods",
        about=("monitoring-debug",),
        why="It is for pods that people start by hand.",
    ),
    Accepted(
        check="pod-probes-identical",
        says="Container has the same readiness and liveness probe",
        about=(
            "grafana",
            "opencost",
            "blackbox-exporter",
            "aws-sigv4-proxy",
            "postgres-exporter-main",
            "redis-exporter-main",
            "node-exporter",
            "dcgm-exporter",
        ),
        why="One page tells the program's health; liveness bears more failures, or asks less often.",
    ),
    *(
        Accepted(
            check=f"{kind.lower()}-has-host-podantiaffinity",
            says=f"{kind} does not have a host podAntiAffinity set",
            about=(name,),
            why="Topology spread constraints do it, over hosts and zones; the check does not know them.",
        )
        for kind, name in (
            ("StatefulSet", "alertmanager"),
            ("StatefulSet", "prometheus"),
            ("Deployment", "grafana"),
        )
    ),
)


def findings(manifests: Iterable[Path]) -> list[Finding]:
    """What kube-score says of these files."""
    command = [
        str(binary("kube-score")),
        "score",
        "--output-format=json",
        f"--kubernetes-version=v{KUBERNETES}",
    ]
    asked = [f"--enable-optional-test={name}" for name in OPTIONAL]
    done = subprocess.run(
        [*command, *asked, *map(str, manifests)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, 1), done.stderr
    return sorted(set(_read(json.loads(done.stdout))))


def _read(objects: list[dict[str, Any]]) -> Iterator[Finding]:
    for item in objects:
        for check in item["checks"] or ():
            if check["skipped"] or check["grade"] >= PASSED:
                continue
            for comment in check["comments"] or [{"summary": check["check"]["name"]}]:
                yield Finding(check["check"]["id"], comment["summary"], item["object_meta"]["name"])


@pytest.mark.parametrize("stack", ["dev", "prod", "managed", REACHED])
def test_every_finding_has_its_reason(manifests: Callable[[str], list[Path]], stack: str) -> None:
    assert unexplained(findings(manifests(stack)), ACCEPTED) == []


def test_every_reason_is_still_asked_for(manifests: Callable[[str], list[Path]]) -> None:
    found = [finding for stack in ("dev", "prod", REACHED) for finding in findings(manifests(stack))]
    assert out_of_date(found, ACCEPTED) == []


def test_a_missing_policy_and_a_writable_root_are_found(manifests: Callable[[str], list[Path]]) -> None:
    """The positive control."""
    files = [file for file in manifests("dev") if "networkpolicy" not in file.name]
    (grafana,) = [file for file in files if file.name == "monitoring-deployment-grafana.yaml"]
    document = yaml.safe_load(grafana.read_text())
    document["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = False
    grafana.write_text(yaml.safe_dump(document))
    checks = {finding.check for finding in findings(files) if finding.about == "grafana"}
    assert {"pod-networkpolicy", "container-security-context-readonlyrootfilesystem"} <= checks
