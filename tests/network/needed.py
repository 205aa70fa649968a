"""Who must reach whom, read from what the programs are told: configurations, arguments and environments."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.network.evaluator import Manifest, Pod, selects

NODE = "10.0.3.4"
API_SERVER = "10.0.0.10"
OUTSIDE = "203.0.113.7"
POD_IDENTITY = "169.254.170.23"
NODE_LOCAL_DNS = "169.254.20.10"
#: What the pods behind a neighbour's Service listen on, whatever the Service's own port is.
NEIGHBOURS_PORT = 8000
DNS = Pod(name="coredns", namespace="kube-system", labels={"k8s-app": "kube-dns"})
HTTPS_RECEIVERS = ("slack_configs", "pagerduty_configs", "webhook_configs", "sns_configs")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A connection that must come about."""

    source: Pod
    to: Pod | str
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        to = self.to if isinstance(self.to, str) else f"{self.to.namespace}/{self.to.name}"
        return f"{self.source.name} -> {to}:{self.port}/{self.protocol}"


class Rendered:
    """A rendered stack: its objects and the files that its programs read."""

    def __init__(self, folder: Path) -> None:
        self.manifests: list[Manifest] = [
            yaml.safe_load(file.read_text()) for file in sorted((folder / "manifests").glob("*.yaml"))
        ]
        self.policies = self.of_kind("NetworkPolicy")
        self.pods = [
            pod
            for workload in self.of_kind("Deployment", "StatefulSet", "DaemonSet")
            for pod in _pods(workload)
        ]

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """The objects of some kinds."""
        return [manifest for manifest in self.manifests if manifest["kind"] in kinds]

    def file(self, config_map: str, key: str) -> Any:  # noqa: ANN401 - any YAML document
        """A file of a ConfigMap."""
        (found,) = [m for m in self.of_kind("ConfigMap") if m["metadata"]["name"] == config_map]
        return yaml.safe_load(found["data"][key])

    def named(self, name: str) -> list[Pod]:
        """The pods of a program."""
        return [pod for pod in self.pods if pod.labels["app.kubernetes.io/name"] == name]

    def resolve(self, host: str, port: int, namespace: str) -> list[tuple[Pod | str, int]]:
        """Where a name and port lead from a pod of a namespace."""
        name, _, rest = host.partition(".")
        own = [pod for pod in self.pods if pod.namespace == namespace]
        if rest.endswith("-headless"):  # a replica of a StatefulSet
            return [(pod, port) for pod in own if pod.name == name]
        services = [m for m in self.of_kind("Service") if m["metadata"]["name"] == name]
        if not rest and services:
            (service,) = services
            behind = [pod for pod in own if selects({"matchLabels": service["spec"]["selector"]}, pod.labels)]
            if service["spec"].get("clusterIP") == "None":
                return [(pod, port) for pod in behind]
            (target,) = [p["targetPort"] for p in service["spec"]["ports"] if p["port"] == port]
            return [(pod, pod.ports[target][1]) for pod in behind]
        if re.fullmatch(r"[^.]+(\.svc.*)?", rest):
            neighbour = Pod(name=name, namespace=rest.split(".")[0], address="10.244.7.7")
            return [(neighbour, NEIGHBOURS_PORT)]
        return [(OUTSIDE, port)]


def _pods(workload: Manifest) -> Iterator[Pod]:
    spec = workload["spec"]["template"]["spec"]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    (container,) = spec["containers"]
    for number in range(workload["spec"].get("replicas", 1)):
        yield Pod(
            name=f"{workload['metadata']['name']}-{number}",
            namespace=workload["metadata"]["namespace"],
            labels=labels,
            ports={
                port["name"]: (port.get("protocol", "TCP"), port["containerPort"])
                for port in container["ports"]
            },
            address=NODE if spec.get("hostNetwork") else f"10.244.1.{10 + number}",
            host_network=spec.get("hostNetwork", False),
            token=spec["automountServiceAccountToken"],
            args=container.get("args", ()),
            env={item["name"]: item.get("value", "") for item in container.get("env", ())},
        )


def needed(stack: Rendered) -> list[Pair]:
    """Every connection that the stack's programs are told to open."""
    by_name = [
        *_alerts(stack),
        *_gossip(stack),
        *_notifications(stack),
        *_data_sources(stack),
        *_remote_writes(stack),
        *_addresses_in_environments(stack),
        *_probes(stack),
        *_remote_stores(stack),
        *_signing_proxy(stack),
    ]
    askers = {pair.source.name: pair.source for pair in by_name}.values()
    lookups = [
        Pair(source=source, to=to, port=53, protocol=protocol)
        for source in askers
        for to in (DNS, NODE_LOCAL_DNS)
        for protocol in ("TCP", "UDP")
    ]
    api = [
        Pair(source=pod, to=API_SERVER, port=port) for pod in stack.pods if pod.token for port in (443, 6443)
    ]
    return [*by_name, *lookups, *api, *_scrapes(stack)]


def _scrapes(stack: Rendered) -> Iterator[Pair]:
    for prometheus in stack.named("prometheus"):
        for job in stack.file("prometheus-config", "prometheus.yml")["scrape_configs"]:
            for to, port in _targets(stack, job):
                yield Pair(source=prometheus, to=to, port=port)


