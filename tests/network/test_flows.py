"""The policies let through what the programs are told to connect to, and nothing else."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from tests.network.conftest import Renderer
from tests.network.evaluator import Manifest, Pod, Policies
from tests.network.needed import DNS, NEIGHBOURS_PORT, NODE, OUTSIDE, Pair, Rendered, needed

METADATA = "169.254.169.254"
DEBUGGER = Pod(name="curl", namespace="monitoring", labels={"monitoring-debug": "true"})
STRAY = Pod(name="stray", namespace="monitoring", labels={"app": "stray"})
NEIGHBOURS = (
    Pod(name="api", namespace="dubbing", labels={"app.kubernetes.io/name": "api"}),
    # Labels are the own namespace's: a neighbour may give itself any.
    Pod(name="like-prometheus", namespace="dubbing", labels={"app.kubernetes.io/name": "prometheus"}),
    Pod(name="like-curl", namespace="dubbing", labels=DEBUGGER.labels),
    Pod(name="agent", namespace="monitoring-node", labels={"app.kubernetes.io/name": "grafana"}),
    DNS,
)

#: What a person asks by hand, through Services: the specification's ports.
LOOKED_AT = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000}

MAIL_AND_TOPICS: Mapping[str, Any] = {
    "notifications": {
        "grouping": {"interval": "5m"},
        "critical": {"email": {"to": ["oncall@example.com"]}},
        "slack": {"channel": "#alerts"},
        "owners": {
            "product": {"email": {"to": ["product@example.com"]}},
            "finance": {"sns": {"topicArn": "arn:aws:sns:eu-central-1:123456789012:alerts"}},
        },
        "smtp": {"host": "smtp.example.com", "sender": "a@example.com", "username": "watch"},
    }
}


OAUTH: Mapping[str, Any] = {
    "clientId": "grafana",
    "authUrl": "https://login.example.com/authorize",
    "tokenUrl": "https://login.example.com/token",
    "apiUrl": "https://login.example.com/userinfo",
    "roles": {"viewer": ["everybody"]},
}


def name_of(end: Pod | str) -> str:
    """A short name for one end of a connection."""
    return end.name if isinstance(end, Pod) else end


def readings(manifests: Iterable[Manifest]) -> list[Policies]:
    """Both that Kubernetes allows: an ipBlock matches pods, or it does not."""
    found = list(manifests)
    return [Policies(manifests=found, blocks_match_pods=matches) for matches in (True, False)]


def refused(manifests: Iterable[Manifest], pairs: Iterable[Pair]) -> list[str]:
    """The pairs that do not come about in one of the readings."""
    policies = readings(manifests)
    return [
        str(pair)
        for pair in pairs
        if not all(reading.allow(pair.source, pair.to, pair.port, pair.protocol) for reading in policies)
    ]


def let_through(manifests: Iterable[Manifest], pairs: Iterable[Pair]) -> list[str]:
    """The pairs that come about in one of the readings."""
    policies = readings(manifests)
    return [
        str(pair)
        for pair in pairs
        if any(reading.allow(pair.source, pair.to, pair.port, pair.protocol) for reading in policies)
    ]


def looks(stack: Rendered) -> list[Pair]:
    """What the pod with the debug label may reach, and how it finds that."""
    by_hand = [
        Pair(source=DEBUGGER, to=pod, port=port)
        for name, port in LOOKED_AT.items()
        for pod in stack.named(name)
    ]
    return [*by_hand, Pair(source=DEBUGGER, to=DNS, port=53, protocol="UDP")]


def covered(stack: Rendered) -> list[Pod]:
    """The pods that policies cover."""
    return [pod for pod in stack.pods if not pod.host_network]


def to_every_port(stack: Rendered, sources: Iterable[Pod]) -> list[Pair]:
    """Pairs from these pods to everything that the stack's pods listen on."""
    return [
        Pair(source=source, to=pod, port=port, protocol=protocol)
        for source in sources
        for pod in covered(stack)
        for protocol, port in pod.ports.values()
    ]


