"""The running platform: the agent's processes, the simulator behind them, and the page that shows it all."""

import http
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import urllib3

from local import long_term, overlay
from local.agent.runs import Run, Runs
from local.cluster import Cluster
from local.errors import PlatformError
from local.history.fill import clear, fill, install, installed
from local.history.targets import Target, discovered
from local.inventory import Inventory
from local.processes import Ports, Process, alive, end
from local.simulator.incidents import Schedule
from local.simulator.targets import exposed
from local.toolchain import binaries
from stacks.prometheus import DATA_PATH, RULES_PATH

_READY_SECONDS = 90.0
_POLL_SECONDS = 0.2
# Each of Prometheus' discoveries sends what it found every 5 s.
_SETTLED_SECONDS = 6.0
AGENT, SIMULATOR, VIEWER = "agent", "simulator", "viewer"


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """The processes of one checkout.

    Attributes:
        state: The folder that their files lie in.
        cluster: The cluster whose Pods they run.
    """

    state: Path
    cluster: Cluster

    def start(
        self, namespace: str, time_scale: float = 1, *, aws: str = overlay.DISCARD, workspace: bool = False
    ) -> None:
        """Start what does not run, and wait until every program is ready by its own probe.

        At the very first start, the past weeks are filled in.

        Args:
            namespace: Where the monitoring stack is deployed.
            time_scale: How many times sooner alerts fire and end.
            aws: The endpoint of the API of AWS.
            workspace: Whether Prometheus writes to a workspace of AWS, which a process here stands for.

        Raises:
            PlatformError: A program cannot be built or is not ready in time; the end of its log is told.
        """
        # Before the agent: it would build them with nobody to see it.
        programs = binaries(*overlay.PROGRAMS)
        if workspace:
            receiver = long_term.receiver(self.state, programs["prometheus"], self._address(long_term.NAME))
            self._ready(receiver)
        else:
            end(self.state / f"{long_term.NAME}.pid")
        self._service(
            SIMULATOR,
            "local.simulator",
            f"--inventory={self._inventory}",
            f"--incidents={self.incidents}",
            f"--authority={self.state / overlay.AUTHORITY}",
            f"--listen={self._address(SIMULATOR)}",
            *((f"--receiver={self._address(long_term.NAME)}",) if workspace else ()),
        )
        # The first one's is put there last. A replica that is added later has no past, as anywhere.
        if not installed(self.state / "volumes" / f"{namespace}_data-prometheus-0"):
            # Just to see what there is: before it has a past, no alert may fire.
            self._start_agent(aws)
            self._fill_history()
        self._start_agent(aws, time_scale)
        self._service(
            VIEWER,
            "local.viewer",
            f"--prometheus={self.url('prometheus')}",
            f"--alertmanager={self.url('alertmanager')}",
            f"--dashboards={self.state / 'dashboards'}",
            f"--messages={self.state / 'messages.jsonl'}",
            f"--incidents={self.incidents}",
            f"--listen={self._address(VIEWER)}",
        )

    @property
    def incidents(self) -> Path:
        """The file that says what goes wrong."""
        return self.state / "incidents.json"

    @property
    def viewer(self) -> str:
        """The address of the page that shows dashboards and messages."""
        return f"http://{self._address(VIEWER)}"

    @property
    def long_term(self) -> str:
        """The address of the Prometheus that stands for the workspace of AWS."""
        return f"http://{self._address(long_term.NAME)}"

    @property
    def _inventory(self) -> Path:
        return self.state / "inventory.json"

    def _start_agent(self, aws: str, time_scale: float = 1) -> None:
        # What an agent of older code runs stays, and this one takes it over.
        end(self.state / f"{AGENT}.pid")
        self._process(
            AGENT,
            "local.agent",
            f"--state={self.state}",
            f"--kubeconfig={self.cluster.kubeconfig}",
            f"--context={self.cluster.context}",
            f"--server={self.cluster.server}",
            f"--certificate={self.cluster.certificate}",
            f"--proxy=http://{self._address(SIMULATOR)}",
            f"--receivers={self.viewer}/receive",
            f"--aws={aws}",
            f"--time-scale={time_scale}",
        ).ensure()
        self._wait_for_pods()

    def _fill_history(self) -> None:
        """Put the past weeks in the place of what Prometheus has scraped since it was started."""
        targets = self._settled_targets()
        inventory, schedule = Inventory.read(self._inventory), Schedule.read(self.incidents)
        servers = self.runs().of("prometheus")
        # Two cores have enough to do; and the agent would start Prometheus again while its data is replaced.
        end(self.state / f"{AGENT}.pid")
        for run in servers:
            end(self.state / "pods" / f"{run.namespace}_{run.pod}.pid")
        work = self.state / "history"
        fill(
            targets,
            lambda address, path: exposed(inventory, address, path, schedule),
            rules=Path(servers[0].folders[RULES_PATH]),
            work=work,
            now=time.time(),
        )
        install(work, [Path(run.folders[DATA_PATH]) for run in reversed(servers)])

    def _settled_targets(self) -> tuple[Target, ...]:
        """Return the discovered targets once no more come."""
        deadline = time.monotonic() + _READY_SECONDS
        found, since = discovered(self.url("prometheus")), time.monotonic()
        while not found or time.monotonic() - since < _SETTLED_SECONDS:
            if time.monotonic() > deadline:
                raise PlatformError(
                    "Prometheus discovers nothing, or ever more: see .local/log/prometheus-0.log"
                )
            time.sleep(_POLL_SECONDS)
            now = discovered(self.url("prometheus"))
            if len(now) != len(found):
                found, since = now, time.monotonic()
        return found

    def stop(self) -> None:
        """End every process, the agent first: it would start the others again.

        Raises:
            PlatformError: One does not end.
        """
        clear(self.state / "history")
        # What Prometheus has yet to write it writes as it ends, and waits a minute for who would take it.
        for pid_file in (
            self.state / f"{AGENT}.pid",
            *sorted((self.state / "pods").glob("*.pid")),
            *(self.state / f"{name}.pid" for name in (VIEWER, SIMULATOR, long_term.NAME)),
        ):
            end(pid_file)

    def runs(self) -> Runs:
        """Return what the agent runs."""
        return Runs.read(self.state / "pods.json")

    def url(self, program: str) -> str:
        """Return the address of a program's first Pod.

        Raises:
            PlatformError: It does not run.
        """
        found = self.runs().of(program)
        if not found:
            raise PlatformError(f"No Pod of {program} runs here: see {self.state / 'pods.json'}")
        return f"http://{next(iter(found[0].addresses.values()))}"

    def _wait_for_pods(self) -> None:
        began = time.time()
        deadline = time.monotonic() + _READY_SECONDS
        path = self.state / "pods.json"
        while True:
            # Only what this agent has seen counts.
            runs = self.runs().runs if path.exists() and path.stat().st_mtime >= began else ()
            if runs and all(run.ready for run in runs):
                return
            if not alive(self.state / f"{AGENT}.pid"):
                raise PlatformError(f"The agent ended. {_end_of(self.state / 'log' / f'{AGENT}.log')}")
            if time.monotonic() > deadline:
                raise PlatformError(self._not_ready(runs))
            time.sleep(_POLL_SECONDS)

    def _not_ready(self, runs: tuple[Run, ...]) -> str:
        late = [run for run in runs if not run.ready]
        if not late:
            return f"The agent saw no Pod. {_end_of(self.state / 'log' / f'{AGENT}.log')}"
        return "\n".join(
            f"{run.pod}: {run.trouble}. {_end_of(self.state / 'log' / f'{run.pod}.log')}" for run in late
        )

    def _service(self, name: str, module: str, *arguments: str) -> None:
        self._ready(self._process(name, module, *arguments))

    def _ready(self, process: Process) -> None:
        process.ensure()
        address = self._address(process.name)
        process.wait_until(lambda: _answers(f"http://{address}/-/ready"), _READY_SECONDS)

    def _process(self, name: str, module: str, *arguments: str) -> Process:
        return Process(
            name=name,
            command=(sys.executable, "-m", module, *arguments),
            folder=self.state,
            log=self.state / "log" / f"{name}.log",
        )

    def _address(self, name: str) -> str:
        ports = Ports(self.state / "ports.json")
        return f"127.0.0.1:{ports.port(name, in_use=alive(self.state / f'{name}.pid'))}"


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=2).status == http.HTTPStatus.OK
    except urllib3.exceptions.HTTPError:
        return False


def _end_of(log: Path, lines: int = 8) -> str:
    if not log.exists():
        return f"{log} does not exist"
    return "\n".join([f"The end of {log}:", *log.read_text(errors="replace").splitlines()[-lines:]])
