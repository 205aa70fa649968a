"""One module an exporter: its objects, the job that scrapes it, and the flows that it needs."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from stacks.network import Flow, Pods
from stacks.prometheus import pods as prometheus_pods
from stacks.scrape import PodSelector, own_pods
from stacks.settings import Exporter, Settings
from stacks.workload import Place

SettingsT = TypeVar("SettingsT", bound=Exporter)


@dataclass(frozen=True, kw_only=True)
class ExporterArgs(Generic[SettingsT]):
    """What an exporter runs with."""

    place: Place
    scope: str
    """Prefix of the names of cluster-wide objects: the stack's namespace."""
    settings: SettingsT


def scraped_pods(settings: Exporter, name: str, namespace: str) -> PodSelector | None:
    """The pods to scrape: ours, someone else's, or none."""
    if settings.mode == "off":
        return None
    return settings.external if settings.mode == "external" else own_pods(name, namespace)


def scrape_flows(exporter: Exporter, pods: Pods, port: int, settings: Settings) -> list[Flow]:
    """Prometheus scrapes our pods on their port, someone else's on whatever they name; or nothing."""
    prometheus = prometheus_pods(settings)
    if exporter.mode == "deploy":
        return [Flow(source=prometheus, to=pods, tcp=(port,))]
    if exporter.mode == "external" and exporter.external:
        others = Pods(namespace=exporter.external.namespace, labels=exporter.external.labels)
        return [Flow(source=prometheus, to=others)]
    return []