def test_what_is_needed_is_what_a_person_would_name(rendering: Callable[[str], Rendered]) -> None:
    """The reading of configurations itself: it might find nothing, and all would seem well."""
    pairs = {str(pair) for pair in needed(rendering("dev"))}
    assert {
        "prometheus-0 -> monitoring/alertmanager-0:9093/TCP",
        "prometheus-0 -> monitoring/prometheus-0:9090/TCP",
        "prometheus-0 -> monitoring/grafana-0:3000/TCP",
        "prometheus-0 -> monitoring/kube-state-metrics-0:8080/TCP",
        "prometheus-0 -> monitoring-node/dcgm-exporter-0:9400/TCP",
        f"prometheus-0 -> {NODE}:10250/TCP",
        f"prometheus-0 -> {NODE}:9100/TCP",
        "prometheus-0 -> another-team/application:9999/TCP",
        "grafana-0 -> monitoring/prometheus-0:9090/TCP",
        "grafana-0 -> monitoring/alertmanager-0:9093/TCP",
        "grafana-0 -> kube-system/coredns:53/UDP",
        f"grafana-0 -> {OUTSIDE}:443/TCP",
        f"alertmanager-0 -> {OUTSIDE}:443/TCP",
        "opencost-0 -> monitoring/prometheus-0:9090/TCP",
        "kube-state-metrics-0 -> 10.0.0.10:6443/TCP",
        "postgres-exporter-main-0 -> dubbing/postgres:8000/TCP",
        "redis-exporter-main-0 -> dubbing/redis:8000/TCP",
        "blackbox-exporter-0 -> dubbing/api:8000/TCP",
    } <= pairs


def test_everything_needed_is_let_through(stack: Rendered) -> None:
    assert refused(stack.policies, [*needed(stack), *looks(stack)]) == []


def test_between_the_stacks_own_pods_nothing_else_is_let_through(stack: Rendered) -> None:
    wanted = {str(pair) for pair in needed(stack)}
    found = let_through(stack.policies, to_every_port(stack, covered(stack)))
    assert set(found) <= wanted
    assert len(found) > 10


@pytest.mark.parametrize("source", [*NEIGHBOURS, STRAY, NODE, OUTSIDE], ids=name_of)
def test_nobody_else_gets_in(stack: Rendered, source: Pod | str) -> None:
    if isinstance(source, Pod):
        assert let_through(stack.policies, to_every_port(stack, [source])) == []
        return
    for policies in readings(stack.policies):
        assert not any(
            policies.allow(source, pod, p) for pod in covered(stack) for _, p in pod.ports.values()
        )


def test_the_debug_label_opens_the_three_servers_and_nothing_else(stack: Rendered) -> None:
    wanted = {str(pair) for pair in looks(stack)}
    assert set(let_through(stack.policies, to_every_port(stack, [DEBUGGER]))) <= wanted
    outside = [Pair(source=DEBUGGER, to=OUTSIDE, port=port) for port in (80, 443)]
    assert let_through(stack.policies, outside) == []


def test_a_pod_that_is_not_the_stacks_own_gets_nowhere_from_its_namespace(stack: Rendered) -> None:
    places = [(OUTSIDE, 443), (METADATA, 80), (NEIGHBOURS[0], NEIGHBOURS_PORT), (DNS, 53), (NODE, 10250)]
    assert let_through(stack.policies, [Pair(source=STRAY, to=to, port=port) for to, port in places]) == []


def test_the_metadata_of_the_cloud_is_closed(stack: Rendered) -> None:
    pairs = [Pair(source=pod, to=METADATA, port=80) for pod in covered(stack)]
    assert let_through(stack.policies, pairs) == []


def test_outside_is_closed_but_for_what_is_needed(stack: Rendered) -> None:
    known = {str(pair) for pair in needed(stack)}
    # The API server's address is anybody's guess; OpenCost has a price list to fetch; probes follow
    # redirects to HTTPS; a database may be anywhere.
    talkers = {pod.name for pod in stack.pods if pod.token}
    for pod in covered(stack):
        for port in (22, 25, 80, 443, 5432, 6379, 8080):
            pair = Pair(source=pod, to=OUTSIDE, port=port)
            if let_through(stack.policies, [pair]) and str(pair) not in known:
                name = pod.labels["app.kubernetes.io/name"]
                assert (
                    (port == 443 and (pod.name in talkers or name == "blackbox-exporter"))
                    or (port == 80 and name == "blackbox-exporter")
                    or (name, port) in {("postgres-exporter", 5432), ("redis-exporter", 6379)}
                ), str(pair)


