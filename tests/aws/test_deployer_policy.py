"""What a deployer may do in AWS: no more than the stack takes, and nothing that AWS does not know."""

import json
from pathlib import Path

import pytest
import yaml

from stacks import stack_file
from stacks.aws import deployer_policy
from stacks.recording import Registration
from tests.aws.conftest import IRSA, WHOLE, account, named, read, values
from tests.aws.documents import Policy, listed, takes_a_resource, unknown

#: A managed policy's, white space left out (IAM's quotas).
MOST_CHARACTERS = 6144


@pytest.fixture(params=["pod_identity", "irsa"])
def policy(request: pytest.FixtureRequest) -> Policy:
    resources: list[Registration] = request.getfixturevalue(request.param)
    settings = read(WHOLE if request.param == "pod_identity" else {**WHOLE, **IRSA})
    return deployer_policy.policy(resources, named(settings), account(settings))


def test_aws_knows_all_that_it_says(policy: Policy) -> None:
    assert unknown(policy) == []


def test_only_what_cannot_be_limited_is_not(policy: Policy) -> None:
    anything = {
        action
        for statement in policy["Statement"]
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert anything == {"aps:CreateWorkspace", "kms:CreateKey", "kms:ListAliases"}
    assert [action for action in anything if takes_a_resource(action)] == []


def test_what_aws_names_is_told_by_its_tags(policy: Policy) -> None:
    for statement in policy["Statement"]:
        if any(arn.endswith("*") for arn in listed(statement["Resource"])):
            actions = listed(statement["Action"])
            assert "Condition" in statement or actions == ["kms:ListAliases"], actions


def test_nothing_that_is_kept_may_be_deleted(policy: Policy) -> None:
    assert not [
        action
        for statement in policy["Statement"]
        for action in listed(statement["Action"])
        if "Delete" in action and action.startswith("aps:")
    ]


def test_roles_are_passed_to_pods_only(pod_identity: list[Registration]) -> None:
    settings = read(WHOLE)
    names = named(settings)
    *_, passing = deployer_policy.policy(pod_identity, names, account(settings))["Statement"]
    assert passing == {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": [names.role_arn(one) for one in ("alertmanager", "aws-sigv4-proxy", "prometheus")],
        "Condition": {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}},
    }


def test_irsa_passes_no_role(irsa: list[Registration]) -> None:
    settings = read({**WHOLE, **IRSA})
    text = json.dumps(deployer_policy.policy(irsa, named(settings), account(settings)))
    assert "PassRole" not in text
    assert "eks:" not in text


def test_it_fits_a_managed_policy(policy: Policy) -> None:
    assert len(json.dumps(policy, separators=(",", ":"))) < MOST_CHARACTERS


def test_the_command_prints_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(yaml.safe_dump({"config": values(WHOLE)}))

    def of_the_test(_stack: str) -> Path:
        return file

    monkeypatch.setattr(stack_file, "stack_file", of_the_test)
    monkeypatch.setattr("sys.argv", ["deployer_policy", "prod"])
    assert deployer_policy.main() == 0
    assert unknown(json.loads(capsys.readouterr().out)) == []


def test_a_stack_without_aws_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["deployer_policy", "dev"])
    assert deployer_policy.main() == 1
    assert "dubbing-monitoring:aws is not set" in capsys.readouterr().err
