"""One pass of the agent: from what the cluster has to what runs here."""

import http
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from local import overlay
from local.agent.cluster_view import View, inventory, look
from local.agent.containers import (
    Container,
    Files,
    Mountable,
    NotYetError,
    claim,
    container,
    host_path,
)
from local.agent.runs import Run, Runs
from local.inventory import Inventory
from local.kubeconfig import kubeconfig
from local.kubernetes_provider.api import Cluster
from local.mirror import mirror
from local.processes import Ports, Process, alive, end
from local.simulator.hands_on import ALERTMANAGER_GONE
from local.simulator.incidents import Schedule
from stacks.grafana_provisioning import DASHBOARDS_PATH
from stacks.images import IMAGES

Json = dict[str, Any]

HOST = "127.0.0.1"
HEADLESS = "-headless"
# As the kubelet: at once after the first end, then later and later; anew after ten calm minutes.
_BACK_OFF_SECONDS = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
_CALM_SECONDS = 600.0
_TOKEN_SECONDS = 365 * 24 * 3600
_PROBE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the other local processes listen."""

    proxy: str
    receivers: str
    aws: str = overlay.DISCARD


@dataclass
class _Attempts:
    """How often a process was started again."""

    restarts: int = 0
    started: float = 0.0


@dataclass(kw_only=True)
class NodeAgent:
    """Keeps the processes of one checkout in step with the Pods of its cluster.

    Attributes:
        state: The checkout's folder of state.
        cluster: The cluster, as its administrator.
        server: The API server's address.
        certificate: The certificate that it is trusted by.
        programs: The executables, by the key of their image.
        addresses: Where the other local processes listen.
        time_scale: How many times sooner alerts fire and end.
    """

    state: Path
    cluster: Cluster
    server: str
    certificate: bytes
    programs: Mapping[str, Path]
    addresses: Addresses
    time_scale: float = 1

    def __post_init__(self) -> None:
        self._folder = self.state / "pods"
        self._ports = Ports(self._folder / "ports.json")
        self._tokens: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._attempts: dict[str, _Attempts] = {}
        self._known = {run.uid: run for run in Runs.read(self.state / "pods.json").runs}

    def reconcile(self) -> Runs:
        """Look at the cluster, make what runs here fit, and write down what there is.

        Raises:
            ApiError: The API server refused.
            UnreachableError: It did not answer; everything goes on as it is.
        """
        view = look(self.cluster)
        found = [container(pod) for pod in view.pods if overlay.program_of(_image(pod))]
        schedule = Schedule.read(self.state / "incidents.json")
        gone = schedule.lasts(ALERTMANAGER_GONE.name, time.time())
        runs: list[Run] = []
        containers = {one.key: one for one in found}
        self._end_others(containers)
        for one in found:
            program = overlay.program_of(one.image)
            assert program is not None  # noqa: S101 - chosen by it above
            if gone and program == "alertmanager":
                end(self._pid_file(one))
                runs.append(self._described(one, program, trouble="ended by the incident"))
                continue
            runs.append(self._run(one, program, view, containers))
        known = Runs(runs=tuple(runs))
        known.write(self.state / "pods.json")
        self._known = {run.uid: run for run in runs}
        processes = {
            f"{one.address}:{one.ports[name]}": address
            for one, run in zip(found, runs, strict=True)
            for name, address in run.addresses.items()
        }
        self._write_inventory(inventory(view, processes))
        self._mirror_dashboards(view)
        return known

    def _mirror_dashboards(self, view: View) -> None:
        """Keep the dashboards as Grafana's Pod mounts them, for the page that shows them without Grafana."""
        mountable = Mountable(config_maps=view.config_maps)
        found: Files = {}
        for pod in view.pods:
            if IMAGES["grafana"].repository in _image(pod):
                one = container(pod)
                for path, volume in one.mounts.items():
                    if path.startswith(DASHBOARDS_PATH):
                        found |= mountable.files(one, volume) or {}
        mirror(self.state / "dashboards", found)

    def _write_inventory(self, seen: Inventory) -> None:
        path = self.state / "inventory.json"
        if Inventory.read(path) != seen:
            seen.write(path)

    def _end_others(self, containers: Mapping[str, Container]) -> None:
        for pid_file in self._folder.glob("*.pid"):
            if pid_file.stem not in containers:
                end(pid_file)

    def _run(self, one: Container, program: str, view: View, containers: Mapping[str, Container]) -> Run:
        described = self._described(one, program)
        before = self._known.get(one.uid)
        if before is None:
            # Another Pod of this name: its process has other files, and ends as its container would.
            end(self._pid_file(one))
        here = self._surroundings(one, containers)
        try:
            self._mount(one, program, view, here)
        except NotYetError as problem:
            return replace_run(described, trouble=str(problem))
        command = (
            str(self.programs[program]),
            *overlay.arguments(overlay.PROGRAMS[program], one.arguments, self._addresses_of(one), here),
        )
        process = Process(
            name=one.key,
            command=command,
            folder=self._folder,
            log=self.state / "log" / f"{one.pod}.log",
            environment={**overlay.PROGRAMS[program].environment, **one.environment},
        )
        trouble = self._keep_running(process, one)
        ready = not trouble and self._passes(described.probes.get("readiness"))
        if not ready and not trouble:
            trouble = "its readiness probe does not pass yet"
        return replace_run(
            described,
            command=command,
            pid=process.pid,
            folders={path: str(folder) for path, folder in here.folders.items()},
            ready=ready,
            trouble=trouble,
            restarts=self._attempts[one.key].restarts,
        )

    def _keep_running(self, process: Process, one: Container) -> str:
        """Start the process where it does not run; tell why it is not started now, if so."""
        attempts = self._attempts.setdefault(one.key, _Attempts())
        if process.running():
            return ""
        now = time.monotonic()
        crashed = attempts.started and self._known.get(one.uid) is not None and not alive(process.pid_file)
        if crashed:
            if now - attempts.started > _CALM_SECONDS:
                attempts.restarts = 0
            wait = _BACK_OFF_SECONDS[min(attempts.restarts, len(_BACK_OFF_SECONDS) - 1)]
            if now - attempts.started < wait:
                return f"it ended by itself; started again after {wait:.0f} s. See {process.log}"
            attempts.restarts += 1
        process.ensure()
        attempts.started = now
        return ""

    def _mount(self, one: Container, program: str, view: View, here: overlay.Surroundings) -> None:
        mountable = Mountable(
            config_maps=view.config_maps,
            secrets=view.secrets,
            tokens={(one.namespace, one.account): self._token(one, view)},
        )
        for path, volume in one.mounts.items():
            folder = here.folders[path]
            files = mountable.files(one, volume)
            if files is None:
                if host_path(volume) is None:
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                continue
            of = overlay.PROGRAMS[program]
            mirror(folder, {name: overlay.file(of, name, text, here) for name, text in files.items()})
        access = kubeconfig(
            server=self.server,
            certificate=self.certificate,
            context=one.account,
            user=one.account,
            token=self._token(one, view).decode(),
        )
        mirror(here.kubeconfig.parent, {here.kubeconfig.name: access.encode()})

    def _token(self, one: Container, view: View) -> bytes:
        """Return a token of the Pod's account, a fresh one where the account is another than before."""
        key = (one.namespace, one.account)
        account = view.accounts.get(key)
        if account is None:
            raise NotYetError(f"ServiceAccount {one.account} does not exist")
        uid: str = account["metadata"]["uid"]
        if key not in self._tokens or self._tokens[key][0] != uid:
            made = self.cluster.request(
                "POST",
                f"/api/v1/namespaces/{one.namespace}/serviceaccounts/{one.account}/token",
                body={
                    "apiVersion": "authentication.k8s.io/v1",
                    "kind": "TokenRequest",
                    "spec": {"expirationSeconds": _TOKEN_SECONDS},
                },
            )
            self._tokens[key] = (uid, made["status"]["token"].encode())
        return self._tokens[key][1]

    def _surroundings(self, one: Container, containers: Mapping[str, Container]) -> overlay.Surroundings:
        return overlay.Surroundings(
            folders={path: self._place(one, path, volume) for path, volume in one.mounts.items()},
            kubeconfig=self._folder / one.key / "access" / "kubeconfig",
            resolve=self._resolver(one, containers),
            proxy=self.addresses.proxy,
            authority=self.state / overlay.AUTHORITY,
            receivers=self.addresses.receivers,
            aws=self.addresses.aws,
            time_scale=self.time_scale,
        )

    def _place(self, one: Container, path: str, volume: Json) -> Path:
        if shown := host_path(volume):
            return shown
        if name := claim(volume):
            return self.state / "volumes" / f"{one.namespace}_{name}"
        return self._folder / one.key / path.strip("/").replace("/", "_")

    def _resolver(self, one: Container, containers: Mapping[str, Container]) -> Callable[[str], str | None]:
        """Resolve a Pod's name under its headless Service: `alertmanager-0.alertmanager-headless:9093`.

        A sibling that is not there yet has its address already, so that nothing has to start again for it;
        any other missing Pod is the discard port, so that no name server is asked.
        """

        def resolve(text: str) -> str | None:
            name, _, port = text.rpartition(":")
            pod, _, service = name.partition(".")
            if not port.isdecimal() or not service.partition(".")[0].endswith(HEADLESS):
                return None
            key = f"{one.namespace}_{pod}"
            target = containers.get(key)
            ports = (target or one).ports
            named = {number: of for of, number in ports.items()}.get(int(port))
            if named is None or (target is None and pod.rpartition("-")[0] != one.pod.rpartition("-")[0]):
                return f"{HOST}:9"
            return f"{HOST}:{self._port(key, named)}"

        return resolve

    def _addresses_of(self, one: Container) -> dict[str, tuple[str, int]]:
        return {name: (HOST, self._port(one.key, name)) for name in one.ports}

    def _port(self, key: str, name: str) -> int:
        return self._ports.port(f"{key} {name}", in_use=alive(self._folder / f"{key}.pid"))

    def _described(self, one: Container, program: str, trouble: str = "") -> Run:
        addresses = self._addresses_of(one)
        by_number = {number: addresses[name][1] for name, number in one.ports.items()}
        return Run(
            namespace=one.namespace,
            pod=one.pod,
            uid=one.uid,
            program=program,
            addresses={name: f"{host}:{port}" for name, (host, port) in addresses.items()},
            probes={
                kind: f"http://{HOST}:{by_number[one.port(probe.port)]}{probe.path}"
                for kind, probe in one.probes.items()
            },
            trouble=trouble,
        )

    def _pid_file(self, one: Container) -> Path:
        return self._folder / f"{one.key}.pid"

    @staticmethod
    def _passes(url: str | None) -> bool:
        return url is None or answers(url)


def replace_run(run: Run, **changes: object) -> Run:
    """Return the run with other values in some fields."""
    return run.model_copy(update=changes)


def answers(url: str) -> bool:
    """Tell whether a probe of this URL passes: a status from 200 to 399, as the kubelet judges."""
    try:
        reply = urllib3.request("GET", url, retries=False, timeout=_PROBE_SECONDS, redirect=False)
    except urllib3.exceptions.HTTPError:
        return False
    return http.HTTPStatus.OK <= reply.status < http.HTTPStatus.BAD_REQUEST


def _image(pod: Json) -> str:
    return pod["spec"]["containers"][0]["image"]
