"""What Prometheus would discover were a rendering deployed to the simulated platform."""

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from local import overlay
from local.agent.cluster_view import inventory
from local.agent.containers import Files
from local.change.rendered import Json, Rendered
from local.compose.discovery import by_files
from local.compose.pods import made_up
from local.errors import PlatformError
from local.history.server import prometheus
from local.history.targets import Target, discovered
from local.inventory import Inventory
from local.mirror import mirror
from local.simulator import gpu_operator
from local.simulator.platform import manifests
from stacks.settings import GpuMetrics

_TARGETS = "targets"
_SECONDS = 30.0
_POLL_SECONDS = 0.1
_HERE = overlay.Surroundings(
    folders={},
    resolve=lambda _: None,
    kubeconfig=Path("none"),
    authority=Path("none"),
    # Nobody is there: nothing is scraped.
    proxy=overlay.DISCARD,
    receivers=overlay.DISCARD,
)


@dataclass(frozen=True, kw_only=True)
class Discoverable:
    """A rendering on the simulated platform.

    Attributes:
        inventory: The Pods and nodes.
        config: What Prometheus scrapes.
        files: The targets' files that the configuration names.
    """

    inventory: Inventory
    config: Json
    files: Files


def discoverable(rendered: Rendered, gpus: GpuMetrics) -> Discoverable:
    """Make up the Pods of a rendering, and what there is for its Prometheus to discover.

    Raises:
        PlatformError: Something that is deployed is not known here.
    """
    seen = inventory(made_up([*rendered.objects, *manifests(), *gpu_operator.manifests(gpus)]), {})
    deployed = (rendered.folder / "prometheus.yml").read_text()
    here = overlay.prometheus_config("prometheus.yml", deployed, _HERE)
    files, targets = by_files({"prometheus.yml": here.encode()}, _TARGETS, seen)
    read: Json = yaml.safe_load(files["prometheus.yml"])
    config = {"global": read["global"], "scrape_configs": read["scrape_configs"]}
    return Discoverable(inventory=seen, config=config, files=targets)


def discover(platform: Discoverable, folder: Path) -> tuple[Target, ...]:
    """Ask a Prometheus which targets it makes of them; all are taken for up.

    Args:
        platform: The platform.
        folder: Where the files of this Prometheus go.

    Raises:
        PlatformError: It does not start, or does not find them all in time.
    """
    mirror(folder / _TARGETS, platform.files)
    offered = sum(len(group["targets"]) for file in platform.files.values() for group in json.loads(file))
    with prometheus(folder / "data", folder=folder, config=yaml.safe_dump(platform.config)) as server:
        deadline = time.monotonic() + _SECONDS
        while _looked_at(server) < offered:
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"Prometheus did not look at all of {offered} targets in {_SECONDS:.0f} s."
                )
            time.sleep(_POLL_SECONDS)
        return tuple(dataclasses.replace(one, up=True) for one in discovered(server))


def _looked_at(server: str) -> int:
    """How many targets were relabelled, those that are dropped then among them."""
    answer: Any = urllib3.request("GET", f"{server}/api/v1/targets?state=any", retries=False).json()
    found = answer["data"]
    return len(found["activeTargets"]) + sum(found["droppedTargetCounts"].values())