def test_neighbours_are_closed_but_to_who_scrapes_or_asks_them(stack: Rendered) -> None:
    stranger = Pod(name="stranger", namespace="another-team", address="10.244.9.9")
    through = let_through(
        stack.policies, [Pair(source=pod, to=stranger, port=9999) for pod in covered(stack)]
    )
    assert through == [
        f"{pod.name} -> another-team/stranger:9999/TCP"
        for pod in covered(stack)
        if pod.labels["app.kubernetes.io/name"] == "prometheus"
    ]
    assert through


def test_without_a_channel_grafana_reaches_nothing_outside(changed: Renderer) -> None:
    quiet = changed("dev", {"notifications": {"criticalRequired": False}})
    assert refused(quiet.policies, needed(quiet)) == []
    for name in ("grafana", "alertmanager"):
        pairs = [Pair(source=pod, to=OUTSIDE, port=443) for pod in quiet.named(name)]
        assert let_through(quiet.policies, pairs) == []


def test_mail_and_topics_open_what_they_need(changed: Renderer) -> None:
    mailing = changed("prod", MAIL_AND_TOPICS)
    pairs = needed(mailing)
    assert {f"alertmanager-0 -> {OUTSIDE}:587/TCP", "alertmanager-0 -> 169.254.170.23:80/TCP"} <= {
        str(pair) for pair in pairs
    }
    assert refused(mailing.policies, pairs) == []


@pytest.mark.parametrize(
    ("database", "end"),
    [
        ({"type": "postgres", "host": "db.example.com"}, f"{OUTSIDE}:5432"),
        ({"type": "mysql", "host": "db.example.com"}, f"{OUTSIDE}:3306"),
        ({"type": "postgres", "host": "db.dubbing.svc", "port": 6432}, f"dubbing/db:{NEIGHBOURS_PORT}"),
    ],
)
def test_several_grafanas_reach_their_database_and_each_other(
    changed: Renderer, database: dict[str, Any], end: str
) -> None:
    several = changed("prod", {"grafana": {"replicas": 2, "database": database}})
    pairs = needed(several)
    assert {
        f"grafana-0 -> {end}/TCP",
        f"grafana-1 -> {end}/TCP",
        "grafana-0 -> monitoring/grafana-1:9094/TCP",
        "grafana-1 -> monitoring/grafana-0:9094/UDP",
    } <= {str(pair) for pair in pairs}
    assert refused(several.policies, pairs) == []
    through = let_through(several.policies, to_every_port(several, several.named("grafana")))
    assert set(through) <= {str(pair) for pair in pairs}


@pytest.mark.parametrize(
    ("provider", "end"),
    [
        ("https://login.example.com", f"{OUTSIDE}:443"),
        ("https://login.example.com:8443", f"{OUTSIDE}:8443"),
        ("http://keycloak.identity.svc:8080", f"identity/keycloak:{NEIGHBOURS_PORT}"),
    ],
)
def test_grafana_reaches_its_identity_provider(changed: Renderer, provider: str, end: str) -> None:
    oauth = {**OAUTH, "tokenUrl": f"{provider}/token", "apiUrl": f"{provider}/userinfo"}
    reaching = changed(
        "dev",
        {
            "grafana": {"auth": {"loginForm": False, "oauth": oauth}},
            "notifications": {"criticalRequired": False},
        },
    )
    pairs = needed(reaching)
    assert f"grafana-0 -> {end}/TCP" in {str(pair) for pair in pairs}
    assert refused(reaching.policies, pairs) == []
    (grafana,) = reaching.named("grafana")
    outside = [Pair(source=grafana, to=OUTSIDE, port=port) for port in (80, 443, 8080, 8443)]
    assert {f"{one}" for one in let_through(reaching.policies, outside)} <= {f"grafana-0 -> {end}/TCP"}


