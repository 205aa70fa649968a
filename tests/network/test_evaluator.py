"""The evaluator agrees with the examples of Kubernetes' documentation."""

from typing import Any

import pytest
import yaml

from tests.network.evaluator import Pod, Policies, selects

DB = Pod(name="db", namespace="default", labels={"role": "db"}, ports={"sql": ("TCP", 6379)})
FRONTEND = Pod(name="frontend", namespace="default", labels={"role": "frontend"})
OTHER = Pod(name="other", namespace="default", address="172.17.1.7")
IN_PROJECT = Pod(name="tool", namespace="tools", address="172.17.1.8")
ABROAD = Pod(name="abroad", namespace="abroad", labels={"role": "frontend"}, address="172.17.1.9")
NAMESPACES = {"tools": {"project": "myproject"}}

EXAMPLE = """
metadata: {name: test-network-policy, namespace: default}
spec:
  podSelector: {matchLabels: {role: db}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
    - namespaceSelector: {matchLabels: {project: myproject}}
    - podSelector: {matchLabels: {role: frontend}}
    ports: [{protocol: TCP, port: 6379}]
  egress:
  - to: [{ipBlock: {cidr: 10.0.0.0/24}}]
    ports: [{protocol: TCP, port: 5978}]
"""


def policies(*texts: str) -> Policies:
    return Policies(manifests=[yaml.safe_load(text) for text in texts], namespaces=NAMESPACES)


def of_default(**spec: Any) -> str:  # noqa: ANN401 - any field of a policy
    return yaml.safe_dump(
        {"metadata": {"name": "one", "namespace": "default"}, "spec": {"podSelector": {}, **spec}}
    )


@pytest.mark.parametrize(
    ("source", "port", "allowed"),
    [
        (FRONTEND, 6379, True),
        (IN_PROJECT, 6379, True),
        ("172.17.0.5", 6379, True),
        ("172.17.2.5", 6379, True),
        ("172.17.1.5", 6379, False),
        ("172.18.0.5", 6379, False),
        (OTHER, 6379, False),
        (ABROAD, 6379, False),
        (FRONTEND, 6380, False),
    ],
)
def test_the_documented_policy_lets_in_whom_the_documentation_says(
    source: Pod | str, port: int, *, allowed: bool
) -> None:
    assert policies(EXAMPLE).allow(source, DB, port) is allowed


def test_the_documented_policy_lets_out_to_one_range_and_port_only() -> None:
    example = policies(EXAMPLE)
    assert example.allow(DB, "10.0.0.1", 5978)
    assert not example.allow(DB, "10.0.1.1", 5978)
    assert not example.allow(DB, "10.0.0.1", 5979)
    assert not example.allow(DB, "10.0.0.1", 5978, "UDP")
    assert not example.allow(DB, FRONTEND, 5978)


def test_a_pod_that_no_policy_selects_is_open_both_ways() -> None:
    assert policies(EXAMPLE).allow(OTHER, FRONTEND, 80)
    assert policies(EXAMPLE).allow(FRONTEND, "203.0.113.1", 80)


def test_selectors_in_one_entry_are_both_meant_and_in_two_either() -> None:
    alice, client = {"matchLabels": {"project": "myproject"}}, {"matchLabels": {"role": "client"}}
    both = policies(of_default(ingress=[{"from": [{"namespaceSelector": alice, "podSelector": client}]}]))
    either = policies(of_default(ingress=[{"from": [{"namespaceSelector": alice}, {"podSelector": client}]}]))
    local_client = Pod(name="c", namespace="default", labels={"role": "client"})
    remote_client = Pod(name="c", namespace="tools", labels={"role": "client"})
    assert [both.allow(pod, DB, 1) for pod in (remote_client, local_client, IN_PROJECT)] == [
        True,
        False,
        False,
    ]
    assert all(either.allow(pod, DB, 1) for pod in (remote_client, local_client, IN_PROJECT))


