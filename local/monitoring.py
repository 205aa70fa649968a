"""Runs real Prometheus and Alertmanager processes on what is deployed in the embedded cluster."""

import http
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes.client import ApiClient
from kubernetes.config import new_client_from_config

from local import deployed, overlay
from local.cluster import Cluster
from local.errors import PlatformError
from local.kubeconfig import kubeconfig
from local.processes import Ports, Process, alive, end
from local.toolchain import binaries

PROGRAMS = ("alertmanager", "prometheus")
_READY_SECONDS = 60.0
# The discard port: every scrape is refused at once, and none leaves loopback.
_NO_PODS = "http://127.0.0.1:9"
_TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path


class Monitoring:
    """The Prometheus and Alertmanager processes of one checkout."""

    def __init__(self, state: Path, cluster: Cluster, namespace: str) -> None:
        """Describe the processes whose files lie under `state`, fed from `namespace` of `cluster`."""
        self._state = state.resolve()
        self._cluster = cluster
        self._namespace = namespace
        self._ports = Ports(self._state / "monitoring-ports.json")

    def address(self, name: str) -> str:
        """Return the host and port of one of `PROGRAMS`, on loopback."""
        port = self._ports.port(name, in_use=alive(self._pid_file(name)))
        return f"127.0.0.1:{port}"

    def start(self) -> None:
        """Start both, or make them take up what changed, and wait until they are ready.

        Raises:
            PlatformError: One does not become ready, or refuses its configuration.
        """
        programs = binaries(*PROGRAMS)
        with new_client_from_config(str(self._cluster.kubeconfig), self._cluster.context) as api:
            found = {name: deployed.workload(api, self._namespace, name) for name in PROGRAMS}
            self._start_alertmanager(programs["alertmanager"], found["alertmanager"])
            self._start_prometheus(programs["prometheus"], found["prometheus"], api)

    def stop(self) -> None:
        """End both processes.

        Raises:
            PlatformError: One does not end.
        """
        for name in PROGRAMS:
            end(self._pid_file(name))

    def _start_alertmanager(self, program: Path, workload: deployed.Workload) -> None:
        folders = self._folders("alertmanager", workload)
        changed = _mirror_all(
            workload, folders, {"alertmanager.yml": lambda config: overlay.relocate(config, folders)}
        )
        started = self._run("alertmanager", program, workload, folders)
        if changed and not started:
            _reload(self.address("alertmanager"))

    def _start_prometheus(self, program: Path, workload: deployed.Workload, api: ApiClient) -> None:
        folders = self._folders("prometheus", workload)
        folders[_TOKEN_MOUNT] = self._state / "prometheus" / "account"
        if self._renew_account(api, workload.account, folders[_TOKEN_MOUNT]):
            # A kubeconfig is only read together with a changed configuration.
            end(self._pid_file("prometheus"))
        _mirror_all(
            workload,
            folders,
            {
                "prometheus.yml": lambda config: overlay.prometheus_config(
                    config,
                    folders=folders,
                    kubeconfig=folders[_TOKEN_MOUNT] / "kubeconfig",
                    alertmanager=self.address("alertmanager"),
                    proxy=_NO_PODS,
                )
            },
        )
        # A running one takes up changed files by itself, as the deployed one does (--config.auto-reload).
        self._run("prometheus", program, workload, folders)

    def _renew_account(self, api: ApiClient, account: str, folder: Path) -> bool:
        """Keep the account's files as long as account and server are the same; tell whether they are new."""
        identity = f"{deployed.account_id(api, self._namespace, account)} {self._cluster.server}".encode()
        known = folder / "identity"
        if known.exists() and known.read_bytes() == identity:
            return False
        token = deployed.token(api, self._namespace, account)
        certificate = self._cluster.certificate.read_bytes()
        access = kubeconfig(
            server=self._cluster.server,
            certificate=certificate,
            context=self._cluster.context,
            user=account,
            token=token,
        )
        return deployed.mirror(
            folder,
            {
                "ca.crt": certificate,
                "token": token.encode(),
                "kubeconfig": access.encode(),
                "identity": identity,
            },
        )

    def _run(self, name: str, program: Path, workload: deployed.Workload, folders: overlay.Folders) -> bool:
        address = self.address(name)
        process = Process(
            name=name,
            command=(
                str(program),
                *overlay.arguments(workload.arguments, folders=folders, listen=address),
            ),
            folder=self._state,
            log=self._state / "log" / f"{name}.log",
        )
        started = process.ensure()
        process.wait_until(lambda: _answers(address), _READY_SECONDS)
        return started

    def _folders(self, name: str, workload: deployed.Workload) -> dict[str, Path]:
        return {path: self._state / name / volume for volume, path in workload.mounts.items()}

    def _pid_file(self, name: str) -> Path:
        return self._state / f"{name}.pid"


def _mirror_all(
    workload: deployed.Workload,
    folders: Mapping[str, Path],
    overlays: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]],
) -> bool:
    """Write the workload's files, those named in `overlays` changed by them; tell whether any is new."""
    changed = False
    for volume, files in workload.files.items():
        written = {
            name: yaml.safe_dump(overlays[name](yaml.safe_load(content)), sort_keys=False).encode()
            if name in overlays
            else content
            for name, content in files.items()
        }
        changed |= deployed.mirror(folders[workload.mounts[volume]], written)
    return changed


def _answers(address: str) -> bool:
    try:
        reply = urllib3.request("GET", f"http://{address}/-/ready", retries=False, timeout=2)
    except urllib3.exceptions.HTTPError:
        return False
    return reply.status == http.HTTPStatus.OK


def _reload(address: str) -> None:
    reply = urllib3.request("POST", f"http://{address}/-/reload", retries=False, timeout=10)
    if reply.status != http.HTTPStatus.OK:
        raise PlatformError(f"Alertmanager refuses what is deployed: {reply.data.decode().strip()}")
