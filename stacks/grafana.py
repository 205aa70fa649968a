"""Grafana: provisioned from files, its own database on a volume, the admin password from a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as k8s

from dashboards.render import refuse_too_large
from stacks import workload as w
from stacks.alertmanager import PORT as ALERTMANAGER_PORT
from stacks.alertmanager import pods as alertmanager_pods
from stacks.grafana_options import DATA_PATH, PROVISIONING_PATH, SECRETS_PATH, grafana_options
from stacks.grafana_provisioning import DASHBOARDS_PATH, provisioning_files
from stacks.grafana_settings import Grafana as GrafanaSettings
from stacks.network import Flow, debugging, dns, internet, program
from stacks.notification_settings import Slack
from stacks.prometheus import PORT as PROMETHEUS_PORT
from stacks.prometheus import pods as prometheus_pods
from stacks.scrape import ScrapeJob, own_pods, pod_job
from stacks.settings import Settings

NAME = "grafana"
PORT = 3000
SERVICE_PORT = 80
USER = 472


@dataclass(frozen=True, kw_only=True)
class GrafanaArgs:
    """What Grafana runs with."""

    place: w.Place
    settings: GrafanaSettings
    scrape_interval: str
    dashboards: Mapping[str, str]
    """The project's dashboards: file name to JSON, together in one ConfigMap."""
    custom_dashboards: Mapping[str, str]
    """Dashboards that people dropped in: file name to JSON, each in a ConfigMap of its own."""
    admin_password: pulumi.Output[str]
    secret_key: pulumi.Output[str]
    slack: Slack | None
    """The channel of the contact point for alerts that people build in Grafana."""
    slack_webhook_url: pulumi.Output[str] | None
    """Its webhook; given where there is a channel."""


class Grafana(pulumi.ComponentResource):
    """Grafana, reachable in its namespace as `grafana`, port 80."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: GrafanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        refuse_too_large("grafana-dashboards", args.dashboards)
        for file, text in args.custom_dashboards.items():
            refuse_too_large(custom_config_map(file), {file: text})
        super().__init__("dubbing:monitoring:Grafana", name, None, opts)
        place = args.place

        secrets = {"admin-password": args.admin_password, "secret-key": args.secret_key}
        if args.slack_webhook_url is not None:
            secrets["slack-webhook-url"] = args.slack_webhook_url
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=w.metadata(place, NAME),
            string_data=secrets,
            opts=pulumi.ResourceOptions(parent=self),
        )
        files = provisioning_files(args.scrape_interval, args.slack)
        provisioning = self._config_map("provisioning", "grafana-provisioning", files, place)
        dashboards = self._config_map("dashboards", "grafana-dashboards", args.dashboards, place)
        custom = [
            self._config_map(f"custom-{file}", custom_config_map(file), {file: text}, place)
            for file, text in args.custom_dashboards.items()
        ]
        claim = w.volume_claim(NAME, place, self, size=args.settings.volume, of=NAME)
        restarts_on = pulumi.Output.concat(
            w.checksum(*files.values()),
            "-",
            w.secret_checksum(args.secret_key, *(secrets[key] for key in secrets if key != "secret-key")),
        )
        server = grafana_workload(args.settings, sorted(args.custom_dashboards), restarts_on)
        account = w.service_account(server, place, self)
        spec = w.pod_spec(server, place)
        k8s.apps.v1.Deployment(
            name,
            metadata={"name": NAME, "namespace": place.namespace, "labels": server.labels},
            spec={
                "replicas": 1,
                # Its database is a file on a volume that one pod at a time may write.
                "strategy": {"type": "Recreate"},
                "selector": {"match_labels": server.selector},
                "template": w.pod_template(
                    server, place, {**spec, "init_containers": [admin_password_container(server, place)]}
                ),
            },
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[account, claim, secret, provisioning, dashboards, *custom]
            ),
        )
        service = w.service(server, place, self, port=SERVICE_PORT)
        self.url = service.metadata.apply(lambda m: f"http://{m.name}.{m.namespace}")
        self.register_outputs({"url": self.url})

    def _config_map(
        self, name: str, physical: str, data: Mapping[str, str], place: w.Place
    ) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            f"{NAME}-{name}",
            metadata=w.metadata(place, physical, of=NAME),
            data=dict(data),
            opts=pulumi.ResourceOptions(parent=self),
        )


def custom_config_map(file: str) -> str:
    """The name of the ConfigMap of a custom dashboard's file."""
    return "grafana-dashboard-" + file.removesuffix(".json")


