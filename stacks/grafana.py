"""Grafana: provisioned from files, its database on a volume or outside, its passwords from a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from dashboards.render import refuse_too_large
from stacks import workload as w
from stacks.alertmanager import PORT as ALERTMANAGER_PORT
from stacks.alertmanager import pods as alertmanager_pods
from stacks.grafana_options import (
    DATA_PATH,
    GOSSIP_PORT,
    NAME,
    PROVISIONING_PATH,
    SECRET_FILES,
    SECRETS_PATH,
    grafana_environment,
)
from stacks.grafana_provisioning import DASHBOARDS_PATH, own_data_sources, provisioning_files
from stacks.grafana_settings import ADMIN_PASSWORD, SECRET_KEY, Ingress
from stacks.grafana_settings import Grafana as GrafanaSettings
from stacks.network import (
    HTTPS_PORT,
    Addresses,
    Flow,
    Pods,
    debugging,
    dns,
    host,
    internet,
    program,
    service_of_host,
)
from stacks.notification_settings import Slack
from stacks.prometheus import PORT as PROMETHEUS_PORT
from stacks.prometheus import pods as prometheus_pods
from stacks.replicas import headless_service, one_at_a_time, spread
from stacks.scrape import ScrapeJob, own_pods, pod_job
from stacks.settings import Network, Settings

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
    archived_dashboards: Mapping[str, str]
    """Of these, the ones that were retired."""
    slack: Slack | None
    """The channel of the contact point for alerts that people build in Grafana."""
    long_term: pulumi.Output[str] | None
    """Where samples of longer ago are asked for, as Prometheus is."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets, by key."""


