"""What the generated roles let a deployer do on a real API server, and what they do not."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from kubernetes.client import ApiClient, ApiException, CoreV1Api, RbacAuthorizationV1Api
from kubernetes.config import new_client_from_config

from local import deployer
from local.cluster import Cluster
from stacks import deployer_role
from stacks.deployer_role import Right, role
from stacks.live_cluster import LiveCluster
from stacks.recording import Registration
from tests.preflight.conftest import CONTEXT, Found, Hands, Json, of_level
from tests.preflight.test_findings import CILIUM, namespace

pytestmark = pytest.mark.slow

STACK = "monitoring"


@pytest.fixture(autouse=True)
def namespaces(hands: Hands) -> None:
    for name in (STACK, f"{STACK}-node"):
        hands.apply(namespace(name))


@pytest.fixture
def roles(planned: list[Registration]) -> list[Json]:
    return role([item.inputs for item in planned if item.is_kubernetes_object], STACK)


@pytest.fixture
def granted(cluster: Cluster, hands: Hands, planned: list[Registration], roles: list[Json]) -> Iterator[None]:
    with new_client_from_config(str(cluster.kubeconfig), CONTEXT) as api:
        deployer.grant(api, planned, STACK)
    yield
    for item in roles:
        hands.delete(item)


@pytest.fixture
def own_api(cluster: Cluster) -> Iterator[ApiClient]:
    """The deployer's own connection."""
    with new_client_from_config(str(cluster.deployer_kubeconfig), CONTEXT) as api:
        yield api


def test_without_rights_every_one_is_named(
    cluster: Cluster, found: Found, hands: Hands, roles: list[Json]
) -> None:
    with hands.there(CILIUM):
        findings = found(kubeconfig=cluster.deployer_kubeconfig)
    (error,) = [finding for finding in findings if finding.level == "error"]
    for right in deployer_role.rights(roles):
        assert f"\n  {right}" in error.text
    assert f"group {STACK}-deployers" in error.mend
    assert any("could not look at pods" in text for text in of_level(findings, "warning"))


@pytest.mark.usefixtures("granted")
def test_with_the_generated_roles_all_is_well(cluster: Cluster, found: Found, hands: Hands) -> None:
    with hands.there(CILIUM):
        findings = found(kubeconfig=cluster.deployer_kubeconfig)
    assert {finding.level for finding in findings} == {"note"}, findings


@pytest.mark.usefixtures("granted")
def test_each_rule_is_missed_where_it_is_taken_away(
    hands: Hands, roles: list[Json], as_deployer: LiveCluster
) -> None:
    needed = deployer_role.rights(roles)
    assert as_deployer.denied(needed) == []
    for item in roles:
        for index in range(len(item.get("rules", ()))):
            less = deepcopy(item)
            del less["rules"][index]
            others = [other for other in roles if other is not item]
            missed = sorted(set(needed) - set(deployer_role.rights([less, *others])))
            hands.apply(less)
            # A right in the whole cluster is one in each namespace, too.
            denied = as_deployer.denied(needed)
            assert set(denied) <= set(missed)
            assert denied or all(_is_granted_elsewhere(right, roles, less) for right in missed), less
            hands.apply(item)
    assert as_deployer.denied(needed) == []


def _is_granted_elsewhere(right: Right, roles: list[Json], less: Json) -> bool:
    """Whether a wider right makes one needless."""
    others = deployer_role.rights([less, *(item for item in roles if item["metadata"] != less["metadata"])])
    return any(
        (other.verb, other.group, other.resource, other.url)
        == (right.verb, right.group, right.resource, right.url)
        and other.name in ("", right.name)
        and other.namespace in ("", right.namespace)
        for other in others
    )


@pytest.mark.usefixtures("granted")
def test_a_deployer_reads_no_secret_elsewhere_and_makes_no_namespace(own_api: ApiClient) -> None:
    core: Any = CoreV1Api(own_api)  # it takes mappings, too, whatever its types say
    assert core.list_namespaced_secret(STACK).items is not None
    with pytest.raises(ApiException, match="Forbidden"):
        core.list_namespaced_secret("kube-system")
    with pytest.raises(ApiException, match="Forbidden"):
        core.create_namespace({"metadata": {"name": "another"}}, dry_run="All")


@pytest.mark.usefixtures("granted")
def test_a_preview_binds_roles_that_do_not_exist_yet(own_api: ApiClient, planned: list[Registration]) -> None:
    rbac: Any = RbacAuthorizationV1Api(own_api)
    bindings = [
        dict(item.inputs)
        for item in planned
        if item.is_kubernetes_object and item.inputs["kind"] == "ClusterRoleBinding"
    ]
    assert bindings
    for binding in bindings:
        assert rbac.create_cluster_role_binding(binding, dry_run="All")
        other = {**binding, "roleRef": {**binding["roleRef"], "name": "cluster-admin"}}
        with pytest.raises(ApiException, match="attempting to grant RBAC permissions not currently held"):
            rbac.create_cluster_role_binding(other, dry_run="All")


@pytest.mark.usefixtures("granted")
def test_a_deployer_grants_nobody_more_than_it_has(own_api: ApiClient, planned: list[Registration]) -> None:
    rbac: Any = RbacAuthorizationV1Api(own_api)
    (own,) = [
        item.inputs
        for item in planned
        if item.is_kubernetes_object
        and (item.inputs["kind"], item.inputs["metadata"]["name"]) == ("ClusterRole", "monitoring-prometheus")
    ]
    assert rbac.create_cluster_role(own, dry_run="All").rules
    more = deepcopy(dict(own))
    more["rules"][0]["verbs"] = ["*"]
    with pytest.raises(ApiException, match="attempting to grant RBAC permissions not currently held"):
        rbac.create_cluster_role(more, dry_run="All")


def test_namespaces_that_are_missing_are_the_administrators_to_make(
    cluster: Cluster, found: Found, hands: Hands
) -> None:
    elsewhere = {"kubernetes": {"namespace": "elsewhere"}}
    with hands.there(CILIUM):
        # Who may look at the namespace sees that it is missing.
        reader = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "looks"},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}],
        }
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "looks"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "looks"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "deployer"}],
        }
        with hands.there(reader, binding):
            findings = found(changes=elsewhere, kubeconfig=cluster.deployer_kubeconfig)
    (error,) = [finding for finding in findings if finding.level == "error"]
    assert "create namespaces elsewhere in the whole cluster" in error.text
    assert f"kubectl --context {CONTEXT} create namespace elsewhere\n" in error.mend
