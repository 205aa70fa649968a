"""node-exporter: each node's CPU, memory and disks."""

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.exporters import ExporterArgs, scraped_pods
from stacks.network import Anywhere, Flow
from stacks.prometheus import pods as prometheus_pods
from stacks.scrape import METRICS_PORT, NODE_IDENTITY, ScrapeJob, pod_job
from stacks.settings import Exporter, Settings

NAME = "node-exporter"
PORT = 9100
ROOT_PATH = "/host/root"

_MOUNTS_OF_PODS = "^/(dev|proc|sys|run/containerd/.+|var/lib/docker/.+|var/lib/kubelet/pods/.+)($|/)"


class NodeExporter(pulumi.ComponentResource):
    """node-exporter as a DaemonSet on every node."""

    def __init__(
        self, name: str, args: ExporterArgs[Exporter], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("dubbing:monitoring:NodeExporter", name, None, opts)
        place, agent = args.place, node_workload(args.settings)
        account = w.service_account(agent, place, self)
        spec: k8s.core.v1.PodSpecArgsDict = {
            **w.pod_spec(agent, place),
            "host_network": True,
            "host_pid": True,
            "tolerations": [{"operator": "Exists"}],
        }
        k8s.apps.v1.DaemonSet(
            name,
            metadata={"name": NAME, "namespace": place.namespace, "labels": agent.labels},
            spec={
                "selector": {"match_labels": agent.selector},
                "update_strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": "10%"}},
                "template": w.pod_template(agent, place, spec),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        self.register_outputs({})


def node_workload(settings: Exporter) -> w.Workload:
    """The exporter's container. It has no CPU limit, under which it is known to be throttled."""
    return w.Workload(
        name=NAME,
        image="node-exporter",
        resources=settings.resources,
        user=65534,
        ports={METRICS_PORT: PORT},
        args=(
            f"--web.listen-address=:{PORT}",
            f"--path.rootfs={ROOT_PATH}",
            f"--path.procfs={ROOT_PATH}/proc",
            f"--path.sysfs={ROOT_PATH}/sys",
            "--no-collector.wifi",
            # The mounts of pods are the kubelet's to report.
            f"--collector.filesystem.mount-points-exclude={_MOUNTS_OF_PODS}",
        ),
        mounts=(w.Mount(name="root", path=ROOT_PATH, source={"name": "root", "host_path": {"path": "/"}}),),
        probes={
            "readiness": w.http_probe("/", METRICS_PORT),
            "liveness": w.http_probe("/", METRICS_PORT, failures=6),
        },
    )


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """One target a node, named by its node."""
    pods = scraped_pods(settings.node_exporter, NAME, settings.kubernetes.node_namespace)
    return [pod_job(NAME, pods, identity=NODE_IDENTITY)] if pods else []


def flows(settings: Settings) -> list[Flow]:
    """It is on the host's network, as everybody's: policies see a node, whose address none knows."""
    if settings.node_exporter.mode == "off":
        return []
    return [Flow(source=prometheus_pods(settings), to=Anywhere(), tcp=(PORT,))]
