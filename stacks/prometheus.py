"""Prometheus: a StatefulSet with a volume, its configuration and rules, and the least rights that work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from dashboards.yaml_text import to_yaml
from stacks import workload as w
from stacks.network import Flow, Pods, api_server, debugging, dns, endpoint, internet, pod_identity, program
from stacks.prometheus_settings import Prometheus as PrometheusSettings
from stacks.remote_write import REPLICA_LABEL, SECRETS_PATH, RemoteStore, remote_write_config
from stacks.remote_write_settings import signs
from stacks.scrape import ScrapeJob, own_pods, pod_job
from stacks.settings import Settings
from stacks.stateful import data_mount, stateful_server

NAME = "prometheus"
PORT = 9090
CONFIG_PATH = "/etc/prometheus/config"
RULES_PATH = "/etc/prometheus/rules"
DATA_PATH = "/prometheus"
USER = 65534

#: How long replaying a large write-ahead log may take, in seconds: as long as the Prometheus operator waits.
START_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class PrometheusArgs:
    """What Prometheus runs with."""

    place: w.Place
    scope: str
    """Prefix of the names of cluster-wide objects: the stack's namespace."""
    settings: PrometheusSettings
    jobs: Sequence[ScrapeJob]
    rules: Mapping[str, str]
    """Rule files: name to YAML."""
    alertmanagers: Sequence[str]
    """Each Alertmanager's own address, host:port; never a load-balanced one."""
    remote_stores: Sequence[RemoteStore]
    """Where samples are copied to."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The secrets of the remote stores, by key."""


class Prometheus(pulumi.ComponentResource):
    """Prometheus, reachable in its namespace as `prometheus:9090`; of two, each client asks the same one."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dubbing:monitoring:Prometheus", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place, server = args.place, prometheus_workload(args.settings, mounts_secrets=bool(args.secrets))

        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=w.metadata(place, "prometheus-config", of=NAME),
            data={"prometheus.yml": prometheus_yml(args)},
            opts=child,
        )
        rules = k8s.core.v1.ConfigMap(
            f"{name}-rules",
            metadata=w.metadata(place, "prometheus-rules", of=NAME),
            data=dict(args.rules),
            opts=child,
        )
        needed: list[pulumi.Resource] = [config, rules]
        if args.secrets:
            # Read at each request: a changed one needs no restart.
            needed.append(
                k8s.core.v1.Secret(
                    f"{name}-secret",
                    metadata=w.metadata(place, NAME),
                    string_data=dict(args.secrets),
                    opts=child,
                )
            )
        needed.append(w.cluster_role(NAME, place, self, PROMETHEUS_RULES, scope=args.scope))
        service = stateful_server(
            server,
            place,
            self,
            replicas=args.settings.replicas,
            size=args.settings.volume,
            grace_seconds=300,
            start_seconds=START_SECONDS,
            depends_on=needed,
        )
        self.url = service.metadata.apply(lambda m: f"http://{m.name}.{m.namespace}:{PORT}")
        self.register_outputs({"url": self.url})


#: Discovery lists pods and nodes; the kubelet answers to `nodes/metrics`. Not `nodes/proxy`: it can exec.
PROMETHEUS_RULES: tuple[k8s.rbac.v1.PolicyRuleArgsDict, ...] = (
    {"api_groups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
    {"api_groups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
)


def prometheus_workload(settings: PrometheusSettings, *, mounts_secrets: bool) -> w.Workload:
    """The server's container.

    It reloads configuration and rules by itself, so the lifecycle API stays off, as does the admin API.
    """
    return w.Workload(
        name=NAME,
        image="prometheus",
        resources=settings.resources,
        user=USER,
        token=True,
        ports={"web": PORT},
        env=[{"name": "POD_NAME", "value_from": {"field_ref": {"field_path": "metadata.name"}}}],
        priority=True,
        args=(
            f"--config.file={CONFIG_PATH}/prometheus.yml",
            f"--storage.tsdb.path={DATA_PATH}",
            "--config.auto-reload",
            "--config.auto-reload-interval=30s",
            # A pending alert keeps its age over a restart; what is lost is from the last evaluation before it
            # to the second after. By default this is only so for one that waits longer than ten minutes.
            "--rules.alert.for-grace-period=1m",
        ),
        mounts=(
            w.config_mount("prometheus-config", CONFIG_PATH),
            w.config_mount("prometheus-rules", RULES_PATH, name="rules"),
            *([w.secret_mount(NAME, SECRETS_PATH)] if mounts_secrets else []),
            data_mount(DATA_PATH),
        ),
        probes={
            "startup": w.http_probe("/-/ready", "web", period=15, failures=START_SECONDS // 15),
            "readiness": w.http_probe("/-/ready", "web", period=5),
            "liveness": w.http_probe("/-/healthy", "web", period=5, failures=6),
        },
    )


def prometheus_yml(args: PrometheusArgs) -> pulumi.Input[str]:
    """The text of `prometheus.yml`; an Output only where a remote store's URL is one."""
    urls = [store.url for store in args.remote_stores]
    known = [url for url in urls if isinstance(url, str)]
    if len(known) == len(urls):
        return to_yaml(prometheus_config(args, known))
    return pulumi.Output.all(*urls).apply(lambda all_known: to_yaml(prometheus_config(args, all_known)))


