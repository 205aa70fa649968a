"""Whether the preflight sees what gives pods their credentials."""

from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from stacks.live_cluster import LiveCluster
from stacks.preflight_aws import AGENT, pod_identity
from stacks.preflight_checks import CHECKS
from stacks.preflight_situation import Finding, Situation
from stacks.settings import Settings
from tests.aws.conftest import IRSA, WHOLE, read


def agent(**metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    owners = [{"kind": "DaemonSet", "name": AGENT}]
    whole = {"name": f"{AGENT}-x1", "namespace": "kube-system", "ownerReferences": owners}
    return {"metadata": {**whole, **metadata}, "spec": {"containers": []}, "status": {"phase": "Running"}}


def found(settings: Settings, pods: tuple[dict[str, Any], ...] | None) -> list[Finding]:
    cluster = LiveCluster(ApiClient(Configuration(host="http://127.0.0.1:1")))
    situation = Situation(
        stack="prod", settings=settings, registrations=(), cluster=cluster, pods=pods, nodes=()
    )
    return list(pod_identity(situation))


def test_the_agent_is_looked_for() -> None:
    assert pod_identity in CHECKS


def test_an_agent_that_is_there_is_noted() -> None:
    [finding] = found(read(WHOLE), (agent(),))
    assert finding.level == "note"


@pytest.mark.parametrize(
    "pods",
    [
        (),
        (agent(namespace="default"),),
        (agent(ownerReferences=[]),),
        (agent(ownerReferences=[{"kind": "DaemonSet", "name": "kube-proxy"}]),),
        ({**agent(), "status": {"phase": "Failed"}},),
    ],
)
def test_one_that_is_missing_is_told_with_what_mends_it(pods: tuple[dict[str, Any], ...]) -> None:
    [finding] = found(read(WHOLE), pods)
    assert finding.level == "warning"
    assert f"create-addon --addon-name {AGENT} --cluster-name dubbing-prod-eks" in finding.mend


def test_irsa_and_stacks_without_aws_need_none() -> None:
    assert found(read({**WHOLE, **IRSA}), ()) == []
    assert found(read(WHOLE).model_copy(update={"aws": None}), ()) == []


def test_what_may_not_be_listed_is_not_judged() -> None:
    assert found(read(WHOLE), None) == []
