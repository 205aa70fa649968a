"""One module an exporter: its objects, and the job that scrapes it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from stacks.scrape import PodSelector, own_pods
from stacks.settings import Exporter
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
