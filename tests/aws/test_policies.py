"""Every policy names whom it lets do what to which thing, in words that AWS knows."""

import json
from typing import Any

import pytest

from stacks.recording import Registration
from tests.aws.conftest import ISSUER, WHOLE, named, of_type, read, registered
from tests.aws.documents import Policy, listed, parsed, unknown, unnamed

OTHERS = {"aws:sns/topicPolicy:TopicPolicy", "aws:iam/rolePolicy:RolePolicy"}


@pytest.fixture(params=["pod_identity", "irsa"])
def resources(request: pytest.FixtureRequest) -> list[Registration]:
    found: list[Registration] = request.getfixturevalue(request.param)
    return found


def trust_policies(resources: list[Registration]) -> dict[str, Policy]:
    return {
        item.name: parsed(item.inputs["assumeRolePolicy"]) for item in of_type(resources, "iam/role:Role")
    }


def test_trust_names_its_subjects(resources: list[Registration]) -> None:
    found = trust_policies(resources)
    assert sorted(found) == ["alertmanager-role", "aws-sigv4-proxy-role", "prometheus-role"]
    assert [unnamed(policy) for policy in found.values()] == [[], [], []]


def test_other_policies_name_their_subjects(resources: list[Registration]) -> None:
    policies = {item.name: parsed(item.inputs["policy"]) for item in resources if item.type in OTHERS}
    assert len(policies) == 4
    assert {name: unnamed(policy) + unknown(policy) for name, policy in policies.items()} == {
        name: [] for name in policies
    }


def test_the_keys_policy_names_its_subjects(resources: list[Registration]) -> None:
    [key] = of_type(resources, "kms/key:Key")
    policy = parsed(key.inputs["policy"])
    assert unnamed(policy, of_a_key=True) + unknown(policy, of_a_key=True) == []
    assert {statement["Sid"]: statement["Principal"] for statement in policy["Statement"]} == {
        "Administration": {"AWS": "arn:aws:iam::012345678901:root"},
        "Alertmanager": {"AWS": named(read(WHOLE)).role_arn("alertmanager")},
        "Budgets": {"Service": "budgets.amazonaws.com"},
    }
    assert key.inputs["enableKeyRotation"]


def test_who_administers_the_key_does_not_read_with_it(pod_identity: list[Registration]) -> None:
    [key] = of_type(pod_identity, "kms/key:Key")
    administration = parsed(key.inputs["policy"])["Statement"][0]
    assert not [one for one in listed(administration["Action"]) if "crypt" in one or "DataKey" in one]


def test_trust_of_pod_identity_is_of_one_account_of_one_cluster(pod_identity: list[Registration]) -> None:
    found = trust_policies(pod_identity)
    assert [unknown(policy, trusting=True) for policy in found.values()] == [[], [], []]
    [statement] = found["prometheus-role"]["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": "012345678901",
            "aws:RequestTag/kubernetes-namespace": "monitoring",
            "aws:RequestTag/kubernetes-service-account": "prometheus",
            "aws:RequestTag/eks-cluster-arn": named(read(WHOLE)).cluster_arn("dubbing-prod-eks"),
        }
    }


def test_trust_of_irsa_is_of_one_account_of_one_cluster(irsa: list[Registration]) -> None:
    [statement] = trust_policies(irsa)["alertmanager-role"]["Statement"]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::012345678901:oidc-provider/{ISSUER}"}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:sub": "system:serviceaccount:monitoring:alertmanager",
            f"{ISSUER}:aud": "sts.amazonaws.com",
        }
    }


def test_without_a_budget_its_service_is_let_in_nowhere() -> None:
    found = registered({**WHOLE, "budget": False})
    assert "budgets" not in json.dumps([dict(item.inputs) for item in found if item.type.startswith("aws:")])


def statement(**parts: Any) -> Policy:  # noqa: ANN401 - JSON
    whole = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:role/r"}, "Action": "sns:Publish"}
    return {"Statement": [{**whole, "Resource": "arn:aws:sns:eu-central-1:1:topic", **parts}]}


@pytest.mark.parametrize(
    ("policy", "problems"),
    [
        (statement(), []),
        (statement(Principal="*"), ["principal *"]),
        (statement(Principal={"AWS": "*"}), ["principal AWS *"]),
        (statement(Principal={"AWS": ["arn:aws:iam::1:role/*"]}), ["principal AWS arn:aws:iam::1:role/*"]),
        (
            statement(Principal={"Service": "budgets.amazonaws.com"}),
            ["service budgets.amazonaws.com for anybody's account"],
        ),
        (
            statement(Principal={"Federated": "p"}, Condition={"StringLike": {"i:sub": "*"}}),
            ["federated p for any subject", "federated p for any audience"],
        ),
        (statement(Action="sns:*"), ["action sns:*"]),
        (statement(Resource="*"), ["resource *"]),
        (statement(Resource=["arn:aws:sns:*:1:topic"]), ["resource arn:aws:sns:*:1:topic"]),
        (statement(NotAction="sns:Publish"), ["NotAction"]),
    ],
)
def test_what_names_nobody_is_found(policy: Policy, problems: list[str]) -> None:
    assert unnamed(policy) == problems


@pytest.mark.parametrize(
    ("policy", "problems"),
    [
        (statement(), []),
        (statement(Action="sns:Publihs"), ["action sns:Publihs"]),
        (statement(Resource="arn:aws:sns:1:topic"), ["sns:Publish on arn:aws:sns:1:topic"]),
        (
            statement(Condition={"StringEquals": {"aws:SourceAcount": "1"}}),
            ["condition aws:SourceAcount of sns:Publish"],
        ),
    ],
)
def test_what_aws_does_not_know_is_found(policy: Policy, problems: list[str]) -> None:
    assert unknown(policy) == problems
