"""The whole stack: knows its components and their order, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from dashboards import custom_files, render, worth_keeping
from dashboards.parameters import Budget, Parameters
from stacks import (
    alertmanager,
    grafana,
    network,
    prometheus,
    remote_write,
    remote_write_settings,
    sigv4_proxy,
    workload,
)
from stacks.exporters import (
    ExporterArgs,
    blackbox,
    gpu_metrics,
    kube_state_metrics,
    kubelet,
    node_exporter,
    opencost,
    postgres,
    redis,
)
from stacks.grafana_settings import TOKEN
from stacks.outputs import Outputs
from stacks.remote_write import RemoteStore, Workspace
from stacks.scrape import ScrapeJob, application_job
from stacks.settings import Settings
from stacks.stateful import replica_pods

#: Everything that declares scrape jobs, in the order of `prometheus.yml`, and network flows.
SCRAPED = (
    prometheus,
    alertmanager,
    grafana,
    kubelet,
    kube_state_metrics,
    node_exporter,
    gpu_metrics,
    postgres,
    redis,
    blackbox,
    opencost,
    sigv4_proxy,
)


#: Above every ordinary pod, which has 0, and far below the cluster's own classes, from 2,000,000,000.
PRIORITY = 1_000_000


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What the stack is made from."""

    settings: Settings
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets by their keys; all of `settings.secrets_needed()`."""
    kept: pulumi.ProviderResource
    """The provider of namespaces and volumes, which outlive the stack: it takes back what exists already."""
    identities: Mapping[str, workload.CloudIdentity] = field(
        default_factory=dict[str, workload.CloudIdentity]
    )
    """Who is somebody in the cloud, by the accounts' names in the stack's namespace."""
    workspace: Workspace | None = None
    """Where samples are kept for longer."""
    custom_dashboards: Path = custom_files.FOLDER


class MonitoringStack(pulumi.ComponentResource):
    """Prometheus, Alertmanager, Grafana and the exporters, in two namespaces."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        settings = args.settings
        parameters = dashboard_parameters(settings)
        # Read before anything is registered: a broken file must not leave half a stack.
        custom = custom_files.custom_dashboards(args.custom_dashboards)
        for warning in custom.warnings:
            pulumi.log.warn(warning)
        super().__init__("dubbing:monitoring:MonitoringStack", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = self._place(args, settings.kubernetes.namespace, "restricted")
        node_place = self._place(args, settings.kubernetes.node_namespace, "privileged")
        scope = settings.kubernetes.namespace
        checksum_key = args.secrets[settings.grafana.checksum_key]
        k8s.scheduling.v1.PriorityClass(
            "priority-class",
            metadata={"name": place.priority_class, "labels": workload.labels(place.priority_class)},
            value=PRIORITY,
            description="What tells people that something is wrong: Prometheus and Alertmanager.",
            opts=child,
        )

        network.NetworkPolicies(
            "network",
            network.NetworkPoliciesArgs(
                places={settings.kubernetes.namespace: place, settings.kubernetes.node_namespace: node_place},
                flows=[flow for module in SCRAPED for flow in module.flows(settings)],
            ),
            child,
        )
        prometheus.Prometheus(
            prometheus.NAME,
            prometheus.PrometheusArgs(
                place=place,
                scope=scope,
                settings=settings.prometheus,
                jobs=scrape_jobs(settings),
                rules=render.rules(parameters),
                alertmanagers=alertmanager.addresses(settings.alertmanager.replicas),
                remote_stores=remote_stores(settings, args.workspace, parameters),
                secrets={
                    secret.key: args.secrets[secret.key]
                    for secret in remote_write_settings.secrets(settings.prometheus.remote_write)
                },
            ),
            child,
        )
        alertmanager.Alertmanager(
            alertmanager.NAME,
            alertmanager.AlertmanagerArgs(
                place=place,
                settings=settings.alertmanager,
                notifications=settings.heard,
                identity=render.alert_identity(parameters),
                grafana_url=settings.grafana.root_url,
                secrets=args.secrets,
            ),
            child,
        )
        if settings.grafana.is_deployed:
            self._grafana(args, place, parameters, custom)
        else:
            self._told_grafana(args, parameters, custom)
        if settings.kube_state_metrics.mode == "deploy":
            kube_state_metrics.KubeStateMetrics(
                kube_state_metrics.NAME,
                ExporterArgs(place=place, scope=scope, settings=settings.kube_state_metrics),
                child,
            )
        if settings.node_exporter.mode == "deploy":
            node_exporter.NodeExporter(
                node_exporter.NAME,
                ExporterArgs(place=node_place, scope=scope, settings=settings.node_exporter),
                child,
            )
        if settings.gpu_metrics.mode == "deploy":
            gpu_metrics.GpuMetrics(
                gpu_metrics.NAME,
                ExporterArgs(place=node_place, scope=scope, settings=settings.gpu_metrics),
                child,
            )
        if settings.postgres.mode == "deploy":
            postgres.PostgresExporter(
                postgres.NAME,
                ExporterArgs(place=place, scope=scope, settings=settings.postgres),
                args.secrets,
                checksum_key,
                child,
            )
        if settings.redis.mode == "deploy":
            redis.RedisExporter(
                redis.NAME,
                ExporterArgs(place=place, scope=scope, settings=settings.redis),
                args.secrets,
                checksum_key,
                child,
            )
        if settings.blackbox.mode == "deploy":
            blackbox.BlackboxExporter(
                blackbox.NAME,
                ExporterArgs(place=place, scope=scope, settings=settings.blackbox),
                child,
            )
        if settings.opencost.mode == "deploy":
            opencost.OpenCost(
                opencost.NAME,
                ExporterArgs(place=place, scope=scope, settings=settings.opencost),
                child,
            )
        self.register_outputs({})

    def _grafana(
        self,
        args: MonitoringArgs,
        place: workload.Place,
        parameters: Parameters,
        custom: custom_files.CustomDashboards,
    ) -> None:
        """A Grafana of the stack's own, and what signs for it where a workspace keeps samples."""
        settings = args.settings
        child = pulumi.ResourceOptions(parent=self)
        grafana.Grafana(
            grafana.NAME,
            grafana.GrafanaArgs(
                place=place,
                settings=settings.grafana,
                scrape_interval=settings.prometheus.scrape_interval,
                dashboards=render.dashboards(parameters),
                custom_dashboards=custom.files,
                archived_dashboards=custom.archived,
                slack=settings.notifications.slack,
                long_term=args.workspace.query_url.apply(sigv4_proxy.datasource_url)
                if args.workspace
                else None,
                secrets=args.secrets,
            ),
            child,
        )
        if args.workspace:
            sigv4_proxy.Sigv4Proxy(
                sigv4_proxy.NAME,
                sigv4_proxy.Sigv4ProxyArgs(place=place, region=args.workspace.region),
                child,
            )

    def _told_grafana(
        self, args: MonitoringArgs, parameters: Parameters, custom: custom_files.CustomDashboards
    ) -> None:
        """The same content in a Grafana that exists."""
        # A stack with a Grafana of its own need not load the provider.
        from stacks.grafana_api import GrafanaApi, GrafanaApiArgs, told_data_sources  # noqa: PLC0415

        settings = args.settings
        GrafanaApi(
            grafana.NAME,
            GrafanaApiArgs(
                url=settings.grafana.root_url,
                token=args.secrets[TOKEN],
                data_sources=told_data_sources(
                    settings.grafana.told, settings.prometheus.scrape_interval, args.workspace
                ),
                dashboards={
                    "platform": render.dashboards(parameters),
                    "custom": custom.files,
                    "archive": custom.archived,
                },
                slack=settings.notifications.slack,
                notification_policy=settings.grafana.told.notification_policy,
                secrets=args.secrets,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _place(
        self, args: MonitoringArgs, namespace: str, pod_security: Literal["restricted", "privileged"]
    ) -> workload.Place:
        """A namespace that enforces a Pod Security level, and warns of what would break it.

        `destroy` keeps it, since it holds the volumes, and may have been there before.
        """
        settings = args.settings
        level = {f"pod-security.kubernetes.io/{mode}": pod_security for mode in ("enforce", "warn")}
        created = k8s.core.v1.Namespace(
            f"{namespace}-namespace",
            metadata={"name": namespace, "labels": workload.labels(namespace) | level},
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.kept,
                protect=settings.kubernetes.protect,
                retain_on_delete=True,
            ),
        )
        return workload.Place(
            namespace=created.metadata.apply(lambda m: m.name or namespace),
            cluster=settings.cluster,
            images=settings.images,
            storage_class=settings.kubernetes.storage_class,
            protect=settings.kubernetes.protect,
            priority_class=f"{settings.kubernetes.namespace}-critical",
            kept=args.kept,
            identities=args.identities if namespace == settings.kubernetes.namespace else {},
        )


def remote_stores(
    settings: Settings, workspace: Workspace | None, parameters: Parameters
) -> list[RemoteStore]:
    """Where Prometheus copies samples to: the workspace, and the stores of the settings."""
    if workspace is None and not settings.prometheus.remote_write:
        # Without anybody to send it to, a preview need not build every dashboard for the list.
        return []
    kept = worth_keeping.patterns(parameters)
    managed = [remote_write.managed_store(workspace, kept)] if workspace else []
    return [*managed, *remote_write.stores(settings.prometheus.remote_write, kept)]


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Every job of `prometheus.yml`: those of the components, and the applications'."""
    return [*(job for module in SCRAPED for job in module.scrape_jobs(settings)), application_job()]


def dashboard_parameters(settings: Settings) -> Parameters:
    """What dashboards and rules take from the settings."""
    budget = settings.monthly_budget
    alerts = settings.alerts
    return Parameters(
        cluster=settings.cluster,
        levels=settings.thresholds.as_levels(),
        budget=Budget(total=budget.total, services=budget.services),
        switched_off=settings.switched_off(),
        probes=tuple(probe.name for probe in settings.blackbox.probes),
        postgres_servers=tuple(server.name for server in settings.postgres.deployed_servers),
        redis_servers=tuple(server.name for server in settings.redis.deployed_servers),
        replicas={
            prometheus.NAME: replica_pods(prometheus.NAME, settings.prometheus.replicas),
            alertmanager.NAME: replica_pods(alertmanager.NAME, settings.alertmanager.replicas),
        },
        teams=alerts.teams.by_dashboard(),
        grafana_url=settings.grafana.root_url,
        runbook_url=alerts.runbook_url,
        queue_depth_per_stage=alerts.queue_depth_per == "stage",
        gpu_busy_with_queue=alerts.gpu_busy == "whileJobsWait",
        api_error_budget=alerts.api_error_budget,
    )


def outputs(settings: Settings) -> Outputs:
    """What a person wants after `pulumi up`: addresses, commands, and where the dashboards are."""
    namespace = settings.kubernetes.namespace
    kubectl = f"kubectl --context {settings.kubernetes.context} -n {namespace}"
    found: Outputs = {
        "namespace": namespace,
        "nodeNamespace": settings.kubernetes.node_namespace,
        "grafanaUrl": settings.grafana.root_url,
        "prometheusUrl": f"http://{prometheus.NAME}.{namespace}:{prometheus.PORT}",
        "alertmanagerUrl": f"http://{alertmanager.NAME}.{namespace}:{alertmanager.PORT}",
        "portForward": {
            "prometheus": f"{kubectl} port-forward svc/{prometheus.NAME} {prometheus.PORT}",
            "alertmanager": f"{kubectl} port-forward svc/{alertmanager.NAME} {alertmanager.PORT}",
        },
        "dashboardUids": render.uids(dashboard_parameters(settings)),
    }
    if settings.grafana.is_deployed:
        found["portForward"]["grafana"] = (
            f"{kubectl} port-forward svc/{grafana.NAME} {grafana.PORT}:{grafana.SERVICE_PORT}"
        )
        found["grafanaPassword"] = (
            f"{kubectl} get secret {grafana.NAME} "
            """-o go-template='{{index .data "admin-password" | base64decode}}'"""
        )
    return found
