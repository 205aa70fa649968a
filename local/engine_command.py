"""Runs the Pulumi command line for the Automation API, in a way that Ctrl-C can end well.

The engine must finish what it has begun and write its state down, so it runs in a session of its own: a
Ctrl-C at the terminal reaches only this process, which passes it on once and then waits.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error

from local.processes import remember
from local.progress import step

OnLine = Callable[[str], object] | None


class Interrupted(Exception):  # noqa: N818 - an interruption is no error
    """The engine was interrupted and has ended cleanly."""


class EngineCommand(PulumiCommand):
    """The `pulumi` command of PATH.

    Attributes:
        pid_file: Names the engine while it runs, so that one whose parent was killed can be ended.
        interrupted: Whether an interruption was passed on to the engine.
    """

    def __init__(self, pid_file: Path) -> None:
        super().__init__()
        self.pid_file = pid_file
        self.interrupted = False
        self._pid: int | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnLine = None,
        on_error: OnLine = None,
    ) -> CommandResult:
        """Run one command to its end.

        Raises:
            CommandError: It failed; the error carries its output.
            Interrupted: It was interrupted.
        """
        command = [self.command, "--non-interactive", *args]
        with subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as engine:
            self._pid = engine.pid
            remember(self.pid_file, engine.pid, command)
            output, errors = _Reader(engine.stdout, on_output), _Reader(engine.stderr, on_error)
            output.join()
            errors.join()
        self._pid = None
        self.pid_file.unlink(missing_ok=True)
        result = CommandResult(output.text, errors.text, engine.returncode)
        if self.interrupted:
            raise Interrupted
        if result.code != 0:
            raise create_command_error(result)
        return result

    @contextmanager
    def interruptible(self) -> Generator[None]:
        """Within this block SIGINT and SIGTERM go to the engine, which is then waited for."""

        def pass_on(_number: int, _frame: FrameType | None) -> None:
            if self._pid is None:
                raise KeyboardInterrupt
            if not self.interrupted:
                step("Interrupted: the engine finishes what it has begun (a second time ends it at once)")
            self.interrupted = True
            os.killpg(self._pid, signal.SIGINT)

        before = {kind: signal.signal(kind, pass_on) for kind in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)


class _Reader(threading.Thread):
    """Collects the lines of a stream, and hands each on as it comes."""

    def __init__(self, stream: IO[str] | None, on_line: OnLine) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._on_line = on_line
        self._lines: list[str] = []
        self.start()

    def run(self) -> None:
        for line in self._stream or ():
            self._lines.append(line.rstrip())
            if self._on_line is not None:
                self._on_line(line.rstrip())

    @property
    def text(self) -> str:
        return "\n".join(self._lines)
