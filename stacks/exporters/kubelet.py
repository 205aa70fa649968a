"""The kubelet and its cAdvisor on each node: containers' CPU and memory, and volumes. Nothing to deploy."""

from typing import Any

from stacks.network import Anywhere, Flow
from stacks.prometheus import pods as prometheus_pods
from stacks.scrape import CA_FILE, TOKEN_FILE, ScrapeJob, constant, copy
from stacks.settings import Settings

NAME = "kubelet"
PORT = 10250

#: What cAdvisor exposes in great number and nothing here reads.
_UNREAD = (
    "container_(network_tcp_usage_total|network_tcp6_usage_total|network_udp_usage_total|"
    "network_udp6_usage_total|tasks_state|cpu_load_average_10s|blkio_device_usage_total|"
    "memory_failures_total|file_descriptors|sockets|threads|threads_max|ulimits_soft)"
)


def scrape_jobs(settings: Settings) -> list[ScrapeJob]:
    """The kubelet's own metrics and cAdvisor's, told apart by the label `metrics_path`."""
    if settings.kubelet.mode == "off":
        return []
    return [
        _job(NAME, "/metrics", []),
        _job(
            f"{NAME}-cadvisor",
            "/metrics/cadvisor",
            [{"source_labels": ["__name__"], "regex": _UNREAD, "action": "drop"}],
            # cAdvisor stamps samples itself, some of them late; those would be refused as out of order.
            honor_timestamps=False,
        ),
    ]


def flows(settings: Settings) -> list[Flow]:
    """Prometheus scrapes nodes, whose addresses no policy knows."""
    if settings.kubelet.mode == "off":
        return []
    return [Flow(source=prometheus_pods(settings), to=Anywhere(), tcp=(PORT,))]


def _job(name: str, path: str, metric_relabel: list[dict[str, Any]], **extra: object) -> ScrapeJob:
    config: dict[str, Any] = {
        "scheme": "https",
        "metrics_path": path,
        "honor_labels": True,
        **extra,
        "authorization": {"credentials_file": TOKEN_FILE},
        # The kubelet's serving certificate is self-signed on most node images; the token goes to a node's own
        # address, taken from the API server.
        "tls_config": {"ca_file": CA_FILE, "insecure_skip_verify": True},
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            constant("job", NAME),
            copy("__metrics_path__", "metrics_path"),
            copy("__meta_kubernetes_node_name", "node"),
        ],
    }
    if metric_relabel:
        config["metric_relabel_configs"] = metric_relabel
    return ScrapeJob(name=name, config=config, sample_limit=50_000)
