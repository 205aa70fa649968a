"""What becomes of pending operations before the refresh that reads them."""

from typing import Any

from local.pending import adopt_pending_creates

Item = dict[str, Any]


def resource(urn: str, namespace: str | None = "n", **more: object) -> Item:
    metadata = {"name": "a"} | ({"namespace": namespace} if namespace else {})
    return {"urn": urn, "type": "kubernetes:core/v1:ConfigMap", "inputs": {"metadata": metadata}, **more}


def pending(kind: str, item: Item) -> Item:
    return {"type": kind, "resource": item}


def test_a_pending_create_becomes_a_resource_with_its_inputs_and_its_objects_id() -> None:
    before = {
        "resources": [resource("urn:b", id="n/b")],
        "pending_operations": [pending("creating", resource("urn:a"))],
    }
    after, urns = adopt_pending_creates(before)
    assert urns == ["urn:a"]
    assert after == {
        "resources": [resource("urn:b", id="n/b"), resource("urn:a", id="n/a")],
        "pending_operations": [],
    }
    assert before["pending_operations"]


def test_an_object_of_the_cluster_has_its_name_alone_as_id() -> None:
    after, _ = adopt_pending_creates({"pending_operations": [pending("creating", resource("urn:a", None))]})
    assert [item["id"] for item in after["resources"]] == ["a"]


def test_what_is_no_object_or_was_not_being_created_is_left_to_the_refresh() -> None:
    provider = {"urn": "urn:p", "type": "pulumi:providers:kubernetes", "inputs": {"context": "x"}}
    operations = [pending("creating", provider), pending("deleting", resource("urn:a"))]
    after, urns = adopt_pending_creates({"resources": [], "pending_operations": operations})
    assert (after, urns) == ({"resources": [], "pending_operations": []}, [])


def test_what_waited_for_its_replacement_makes_room_for_it() -> None:
    old = resource("urn:a", id="n/a", pendingReplacement=True)
    condemned = resource("urn:a", id="n/older", delete=True)
    before = {"resources": [old, condemned], "pending_operations": [pending("creating", resource("urn:a"))]}
    after, _ = adopt_pending_creates(before)
    assert after["resources"] == [condemned, resource("urn:a", id="n/a")]
