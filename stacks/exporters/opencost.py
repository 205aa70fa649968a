"""OpenCost: what the cluster's nodes, pods and volumes cost by the hour, at list prices."""

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.exporters import ExporterArgs, scrape_flows, scraped_pods
from stacks.network import Flow, api_server, dns, internet, program
from stacks.prometheus import PORT as PROMETHEUS_PORT
from stacks.prometheus import pods as prometheus_pods
from stacks.scrape import METRICS_PORT, ScrapeJob, pod_job
from stacks.settings import OpenCost as OpenCostSettings
from stacks.settings import Settings

NAME = "opencost"
PORT = 9003

#: What it values, by API group. Not ConfigMaps of the whole cluster: those of its own namespace only.
RESOURCES: dict[str, tuple[str, ...]] = {
    "": (
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
    "batch": ("jobs",),
    "policy": ("poddisruptionbudgets",),
    "storage.k8s.io": ("storageclasses",),
}
READ = ("get", "list", "watch")


class OpenCost(pulumi.ComponentResource):
    """OpenCost as a Deployment that reads the stack's Prometheus."""

    def __init__(
        self, name: str, args: ExporterArgs[OpenCostSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("dubbing:monitoring:OpenCost", name, None, opts)
        place = args.place
        rules: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
            {"api_groups": [group], "resources": list(resources), "verbs": list(READ)}
            for group, resources in RESOURCES.items()
        ]
        rights = w.cluster_role(NAME, place, self, rules, scope=args.scope)
        role = k8s.rbac.v1.Role(
            f"{name}-own-role",
            metadata=w.metadata(place, NAME),
            rules=[{"api_groups": [""], "resources": ["configmaps"], "verbs": list(READ)}],
            opts=pulumi.ResourceOptions(parent=self),
        )
        own_rights = k8s.rbac.v1.RoleBinding(
            f"{name}-own-role-binding",
            metadata=w.metadata(place, NAME),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": place.namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        w.deployment(cost_workload(args.settings, place), place, self, depends_on=[rights, own_rights])
        self.register_outputs({})


def cost_workload(settings: OpenCostSettings, place: w.Place) -> w.Workload:
    """The exporter's container."""
    return w.Workload(
        name=NAME,
        image="opencost",
        resources=settings.resources,
        user=1001,
        token=True,
        ports={METRICS_PORT: PORT},
        env=(
            {"name": "API_PORT", "value": str(PORT)},
            {"name": "CLUSTER_ID", "value": place.cluster},
            {"name": "PROMETHEUS_SERVER_ENDPOINT", "value": f"http://prometheus:{PROMETHEUS_PORT}"},
            {"name": "INSTALL_NAMESPACE", "value": place.namespace},
            # kube-state-metrics exports these already; twice would double every sum.
            {"name": "EMIT_KSM_V1_METRICS", "value": "false"},
            {"name": "EMIT_KSM_V1_METRICS_ONLY", "value": "false"},
            {"name": "MCP_SERVER_ENABLED", "value": "false"},
        ),
        mounts=(w.scratch_mount("/var/configs", "configs"), w.scratch_mount("/tmp", "tmp")),  # noqa: S108
        probes={
            "startup": w.http_probe("/healthz", METRICS_PORT, delay=10, period=5, failures=30),
            "readiness": w.http_probe("/healthz", METRICS_PORT),
            "liveness": w.http_probe("/healthz", METRICS_PORT, period=20),
        },
    )


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """Its series are about other objects, in the labels `namespace`, `pod` and `node`."""
    pods = scraped_pods(settings.opencost, NAME, settings.kubernetes.namespace)
    return [pod_job(NAME, pods, honor_labels=True, identity=(), sample_limit=50_000)] if pods else []


def flows(settings: Settings) -> list[Flow]:
    """It reads Prometheus, the API server, and its cloud's price list on the internet."""
    here = program(NAME, settings.kubernetes.namespace)
    result = scrape_flows(settings.opencost, here, PORT, settings)
    if settings.opencost.mode == "deploy":
        result += [
            *dns(here),
            api_server(here, settings.network),
            *internet(here, settings.network),
            Flow(source=here, to=prometheus_pods(settings), tcp=(PROMETHEUS_PORT,)),
        ]
    return result
