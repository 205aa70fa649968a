"""redis_exporter: one for each Redis server that settings name."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.exporters import ExporterArgs, scrape_flows, scraped_pods
from stacks.exporters.postgres import server_label
from stacks.network import Flow, host, program
from stacks.scrape import METRICS_PORT, ScrapeJob, pod_job
from stacks.settings import Redis as RedisSettings
from stacks.settings import RedisServer, Settings
from stacks.settings_base import Resources

NAME = "redis-exporter"
PORT = 9121
SECRETS_PATH = "/etc/redis-exporter"


class RedisExporter(pulumi.ComponentResource):
    """A Deployment and a Secret for each server."""

    def __init__(
        self,
        name: str,
        args: ExporterArgs[RedisSettings],
        secrets: Mapping[str, pulumi.Output[str]],
        checksum_key: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("dubbing:monitoring:RedisExporter", name, None, opts)
        for server in args.settings.servers:
            password = secrets[server.secret.key]
            physical = f"{NAME}-{server.name}"
            secret = k8s.core.v1.Secret(
                f"{physical}-secret",
                metadata=w.metadata(args.place, physical, of=NAME),
                # The exporter's password file is JSON: address to password.
                string_data={"passwords.json": pulumi.Output.json_dumps({address(server): password})},
                opts=pulumi.ResourceOptions(parent=self),
            )
            exporter = redis_workload(
                server, args.settings.resources, w.secret_checksum(checksum_key, password)
            )
            w.deployment(exporter, args.place, self, depends_on=[secret])
        self.register_outputs({})


def address(server: RedisServer) -> str:
    """The server as redis_exporter names it."""
    return f"{'rediss' if server.tls else 'redis'}://{server.host}:{server.port}"


def redis_workload(server: RedisServer, resources: Resources, checksum: pulumi.Input[str]) -> w.Workload:
    """The exporter's container; the password is a file."""
    return w.Workload(
        name=NAME,
        instance=server.name,
        image="redis-exporter",
        resources=resources,
        user=59000,
        ports={METRICS_PORT: PORT},
        # The host's memory stands in for a limit where Redis has no maxmemory.
        args=("--include-system-metrics",),
        env=(
            {"name": "REDIS_ADDR", "value": address(server)},
            {"name": "REDIS_PASSWORD_FILE", "value": f"{SECRETS_PATH}/passwords.json"},
        ),
        mounts=(w.secret_mount(f"{NAME}-{server.name}", SECRETS_PATH),),
        probes={
            "readiness": w.http_probe("/health", METRICS_PORT),
            "liveness": w.http_probe("/health", METRICS_PORT, failures=6),
        },
        checksum=checksum,
    )


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """One target a server; `instance` is the server's name in the settings, not the exporter's address."""
    pods = scraped_pods(settings.redis, NAME, settings.kubernetes.namespace)
    return [pod_job(NAME, pods, relabel=[server_label(NAME)])] if pods else []


def flows(settings: Settings) -> list[Flow]:
    """The exporter of each server asks that one; one policy lets all of them."""
    here = program(NAME, settings.kubernetes.namespace)
    result = scrape_flows(settings.redis, here, PORT, settings)
    for server in settings.redis.deployed_servers:
        result += host(here, server.host, server.port)
    return result
