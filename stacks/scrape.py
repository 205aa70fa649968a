"""Scrape jobs as values; each exporter's module declares its own, Prometheus gets them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.settings import PodSelector
from stacks.workload import NAME

#: What an application's pod carries to be scraped; its port must be named `metrics`.
OPT_IN_ANNOTATION = "prometheus.io/scrape"
PATH_ANNOTATION = "prometheus.io/path"
METRICS_PORT = "metrics"

TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
CA_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


@dataclass(frozen=True, kw_only=True)
class ScrapeJob:
    """One entry of `scrape_configs`; Prometheus' own field names under `config`."""

    name: str
    config: Mapping[str, Any]
    sample_limit: int
    """Samples a scrape may bring; more fails the whole scrape, and the rest of the server is unharmed."""


def keep(source: str, regex: str) -> dict[str, Any]:
    """Keep the targets whose discovered label matches."""
    return {"source_labels": [source], "regex": regex, "action": "keep"}


def drop(source: str, regex: str) -> dict[str, Any]:
    """Drop the targets whose discovered label matches."""
    return {"source_labels": [source], "regex": regex, "action": "drop"}


def copy(source: str, target: str, regex: str = "(.+)") -> dict[str, Any]:
    """Copy a discovered label to a target label, where it is not empty."""
    return {"source_labels": [source], "regex": regex, "target_label": target}


def constant(target: str, value: str) -> dict[str, Any]:
    """Set a target label."""
    return {"target_label": target, "replacement": value}


#: Only pods that run, and only their real containers.
RUNNING_PODS = (
    keep("__meta_kubernetes_pod_phase", "Running"),
    drop("__meta_kubernetes_pod_container_init", "true"),
)
#: Where the target runs: right for series about the target itself.
POD_IDENTITY = (
    copy("__meta_kubernetes_namespace", "namespace"),
    copy("__meta_kubernetes_pod_name", "pod"),
    copy("__meta_kubernetes_pod_container_name", "container"),
    copy("__meta_kubernetes_pod_node_name", "node"),
)
#: For exporters whose series name the workload they are about in these same labels.
NODE_IDENTITY = (copy("__meta_kubernetes_pod_node_name", "node"),)


def pod_job(
    name: str,
    pods: PodSelector,
    *,
    honor_labels: bool = False,
    identity: Sequence[dict[str, Any]] = POD_IDENTITY,
    relabel: Sequence[dict[str, Any]] = (),
    sample_limit: int = 5_000,
) -> ScrapeJob:
    """A job for the pods that `pods` selects, by their named port."""
    selector = ",".join(f"{key}={value}" for key, value in sorted(pods.labels.items()))
    return ScrapeJob(
        name=name,
        sample_limit=sample_limit,
        config={
            "honor_labels": honor_labels,
            "kubernetes_sd_configs": [
                {
                    "role": "pod",
                    "namespaces": {"names": [pods.namespace]},
                    "selectors": [{"role": "pod", "label": selector}],
                }
            ],
            "relabel_configs": [
                *RUNNING_PODS,
                keep("__meta_kubernetes_pod_container_port_name", pods.port),
                *identity,
                *relabel,
            ],
        },
    )


def own_pods(name: str, namespace: str, port: str = METRICS_PORT) -> PodSelector:
    """The pods of a program that this stack deploys."""
    return PodSelector(namespace=namespace, labels={NAME: name}, port=port)


def application_job() -> ScrapeJob:
    """The job for every pod of the cluster that opts in by annotation and names its port `metrics`."""
    annotation = "__meta_kubernetes_pod_annotation_" + OPT_IN_ANNOTATION.replace(".", "_").replace("/", "_")
    path = "__meta_kubernetes_pod_annotation_" + PATH_ANNOTATION.replace(".", "_").replace("/", "_")
    return ScrapeJob(
        name="applications",
        sample_limit=20_000,
        config={
            "kubernetes_sd_configs": [{"role": "pod"}],
            "relabel_configs": [
                *RUNNING_PODS,
                keep(annotation, "true"),
                keep("__meta_kubernetes_pod_container_port_name", METRICS_PORT),
                copy(path, "__metrics_path__"),
                copy("__meta_kubernetes_pod_container_name", "job"),
                copy("__meta_kubernetes_pod_label_app_kubernetes_io_name", "job"),
                *POD_IDENTITY,
            ],
        },
    )