class Grafana(pulumi.ComponentResource):
    """Grafana, reachable in its namespace as `grafana`, port 80."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: GrafanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        refuse_too_large("grafana-dashboards", args.dashboards)
        dropped_in = {**args.custom_dashboards, **args.archived_dashboards}
        for file, text in dropped_in.items():
            refuse_too_large(custom_config_map(file), {file: text})
        super().__init__("dubbing:monitoring:Grafana", name, None, opts)
        place = args.place

        secrets = {key: args.secrets[key] for key in SECRET_FILES if key in args.secrets}
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=w.metadata(place, NAME),
            string_data={SECRET_FILES[key]: value for key, value in secrets.items()},
            opts=pulumi.ResourceOptions(parent=self),
        )
        files = provisioning(args)
        provisioned = self._config_map("provisioning", "grafana-provisioning", files, place)
        dashboards = self._config_map("dashboards", "grafana-dashboards", args.dashboards, place)
        custom = [
            self._config_map(f"custom-{file}", custom_config_map(file), {file: text}, place)
            for file, text in dropped_in.items()
        ]
        restarts_on = pulumi.Output.concat(
            pulumi.Output.all(*files.values()).apply(lambda texts: w.checksum(*texts)),
            "-",
            w.secret_checksum(
                secrets[SECRET_KEY], *(value for key, value in secrets.items() if key != SECRET_KEY)
            ),
        )
        folders = {"custom": sorted(args.custom_dashboards), "archive": sorted(args.archived_dashboards)}
        server = grafana_workload(args.settings, place.cluster, folders, restarts_on)
        needed: list[pulumi.Resource] = [
            w.service_account(server, place, self),
            secret,
            provisioned,
            dashboards,
            *custom,
        ]
        if args.settings.database is None:
            needed.append(w.volume_claim(NAME, place, self, size=args.settings.volume, of=NAME))
        spec: k8s.core.v1.PodSpecArgsDict = {
            **w.pod_spec(server, place),
            "init_containers": [admin_password_container(server, place)],
        }
        if args.settings.replicas > 1:
            needed.append(headless_service(server, place, self))
            spec["topology_spread_constraints"] = spread(server)
            one_at_a_time(server, place, self)
        k8s.apps.v1.Deployment(
            name,
            metadata={"name": NAME, "namespace": place.namespace, "labels": server.labels},
            spec={
                "replicas": args.settings.replicas,
                "strategy": strategy(args.settings),
                "selector": {"match_labels": server.selector},
                "template": w.pod_template(server, place, spec),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        service = w.service(server, place, self, port=SERVICE_PORT)
        if args.settings.ingress:
            k8s.networking.v1.Ingress(
                f"{name}-ingress",
                metadata={**w.metadata(place, NAME), "annotations": dict(args.settings.ingress.annotations)},
                spec=ingress_spec(args.settings.ingress, args.settings.host),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
            )
        self.url = service.metadata.apply(lambda m: f"http://{m.name}.{m.namespace}")
        self.register_outputs({"url": self.url})

    def _config_map(
        self, name: str, physical: str, data: Mapping[str, pulumi.Input[str]], place: w.Place
    ) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            f"{NAME}-{name}",
            metadata=w.metadata(place, physical, of=NAME),
            data=dict(data),
            opts=pulumi.ResourceOptions(parent=self),
        )


def provisioning(args: GrafanaArgs) -> dict[str, pulumi.Input[str]]:
    """The provisioning files; an Output where one tells of a URL that is not known before it exists."""

    def files(long_term: str | None) -> dict[str, str]:
        return provisioning_files(own_data_sources(args.scrape_interval, long_term), args.slack)

    known: dict[str, pulumi.Input[str]] = {**files(None)}
    if args.long_term is None:
        return known
    written = args.long_term.apply(files)
    return {name: written.apply(lambda texts, name=name: texts[name]) for name in known}


def strategy(settings: GrafanaSettings) -> k8s.apps.v1.DeploymentStrategyArgsDict:
    """How a change is rolled out: with a file as the database one pod ends before the next one starts."""
    if settings.database is None:
        return {"type": "Recreate"}
    # What Kubernetes' defaults come to, stated: unstated they would stay when the type is Recreate again, and
    # the API server refuses that.
    return {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}}


def ingress_spec(ingress: Ingress, host_name: str) -> k8s.networking.v1.IngressSpecArgsDict:
    """All of a host, over TLS; without a Secret the controller knows the certificate by the host."""
    tls: k8s.networking.v1.IngressTLSArgsDict = {"hosts": [host_name]}
    if ingress.tls_secret:
        tls["secret_name"] = ingress.tls_secret
    return {
        "ingress_class_name": ingress.class_name,
        "tls": [tls],
        "rules": [
            {
                "host": host_name,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "path_type": "Prefix",
                            "backend": {"service": {"name": NAME, "port": {"name": "http"}}},
                        }
                    ]
                },
            }
        ],
    }


def custom_config_map(file: str) -> str:
    """The name of the ConfigMap of a custom dashboard's file."""
    return "grafana-dashboard-" + file.removesuffix(".json")


