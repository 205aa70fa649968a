"""The targets that a running Prometheus has discovered, and the labels that it gives to their series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml

from local.history.times import seconds

_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Target:
    """A discovered target.

    Attributes:
        address: Host and port, as it is scraped.
        path: The path that is scraped, with its query.
        interval: Seconds between two scrapes.
        labels: Its labels after relabelling.
        honors_labels: Whether what it exposes may override them.
        up: Whether its newest scrape succeeded.
    """

    address: str
    path: str
    interval: int
    labels: Mapping[str, str]
    honors_labels: bool
    up: bool

    def labelled(self, exposed: Mapping[str, str]) -> dict[str, str]:
        """Return the labels of a series that is scraped from it, given those exposed; without empty ones."""
        if self.honors_labels:
            merged = {**self.labels, **exposed}
        else:
            merged = {**exposed, **self.labels}
            for name in sorted(exposed.keys() & self.labels.keys(), key=len):
                if exposed[name]:
                    merged[_free(f"exported_{name}", merged)] = exposed[name]
        return {name: value for name, value in merged.items() if value}


def _free(name: str, taken: Mapping[str, str]) -> str:
    return _free(f"exported_{name}", taken) if name in taken else name


def discovered(prometheus: str) -> tuple[Target, ...]:
    """Return the targets that the Prometheus at a base URL scrapes now."""
    config = yaml.safe_load(_data(prometheus, "status/config")["yaml"])
    honoring = {job["job_name"] for job in config.get("scrape_configs", ()) if job.get("honor_labels")}
    return tuple(
        Target(
            address=urlsplit(found["scrapeUrl"]).netloc,
            path=urlsplit(found["scrapeUrl"])._replace(scheme="", netloc="").geturl(),
            interval=seconds(found["scrapeInterval"]),
            labels=found["labels"],
            honors_labels=found["scrapePool"] in honoring,
            up=found["health"] == "up",
        )
        for found in _data(prometheus, "targets?state=active")["activeTargets"]
    )


def _data(prometheus: str, path: str) -> dict[str, Any]:
    reply = urllib3.request("GET", f"{prometheus}/api/v1/{path}", retries=False, timeout=_SECONDS)
    answer: dict[str, Any] = reply.json()
    return answer["data"]
