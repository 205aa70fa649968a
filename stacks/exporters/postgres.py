"""postgres_exporter: one for each PostgreSQL server that settings name."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.exporters import ExporterArgs, scrape_flows, scraped_pods
from stacks.network import Flow, host, program
from stacks.scrape import METRICS_PORT, ScrapeJob, copy, pod_job
from stacks.settings import Postgres as PostgresSettings
from stacks.settings import PostgresServer, Settings
from stacks.settings_base import Resources

NAME = "postgres-exporter"
PORT = 9187
SECRETS_PATH = "/etc/postgres-exporter"


class PostgresExporter(pulumi.ComponentResource):
    """A Deployment and a Secret for each server."""

    def __init__(
        self,
        name: str,
        args: ExporterArgs[PostgresSettings],
        secrets: Mapping[str, pulumi.Output[str]],
        checksum_key: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("dubbing:monitoring:PostgresExporter", name, None, opts)
        for server in args.settings.servers:
            password = secrets[server.secret.key]
            physical = f"{NAME}-{server.name}"
            secret = k8s.core.v1.Secret(
                f"{physical}-secret",
                metadata=w.metadata(args.place, physical, of=NAME),
                string_data={"password": password},
                opts=pulumi.ResourceOptions(parent=self),
            )
            exporter = postgres_workload(
                server, args.settings.resources, w.secret_checksum(checksum_key, password)
            )
            w.deployment(exporter, args.place, self, depends_on=[secret])
        self.register_outputs({})


def postgres_workload(
    server: PostgresServer, resources: Resources, checksum: pulumi.Input[str]
) -> w.Workload:
    """The exporter's container; the password is a file."""
    return w.Workload(
        name=NAME,
        instance=server.name,
        image="postgres-exporter",
        resources=resources,
        user=65534,
        ports={METRICS_PORT: PORT},
        env=(
            {
                "name": "DATA_SOURCE_URI",
                "value": f"{server.host}:{server.port}/{server.database}?sslmode={server.ssl_mode}",
            },
            {"name": "DATA_SOURCE_USER", "value": server.user},
            {"name": "DATA_SOURCE_PASS_FILE", "value": f"{SECRETS_PATH}/password"},
        ),
        mounts=(w.secret_mount(f"{NAME}-{server.name}", SECRETS_PATH),),
        probes={
            "readiness": w.http_probe("/", METRICS_PORT),
            "liveness": w.http_probe("/", METRICS_PORT, failures=6),
        },
        checksum=checksum,
    )


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """One target a server; `instance` is the server's name in the settings, not the exporter's address."""
    pods = scraped_pods(settings.postgres, NAME, settings.kubernetes.namespace)
    return [pod_job(NAME, pods, relabel=[server_label(NAME)])] if pods else []


def server_label(exporter: str) -> dict[str, object]:
    """The server's name in the settings, out of the name of its exporter's objects."""
    return copy(
        "__meta_kubernetes_pod_label_app_kubernetes_io_instance", "instance", regex=f"{exporter}-(.+)"
    )


def flows(settings: Settings) -> list[Flow]:
    """The exporter of each server asks that one; one policy lets all of them."""
    here = program(NAME, settings.kubernetes.namespace)
    result = scrape_flows(settings.postgres, here, PORT, settings)
    for server in settings.postgres.deployed_servers:
        result += host(here, server.host, server.port)
    return result