def grafana_workload(
    settings: GrafanaSettings,
    cluster: str,
    dropped_in: Mapping[str, list[str]],
    restarts_on: pulumi.Output[str],
) -> w.Workload:
    """The server's container."""
    gossips = settings.replicas > 1
    return w.Workload(
        name=NAME,
        image="grafana",
        resources=settings.resources,
        user=USER,
        ports={"http": PORT} | ({"gossip": GOSSIP_PORT} if gossips else {}),
        udp_ports={"gossip-udp": GOSSIP_PORT} if gossips else {},
        env=grafana_environment(settings, cluster),
        mounts=(
            # Under another name than the claim's: a volume of one name cannot become one of another kind.
            w.scratch_mount(DATA_PATH, "scratch") if settings.database else claim_mount(),
            w.scratch_mount("/tmp", "tmp"),  # noqa: S108 - a path in the container
            w.secret_mount(NAME, SECRETS_PATH),
            provisioning_mount("datasources"),
            provisioning_mount("dashboards"),
            provisioning_mount("alerting"),
            w.config_mount("grafana-dashboards", f"{DASHBOARDS_PATH}/platform", name="dashboards-platform"),
            *(joined_mount(folder, files) for folder, files in dropped_in.items()),
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


def claim_mount() -> w.Mount:
    """The volume of Grafana's own database."""
    return w.Mount(
        name="data",
        path=DATA_PATH,
        source={"name": "data", "persistent_volume_claim": {"claim_name": NAME}},
        read_only=False,
    )


def admin_password_container(server: w.Workload, place: w.Place) -> k8s.core.v1.ContainerArgsDict:
    """Sets the admin password in the database before each start.

    Grafana itself reads it only when it creates the user; without this, a changed secret changes nothing. The
    command opens the database as the server does: it migrates it, and makes the user in an empty one.
    """
    command = (
        "grafana cli --homepath /usr/share/grafana "
        f"admin reset-admin-password --password-from-stdin < {SECRETS_PATH}/{SECRET_FILES[ADMIN_PASSWORD]}"
    )
    quiet = replace(server, name="admin-password", ports={}, udp_ports={}, probes={})
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


def joined_mount(folder: str, files: list[str]) -> w.Mount:
    """The ConfigMaps of a folder's custom dashboards, joined."""
    return w.Mount(
        name=f"dashboards-{folder}",
        path=f"{DASHBOARDS_PATH}/{folder}",
        source={
            "name": f"dashboards-{folder}",
            "projected": {"sources": [{"config_map": {"name": custom_config_map(file)}} for file in files]},
        },
    )


def flows(settings: Settings) -> list[Flow]:
    """Grafana asks its data sources, its database and its identity provider, and sends to its contact point.

    Several replicas tell each other what they sent. Who asks it from outside comes through its Ingress.
    """
    here, prometheus = program(NAME, settings.kubernetes.namespace), prometheus_pods(settings)
    grafana = settings.grafana
    if not grafana.is_deployed:
        return asked_from_elsewhere(settings)
    result = [
        *dns(here),
        Flow(source=here, to=prometheus, tcp=(PROMETHEUS_PORT,)),
        Flow(source=here, to=alertmanager_pods(settings), tcp=(ALERTMANAGER_PORT,)),
        Flow(source=prometheus, to=here, tcp=(PORT,)),
        *(internet(here, settings.network) if settings.notifications.slack else ()),
        *debugging(here, PORT),
    ]
    if grafana.replicas > 1:
        result.append(Flow(source=here, to=here, tcp=(GOSSIP_PORT,), udp=(GOSSIP_PORT,)))
    if database := grafana.database:
        result += host(here, database.host, database.port_number)
    if grafana.auth and (oauth := grafana.auth.oauth):
        for url in (oauth.token_url, oauth.api_url):
            result += identity_provider(here, url, settings.network)
    if ingress := grafana.ingress:
        sources: list[Pods | Addresses] = [Addresses(cidrs=ingress.cidrs)] if ingress.cidrs else []
        if controller := ingress.controller:
            sources.append(Pods(namespace=controller.namespace, labels=controller.labels))
        result += [Flow(source=source, to=here, tcp=(PORT,)) for source in sources]
    return result


def asked_from_elsewhere(settings: Settings) -> list[Flow]:
    """Pods that settings name ask the data sources, for a Grafana that is not the stack's."""
    told = settings.grafana.told
    if told.pods is None:
        return []
    there = Pods(namespace=told.pods.namespace, labels=told.pods.labels)
    asked = [Flow(source=there, to=prometheus_pods(settings), tcp=(PROMETHEUS_PORT,))]
    if told.alertmanager_url:
        asked.append(Flow(source=there, to=alertmanager_pods(settings), tcp=(ALERTMANAGER_PORT,)))
    return asked


def identity_provider(source: Pods, url: str, network: Network) -> list[Flow]:
    """An endpoint of it: outside over HTTPS, or in the cluster."""
    parts = urlsplit(url)
    outside = internet(source, network, parts.port or HTTPS_PORT) if parts.scheme == "https" else []
    return [*outside, *service_of_host(source, parts.hostname or "")]


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Grafana's own metrics."""
    if not settings.grafana.is_deployed:
        return []
    return [pod_job(NAME, own_pods(NAME, settings.kubernetes.namespace, port="http"))]
