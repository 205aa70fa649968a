"""What NetworkPolicies let through, by the rules of https://kubernetes.io/docs/concepts/services-networking/network-policies/.

It knows manifests and nothing of how they were made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod as policies see it."""

    name: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """Protocol and number of each port, by its name."""
    address: str = "10.244.0.9"
    host_network: bool = False
    """It has its node's address then, and no policy selects it."""
    token: bool = False
    """Whether it talks to the API server."""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The policies of a cluster.

    Attributes:
        manifests: The NetworkPolicy objects.
        namespaces: The labels of namespaces, by name; each has its name as a label besides.
        blocks_match_pods: Whether an ipBlock matches pods that have such an address. Kubernetes leaves it
            open: "these should be cluster-external IPs".
    """

    manifests: Sequence[Manifest]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    blocks_match_pods: bool = True

    def allow(self, source: Pod | str, to: Pod | str, port: int, protocol: str = "TCP") -> bool:
        """Whether a connection comes about; an end that is no pod is an address.

        Both the policies of its source and those of its destination must let it through.
        """
        end = (to, port, protocol)
        return self._lets("Egress", source, to, end) and self._lets("Ingress", to, source, end)

    def _lets(
        self, direction: str, own: Pod | str, other: Pod | str, end: tuple[Pod | str, int, str]
    ) -> bool:
        policies = [policy for policy in self.manifests if self._selects(policy, own, direction)]
        if not policies:
            return True
        peers = "to" if direction == "Egress" else "from"
        return any(
            self._matches_a_peer(rule.get(peers), other, policy["metadata"]["namespace"])
            and _matches_a_port(rule.get("ports"), *end)
            for policy in policies
            for rule in policy["spec"].get(direction.lower()) or ()
        )

    def _selects(self, policy: Manifest, pod: Pod | str, direction: str) -> bool:
        if isinstance(pod, str) or pod.host_network or pod.namespace != policy["metadata"]["namespace"]:
            return False
        spec = policy["spec"]
        types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
        return direction in types and selects(spec.get("podSelector") or {}, pod.labels)

    def _matches_a_peer(self, peers: Sequence[Manifest] | None, other: Pod | str, namespace: str) -> bool:
        return not peers or any(self._matches(peer, other, namespace) for peer in peers)

    def _matches(self, peer: Manifest, other: Pod | str, namespace: str) -> bool:
        if block := peer.get("ipBlock"):
            if isinstance(other, Pod) and not other.host_network and not self.blocks_match_pods:
                return False
            return _in_block(block, other if isinstance(other, str) else other.address)
        if isinstance(other, str) or other.host_network:
            return False
        if "namespaceSelector" not in peer:
            return other.namespace == namespace and selects(peer["podSelector"], other.labels)
        labels = {
            **self.namespaces.get(other.namespace, {}),
            "kubernetes.io/metadata.name": other.namespace,
        }
        return selects(peer["namespaceSelector"], labels) and selects(
            peer.get("podSelector") or {}, other.labels
        )


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects; an empty one selects all.

    Raises:
        ValueError: an expression has an operator that Kubernetes does not know.
    """
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _holds(expression: Manifest, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case operator:
            raise ValueError(operator)


def _in_block(block: Manifest, address: str) -> bool:
    def within(cidrs: Iterable[str]) -> bool:
        return any(ip_address(address) in ip_network(cidr) for cidr in cidrs)

    return within([block["cidr"]]) and not within(block.get("except") or ())


def _matches_a_port(ports: Sequence[Manifest] | None, to: Pod | str, number: int, protocol: str) -> bool:
    return not ports or any(_matches_port(port, to, number, protocol) for port in ports)


def _matches_port(port: Manifest, to: Pod | str, number: int, protocol: str) -> bool:
    if port.get("protocol", "TCP") != protocol:
        return False
    wanted = port.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return isinstance(to, Pod) and to.ports.get(wanted) == (protocol, number)
    return wanted <= number <= port.get("endPort", wanted)
