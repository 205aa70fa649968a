"""Pending creates after a killed update: taken over by name, or cleared."""

from collections.abc import Mapping
from typing import Any

from local.repair import settle

INPUTS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "rules", "namespace": "monitoring"},
    "data": {"a": "1"},
}
URN = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::rules"
OTHER = {"urn": "urn:pulumi:dev::p::kubernetes:core/v1:Namespace::monitoring", "id": "monitoring"}


def _state(kind: str = "creating") -> dict[str, Any]:
    return {
        "resources": [OTHER],
        "pending_operations": [{"type": kind, "resource": {"urn": URN, "custom": True, "inputs": INPUTS}}],
    }


def _live(*managers: str) -> dict[str, Any]:
    return {"metadata": {"managedFields": [{"manager": manager} for manager in managers]}}


def test_an_object_that_this_provider_created_is_taken_over_under_its_name() -> None:
    asked: list[Mapping[str, Any]] = []

    def live(inputs: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(inputs)
        return _live("kubectl", "pulumi-kubernetes-1a2b3c4d")

    settled, adopted = settle(_state(), live)
    assert asked == [INPUTS]
    assert adopted == ["ConfigMap monitoring/rules"]
    assert settled["pending_operations"] == []
    created = settled["resources"][1]
    assert (created["urn"], created["id"], created["inputs"]) == (URN, "monitoring/rules", INPUTS)
    assert created["outputs"]["__inputs"] == INPUTS
    assert created["outputs"]["__fieldManager"] == "pulumi-kubernetes-1a2b3c4d"


def test_a_create_that_never_reached_the_cluster_is_cleared() -> None:
    settled, adopted = settle(_state(), lambda _: None)
    assert (settled["resources"], settled["pending_operations"], adopted) == ([OTHER], [], [])


def test_an_object_of_someone_else_is_never_taken_over() -> None:
    settled, adopted = settle(_state(), lambda _: _live("kubectl", "helm"))
    assert (settled["resources"], settled["pending_operations"], adopted) == ([OTHER], [], [])


def test_other_pending_operations_are_left_to_the_refresh() -> None:
    settled, _ = settle(_state("updating"), lambda _: _live("pulumi-kubernetes-1a2b3c4d"))
    assert settled == _state("updating")


def test_a_replacement_that_was_under_way_takes_the_place_of_the_old_object() -> None:
    state = _state()
    state["resources"] = [OTHER, {"urn": URN, "id": "monitoring/rules", "pendingReplacement": True}]
    settled, _ = settle(state, lambda _: _live("pulumi-kubernetes-1a2b3c4d"))
    assert [resource["urn"] for resource in settled["resources"]] == [OTHER["urn"], URN]
    assert "pendingReplacement" not in settled["resources"][1]