def test_only_who_its_ingress_names_reaches_grafana_and_nothing_else(changed: Renderer) -> None:
    controller = {"namespace": "ingress", "labels": {"app": "controller"}}
    ingress = {"className": "nginx", "tlsSecret": "tls", "controller": controller, "cidrs": ["10.1.0.0/16"]}
    grafana = {"rootUrl": "https://g.example.com/", "auth": {"loginForm": True}, "ingress": ingress}
    open_ = changed("dev", {"grafana": grafana})
    inside = Pod(name="controller", namespace="ingress", labels={"app": "controller"})
    neighbour = Pod(name="neighbour", namespace="ingress", labels={"app": "other"})
    alike = Pod(name="alike", namespace="dubbing", labels={"app": "controller"})
    every = let_through(open_.policies, to_every_port(open_, [inside, neighbour, alike]))
    assert every == ["controller -> monitoring/grafana-0:3000/TCP"]
    servers = [*open_.named("grafana"), *open_.named("prometheus"), *open_.named("alertmanager")]
    for policies in readings(open_.policies):
        assert [pod.name for pod in servers if policies.allow("10.1.2.3", pod, 3000)] == ["grafana-0"]
        for port in (9090, 9093):
            assert not [pod.name for pod in servers if policies.allow("10.1.2.3", pod, port)]
        assert not [pod.name for pod in servers if policies.allow(OUTSIDE, pod, 3000)]


def test_settings_narrow_the_internet_and_the_api_server(changed: Renderer) -> None:
    narrow = changed(
        "prod",
        {"network": {"internetCidrs": ["198.51.100.0/24"], "apiServerCidrs": ["10.0.0.0/28"]}},
    )
    sources = [pod for pod in covered(narrow) if not pod.name.startswith("blackbox")]
    outside = [Pair(source=pod, to=OUTSIDE, port=443) for pod in sources]
    assert let_through(narrow.policies, outside) == []
    still = [pair for pair in needed(narrow) if pair.to != OUTSIDE]
    assert len(still) > 20
    assert refused(narrow.policies, still) == []
    proxied = [replace(pair, to="198.51.100.4") for pair in needed(narrow) if str(pair) in map(str, outside)]
    assert proxied
    assert refused(narrow.policies, proxied) == []


def test_without_any_one_policy_something_needed_is_refused(stack: Rendered) -> None:
    """The positive control of what is let through: each policy is there for something."""
    pairs = [*needed(stack), *looks(stack)]
    named = [policy for policy in stack.policies if policy["metadata"]["name"] != "default-deny"]
    assert len(named) >= 8
    for policy in named:
        others = [other for other in stack.policies if other is not policy]
        assert refused(others, pairs), policy["metadata"]["name"]


def test_a_policy_that_allows_all_lets_the_neighbours_in(stack: Rendered) -> None:
    """The positive control of what is refused."""
    allow = yaml.safe_load(
        "{metadata: {name: allow-all, namespace: monitoring}, spec: {podSelector: {}, ingress: [{}]}}"
    )
    pairs = [pair for pair in to_every_port(stack, [NEIGHBOURS[0]]) if pair.port == 9090]
    assert let_through([*stack.policies, allow], pairs) == list(map(str, pairs))
    assert str(pairs[0]) == "api -> monitoring/prometheus-0:9090/TCP"


def test_without_the_policy_that_denies_all_a_stray_pod_gets_out(stack: Rendered) -> None:
    others = [policy for policy in stack.policies if policy["metadata"]["name"] != "default-deny"]
    pair = Pair(source=STRAY, to=OUTSIDE, port=443)
    assert let_through(others, [pair]) == [str(pair)]


def test_pods_on_the_hosts_network_are_out_of_reach_of_policies(stack: Rendered) -> None:
    """A limit that the decision record names, rather than a wish."""
    (agent,) = [pod for pod in stack.pods if pod.host_network]
    assert agent.labels["app.kubernetes.io/name"] == "node-exporter"
    assert all(policies.allow(OUTSIDE, agent, 9100) for policies in readings(stack.policies))
