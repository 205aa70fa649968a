"""blackbox_exporter: asks the addresses that settings name, as a user would."""

from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from dashboards.yaml_text import to_yaml
from stacks import workload as w
from stacks.exporters import ExporterArgs, scrape_flows, scraped_pods
from stacks.network import EVERY_ADDRESS, HTTPS_PORT, Addresses, Flow, Pods, dns, program, service_of_host
from stacks.scrape import METRICS_PORT, NODE_IDENTITY, ScrapeJob, constant, copy, pod_job
from stacks.settings import Blackbox as BlackboxSettings
from stacks.settings import Probe, Settings

NAME = "blackbox-exporter"
PORT = 9115
CONFIG_PATH = "/etc/blackbox-exporter"
MODULE = "http_2xx"


class BlackboxExporter(pulumi.ComponentResource):
    """blackbox_exporter as a Deployment with a Service."""

    def __init__(
        self, name: str, args: ExporterArgs[BlackboxSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("dubbing:monitoring:BlackboxExporter", name, None, opts)
        text = to_yaml(blackbox_config())
        exporter = blackbox_workload(args.settings, text)
        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=w.metadata(args.place, "blackbox-exporter-config", of=NAME),
            data={"blackbox.yml": text},
            opts=pulumi.ResourceOptions(parent=self),
        )
        w.deployment(exporter, args.place, self, depends_on=[config])
        self.register_outputs({})


def blackbox_workload(settings: BlackboxSettings, config: str) -> w.Workload:
    """The exporter's container."""
    return w.Workload(
        name=NAME,
        image="blackbox-exporter",
        resources=settings.resources,
        user=65534,
        ports={METRICS_PORT: PORT},
        args=(f"--config.file={CONFIG_PATH}/blackbox.yml",),
        mounts=(w.config_mount("blackbox-exporter-config", CONFIG_PATH),),
        probes={
            "readiness": w.http_probe("/-/healthy", METRICS_PORT),
            "liveness": w.http_probe("/-/healthy", METRICS_PORT, failures=6),
        },
        checksum=w.checksum(config),
    )


def blackbox_config() -> dict[str, Any]:
    """One module: an HTTP answer of 2xx within five seconds."""
    return {
        "modules": {
            MODULE: {
                "prober": "http",
                "timeout": "5s",
                "http": {"preferred_ip_protocol": "ip4", "follow_redirects": True},
            }
        }
    }


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """A job for each probe, through the exporter's pod; `probe` is its name in the settings."""
    pods = scraped_pods(settings.blackbox, NAME, settings.kubernetes.namespace)
    if pods is None:
        return []
    return [
        pod_job(NAME, pods, identity=NODE_IDENTITY),
        *(probe_job(probe, settings) for probe in settings.blackbox.probes),
    ]


def probe_job(probe: Probe, settings: Settings) -> ScrapeJob:
    """The job that has the exporter ask one address."""
    pods = scraped_pods(settings.blackbox, NAME, settings.kubernetes.namespace)
    assert pods is not None  # noqa: S101 - the caller asked
    job = pod_job(
        f"probe-{probe.name}",
        pods,
        identity=(),
        relabel=[
            constant("job", "blackbox"),
            constant("probe", probe.name),
            copy("__param_target", "instance"),
        ],
        sample_limit=500,
    )
    config = {"metrics_path": "/probe", "params": {"module": [MODULE], "target": [probe.url]}, **job.config}
    return ScrapeJob(name=job.name, config=config, sample_limit=job.sample_limit)


def flows(settings: Settings) -> list[Flow]:
    """The exporter asks the addresses of its probes."""
    here = program(NAME, settings.kubernetes.namespace)
    result = scrape_flows(settings.blackbox, here, PORT, settings)
    if settings.blackbox.mode == "deploy":
        result += dns(here)
        for probe in settings.blackbox.probes:
            result += probe_flows(here, probe)
    return result


def probe_flows(here: Pods, probe: Probe) -> list[Flow]:
    """A probe's port, at every address and pod: no policy knows names."""
    url = urlsplit(probe.url)
    # It follows redirects, and the usual one is to HTTPS.
    ports = tuple(dict.fromkeys((url.port or (80 if url.scheme == "http" else HTTPS_PORT), HTTPS_PORT)))
    return [
        Flow(source=here, to=Addresses(cidrs=EVERY_ADDRESS), tcp=ports),
        Flow(source=here, to=Pods(namespace=None), tcp=ports),
        *service_of_host(here, url.hostname or ""),
    ]
