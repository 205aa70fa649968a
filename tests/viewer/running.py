"""The viewer as a process of its own, as `make up` runs it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing listens."""


@dataclass(frozen=True)
class Reply:
    """What the viewer answers."""

    status: int
    headers: Mapping[str, str]  # their names as sent: in lower case
    text: str


@dataclass(frozen=True)
class Running:
    """A running viewer, and its files."""

    url: str
    dashboards: Path
    messages: Path
    incidents: Path

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Reply:
        """Ask it; with a body, POST."""
        request = urllib.request.Request(f"{self.url}{path}", data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read().decode())

    def listed(self) -> list[dict[str, Any]]:
        """Return the messages that it lists."""
        return json.loads(self.ask("/messages.json").text)


@contextmanager
def viewer(
    folder: Path,
    *,
    prometheus: str = NOWHERE,
    alertmanager: str = NOWHERE,
    dashboards: Path | None = None,
    container: str = "",
) -> Generator[Running]:
    """Run it on loopback, its files in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = Running(
        url=f"http://127.0.0.1:{port}",
        dashboards=dashboards or folder / "dashboards",
        messages=folder / "messages.jsonl",
        incidents=folder / "incidents.json",
    )
    running.dashboards.mkdir(exist_ok=True)
    options = {
        "prometheus": prometheus,
        "alertmanager": alertmanager,
        "dashboards": running.dashboards,
        "messages": running.messages,
        "incidents": running.incidents,
        "listen": f"127.0.0.1:{port}",
        "container": container,
    }
    command = [sys.executable, "-m", "local.viewer"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with (folder / "viewer.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "PYTHONWARNINGS": "error"}
        )
    try:
        _wait(running, process, folder / "viewer.log")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert "Traceback" not in (folder / "viewer.log").read_text()


def _wait(running: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            assert running.ask("/-/ready").status == 200
        except urllib.error.URLError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return
