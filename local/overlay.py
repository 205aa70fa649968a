"""What must differ between the deployed Prometheus and Alertmanager and the processes that stand for them.

The processes read what is deployed: arguments, configuration and rules come out of the cluster. Only this
differs, since there are no containers and no pod network:

| Deployed                          | Here                                    | Why                               |
| --------------------------------- | --------------------------------------- | --------------------------------- |
| files under container mounts      | the same files under `.local`           | no containers                     |
| discovery as the pod's account    | a kubeconfig with that account's token  | no token mount                    |
| Alertmanager by its cluster name  | its address on loopback                 | no cluster DNS                    |
| listens on every address          | listens on a free loopback port         | loopback only                     |
| waits before it notifies at first | notifies at once                        | it ignores SIGTERM while it waits |
| scrapes pods at their addresses   | scrapes them through a loopback proxy   | no pod network                    |

Targets are discovered with the deployed rights and labels. All are down as long as nothing listens at the
proxy's address.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LEFT_OUT = ("--web.listen-address", "--dispatch.start-delay")

Folders = Mapping[str, Path]


def relocate(value: Any, folders: Folders) -> Any:  # noqa: ANN401 - any YAML value
    """Return the YAML value with every path below a mounted folder put below its local folder."""
    if isinstance(value, Mapping):
        return {key: relocate(item, folders) for key, item in value.items()}
    if isinstance(value, list):
        return [relocate(item, folders) for item in value]
    if isinstance(value, str):
        return _relocated(value, folders)
    return value


def _relocated(text: str, folders: Folders) -> str:
    for mounted, local in folders.items():
        if text == mounted or text.startswith(f"{mounted}/"):
            return f"{local}{text.removeprefix(mounted)}"
    return text


def prometheus_config(
    deployed: Mapping[str, Any], *, folders: Folders, kubeconfig: Path, alertmanager: str, proxy: str
) -> dict[str, Any]:
    """Return the deployed `prometheus.yml` for a process outside the cluster.

    Args:
        deployed: The deployed configuration.
        folders: Where each mounted folder lies here.
        kubeconfig: A kubeconfig with the deployed ServiceAccount's token.
        alertmanager: Alertmanager's host and port here.
        proxy: Address of the proxy that stands for the pod network.
    """
    config = relocate(deployed, folders)
    for job in config.get("scrape_configs", ()):
        job["proxy_url"] = proxy
        for discovery in job.get("kubernetes_sd_configs", ()):
            discovery["kubeconfig_file"] = str(kubeconfig)
    for target in config.get("alerting", {}).get("alertmanagers", ()):
        target["static_configs"] = [{"targets": [alertmanager]}]
    return config


def arguments(deployed: Sequence[str], *, folders: Folders, listen: str) -> tuple[str, ...]:
    """Return the container's arguments for a process that listens at `listen`, host and port."""
    kept = (argument for argument in deployed if not argument.startswith(_LEFT_OUT))
    split = (argument.partition("=") for argument in kept)
    moved = (f"{flag}{equals}{_relocated(value, folders)}" for flag, equals, value in split)
    return (*moved, f"--web.listen-address={listen}")