def _targets(stack: Rendered, job: Manifest) -> Iterator[tuple[Pod | str, int]]:
    (discovery,) = job["kubernetes_sd_configs"]
    if discovery["role"] == "node":
        yield NODE, 10250
        return
    if "selectors" not in discovery:
        yield Pod(name="application", namespace="dubbing"), NEIGHBOURS_PORT
        yield Pod(name="application", namespace="another-team"), 9999
        return
    (port_name,) = [
        rule["regex"]
        for rule in job["relabel_configs"]
        if rule.get("source_labels") == ["__meta_kubernetes_pod_container_port_name"]
    ]
    (selector,), (namespace,) = discovery["selectors"], discovery["namespaces"]["names"]
    labels = dict(part.split("=", 1) for part in selector["label"].split(","))
    found = [
        pod
        for pod in stack.pods
        if pod.namespace == namespace and selects({"matchLabels": labels}, pod.labels)
    ]
    for pod in found:
        yield (pod.address if pod.host_network else pod), pod.ports[port_name][1]
    if not found:
        yield Pod(name="external", namespace=namespace, labels=labels), NEIGHBOURS_PORT


def _connect(
    stack: Rendered, sources: Sequence[Pod], host: str, port: int, protocol: str = "TCP"
) -> list[Pair]:
    return [
        Pair(source=source, to=to, port=number, protocol=protocol)
        for source in sources
        for to, number in stack.resolve(host, port, source.namespace)
    ]


def _url(stack: Rendered, sources: Sequence[Pod], url: str) -> list[Pair]:
    parts = urlsplit(url)
    return _connect(stack, sources, parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443))


def _alerts(stack: Rendered) -> Iterator[Pair]:
    for group in stack.file("prometheus-config", "prometheus.yml")["alerting"]["alertmanagers"]:
        for static in group["static_configs"]:
            for target in static["targets"]:
                host, _, port = target.partition(":")
                yield from _connect(stack, stack.named("prometheus"), host, int(port))


def _gossip(stack: Rendered) -> Iterator[Pair]:
    for pod in stack.named("alertmanager"):
        for argument in pod.args:
            if argument.startswith("--cluster.peer="):
                yield from _peers(stack, pod, argument.removeprefix("--cluster.peer="))
    for pod in stack.named("grafana"):
        if peers := pod.env.get("GF_UNIFIED_ALERTING_HA_PEERS"):
            yield from _peers(stack, pod, peers)


def _peers(stack: Rendered, pod: Pod, address: str) -> Iterator[Pair]:
    host, _, port = address.partition(":")
    for protocol in ("TCP", "UDP"):
        yield from _connect(stack, [pod], host, int(port), protocol)


def _notifications(stack: Rendered) -> Iterator[Pair]:
    config, pods = stack.file("alertmanager-config", "alertmanager.yml"), stack.named("alertmanager")
    kinds = {kind for receiver in config["receivers"] for kind in receiver}
    if kinds.intersection(HTTPS_RECEIVERS):
        yield from _url(stack, pods, "https://receiver.example.com")
    if "sns_configs" in kinds:
        yield from (Pair(source=pod, to=POD_IDENTITY, port=80) for pod in pods)
    if "email_configs" in kinds:
        host, _, port = config["global"]["smtp_smarthost"].partition(":")
        yield from _connect(stack, pods, host, int(port))


def _data_sources(stack: Rendered) -> Iterator[Pair]:
    pods = stack.named("grafana")
    if not pods:  # Somebody else's asks from wherever it is.
        return
    for source in stack.file("grafana-provisioning", "datasources.yaml")["datasources"]:
        yield from _url(stack, pods, source["url"])
    for contact in stack.file("grafana-provisioning", "alerting.yaml").get("contactPoints", ()):
        assert [receiver["type"] for receiver in contact["receivers"]] == ["slack"]
        yield from _url(stack, pods, "https://hooks.slack.com")


def _remote_writes(stack: Rendered) -> Iterator[Pair]:
    pods = stack.named("prometheus")
    for store in stack.file("prometheus-config", "prometheus.yml").get("remote_write", ()):
        yield from _url(stack, pods, store["url"])
        if "sigv4" in store:
            yield from (Pair(source=pod, to=POD_IDENTITY, port=80) for pod in pods)


def _addresses_in_environments(stack: Rendered) -> Iterator[Pair]:
    for pod in stack.pods:
        for name in ("PROMETHEUS_SERVER_ENDPOINT", "REDIS_ADDR"):
            if url := pod.env.get(name):
                yield from _url(stack, [pod], url)
        if uri := pod.env.get("DATA_SOURCE_URI"):
            yield from _url(stack, [pod], f"postgres://{uri}")
        if address := pod.env.get("GF_DATABASE_HOST"):
            yield from _url(stack, [pod], f"database://{address}")
        # The third one, AUTH_URL, is for browsers.
        for name in ("TOKEN_URL", "API_URL"):
            if url := pod.env.get(f"GF_AUTH_GENERIC_OAUTH_{name}"):
                yield from _url(stack, [pod], url)


def _probes(stack: Rendered) -> Iterator[Pair]:
    for job in stack.file("prometheus-config", "prometheus.yml")["scrape_configs"]:
        if job.get("metrics_path") == "/probe":
            for url in job["params"]["target"]:
                yield from _url(stack, stack.named("blackbox-exporter"), url)


def _remote_stores(stack: Rendered) -> Iterator[Pair]:
    pods = stack.named("prometheus")
    for store in stack.file("prometheus-config", "prometheus.yml").get("remote_write", ()):
        yield from _url(stack, pods, store["url"])
        if "sigv4" in store:
            yield from (Pair(source=pod, to=POD_IDENTITY, port=80) for pod in pods)


def _signing_proxy(stack: Rendered) -> Iterator[Pair]:
    for pod in stack.named("aws-sigv4-proxy"):
        (host,) = [arg.removeprefix("--host=") for arg in pod.args if arg.startswith("--host=")]
        yield from _url(stack, [pod], f"https://{host}")
        yield Pair(source=pod, to=POD_IDENTITY, port=80)
