"""Network flows as values, and the NetworkPolicies that admit just those.

Each component declares the flows that it needs; `policies` turns them all into one policy for each program,
beside a policy in each namespace that denies everything else. Pods on the host's network, such as
node-exporter, are not covered by policies: as source and as destination they are their node.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, cast
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.settings import Network as NetworkSettings
from stacks.settings_base import NODE_ONLY, namespace_of_service

#: A pod of the stack's namespace with this label may reach the servers, to look what is wrong.
DEBUG_LABEL = "monitoring-debug"

NAMESPACE_NAME = "kubernetes.io/metadata.name"
DNS_PORT = 53
HTTP_PORT = 80
HTTPS_PORT = 443
#: The Service `kubernetes`, and where kubeadm's API server listens behind it: policies see the latter.
API_SERVER_PORTS = (HTTPS_PORT, 6443)
#: Where a node's own DNS cache listens, if it has one; it is on the host's network.
NODE_LOCAL_DNS = "169.254.20.10/32"
EVERY_ADDRESS = ("0.0.0.0/0", "::/0")
#: Where EKS hands out the credentials of a pod's account: on the node itself.
POD_IDENTITY = ("169.254.170.23/32", "fd00:ec2::23/128")


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Pods by namespace and labels."""

    namespace: str | None
    """None for every namespace."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """None of them for every pod."""
    policy: str | None = None
    """The name of their NetworkPolicy, where they are the stack's own."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Addresses outside the cluster; never `NODE_ONLY` as part of a larger range."""

    cidrs: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Anywhere:
    """Every destination: nodes and the API server too, which no selector matches, and not always a CIDR."""


Peer = Pods | Addresses | Anywhere


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Connections that `source` opens to `to`; without ports, on every port."""

    source: Pods | Addresses
    to: Peer
    tcp: Sequence[int] = ()
    udp: Sequence[int] = ()


def program(name: str, namespace: str) -> Pods:
    """The pods of a program that this stack deploys; its flows name the ports that they listen on."""
    return Pods(namespace=namespace, labels={w.NAME: name}, policy=name)


def dns(source: Pods) -> list[Flow]:
    """Names are looked up in the cluster's DNS, or in its cache on the node."""
    return [
        Flow(source=source, to=peer, tcp=(DNS_PORT,), udp=(DNS_PORT,))
        for peer in (Pods(namespace="kube-system"), Addresses(cidrs=(NODE_LOCAL_DNS,)))
    ]


def api_server(source: Pods, settings: NetworkSettings) -> Flow:
    """The Kubernetes API, at an address that only settings may know."""
    cidrs = settings.api_server_cidrs
    return Flow(source=source, to=Addresses(cidrs=cidrs) if cidrs else Anywhere(), tcp=API_SERVER_PORTS)


def internet(source: Pods, settings: NetworkSettings, port: int = HTTPS_PORT) -> list[Flow]:
    """Outside the cluster, where settings allow it."""
    cidrs = settings.internet_cidrs
    return [Flow(source=source, to=Addresses(cidrs=cidrs), tcp=(port,))] if cidrs else []


def service_of_host(source: Pods, host: str) -> list[Flow]:
    """The pods behind a Service, where a host's name may be one's.

    On every port: policies see the pod's, which its Service may map as it likes.
    """
    namespace = namespace_of_service(host)
    return [Flow(source=source, to=Pods(namespace=namespace))] if namespace else []


def endpoint(source: Pods, url: str, settings: NetworkSettings) -> list[Flow]:
    """A URL's server: outside, where settings allow it, or in the cluster."""
    parts = urlsplit(url)
    port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
    return [*internet(source, settings, port), *service_of_host(source, parts.hostname or "")]


def pod_identity(source: Pods) -> Flow:
    """The credentials of a pod's AWS role, on EKS."""
    return Flow(source=source, to=Addresses(cidrs=POD_IDENTITY), tcp=(HTTP_PORT,))


def host(source: Pods, name: str, port: int) -> list[Flow]:
    """A host by its name. No policy knows names, so its port is open at every address."""
    return [
        *dns(source),
        Flow(source=source, to=Anywhere(), tcp=(port,)),
        *service_of_host(source, name),
    ]