def prometheus_config(args: PrometheusArgs, urls: Sequence[str]) -> dict[str, Any]:
    """The content of `prometheus.yml`; `urls` are those of the remote stores."""
    remote = [remote_write_config(store, url) for store, url in zip(args.remote_stores, urls, strict=True)]
    return {
        "global": {
            "scrape_interval": args.settings.scrape_interval,
            "evaluation_interval": args.settings.scrape_interval,
            # Prometheus fills it in from the environment.
            "external_labels": {"cluster": args.place.cluster, REPLICA_LABEL: "${POD_NAME}"},
        },
        "storage": {
            "tsdb": {
                "retention": {"time": args.settings.retention.time, "size": args.settings.retention.size}
            }
        },
        "rule_files": [f"{RULES_PATH}/*.yaml"],
        "alerting": {
            "alert_relabel_configs": [{"regex": REPLICA_LABEL, "action": "labeldrop"}],
            "alertmanagers": [{"static_configs": [{"targets": list(args.alertmanagers)}]}],
        },
        **({"remote_write": remote} if remote else {}),
        "scrape_configs": [scrape_config(job, args.place.cluster) for job in args.jobs],
    }


def scrape_config(job: ScrapeJob, cluster: str) -> dict[str, Any]:
    """A job as `prometheus.yml` states it.

    Every target carries `cluster` itself: external labels are not visible to queries.
    """
    relabel = [*job.config.get("relabel_configs", ()), {"target_label": "cluster", "replacement": cluster}]
    return {
        "job_name": job.name,
        **job.config,
        "sample_limit": job.sample_limit,
        "body_size_limit": "50MB",
        "relabel_configs": relabel,
    }


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Prometheus watches itself."""
    return [pod_job(NAME, own_pods(NAME, settings.kubernetes.namespace, port="web"))]


def pods(settings: Settings) -> Pods:
    """Prometheus' own pods."""
    return program(NAME, settings.kubernetes.namespace)


def flows(settings: Settings) -> list[Flow]:
    """Prometheus discovers at the API server, scrapes what opts in on whatever port, and writes to stores."""
    here = pods(settings)
    stores = settings.prometheus.remote_write
    remote = [flow for store in stores for flow in endpoint(here, store.url, settings.network)]
    if settings.managed_prometheus:
        remote += internet(here, settings.network)
    if settings.managed_prometheus or signs(stores):
        remote.append(pod_identity(here))
    return [
        *remote,
        *dns(here),
        api_server(here, settings.network),
        Flow(source=here, to=Pods(namespace=None)),
        Flow(source=here, to=here, tcp=(PORT,)),
        *debugging(here, PORT),
    ]