def grafana_workload(
    settings: GrafanaSettings, custom_files: list[str], restarts_on: pulumi.Output[str]
) -> w.Workload:
    """The server's container."""
    options = grafana_options(settings)
    return w.Workload(
        name=NAME,
        image="grafana",
        resources=settings.resources,
        user=USER,
        ports={"http": PORT},
        env=[{"name": key, "value": value} for key, value in options.items()],
        mounts=(
            w.Mount(
                name="data",
                path=DATA_PATH,
                source={"name": "data", "persistent_volume_claim": {"claim_name": NAME}},
                read_only=False,
            ),
            w.scratch_mount("/tmp", "tmp"),  # noqa: S108 - a path in the container
            w.secret_mount(NAME, SECRETS_PATH),
            provisioning_mount("datasources"),
            provisioning_mount("dashboards"),
            provisioning_mount("alerting"),
            w.config_mount("grafana-dashboards", f"{DASHBOARDS_PATH}/platform", name="dashboards-platform"),
            custom_mount(custom_files),
            w.scratch_mount(f"{DASHBOARDS_PATH}/sandbox", "dashboards-sandbox"),
        ),
        probes={
            # The first start migrates the database.
            "startup": w.http_probe("/api/health", "http", failures=30),
            "readiness": w.http_probe("/api/health", "http"),
            "liveness": w.http_probe("/api/health", "http", failures=6, timeout=10),
        },
        checksum=restarts_on,
    )


def admin_password_container(server: w.Workload, place: w.Place) -> k8s.core.v1.ContainerArgsDict:
    """Sets the admin password in an existing database before each start.

    Grafana itself reads it only when it creates the database; without this, a changed secret changes nothing.
    """
    command = (
        f"test ! -f {DATA_PATH}/grafana.db || grafana cli --homepath /usr/share/grafana "
        f"admin reset-admin-password --password-from-stdin < {SECRETS_PATH}/admin-password"
    )
    quiet = replace(server, name="admin-password", ports={}, probes={})
    return {**w.container(quiet, place), "command": ["/bin/sh", "-c", command]}


def provisioning_mount(folder: str) -> w.Mount:
    """One file of the provisioning ConfigMap, in the folder where Grafana looks for it."""
    return w.Mount(
        name=f"provisioning-{folder}",
        path=f"{PROVISIONING_PATH}/{folder}",
        source={
            "name": f"provisioning-{folder}",
            "config_map": {
                "name": "grafana-provisioning",
                "items": [{"key": f"{folder}.yaml", "path": f"{folder}.yaml"}],
            },
        },
    )


def custom_mount(files: list[str]) -> w.Mount:
    """The ConfigMaps of all custom dashboards, joined into one folder."""
    return w.Mount(
        name="dashboards-custom",
        path=f"{DASHBOARDS_PATH}/custom",
        source={
            "name": "dashboards-custom",
            "projected": {"sources": [{"config_map": {"name": custom_config_map(file)}} for file in files]},
        },
    )


def flows(settings: Settings) -> list[Flow]:
    """Grafana asks its data sources, and sends to the channel of its contact point where there is one.

    An Ingress would add its controller's pods as a source of port 3000 here.
    """
    here, prometheus = program(NAME, settings.kubernetes.namespace), prometheus_pods(settings)
    return [
        *dns(here),
        Flow(source=here, to=prometheus, tcp=(PROMETHEUS_PORT,)),
        Flow(source=here, to=alertmanager_pods(settings), tcp=(ALERTMANAGER_PORT,)),
        Flow(source=prometheus, to=here, tcp=(PORT,)),
        *(internet(here, settings.network) if settings.notifications.slack else ()),
        *debugging(here, PORT),
    ]


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Grafana's own metrics."""
    return [pod_job(NAME, own_pods(NAME, settings.kubernetes.namespace, port="http"))]
