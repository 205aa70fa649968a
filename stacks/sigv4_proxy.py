"""aws-sigv4-proxy: signs what Grafana asks of Amazon Managed Prometheus, with no right but to query.

Grafana's own signing needs a plugin, which a pod on a read-only root cannot install.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi

from stacks import workload as w
from stacks.aws.names import SIGV4_PROXY as NAME
from stacks.aws.names import partition
from stacks.network import Flow, dns, internet, pod_identity, program
from stacks.scrape import ScrapeJob
from stacks.settings import Settings
from stacks.settings_base import resources

PORT = 8005
USER = 65534


@dataclass(frozen=True, kw_only=True)
class Sigv4ProxyArgs:
    """What the proxy runs with."""

    place: w.Place
    region: str
    """The workspace's."""


class Sigv4Proxy(pulumi.ComponentResource):
    """The proxy, reachable by Grafana as `aws-sigv4-proxy:8005`."""

    def __init__(self, name: str, args: Sigv4ProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dubbing:monitoring:Sigv4Proxy", name, None, opts)
        proxy = proxy_workload(args.region)
        w.deployment(proxy, args.place, self)
        w.service(proxy, args.place, self)
        self.register_outputs({})


def proxy_workload(region: str) -> w.Workload:
    """The proxy's container; every path is AWS' to answer, so probes only ask whether it listens."""
    return w.Workload(
        name=NAME,
        image="aws-sigv4-proxy",
        resources=resources("10m", "32Mi", "128Mi"),
        user=USER,
        ports={"http": PORT},
        args=(
            "--name=aps",
            f"--region={region}",
            f"--host={host(region)}",
            f"--port=:{PORT}",
            "--log-failed-requests",
        ),
        probes={
            "readiness": {"tcp_socket": {"port": "http"}},
            "liveness": {"tcp_socket": {"port": "http"}, "failure_threshold": 6},
        },
    )


def host(region: str) -> str:
    """Where the workspaces of a region are asked."""
    return f"aps-workspaces.{region}.amazonaws.com" + (".cn" if partition(region) == "aws-cn" else "")


def datasource_url(query_url: str) -> str:
    """What Grafana asks in place of a workspace's own URL."""
    return f"http://{NAME}:{PORT}{urlsplit(query_url).path}"


def scrape_jobs(_settings: Settings) -> list[ScrapeJob]:
    """It has no metrics."""
    return []


def flows(settings: Settings) -> list[Flow]:
    """Grafana asks it, and it asks AWS: the workspace, and who it is itself."""
    if not settings.has_signing_proxy:
        return []
    here = program(NAME, settings.kubernetes.namespace)
    return [
        *dns(here),
        Flow(source=program("grafana", settings.kubernetes.namespace), to=here, tcp=(PORT,)),
        *internet(here, settings.network),
        pod_identity(here),
    ]
