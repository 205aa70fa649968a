"""Render the declared dashboards and rules as the files that Grafana and Prometheus load."""

from collections.abc import Mapping

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import grafana, system_health
from dashboards.model import Dashboard
from dashboards.parameters import Parameters

CONFIG_MAP_BYTES = 1024 * 1024
"""What Kubernetes takes in one ConfigMap, keys and values together."""

RULE_INTERVAL = "1m"
"""How often rules are evaluated; above 5 minutes recorded series would have gaps."""


class TooLargeError(ValueError):
    """Files that do not fit into one ConfigMap."""


def declared(parameters: Parameters) -> tuple[Dashboard, ...]:
    """Return every dashboard of the project, in the specification's order."""
    return (system_health.dashboard(parameters),)


def dashboards(parameters: Parameters) -> dict[str, str]:
    """Return the text of each dashboard's JSON by file name."""
    return {f"{one.uid}.json": dashboard_json(one) for one in declared(parameters)}


def dashboard_json(dashboard: Dashboard) -> str:
    """Return one dashboard as JSON, always in the same order."""
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return encoder.encode(grafana.build(dashboard)) + "\n"


def rules(parameters: Parameters) -> dict[str, str]:
    """Return the text of each rule file by file name."""
    return {f"{one.uid}.yaml": _rule_file(one) for one in declared(parameters)}


def _rule_file(dashboard: Dashboard) -> str:
    group = {
        "name": dashboard.uid,
        "interval": RULE_INTERVAL,
        "rules": [{"record": one.name, "expr": str(one.query)} for one in dashboard.recordings],
    }
    return yaml.safe_dump({"groups": [group]}, sort_keys=False, width=1000, allow_unicode=True)


def refuse_too_large(config_map: str, files: Mapping[str, str]) -> None:
    """Refuse files that do not fit into one ConfigMap together.

    Args:
        config_map: Its name, for the error.
        files: File name to text, as its data.

    Raises:
        TooLargeError: They are larger than 1 MiB; the error names the largest.
    """
    sizes = {name: len(name.encode()) + len(text.encode()) for name, text in files.items()}
    if sum(sizes.values()) > CONFIG_MAP_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise TooLargeError(
            f"ConfigMap {config_map}: {sum(sizes.values())} bytes, Kubernetes takes {CONFIG_MAP_BYTES}. "
            f"The largest file is {largest} with {sizes[largest]} bytes: split it or take panels out."
        )
