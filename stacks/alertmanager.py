"""Alertmanager: a StatefulSet whose silences and notification log are on volumes, and told to its peers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from dashboards.yaml_text import to_yaml
from stacks import workload as w
from stacks.alertmanager_config import CONFIG_PATH, SECRETS_PATH, alertmanager_config, message_templates
from stacks.network import Flow, Pods, debugging, dns, internet, pod_identity, program, service_of_host
from stacks.notification_settings import Notifications
from stacks.prometheus import pods as prometheus_pods
from stacks.quantities import duration_seconds
from stacks.replicas import POD_ADDRESS
from stacks.scrape import ScrapeJob, own_pods, pod_job
from stacks.settings import PEER_TIMEOUT, Settings
from stacks.settings import Alertmanager as AlertmanagerSettings
from stacks.stateful import data_mount, replica_names, stateful_server

NAME = "alertmanager"
PORT = 9093
CLUSTER_PORT = 9094
DATA_PATH = "/alertmanager"
USER = 65534

#: How long one that starts only listens: at least Prometheus' resend delay (--rules.alert.resend-delay, 1m),
#: so that it knows all that fires before it tells the half. Peers have told it what was sent by then.
START_DELAY = "1m"


@dataclass(frozen=True, kw_only=True)
class AlertmanagerArgs:
    """What Alertmanager runs with."""

    place: w.Place
    settings: AlertmanagerSettings
    notifications: Notifications
    identity: Sequence[str]
    """The labels that make out what an alert is about."""
    grafana_url: str
    """Where people reach Grafana, to silence from."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The secrets of the receivers, by key."""


class Alertmanager(pulumi.ComponentResource):
    """Alertmanager, reachable in its namespace as `alertmanager:9093`."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: AlertmanagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dubbing:monitoring:Alertmanager", name, None, opts)
        place = args.place
        files = {
            "alertmanager.yml": to_yaml(alertmanager_config(args.notifications, args.identity)),
            "messages.tmpl": message_templates(args.grafana_url),
        }
        server = alertmanager_workload(args.settings, place.cluster, w.checksum(*files.values()))

        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=w.metadata(place, "alertmanager-config", of=NAME),
            data=files,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Read at each notification: a changed one needs no restart.
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=w.metadata(place, NAME),
            string_data={one.key: args.secrets[one.key] for one in args.notifications.secrets_needed()},
            opts=pulumi.ResourceOptions(parent=self),
        )
        service = stateful_server(
            server,
            place,
            self,
            replicas=args.settings.replicas,
            size=args.settings.volume,
            grace_seconds=120,
            # One that only listens yet must not be the last one left.
            min_ready_seconds=duration_seconds(START_DELAY) if args.settings.replicas > 1 else 0,
            depends_on=[config, secret],
        )
        self.url = service.metadata.apply(lambda m: f"http://{m.name}.{m.namespace}:{PORT}")
        self.register_outputs({"url": self.url})


def alertmanager_workload(settings: AlertmanagerSettings, cluster: str, checksum: str) -> w.Workload:
    """The server's container; a changed configuration rolls it, since it does not reload by itself."""
    gossips = settings.replicas > 1
    return w.Workload(
        name=NAME,
        image="alertmanager",
        resources=settings.resources,
        user=USER,
        ports={"web": PORT} | ({"cluster": CLUSTER_PORT} if gossips else {}),
        udp_ports={"cluster-udp": CLUSTER_PORT} if gossips else {},
        priority=True,
        env=[POD_ADDRESS] if gossips else [],
        args=(
            f"--config.file={CONFIG_PATH}/alertmanager.yml",
            f"--storage.path={DATA_PATH}",
            "--data.retention=120h",
            *cluster_arguments(settings.replicas, cluster),
            f"--dispatch.start-delay={START_DELAY}",
        ),
        mounts=(
            w.config_mount("alertmanager-config", CONFIG_PATH),
            w.secret_mount(NAME, SECRETS_PATH),
            data_mount(DATA_PATH),
        ),
        probes={
            "readiness": w.http_probe("/-/ready", "web", period=5, delay=3, failures=10),
            "liveness": w.http_probe("/-/healthy", "web", failures=10),
        },
        checksum=checksum,
    )


def cluster_arguments(replicas: int, cluster: str) -> list[str]:
    """How replicas find each other; a single one has nobody to gossip with."""
    if replicas == 1:
        return ["--cluster.listen-address="]
    return [
        # Unasked it takes a private address, and finds none where pods have public ones; brackets for IPv6.
        f"--cluster.listen-address=[$(POD_IP)]:{CLUSTER_PORT}",
        *(f"--cluster.peer={address}" for address in replica_names(NAME, replicas, CLUSTER_PORT)),
        f"--cluster.peer-timeout={PEER_TIMEOUT}",
        # Pods' addresses are used again: one that was a peer's may be another environment's by now.
        f"--cluster.label={cluster}",
        # A restarted peer has another address and is found by its name; its old one is given up soon.
        "--cluster.reconnect-timeout=5m",
    ]


def addresses(replicas: int) -> list[str]:
    """Each replica's own address."""
    return replica_names(NAME, replicas, PORT)


def pods(settings: Settings) -> Pods:
    """Alertmanager's own pods."""
    return program(NAME, settings.kubernetes.namespace)


def flows(settings: Settings) -> list[Flow]:
    """Prometheus scrapes it and sends it alerts; it gossips with its peers and sends to receivers.

    Receivers on 443: a webhook's URL is a secret, so its port is nothing that a policy could be made of.
    """
    here, notifications = pods(settings), settings.heard
    result = [
        *dns(here),
        Flow(source=prometheus_pods(settings), to=here, tcp=(PORT,)),
        *debugging(here, PORT),
    ]
    if settings.alertmanager.replicas > 1:
        result.append(Flow(source=here, to=here, tcp=(CLUSTER_PORT,), udp=(CLUSTER_PORT,)))
    if notifications.calls_the_internet:
        result += internet(here, settings.network)
    if smtp := notifications.smtp:
        result += [*internet(here, settings.network, smtp.port), *service_of_host(here, smtp.host)]
    if any(receiver.sns for receiver in notifications.receivers().values()):
        result.append(pod_identity(here))
    return result


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Alertmanager's own metrics."""
    return [pod_job(NAME, own_pods(NAME, settings.kubernetes.namespace, port="web"))]
