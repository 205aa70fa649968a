"""What a stack with an account of AWS registers there."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest
import yaml
from botocore.session import get_session

from stacks import recording
from stacks.aws.component import AwsStack, AwsStackArgs
from stacks.aws.names import Names
from stacks.recording import Registration
from stacks.settings import Settings
from tests.aws.conftest import WHOLE, account, named, of_type, read, registered

PROVIDER = "pulumi:providers:aws"
WITHOUT = """
import sys
from stacks import render
render.registrations("dev")
sys.exit("pulumi_aws" in sys.modules)
"""


def test_a_stack_without_aws_does_not_load_its_provider() -> None:
    assert subprocess.run([sys.executable, "-c", WITHOUT], check=False, timeout=100).returncode == 0


def test_a_stack_with_aws_does() -> None:
    text = WITHOUT.replace("dev", "prod")
    assert subprocess.run([sys.executable, "-c", text], check=False, timeout=100).returncode == 1


def test_everything_goes_to_the_one_account(pod_identity: list[Registration]) -> None:
    [provider] = [item for item in pod_identity if item.type == PROVIDER]
    assert provider.inputs["region"] == "eu-central-1"
    assert json.loads(provider.inputs["allowedAccountIds"]) == ["012345678901"]
    assert json.loads(provider.inputs["defaultTags"])["tags"] == {
        "cost-center": "4711",
        "project": "dubbing-monitoring",
        "cluster": "dubbing-prod",
        "namespace": "monitoring",
        "managed-by": "pulumi",
    }
    ours = [item for item in pod_identity if item.type.startswith("aws:")]
    assert len(ours) == 16
    assert {item.provider.split("::")[2].rpartition("$")[2] for item in ours} == {PROVIDER}


def test_the_workspace_outlives_the_stack(pod_identity: list[Registration]) -> None:
    [workspace] = of_type(pod_identity, "amp/workspace:Workspace")
    [configuration] = of_type(pod_identity, "amp/workspaceConfiguration:WorkspaceConfiguration")
    assert (workspace.protect, workspace.retain_on_delete) == (True, True)
    assert workspace.inputs["alias"] == "dubbing-prod"
    assert configuration.retain_on_delete
    assert configuration.inputs["retentionPeriodInDays"] == 400


def test_without_protection_there_is_none() -> None:
    kubernetes = {"context": "dubbing-prod", "storageClass": "gp3", "protect": False}
    [workspace] = of_type(registered(WHOLE, kubernetes=kubernetes), "amp/workspace:Workspace")
    assert (workspace.protect, workspace.retain_on_delete) == (False, True)


def alertmanager(resources: list[Registration]) -> dict[str, Registration]:
    return {
        item.type.rpartition(":")[2]: item
        for item in resources
        if item.is_kubernetes_object
        and item.inputs["metadata"]["name"] in ("alertmanager", "alertmanager-config")
    }


def test_pods_are_created_after_their_association(pod_identity: list[Registration]) -> None:
    objects = alertmanager(pod_identity)
    association = next(item for item in pod_identity if item.name == "alertmanager-association")
    own = objects["ServiceAccount"]
    assert association.urn in own.dependencies
    assert own.urn in objects["StatefulSet"].dependencies
    assert "annotations" not in own.inputs["metadata"]


def test_irsa_annotates_the_account(irsa: list[Registration]) -> None:
    own = alertmanager(irsa)["ServiceAccount"]
    assert own.inputs["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": named(read(WHOLE)).role_arn("alertmanager")
    }
    assert not of_type(irsa, "eks/podIdentityAssociation:PodIdentityAssociation")


def test_critical_alerts_go_to_the_topic_too(pod_identity: list[Registration]) -> None:
    config = yaml.safe_load(alertmanager(pod_identity)["ConfigMap"].inputs["data"]["alertmanager.yml"])
    critical = {item["name"]: item for item in config["receivers"]}["critical"]
    assert critical["pagerduty_configs"]
    [sns] = critical["sns_configs"]
    assert sns["sigv4"] == {"region": "eu-central-1"}
    assert sns["topic_arn"] == named(read(WHOLE)).topic_arn
    [topic] = of_type(pod_identity, "sns/topic:Topic")
    assert sns["topic_arn"].endswith(f":{topic.inputs['name']}")
    assert "169.254.170.23/32" in json.dumps(
        [
            dict(item.inputs)
            for item in pod_identity
            if item.name.startswith("monitoring-alertmanager-network")
        ]
    )


def test_nothing_is_there_that_is_not_asked_for() -> None:
    least = {key: WHOLE[key] for key in ("accountId", "region", "eksCluster")}
    assert [item.name for item in registered(least) if item.type.startswith("aws:")] == []


@pytest.mark.parametrize(
    ("total", "warning", "critical"), [(20_000, 15_000, 20_000), (1_234_567.89, 1000.5, 1_200_000)]
)
def test_the_budget_is_the_dashboards(total: float, warning: float, critical: float) -> None:
    found = registered(
        WHOLE,
        monthlyBudget={"total": total},
        thresholds={"monthlyCost": {"warning": warning, "critical": critical}},
    )
    [budget] = of_type(found, "budgets/budget:Budget")
    [policy] = of_type(found, "sns/topicPolicy:TopicPolicy")
    assert (budget.inputs["budgetType"], budget.inputs["timeUnit"]) == ("COST", "MONTHLY")
    assert (float(budget.inputs["limitAmount"]), budget.inputs["limitUnit"]) == (total, "USD")
    assert {
        (one["notificationType"], one["thresholdType"], one["threshold"])
        for one in budget.inputs["notifications"]
    } == {
        ("ACTUAL", "ABSOLUTE_VALUE", warning),
        ("ACTUAL", "ABSOLUTE_VALUE", critical),
        ("FORECASTED", "PERCENTAGE", 100),
    }
    [topic] = {arn for one in budget.inputs["notifications"] for arn in one["subscriberSnsTopicArns"]}
    assert topic == policy.inputs["arn"]
    assert policy.urn in budget.dependencies
    assert "costFilters" not in budget.inputs
    assert "filterExpression" not in budget.inputs


def test_the_budget_follows_the_defaults_of_the_dashboards(pod_identity: list[Registration]) -> None:
    settings: Settings = read(WHOLE)
    [budget] = of_type(pod_identity, "budgets/budget:Budget")
    assert float(budget.inputs["limitAmount"]) == settings.monthly_budget.total


#: The names that only one thing may have, in its account or in its account's region.
UNIQUE = ("iam/role:Role", "kms/alias:Alias", "sns/topic:Topic", "budgets/budget:Budget")


def physical(resources: list[Registration]) -> set[str]:
    found = [str(item.inputs["name"]) for kind in UNIQUE for item in of_type(resources, kind)]
    assert len(found) == 6
    return {f"{name}" for name in found}


def test_two_regions_share_no_physical_name(pod_identity: list[Registration]) -> None:
    here, there = physical(pod_identity), physical(registered({**WHOLE, "region": "eu-west-1"}))
    assert not here & there
    assert all("eu-central-1" in name and "dubbing-prod_monitoring" in name for name in here)


def shape(service: str, name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", get_session().get_service_model(service).shape_for(name).metadata)


#: Each kind of name, by the shape that AWS' own model of the service has for it.
NAMED: dict[tuple[str, str], Callable[[Names], str]] = {
    ("iam", "roleNameType"): lambda names: names.of("aws-sigv4-proxy"),
    ("iam", "policyNameType"): lambda names: names.of("aws-sigv4-proxy"),
    ("iam", "arnType"): lambda names: names.role_arn("aws-sigv4-proxy"),
    ("kms", "AliasNameType"): lambda names: names.key_alias,
    ("budgets", "BudgetName"): lambda names: names.budget,
    ("budgets", "SubscriberAddress"): lambda names: names.topic_arn,
    ("amp", "WorkspaceAlias"): lambda names: names.cluster,
}


@pytest.mark.parametrize("cluster", ["a", "dubbing-prod", "c" * 63])
@pytest.mark.parametrize(("service", "name"), NAMED)
def test_names_are_what_aws_takes(cluster: str, service: str, name: str) -> None:
    text = NAMED[service, name](
        Names(account="012345678901", region="ap-southeast-5", cluster=cluster, namespace="monitoring")
    )
    limits = shape(service, name)
    assert limits.get("min", 0) <= len(text) <= limits["max"]
    # Java's flags stand anywhere in a pattern; Python's at its beginning alone.
    pattern = str(limits.get("pattern", ".*")).replace("(?i)", "")
    assert re.fullmatch(pattern, text)


@pytest.mark.parametrize("cluster", ["a", "dubbing-prod", "c" * 63])
def test_a_topics_name_is_what_sns_takes(cluster: str) -> None:
    # SNS' model has no pattern; its documentation says this one.
    names = Names(account="012345678901", region="ap-southeast-5", cluster=cluster, namespace="monitoring")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", names.topic)


def test_the_workspaces_id_is_one(pod_identity: list[Registration]) -> None:
    [configuration] = of_type(pod_identity, "amp/workspaceConfiguration:WorkspaceConfiguration")
    assert re.fullmatch(str(shape("amp", "WorkspaceId")["pattern"]), configuration.inputs["workspaceId"])


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1"])
def test_others_are_told_where_the_workspace_and_the_topic_are(region: str) -> None:
    settings = read({**WHOLE, "region": region})
    found: list[str] = []

    def run() -> None:
        cloud = AwsStack("aws", AwsStackArgs(settings=settings, aws=account(settings)))
        assert cloud.workspace is not None
        assert cloud.topic_arn is not None
        for output in (cloud.workspace.write_url, cloud.workspace.query_url, cloud.topic_arn):
            output.apply(found.append)

    recording.record(run, stack="prod", config={}, secret_keys=[])
    base = "https://aps-workspaces.region.amazonaws.com/workspaces/ws-00000000-0000-0000-0000-000000000000"
    assert sorted(found) == sorted([f"{base}/api/v1/remote_write", base, named(settings).topic_arn])
