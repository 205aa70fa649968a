"""`python -m local.agent`: runs until it is ended, a pass whenever something in the cluster changes."""

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import urllib3
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.config import new_client_from_config
from kubernetes.watch import Watch

from local import overlay
from local.agent.node_agent import Addresses, NodeAgent
from local.errors import PlatformError
from local.kubernetes_provider.api import ApiError, Cluster, UnreachableError
from local.toolchain import binaries

# Changes come in swarms, and a pass sees all of them.
_SETTLING_SECONDS = 0.2
# What no watch tells: a process that ended, an incident, a probe that passes now.
_PASS_SECONDS = 1.0
_WATCH_SECONDS = 60


# A trace with local values would show secrets.
application = typer.Typer(pretty_exceptions_enable=False)


@application.command()
def main(
    *,
    state: Annotated[Path, typer.Option(help="the checkout's folder of state")],
    kubeconfig: Annotated[Path, typer.Option(help="the administrator's kubeconfig")],
    context: Annotated[str, typer.Option(help="its context")],
    server: Annotated[str, typer.Option(help="the API server's address")],
    certificate: Annotated[Path, typer.Option(help="the certificate that it is trusted by")],
    proxy: Annotated[str, typer.Option(help="URL of the proxy that stands for the pod network")],
    receivers: Annotated[str, typer.Option(help="URL under which messages are taken")],
    aws: Annotated[
        str, typer.Option(help="URL of the API of AWS, where the stack has one")
    ] = overlay.DISCARD,
    time_scale: Annotated[float, typer.Option(help="how many times sooner alerts fire and end", min=1)] = 1,
) -> None:
    """Run the programs of the embedded cluster's Pods until ended."""
    agent = NodeAgent(
        state=state.resolve(),
        cluster=Cluster.connect(str(kubeconfig), context),
        server=server,
        certificate=certificate.read_bytes(),
        programs=binaries(*overlay.PROGRAMS),
        addresses=Addresses(proxy=proxy, receivers=receivers, aws=aws),
        time_scale=time_scale,
    )
    changed = threading.Event()
    for kind in ("pod_for_all_namespaces", "config_map_for_all_namespaces", "secret_for_all_namespaces"):
        threading.Thread(target=_watch, args=(kubeconfig, context, kind, changed), daemon=True).start()
    signal.signal(signal.SIGTERM, _end)
    trouble = ""
    while True:
        said = _pass(agent)
        if said and said != trouble:
            print(f"{time.strftime('%H:%M:%S')} {said}", file=sys.stderr, flush=True)
        trouble = said
        if changed.wait(_PASS_SECONDS):
            time.sleep(_SETTLING_SECONDS)
            changed.clear()


def _pass(agent: NodeAgent) -> str:
    """Do one pass; return what is wrong with the cluster or a process, empty where nothing is."""
    try:
        runs = agent.reconcile().runs
    except (ApiError, UnreachableError, PlatformError) as problem:
        return str(problem)
    return "; ".join(f"{run.pod}: {run.trouble}" for run in runs if run.trouble)


def _end(_signal: int, _frame: object) -> None:
    sys.exit(0)


def _watch(kubeconfig: Path, context: str, kind: str, changed: threading.Event) -> None:
    """Tell of every change of a kind's objects, for as long as this process lives."""
    with new_client_from_config(str(kubeconfig), context) as api:
        listing: Any = getattr(CoreV1Api(api), f"list_{kind}")
        while True:
            try:
                for _ in Watch().stream(listing, timeout_seconds=_WATCH_SECONDS, _preload_content=False):
                    changed.set()
            except (ApiException, urllib3.exceptions.HTTPError, OSError):
                time.sleep(_PASS_SECONDS)


if __name__ == "__main__":
    application()
