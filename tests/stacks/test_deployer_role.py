"""The roles that a deployer gets: from what is registered, and no more than that."""

from copy import deepcopy

import pytest
import yaml

from local.kubernetes_provider.kinds import KINDS
from stacks import deployer_role
from stacks.deployer_role import Manifest, Right, plural, rights, role
from stacks.recording import Registration

STACK = "monitoring"


@pytest.fixture
def objects(resources: list[Registration]) -> list[Manifest]:
    return [item.inputs for item in resources if item.is_kubernetes_object]


def test_plurals_are_the_apis() -> None:
    assert [plural(kind.name) for kind in KINDS] == [kind.plural for kind in KINDS]


def test_every_object_may_be_made_changed_and_deleted_where_it_is(objects: list[Manifest]) -> None:
    granted = set(rights(role(objects, STACK)))
    for item in objects:
        metadata = item["metadata"]
        place = metadata.get("namespace", "")
        what = {"group": deployer_role.api_group(item), "resource": plural(item["kind"]), "namespace": place}
        # In the stack's own namespaces each name will do.
        named = what | {"name": "" if place else metadata["name"]}
        assert {Right(verb=verb, **named) for verb in ("get", "patch", "delete")} <= granted
        verbs = {"list", "watch"} | ({"create"} if item["kind"] != "Namespace" else set())
        assert {Right(verb=verb, **what) for verb in verbs} <= granted


def test_a_deployer_gets_nothing_that_leads_further(objects: list[Manifest]) -> None:
    granted = rights(role(objects, STACK))
    assert not [right for right in granted if "*" in (right.verb, right.group, right.resource)]
    assert not [right for right in granted if right.verb in ("escalate", "impersonate")]
    own = {(plural(item["kind"]), item["metadata"]["name"]) for item in objects}
    assert {(right.resource, right.name) for right in granted if right.verb == "bind"} <= own
    everywhere = [right for right in granted if not right.namespace]
    assert not [right for right in everywhere if right.resource in ("secrets", "configmaps")]
    changing = {right.resource for right in everywhere if right.verb == "create"}
    assert changing == {"clusterroles", "clusterrolebindings"} | {
        plural(item["kind"])
        for item in objects
        if "namespace" not in item["metadata"] and item["kind"] != "Namespace"
    }
    assert all(right.name for right in everywhere if right.verb in ("patch", "delete"))
    assert {right.namespace for right in granted} == {"", STACK, f"{STACK}-node"}


def test_what_the_stack_grants_the_deployer_has(objects: list[Manifest]) -> None:
    own = [item for item in objects if item["kind"] in ("Role", "ClusterRole")]
    assert own
    assert set(rights(own)) <= set(rights(role(objects, STACK)))


def test_an_object_of_a_new_kind_brings_its_rights(objects: list[Manifest]) -> None:
    of_all = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "first"}}
    of_one = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "first", "namespace": STACK},
    }
    more = set(rights(role([*objects, of_all, of_one], STACK))) - set(rights(role(objects, STACK)))
    kept = {str(right) for right in more if right.name in ("", "first")}
    assert "patch priorityclasses.scheduling.k8s.io first in the whole cluster" in kept
    assert f"create ingresses.networking.k8s.io in namespace {STACK}" in kept


def test_without_an_object_its_rights_are_gone(objects: list[Manifest]) -> None:
    fewer = [item for item in deepcopy(objects) if item["kind"] != "Secret"]
    assert [right for right in rights(role(objects, STACK)) if right.resource == "secrets"]
    assert not [right for right in rights(role(fewer, STACK)) if right.resource == "secrets"]


def test_the_command_prints_what_an_administrator_applies(
    stack: str,
    objects: list[Manifest],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["deployer_role", stack])
    assert deployer_role.main() == 0
    text = capsys.readouterr().out
    printed = list(yaml.safe_load_all(text))
    assert printed == role(objects, STACK)
    assert "&id" not in text  # anchors are not for people
    bindings = [item for item in printed if item["kind"].endswith("Binding")]
    assert len(bindings) == 3
    for item in bindings:
        assert item["subjects"] == [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "monitoring-deployers"}
        ]


def test_a_stack_without_a_file_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["deployer_role", "nowhere"])
    assert deployer_role.main() == 1
    assert "Pulumi.nowhere.yaml" in capsys.readouterr().err
