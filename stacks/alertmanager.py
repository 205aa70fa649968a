"""Alertmanager: a StatefulSet whose silences and notification log are on a volume."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.prometheus import to_yaml
from stacks.scrape import ScrapeJob, own_pods, pod_job
from stacks.settings import Alertmanager as AlertmanagerSettings
from stacks.settings import Settings
from stacks.stateful import data_mount, stateful_server

NAME = "alertmanager"
PORT = 9093
CONFIG_PATH = "/etc/alertmanager/config"
DATA_PATH = "/alertmanager"
USER = 65534


@dataclass(frozen=True, kw_only=True)
class AlertmanagerArgs:
    """What Alertmanager runs with."""

    place: w.Place
    settings: AlertmanagerSettings


class Alertmanager(pulumi.ComponentResource):
    """Alertmanager, reachable in its namespace as `alertmanager:9093`."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: AlertmanagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dubbing:monitoring:Alertmanager", name, None, opts)
        place = args.place
        text = to_yaml(alertmanager_config())
        server = alertmanager_workload(args.settings, text)

        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=w.metadata(place, "alertmanager-config", of=NAME),
            data={"alertmanager.yml": text},
            opts=pulumi.ResourceOptions(parent=self),
        )
        service = stateful_server(
            server, place, self, size=args.settings.volume, grace_seconds=120, depends_on=[config]
        )
        self.url = service.metadata.apply(lambda m: f"http://{m.name}.{m.namespace}:{PORT}")
        self.register_outputs({"url": self.url})


def alertmanager_workload(settings: AlertmanagerSettings, config: str) -> w.Workload:
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
            data_mount(DATA_PATH),
        ),
        probes={
            "readiness": w.http_probe("/-/ready", "web", period=5, delay=3, failures=10),
            "liveness": w.http_probe("/-/healthy", "web", failures=10),
        },
        checksum=w.checksum(config),
    )


def alertmanager_config() -> dict[str, Any]:
    """The content of `alertmanager.yml`: grouping and the root receiver as the specification has them."""
    return {
        "route": {
            "group_by": ["alertname", "cluster"],
            "group_wait": "10s",
            "group_interval": "10s",
            "repeat_interval": "12h",
            "receiver": "slack",
        },
        "receivers": [{"name": "slack"}],
    }


def addresses() -> list[str]:
    """Each replica's own address."""
    return [f"{NAME}-0.{NAME}-headless:{PORT}"]


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Alertmanager's own metrics."""
    return [pod_job(NAME, own_pods(NAME, settings.kubernetes.namespace, port="web"))]