def test_default_deny_closes_the_directions_that_it_names() -> None:
    ingress = policies(of_default(policyTypes=["Ingress"]))
    assert not ingress.allow(IN_PROJECT, DB, 1)
    assert ingress.allow(DB, IN_PROJECT, 1)
    egress = policies(of_default(policyTypes=["Egress"]))
    assert egress.allow(IN_PROJECT, DB, 1)
    assert not egress.allow(DB, IN_PROJECT, 1)


def test_types_that_are_not_given_are_ingress_and_egress_where_it_has_rules() -> None:
    assert policies(of_default(ingress=[])).allow(DB, IN_PROJECT, 1)
    assert not policies(of_default(egress=[])).allow(IN_PROJECT, DB, 1)
    assert not policies(of_default(egress=[])).allow(DB, IN_PROJECT, 1)


def test_allow_all_wins_over_default_deny() -> None:
    deny = of_default(policyTypes=["Ingress", "Egress"])
    allow = of_default(policyTypes=["Ingress", "Egress"], ingress=[{}], egress=[{}])
    assert policies(deny, allow).allow(IN_PROJECT, DB, 1)
    assert policies(deny, allow).allow(DB, IN_PROJECT, 1)


def test_both_ends_must_let_it_through() -> None:
    out = of_default(podSelector={"matchLabels": {"role": "frontend"}}, policyTypes=["Egress"], egress=[])
    assert not policies(EXAMPLE, out).allow(FRONTEND, DB, 6379)


def test_a_range_of_ports_holds_both_its_ends() -> None:
    ranged = policies(
        of_default(
            egress=[
                {
                    "to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}],
                    "ports": [{"protocol": "TCP", "port": 32000, "endPort": 32768}],
                }
            ]
        )
    )
    found = [port for port in (31999, 32000, 32500, 32768, 32769) if ranged.allow(DB, "10.0.0.1", port)]
    assert found == [32000, 32500, 32768]


def test_a_named_port_is_the_destinations() -> None:
    named = policies(of_default(ingress=[{"ports": [{"port": "sql"}]}]))
    assert named.allow(IN_PROJECT, DB, 6379)
    assert not named.allow(IN_PROJECT, DB, 6380)
    assert not named.allow(IN_PROJECT, FRONTEND, 6379)


def test_a_port_without_a_number_is_all_of_its_protocol() -> None:
    udp = policies(of_default(ingress=[{"ports": [{"protocol": "UDP"}]}]))
    assert udp.allow(IN_PROJECT, DB, 7, "UDP")
    assert not udp.allow(IN_PROJECT, DB, 7)


def test_a_pod_on_the_hosts_network_is_an_address_and_no_policy_covers_it() -> None:
    deny = of_default(policyTypes=["Ingress", "Egress"])
    agent = Pod(name="agent", namespace="default", labels={"role": "frontend"}, host_network=True)
    assert policies(deny).allow(IN_PROJECT, agent, 9100)
    assert not policies(EXAMPLE).allow(agent, DB, 6379)


def test_whether_a_block_matches_pods_is_the_readers_choice() -> None:
    block = yaml.safe_load(of_default(ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]))
    assert Policies(manifests=[block]).allow(ABROAD, DB, 1)
    assert not Policies(manifests=[block], blocks_match_pods=False).allow(ABROAD, DB, 1)


@pytest.mark.parametrize(
    ("operator", "values", "labelled", "bare"),
    [
        ("In", ["db"], True, False),
        ("NotIn", ["db"], False, True),
        ("Exists", None, True, False),
        ("DoesNotExist", None, False, True),
    ],
)
def test_expressions_select_as_documented(
    operator: str, values: list[str] | None, *, labelled: bool, bare: bool
) -> None:
    selector = {"matchExpressions": [{"key": "role", "operator": operator, "values": values}]}
    assert selects(selector, DB.labels) is labelled
    assert selects(selector, {}) is bare
