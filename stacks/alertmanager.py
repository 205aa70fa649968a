"""Alertmanager: a StatefulSet whose silences and notification log are on a volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.alertmanager_config import CONFIG_PATH, SECRETS_PATH, alertmanager_config, message_templates
from stacks.notification_settings import Notifications
from stacks.prometheus import to_yaml
from stacks.scrape import ScrapeJob, own_pods, pod_job
from stacks.settings import Alertmanager as AlertmanagerSettings
from stacks.settings import Settings
from stacks.stateful import data_mount, stateful_server

NAME = "alertmanager"
PORT = 9093
DATA_PATH = "/alertmanager"
USER = 65534


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
        server = alertmanager_workload(args.settings, w.checksum(*files.values()))

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
            server, place, self, size=args.settings.volume, grace_seconds=120, depends_on=[config, secret]
        )
        self.url = service.metadata.apply(lambda m: f"http://{m.name}.{m.namespace}:{PORT}")
        self.register_outputs({"url": self.url})


def alertmanager_workload(settings: AlertmanagerSettings, checksum: str) -> w.Workload:
    """The server's container; a changed configuration rolls it, since it does not reload by itself."""
    return w.Workload(
        name=NAME,
        image="alertmanager",
        resources=settings.resources,
        user=USER,
        ports={"web": PORT},
        args=(
            f"--config.file={CONFIG_PATH}/alertmanager.yml",
            f"--storage.path={DATA_PATH}",
            "--data.retention=120h",
            # One replica has no peers to gossip with.
            "--cluster.listen-address=",
            # At least Prometheus' resend delay, so that a restart does not send half a group.
            "--dispatch.start-delay=1m",
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


def addresses() -> list[str]:
    """Each replica's own address."""
    return [f"{NAME}-0.{NAME}-headless:{PORT}"]


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Alertmanager's own metrics."""
    return [pod_job(NAME, own_pods(NAME, settings.kubernetes.namespace, port="web"))]
