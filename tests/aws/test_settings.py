"""The group `aws` of a stack file: what it refuses, and what follows from it."""

import re
from typing import Any

import pytest

from stacks.aws.names import MAX_LENGTH, Names, partition
from stacks.stack_file import SettingsError
from tests.aws.conftest import IRSA, ISSUER, WHOLE, account, named, read

SNS = {"pagerduty": {}, "sns": {"topicArn": "arn:aws:sns:eu-central-1:012345678901:other"}}


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"accountId": 123456789012}, "aws.accountId", "as text"),
        ({"accountId": "1234"}, "aws.accountId", "12 digits"),
        ({"region": "eu-central"}, "aws.region", "such as eu-central-1"),
        ({"eksCluster": "a b"}, "aws.eksCluster", "name of the cluster in EKS"),
        ({"identity": "keys"}, "aws.identity", "podIdentity"),
        ({"identity": "irsa"}, "aws.oidcIssuer", "aws eks describe-cluster"),
        ({**IRSA, "oidcIssuer": f"https://{ISSUER}"}, "aws.oidcIssuer", "without https://"),
        ({"oidcIssuer": ISSUER}, "aws.oidcIssuer", "takes no issuer"),
        ({"managedPrometheus": {"retentionDays": 1096}}, "aws.managedPrometheus.retentionDays", "1 to 1095"),
        ({"managedPrometheus": {"retentionDays": True}}, "aws.managedPrometheus.retentionDays", "no numbers"),
        ({"alertTopic": False}, "aws.budget", "would tell nobody without alertTopic"),
        ({"region": "us-gov-west-1"}, "aws.budget", "the paying account has the budget"),
        ({"tags": {"cluster": "x"}}, "aws.tags.cluster", "are given by the program"),
        ({"tags": {"AWS:x": "x"}}, "aws.tags.AWS:x", "by AWS"),
        ({"tags": {"x": "a*"}}, "aws.tags.x", "tags"),
        ({"profile": "x"}, "aws.profile", ""),
    ],
)
def test_a_mistake_is_refused_with_its_key(changes: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({**WHOLE, **changes})
    assert f"dubbing-monitoring:{key}" in str(refused.value)
    assert text in str(refused.value)
    assert "1 mistake;" in str(refused.value)


def test_two_topics_of_critical_alerts_are_refused() -> None:
    with pytest.raises(SettingsError, match="one of them must go"):
        read(WHOLE, notifications={"critical": SNS, "slack": {}, "grouping": {"interval": "5m"}})
    assert read(
        {**WHOLE, "alertTopic": False, "budget": False},
        notifications={"critical": SNS, "slack": {}, "grouping": {"interval": "5m"}},
    )


def test_a_topic_without_subscribers_is_no_receiver() -> None:
    with pytest.raises(SettingsError, match="nobody would hear of critical alerts"):
        read(WHOLE, notifications={"slack": {}})


def test_defaults() -> None:
    least = {key: WHOLE[key] for key in ("accountId", "region", "eksCluster")}
    found = account(read(least))
    assert (found.identity, found.managed_prometheus, found.alert_topic) == ("podIdentity", None, False)
    days = account(read({**least, "managedPrometheus": {}})).managed_prometheus
    assert days is not None
    assert days.retention_days == 150


@pytest.mark.parametrize(
    ("region", "expected"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_is_the_regions(region: str, expected: str) -> None:
    settings = read({**WHOLE, "region": region, "budget": False})
    assert partition(region) == expected == account(settings).partition
    assert named(settings).topic_arn.startswith(f"arn:{expected}:sns:{region}:")


def names(cluster: str, namespace: str, region: str = "eu-central-1") -> Names:
    return Names(account="012345678901", region=region, cluster=cluster, namespace=namespace)


def test_names_say_cluster_namespace_and_region() -> None:
    assert names("prod", "monitoring").of("prometheus") == "prod_monitoring_eu-central-1_prometheus"


def test_long_names_are_cut_and_still_told_apart() -> None:
    found = [names("c" * 63, "n" * 62 + end).of("aws-sigv4-proxy") for end in "ab"]
    assert len(set(found)) == 2
    assert [len(name) for name in found] == [MAX_LENGTH] * 2
    assert all(re.fullmatch(r"c+-[0-9a-f]{8}_aws-sigv4-proxy", name) for name in found)


def test_stacks_are_told_apart_wherever_their_names_part() -> None:
    assert names("a-b", "c").of("x") != names("a", "b-c").of("x")
