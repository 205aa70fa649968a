"""The running programs: an agent that starts them from the deployed Pods, and what it says of them."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local import overlay
from local.agent.runs import Run, Runs
from local.cluster import Cluster
from local.errors import PlatformError
from local.processes import Process, alive, end
from local.toolchain import binaries

_READY_SECONDS = 90.0
_POLL_SECONDS = 0.2
AGENT = "agent"
# The discard port: every scrape and message is refused at once, and none leaves loopback.
_NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """The processes of one checkout.

    Attributes:
        state: The folder that their files lie in.
        cluster: The cluster whose Pods they run.
    """

    state: Path
    cluster: Cluster

    def start(self, time_scale: float = 1) -> None:
        """Start what does not run, and wait until every program is ready by its own probe.

        Args:
            time_scale: How many times sooner alerts fire and end.

        Raises:
            PlatformError: A program cannot be built or is not ready in time; the end of its log is told.
        """
        # Before the agent: it would build them with nobody to see it.
        binaries(*overlay.PROGRAMS)
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
            f"--proxy={_NOBODY}",
            f"--receivers={_NOBODY}",
            f"--time-scale={time_scale}",
        ).ensure()
        self._wait_for_pods()

    def stop(self) -> None:
        """End every process, the agent first: it would start the others again.

        Raises:
            PlatformError: One does not end.
        """
        end(self.state / f"{AGENT}.pid")
        for pid_file in sorted((self.state / "pods").glob("*.pid")):
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

    def _process(self, name: str, module: str, *arguments: str) -> Process:
        return Process(
            name=name,
            command=(sys.executable, "-m", module, *arguments),
            folder=self.state,
            log=self.state / "log" / f"{name}.log",
        )


def _end_of(log: Path, lines: int = 8) -> str:
    if not log.exists():
        return f"{log} does not exist"
    return "\n".join([f"The end of {log}:", *log.read_text(errors="replace").splitlines()[-lines:]])
