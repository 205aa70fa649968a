"""Processes that outlive the command that starts them, and can all be found and ended again.

A process is known by its pid file, which carries the start time too: after a crash or a reboot another
program may have got the same pid, and must not be taken for ours or be killed. The file is written before
the program begins, so no process can exist that no pid file names.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from local.errors import PlatformError

_PROC = Path("/proc")
_TERMINATION_SECONDS = 20.0
_POLL_SECONDS = 0.05
_RELEASE_SECONDS = 1.0
_LOG_LINES_SHOWN = 8

# `read` fails when this process dies before it wrote the pid file, and then nothing is started.
_WAIT_THEN_RUN = 'read -r go && exec "$@" </dev/null'


@dataclass(frozen=True, kw_only=True)
class Process:
    """One program that runs in the background.

    Attributes:
        name: What it is called in messages, and its pid and log files.
        command: Program and arguments; a running process with another command is replaced.
        folder: Where its pid file lies.
        log: The file that gets its output. The one of the previous run is kept beside it as `.1`.
        environment: Variables set for it on top of this process's own.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def pid_file(self) -> Path:
        """The file that says which process this is."""
        return self.folder / f"{self.name}.pid"

    @property
    def pid(self) -> int | None:
        """Its process; None where it does not run."""
        record = _record(self.pid_file)
        return record["pid"] if record is not None else None

    def running(self) -> bool:
        """Tell whether it runs with exactly this command."""
        record = _record(self.pid_file)
        return record is not None and record["command"] == list(self.command)

    def ensure(self) -> bool:
        """Start it unless it runs with this command already; tell whether it was started.

        Raises:
            PlatformError: A process with another command does not end.
        """
        if self.running():
            return False
        end(self.pid_file)
        self._start()
        return True

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        reading, writing = os.pipe()
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            pid = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", _WAIT_THEN_RUN, "sh", *self.command],
                {**os.environ, **self.environment},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reading, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ],
                setsid=True,
            )
            remember(self.pid_file, pid, self.command)
            os.write(writing, b"go\n")
        finally:
            for descriptor in (reading, writing, output):
                os.close(descriptor)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` says so.

        Raises:
            PlatformError: The process ended, or was not ready after `seconds`; the end of its log is told.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running():
                raise PlatformError(f"{self.name} ended at its start. {self._log_end()}")
            if time.monotonic() > deadline:
                raise PlatformError(f"{self.name} was not ready after {seconds:.0f} s. {self._log_end()}")
            time.sleep(_POLL_SECONDS)

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
        return "\n".join([f"The end of {self.log}:", *lines])


def end(pid_file: Path) -> bool:
    """End the process that `pid_file` names, wait until it is gone, and remove the file.

    The whole process group is asked to terminate, and killed when it has not ended after 20 seconds. Tells
    whether there was a process to end.

    Raises:
        PlatformError: It cannot be ended.
    """
    record = _record(pid_file)
    if record is not None:
        pid = record["pid"]
        for kind in (signal.SIGTERM, signal.SIGKILL):
            _signal(pid, kind)
            if _gone(pid_file):
                break
        else:
            raise PlatformError(f"Process {pid} ({pid_file.stem}) does not end: end it, then try again.")
    pid_file.unlink(missing_ok=True)
    return record is not None


def remember(pid_file: Path, pid: int, command: Sequence[str]) -> None:
    """Write down that `pid`, the leader of its own process group, is what `pid_file` stands for."""
    write(pid_file, json.dumps({"pid": pid, "started": started(pid), "command": list(command)}))


def alive(pid_file: Path) -> bool:
    """Tell whether the very process that `pid_file` names still runs."""
    return _record(pid_file) is not None


def _signal(pid: int, kind: signal.Signals) -> None:
    try:
        os.killpg(pid, kind)
    except ProcessLookupError:
        return


def _gone(pid_file: Path) -> bool:
    deadline = time.monotonic() + _TERMINATION_SECONDS
    while time.monotonic() < deadline:
        if _record(pid_file) is None:
            return True
        time.sleep(_POLL_SECONDS)
    return False


class _Record(TypedDict):
    pid: int
    started: str | None
    command: list[str]


def _record(pid_file: Path) -> _Record | None:
    """Return what the pid file says when the very process that it names still runs."""
    try:
        record: _Record = json.loads(pid_file.read_text())
    except FileNotFoundError:
        return None
    return record if started(record["pid"]) == record["started"] else None


def started(pid: int) -> str | None:
    """Return a text that tells process `pid` from any other that ever had its number, None if it is gone.

    On Linux that is the boot and the clock ticks from boot to its start, elsewhere the start's date and time.
    """
    _reap(pid)
    if not _PROC.joinpath("self").exists():
        reply = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], check=False, capture_output=True, text=True
        )
        return reply.stdout.strip() or None
    try:
        status = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name is in brackets and may hold spaces; proc(5): state is field 3, start time field 22.
    fields = status.rpartition(")")[2].split()
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"


def _reap(pid: int) -> None:
    """Let the system forget an ended child of this very process."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def write(path: Path, text: str) -> None:
    """Write a private file in one step: a reader, or a crash, never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


class Ports:
    """Free loopback ports by name, the same from run to run as long as nothing else takes one.

    Attributes:
        file: Where they are remembered, as JSON.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def port(self, name: str, *, in_use: bool) -> int:
        """Return the port called `name`; `in_use` says that our own process holds it now."""
        known: dict[str, int] = json.loads(self.file.read_text()) if self.file.exists() else {}
        port = known.get(name)
        if port is None or not (in_use or _comes_free(port)):
            port = _pick(set(known.values()))
            write(self.file, json.dumps({**known, name: port}))
        return port


def _comes_free(port: int) -> bool:
    """Tell whether a port is free, or soon will be: a killed process lets go of its own a moment late."""
    deadline = time.monotonic() + _RELEASE_SECONDS
    while not _free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that connections which linger after a stop do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _pick(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
