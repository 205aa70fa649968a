"""What the agent runs, written down for `make up` and the tests: `.local/pods.json`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from local.processes import write


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(_Model):
    """A container that runs here as a process.

    Attributes:
        program: Which of `local.overlay.PROGRAMS`.
        command: How the process was started.
        pid: Its process; None where it does not run.
        folders: The local folder of each mounted path.
        addresses: The loopback address of each named port.
        probes: The URL of each HTTP probe, by its kind.
        ready: Whether its readiness probe passed.
        trouble: Why it does not run or is not ready; empty where it is.
        restarts: How often it was started again after it had ended by itself.
    """

    namespace: str
    pod: str
    uid: str
    program: str
    command: tuple[str, ...] = ()
    pid: int | None = None
    folders: dict[str, str] = {}
    addresses: dict[str, str] = {}
    probes: dict[str, str] = {}
    ready: bool = False
    trouble: str = ""
    restarts: int = 0


class Runs(_Model):
    """All of them, and whether the agent saw every Pod that it should run."""

    runs: tuple[Run, ...] = ()

    def of(self, program: str) -> tuple[Run, ...]:
        """Return the runs of a program, by Pod."""
        return tuple(run for run in self.runs if run.program == program)

    @staticmethod
    def read(path: Path) -> "Runs":
        """Read it from its file; empty where there is none yet."""
        return Runs.model_validate_json(path.read_text()) if path.exists() else Runs()

    def write(self, path: Path) -> None:
        """Write it in one step."""
        write(path, self.model_dump_json(indent=1) + "\n")
