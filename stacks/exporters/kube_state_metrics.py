"""kube-state-metrics: the state of Kubernetes' objects as metrics; it may list them, and reads no Secret."""

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.exporters import ExporterArgs, scrape_flows, scraped_pods
from stacks.network import Flow, api_server, program
from stacks.scrape import METRICS_PORT, ScrapeJob, pod_job
from stacks.settings import KubeStateMetrics as KubeStateMetricsSettings
from stacks.settings import Settings

NAME = "kube-state-metrics"
PORT = 8080
TELEMETRY_PORT = 8081

#: What it watches, by API group: all that its defaults cover, less ConfigMaps and Secrets.
RESOURCES: dict[str, tuple[str, ...]] = {
    "": (
        "limitranges",
        "namespaces",
        "nodes",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "services",
    ),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "discovery.k8s.io": ("endpointslices",),
    "networking.k8s.io": ("ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    "storage.k8s.io": ("storageclasses", "volumeattachments"),
}

#: The labels of pods and nodes that queries join on; all others are left out by default.
LABELS_ALLOWED = (
    "pods=[app.kubernetes.io/name,app.kubernetes.io/component,dubbing/model,dubbing/stage],"
    "nodes=[node.kubernetes.io/instance-type,nvidia.com/gpu.product]"
)


class KubeStateMetrics(pulumi.ComponentResource):
    """kube-state-metrics as a Deployment."""

    def __init__(
        self,
        name: str,
        args: ExporterArgs[KubeStateMetricsSettings],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("dubbing:monitoring:KubeStateMetrics", name, None, opts)
        rules: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
            {"api_groups": [group], "resources": list(resources), "verbs": ["list", "watch"]}
            for group, resources in RESOURCES.items()
        ]
        rights = w.cluster_role(NAME, args.place, self, rules, scope=args.scope)
        w.deployment(state_workload(args.settings), args.place, self, depends_on=[rights])
        self.register_outputs({})


def state_workload(settings: KubeStateMetricsSettings) -> w.Workload:
    """The exporter's container."""
    watched = sorted(resource for resources in RESOURCES.values() for resource in resources)
    return w.Workload(
        name=NAME,
        image="kube-state-metrics",
        resources=settings.resources,
        user=65534,
        token=True,
        ports={METRICS_PORT: PORT, "telemetry": TELEMETRY_PORT},
        args=(
            f"--port={PORT}",
            f"--telemetry-port={TELEMETRY_PORT}",
            f"--resources={','.join(watched)}",
            f"--metric-labels-allowlist={LABELS_ALLOWED}",
        ),
        probes={
            "readiness": w.http_probe("/readyz", "telemetry", delay=5, timeout=5),
            "liveness": w.http_probe("/livez", METRICS_PORT, delay=5, timeout=5),
        },
    )


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Its series are about other objects, in the labels `namespace` and `pod`: no target label stands in."""
    pods = scraped_pods(settings.kube_state_metrics, NAME, settings.kubernetes.namespace)
    return [pod_job(NAME, pods, honor_labels=True, identity=(), sample_limit=50_000)] if pods else []


def flows(settings: Settings) -> list[Flow]:
    """It watches the API server, whose address it is told by its environment."""
    here = program(NAME, settings.kubernetes.namespace)
    asks = [api_server(here, settings.network)] if settings.kube_state_metrics.mode == "deploy" else []
    return [*scrape_flows(settings.kube_state_metrics, here, PORT, settings), *asks]
