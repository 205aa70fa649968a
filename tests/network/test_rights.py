"""What the programs may do at the API server."""

from collections.abc import Iterable, Iterator
from copy import deepcopy

import pytest

from tests.network.evaluator import Manifest
from tests.network.needed import Rendered

SECRETS_ARE_NOT_FOR = ("prometheus", "kube-state-metrics", "opencost")
READING = {"get", "list", "watch"}


def granted(manifests: Iterable[Manifest], account: str) -> Iterator[tuple[str, str, str]]:
    """Group, resource and verb of everything that an account of the stack's namespace may do."""
    found = list(manifests)
    roles = {(m["kind"], m["metadata"]["name"]): m for m in found if m["kind"] in ("Role", "ClusterRole")}
    for binding in found:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        if any(subject["name"] == account for subject in binding["subjects"]):
            for rule in roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        yield from ((group, resource, verb) for verb in rule["verbs"])


def wildcards(manifests: Iterable[Manifest]) -> list[str]:
    """The roles that grant a whole dimension."""
    return [
        role["metadata"]["name"]
        for role in manifests
        if role["kind"] in ("Role", "ClusterRole")
        for rule in role["rules"]
        if any("*" in entry for field in rule.values() for entry in field)
    ]


def reads_secrets(manifests: Iterable[Manifest], account: str) -> bool:
    """Whether an account may read a Secret anywhere."""
    return any(
        group in ("", "*") and resource in ("secrets", "*")
        for group, resource, _ in granted(manifests, account)
    )


def test_no_role_has_a_wildcard(stack: Rendered) -> None:
    assert wildcards(stack.manifests) == []


@pytest.mark.parametrize("account", SECRETS_ARE_NOT_FOR)
def test_no_program_reads_secrets_or_changes_anything(stack: Rendered, account: str) -> None:
    rights = list(granted(stack.manifests, account))
    assert rights
    assert not reads_secrets(stack.manifests, account)
    assert {verb for _, _, verb in rights} <= READING


def test_these_are_all_the_accounts_with_rights(stack: Rendered) -> None:
    bound = {
        subject["name"]
        for binding in stack.of_kind("RoleBinding", "ClusterRoleBinding")
        for subject in binding["subjects"]
    }
    assert bound == set(SECRETS_ARE_NOT_FOR)


@pytest.mark.parametrize("field", ["verbs", "resources", "apiGroups"])
def test_a_wildcard_would_be_seen(stack: Rendered, field: str) -> None:
    """The positive control."""
    manifests = deepcopy(stack.manifests)
    role = next(m for m in manifests if m["metadata"]["name"] == "monitoring-prometheus")
    role["rules"][0][field] = ["*"]
    assert wildcards(manifests) == ["monitoring-prometheus"]


@pytest.mark.parametrize("resource", ["secrets", "*"])
def test_a_right_to_secrets_would_be_seen(stack: Rendered, resource: str) -> None:
    """The positive control."""
    manifests = deepcopy(stack.manifests)
    role = next(m for m in manifests if m["metadata"]["name"] == "monitoring-kube-state-metrics")
    role["rules"].append({"apiGroups": [""], "resources": [resource], "verbs": ["list"]})
    assert reads_secrets(manifests, "kube-state-metrics")
    assert not reads_secrets(manifests, "prometheus")