def debugging(to: Pods, port: int) -> list[Flow]:
    """A pod with the debug label may look at a server of its own namespace."""
    source = Pods(namespace=to.namespace, labels={DEBUG_LABEL: "true"}, policy=DEBUG_LABEL)
    return [*dns(source), Flow(source=source, to=to, tcp=(port,))]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What one NetworkPolicy says; a policy without rules denies."""

    name: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    ingress: list[k8s.networking.v1.NetworkPolicyIngressRuleArgsDict] = field(default_factory=list[Any])
    egress: list[k8s.networking.v1.NetworkPolicyEgressRuleArgsDict] = field(default_factory=list[Any])

    def spec(self) -> k8s.networking.v1.NetworkPolicySpecArgsDict:
        """The specification of the object."""
        return {
            "pod_selector": {"match_labels": dict(self.labels)},
            "policy_types": ["Ingress", "Egress"],
            "ingress": self.ingress,
            "egress": self.egress,
        }


def policies(flows: Iterable[Flow], namespaces: Iterable[str]) -> list[Policy]:
    """A policy that denies all in each namespace, and one for each end of a flow that is the stack's own."""
    made = {
        (namespace, "default-deny"): Policy(name="default-deny", namespace=namespace)
        for namespace in namespaces
    }

    def policy_of(pods: Pods) -> Policy:
        namespace, name = pods.namespace or "", pods.policy or ""
        return made.setdefault(
            (namespace, name), Policy(name=name, namespace=namespace, labels=dict(pods.labels))
        )

    for flow in flows:
        if isinstance(flow.source, Pods) and flow.source.policy:
            outgoing: k8s.networking.v1.NetworkPolicyEgressRuleArgsDict = {}
            if not isinstance(flow.to, Anywhere):
                outgoing["to"] = _peers(flow.to)
            if ports := _ports(flow):
                outgoing["ports"] = ports
            _add(policy_of(flow.source).egress, outgoing)
        if isinstance(flow.to, Pods) and flow.to.policy:
            incoming: k8s.networking.v1.NetworkPolicyIngressRuleArgsDict = {"from_": _peers(flow.source)}
            if ports := _ports(flow):
                incoming["ports"] = ports
            _add(policy_of(flow.to).ingress, incoming)
    return list(made.values())


def _add(rules: list[Any], rule: object) -> None:
    """Two components may need the same flow."""
    if rule not in rules:
        rules.append(rule)


def _peers(peer: Pods | Addresses) -> list[k8s.networking.v1.NetworkPolicyPeerArgsDict]:
    if isinstance(peer, Addresses):
        return [{"ip_block": _block(cidr)} for cidr in peer.cidrs]
    selected: k8s.networking.v1.NetworkPolicyPeerArgsDict = {
        "namespace_selector": {"match_labels": {NAMESPACE_NAME: peer.namespace} if peer.namespace else {}}
    }
    if peer.labels:
        selected["pod_selector"] = {"match_labels": dict(peer.labels)}
    return [selected]


def _block(cidr: str) -> k8s.networking.v1.IPBlockArgsDict:
    excepted = [node_only for node_only in NODE_ONLY if _holds(cidr, node_only)]
    return {"cidr": cidr, "except_": excepted} if excepted else {"cidr": cidr}


def _holds(cidr: str, other: str) -> bool:
    """Whether a range is larger than another one, and holds it."""
    outer, inner = ip_network(cidr), ip_network(other)
    return (
        outer.version == inner.version
        and outer.prefixlen < inner.prefixlen
        and inner.network_address in outer
    )


def _ports(flow: Flow) -> list[k8s.networking.v1.NetworkPolicyPortArgsDict]:
    return cast(
        "list[k8s.networking.v1.NetworkPolicyPortArgsDict]",
        [
            {"protocol": protocol, "port": port}
            for protocol, numbers in (("TCP", flow.tcp), ("UDP", flow.udp))
            for port in numbers
        ],
    )


@dataclass(frozen=True, kw_only=True)
class NetworkPoliciesArgs:
    """What the policies are made from."""

    places: Mapping[str, w.Place]
    """Each namespace of the stack, by its name."""
    flows: Sequence[Flow]


class NetworkPolicies(pulumi.ComponentResource):
    """Every NetworkPolicy of the stack."""

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("dubbing:monitoring:NetworkPolicies", name, None, opts)
        for policy in policies(args.flows, args.places):
            k8s.networking.v1.NetworkPolicy(
                f"{policy.namespace}-{policy.name}-network-policy",
                metadata=w.metadata(args.places[policy.namespace], policy.name),
                spec=policy.spec(),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
