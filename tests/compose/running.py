"""The programs of docker-compose.yml as processes on loopback, on the files that `make compose` wrote."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.toolchain import binary
from stacks.stack_file import ROOT

Json = dict[str, Any]
SERVICES = ("simulator", "viewer", "alertmanager", "prometheus")
"""In the order of their start."""

NOWHERE = "127.0.0.1:9"
"""Grafana is not to be had: in its place nothing answers."""


@dataclass(frozen=True)
class Running:
    """Where they listen, by service."""

    ports: Mapping[str, int]

    def url(self, name: str, path: str, **asked: str) -> str:
        """An address of a service."""
        query = f"?{urllib.parse.urlencode(asked)}" if asked else ""
        return f"http://127.0.0.1:{self.ports[name]}{path}{query}"

    def get(self, name: str, path: str, **asked: str) -> Any:  # noqa: ANN401 - any JSON
        """Ask a service for JSON."""
        with urllib.request.urlopen(self.url(name, path, **asked), timeout=20) as answer:
            return json.load(answer)

    def post(self, name: str, path: str, body: object) -> None:
        """Send a service JSON."""
        request = urllib.request.Request(
            self.url(name, path), json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20):
            pass


@contextmanager
def services(written: Path, folder: Path, *, seconds: int) -> Generator[Running]:
    """Run them with the services' own commands; only names, addresses and paths are those of this machine.

    Args:
        written: What `make compose` wrote.
        folder: Where their files go.
        seconds: How often Prometheus scrapes and evaluates, for what is deployed for longer times.
    """
    compose: Json = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = _free_ports(SERVICES)
    here = folder / "files"
    shutil.copytree(written, here)
    moved = {
        "alertmanager-0.alertmanager-headless:9093": f"127.0.0.1:{ports['alertmanager']}",
        "grafana:3000": NOWHERE,
        "http://simulator:8000": f"http://127.0.0.1:{ports['simulator']}",
        "http://viewer:3001": f"http://127.0.0.1:{ports['viewer']}",
        "prometheus:9090": f"127.0.0.1:{ports['prometheus']}",
        "alertmanager:9093": f"127.0.0.1:{ports['alertmanager']}",
        "/etc/prometheus/": f"{here}/prometheus/etc/prometheus/",
        "/etc/alertmanager/": f"{here}/alertmanager/etc/alertmanager/",
        "/etc/grafana/": f"{here}/grafana/etc/grafana/",
        "/etc/simulator/": f"{here}/simulator/",
        "=/incidents/": f"={folder}/",
        "=/tmp/": f"={folder}/",
        "=/prometheus": f"={folder}/prometheus",
        "=/alertmanager": f"={folder}/alertmanager",
        "--listen=0.0.0.0:8000": f"--listen=127.0.0.1:{ports['simulator']}",
        "--listen=0.0.0.0:3001": f"--listen=127.0.0.1:{ports['viewer']}",
    }
    for path in here.rglob("*"):
        if path.is_file() and "grafana" not in path.relative_to(here).parts:
            path.write_text(_replaced(path.read_text(), moved))
    _hurry(here / "prometheus/etc/prometheus", seconds)
    with ExitStack() as running:
        for name in SERVICES:
            arguments = [_replaced(one, moved) for one in compose[name]["command"]]
            if arguments[0] == "python":
                command = [sys.executable, *arguments[1:]]
            else:
                listen = f"--web.listen-address=127.0.0.1:{ports[name]}"
                command = [str(binary(name)), *arguments, listen]
            running.enter_context(_process(command, folder / f"{name}.log", ports[name]))
        yield Running(ports)


def _hurry(folder: Path, seconds: int) -> None:
    config = yaml.safe_load((folder / "config/prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": f"{seconds}s", "evaluation_interval": f"{seconds}s"}
    (folder / "config/prometheus.yml").write_text(yaml.safe_dump(config))
    for path in (folder / "rules").iterdir():
        rules = yaml.safe_load(path.read_text())
        for group in rules["groups"]:
            group["interval"] = f"{seconds}s"
        path.write_text(yaml.safe_dump(rules))


def _replaced(text: str, moved: Mapping[str, str]) -> str:
    """In one pass: what one replacement brings is not replaced again."""
    return re.sub("|".join(map(re.escape, moved)), lambda found: moved[found[0]], text)


@contextmanager
def _process(command: list[str], log: Path, port: int) -> Generator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 30
        while not _ready(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait(timeout=20)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2):
            return True
    except OSError:
        return False


def _free_ports(names: Sequence[str]) -> dict[str, int]:
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in sockets.items()}
