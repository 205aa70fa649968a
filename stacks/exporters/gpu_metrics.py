"""GPU metrics: NVIDIA's DCGM exporter on each node that has a GPU."""

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.exporters import ExporterArgs, scrape_flows, scraped_pods
from stacks.network import Flow, program
from stacks.scrape import METRICS_PORT, NODE_IDENTITY, ScrapeJob, pod_job
from stacks.settings import GpuMetrics as GpuMetricsSettings
from stacks.settings import Settings

NAME = "dcgm-exporter"
PORT = 9400
COUNTERS_PATH = "/etc/dubbing-monitoring"
POD_RESOURCES = "/var/lib/kubelet/pod-resources"

#: The fields to collect: name, Prometheus type, help. It replaces the exporter's own list, whose default
#: carries neither errors nor throttling. DCGM skips fields that a GPU does not have.
COUNTERS = (
    ("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %)."),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %)."),
    ("DCGM_FI_DEV_ENC_UTIL", "gauge", "Encoder utilization (in %)."),
    ("DCGM_FI_DEV_DEC_UTIL", "gauge", "Decoder utilization (in %)."),
    ("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB)."),
    ("DCGM_FI_DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB)."),
    ("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C)."),
    ("DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C)."),
    ("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W)."),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Energy since boot (in mJ)."),
    ("DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered."),
    ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "counter", "Double-bit volatile ECC errors."),
    ("DCGM_FI_DEV_POWER_VIOLATION", "counter", "Throttling by the power limit (in us)."),
    ("DCGM_FI_DEV_THERMAL_VIOLATION", "counter", "Throttling by temperature (in us)."),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active."),
    ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor pipe is active."),
    ("DCGM_FI_PROF_DRAM_ACTIVE", "gauge", "Ratio of cycles the memory interface is active."),
)


class GpuMetrics(pulumi.ComponentResource):
    """The DCGM exporter as a DaemonSet on GPU nodes."""

    def __init__(
        self, name: str, args: ExporterArgs[GpuMetricsSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("dubbing:monitoring:GpuMetrics", name, None, opts)
        place, agent = args.place, gpu_workload(args.settings)
        counters = k8s.core.v1.ConfigMap(
            f"{name}-counters",
            metadata=w.metadata(place, "dcgm-exporter-counters", of=NAME),
            data={"counters.csv": "".join(f"{field}, {kind}, {text}\n" for field, kind, text in COUNTERS)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        account = w.service_account(agent, place, self)
        k8s.apps.v1.DaemonSet(
            name,
            metadata={"name": NAME, "namespace": place.namespace, "labels": agent.labels},
            spec={
                "selector": {"match_labels": agent.selector},
                "template": w.pod_template(agent, place, gpu_pod_spec(agent, place, args.settings)),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, counters]),
        )
        self.register_outputs({})


def gpu_workload(settings: GpuMetricsSettings) -> w.Workload:
    """The exporter's container."""
    return w.Workload(
        name=NAME,
        image="dcgm-exporter",
        resources=settings.resources,
        user=0,
        ports={METRICS_PORT: PORT},
        args=("-f", f"{COUNTERS_PATH}/counters.csv"),
        env=(
            {"name": "DCGM_EXPORTER_LISTEN", "value": f":{PORT}"},
            {"name": "DCGM_EXPORTER_KUBERNETES", "value": "true"},
            {"name": "NODE_NAME", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}},
        ),
        mounts=(
            w.config_mount("dcgm-exporter-counters", COUNTERS_PATH, name="counters"),
            w.Mount(
                name="pod-resources",
                path=POD_RESOURCES,
                source={"name": "pod-resources", "host_path": {"path": POD_RESOURCES}},
            ),
            w.scratch_mount("/tmp", "tmp"),  # noqa: S108 - a path in the container
        ),
        probes={
            "startup": w.http_probe("/health", METRICS_PORT, failures=30),
            "readiness": w.http_probe("/health", METRICS_PORT),
            "liveness": w.http_probe("/health", METRICS_PORT, failures=6),
        },
    )


def gpu_pod_spec(
    agent: w.Workload, place: w.Place, settings: GpuMetricsSettings
) -> k8s.core.v1.PodSpecArgsDict:
    """The pod: root and SYS_ADMIN, without which DCGM reads no profiling field, and nothing else."""
    container = w.container(agent, place)
    container["security_context"] = {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "run_as_user": 0,
        "run_as_non_root": False,
        "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
    }
    return {
        **w.pod_spec(agent, place),
        "containers": [container],
        "security_context": {"seccomp_profile": {"type": "RuntimeDefault"}},
        "node_selector": settings.node_selector,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """The exporter's series name the pod that holds the GPU: those labels are kept, and no target's stand in.

    An idle GPU has no pod label; with the target's own it would be the exporter's pod that seems to use it.
    """
    pods = scraped_pods(settings.gpu_metrics, NAME, settings.kubernetes.node_namespace)
    return [pod_job(NAME, pods, honor_labels=True, identity=NODE_IDENTITY)] if pods else []


def flows(settings: Settings) -> list[Flow]:
    """The exporter is scraped, and asks nobody."""
    here = program(NAME, settings.kubernetes.node_namespace)
    return scrape_flows(settings.gpu_metrics, here, PORT, settings)
