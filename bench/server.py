"""A Prometheus of the deployed version that takes remote writes, and how it is asked."""

import gzip
import json
import os
import re
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
import yaml

from bench.capacity import free_port, running
from bench.grafana_requests import Request
from local.toolchain import binary

READY_SECONDS = 60
_GZIP = b"\x1f\x8b"
#: What a block and the head cover: as much as the largest block that 22 days of retention or more make.
BLOCK = "54h"


class RefusedError(Exception):
    """Prometheus refuses a question, or gives it up after the time that it is given."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a question took.

    Attributes:
        seconds: From the question to the last byte of its answer.
        samples: Samples that it read, each step's counted: `totalQueryableSamples`.
        peak_samples: The most that it held at once, of which `--query.max-samples` refuses 50 million.
        result: Its series.
    """

    seconds: float
    samples: int = 0
    peak_samples: int = 0
    result: list[Any] = field(default_factory=list[Any], repr=False)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running Prometheus."""

    url: str
    folder: Path
    pid: int
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=6))

    def get(self, path: str, **arguments: str) -> Any:  # noqa: ANN401 - each answer has a shape of its own
        """What its API answers.

        Raises:
            RefusedError: It refuses.
        """
        reply = self.pool.request(
            "GET", f"{self.url}/api/v1/{path}", fields=arguments, timeout=600, retries=False
        )
        if reply.status != HTTPStatus.OK:
            raise RefusedError(f"{path}: {reply.status} {reply.data.decode()[:300]}")
        return json.loads(reply.data)["data"]

    def ask(self, request: Request, end: int, timeout: int = 120) -> Answer:
        """Ask a question up to a moment, in seconds since 1970; it is given up after the timeout's seconds.

        Raises:
            RefusedError: It refuses, or needs longer.
        """
        path, arguments = request.asked(end)
        arguments |= {"stats": "all", "timeout": f"{timeout}s"}
        began = time.perf_counter()
        reply = self.fetch(path, arguments, timeout=timeout + 60)
        passed = time.perf_counter() - began
        found = json.loads(_unpacked(reply))["data"]
        samples = found["stats"]["samples"]
        return Answer(
            seconds=passed,
            samples=samples["totalQueryableSamples"],
            peak_samples=samples["peakSamples"],
            result=found["result"],
        )

    def fetch(self, path: str, arguments: Mapping[str, str], *, timeout: int = 120) -> bytes:
        """The bytes of an answer, compressed where Grafana would have it so.

        Raises:
            RefusedError: It refuses.
        """
        reply = self.pool.request(
            "GET",
            f"{self.url}/api/v1/{path}",
            fields=dict(arguments),
            headers={"Accept-Encoding": "gzip"},
            timeout=timeout,
            retries=False,
            decode_content=False,
        )
        if reply.status != HTTPStatus.OK:
            raise RefusedError(f"{reply.status} {_unpacked(reply.data).decode()[:300]}")
        return reply.data

    def peak_bytes(self) -> int:
        """The most memory that was resident."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0

    def cpu_seconds(self) -> float:
        """What it has used of all cores together."""
        # What comes after the program's name, which may have spaces in it.
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def load_rules(self, files: Mapping[str, str]) -> None:
        """Let it evaluate rules, each file's text by its name."""
        folder = self.folder / "rules"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        _configure(self.folder, [str(folder / "*.yaml")])
        reply = self.pool.request("POST", f"{self.url}/-/reload", timeout=60, retries=False)
        if reply.status != HTTPStatus.OK:
            raise RefusedError(f"the deployed rules: {reply.data.decode()[:500]}")


def _unpacked(answer: bytes) -> bytes:
    return gzip.decompress(answer) if answer.startswith(_GZIP) else answer


def _configure(folder: Path, rule_files: Iterable[str]) -> None:
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"rule_files": list(rule_files)}))


@contextmanager
def server(folder: Path, *, most_samples: int) -> Generator[Server]:
    """Run one in a folder; it scrapes nothing.

    Args:
        folder: Where its data and its log are.
        most_samples: `--query.max-samples`.

    Raises:
        TimeoutError: It does not come up; its log has why.
    """
    _configure(folder, [])
    port, log = free_port(), folder / "prometheus.log"
    command = [
        str(binary("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--query.max-samples={most_samples}",
        "--query.timeout=10m",
        f"--storage.tsdb.min-block-duration={BLOCK}",
        f"--storage.tsdb.max-block-duration={BLOCK}",
        "--storage.tsdb.retention.time=100y",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
    ]
    with running(command, log) as process:
        one = Server(url=f"http://127.0.0.1:{port}", folder=folder, pid=process.pid)
        began = time.monotonic()
        while not _ready(one):
            if time.monotonic() - began > READY_SECONDS:
                raise TimeoutError(f"Prometheus did not come up within {READY_SECONDS} s:\n{log.read_text()}")
            time.sleep(0.2)
        yield one


def _ready(one: Server) -> bool:
    try:
        reply = one.pool.request("GET", f"{one.url}/-/ready", timeout=5, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return reply.status == HTTPStatus.OK
