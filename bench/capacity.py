"""What a sample and a series cost a real Prometheus: the figures behind `stacks.capacity`.

`python -m bench.capacity` runs the deployed version at three sizes, about four minutes in all, and writes
bench/capacity.json. Time is shortened: an interval of 250 ms with blocks of one minute puts as many samples
into a head and a block as 30 s with blocks of two hours.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from bench.load import SERIES_PER_TARGET
from bench.results import machine
from local.toolchain import binary

RESULTS = Path(__file__).with_suffix(".json")
_TICK_SECONDS = 2.0
_MEMORY = Path("/proc/meminfo")
_METRIC = re.compile(r"^(\w+(?:\{type=\"float\"\})?) (\S+)$", re.MULTILINE)
_APPENDED = 'prometheus_tsdb_head_samples_appended_total{type="float"}'


@dataclass(frozen=True, kw_only=True)
class Run:
    """A size, and for how long it is scraped."""

    series: int
    interval_ms: int
    block_seconds: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What Prometheus said of itself at one moment; bytes, seconds and numbers."""

    seconds: float
    head_series: float
    head_chunks: float
    samples_appended: float
    heap_live_bytes: float
    heap_inuse_bytes: float
    resident_bytes: float
    wal_bytes: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block on disk: what is in it, and the bytes of its chunks and of its index."""

    level: int
    series: int
    samples: int
    chunks: int
    chunk_bytes: int
    index_bytes: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A run's figures."""

    run: Run
    ticks: list[Tick]
    blocks: list[Block]

    def steady(self) -> list[Tick]:
        """The ticks at which every series was in the head."""
        return [tick for tick in self.ticks if tick.head_series >= self.run.series]

    def samples_per_series(self) -> float:
        """Samples appended at the end, for each series."""
        return self.ticks[-1].samples_appended / self.run.series

    def cpu_seconds_per_sample(self) -> float:
        """CPU seconds for each sample, from when every series was there to the end."""
        first, last = self.steady()[0], self.ticks[-1]
        return (last.cpu_seconds - first.cpu_seconds) / (last.samples_appended - first.samples_appended)

    def wal_bytes_per_sample(self) -> float:
        """Bytes of the write-ahead log for each sample, before it is first truncated."""
        steady = self.steady()
        peak = max(range(len(steady)), key=lambda at: steady[at].wal_bytes)
        first, last = steady[0], steady[peak]
        return (last.wal_bytes - first.wal_bytes) / (last.samples_appended - first.samples_appended)

    def resident_peak_bytes(self) -> float:
        """The most that was resident."""
        return max(tick.resident_bytes for tick in self.ticks)

    def heap_live_peak_bytes(self) -> float:
        """The most that a garbage collection left."""
        return max(tick.heap_live_bytes for tick in self.ticks)


#: The first has as many samples in a block as 30 s and two hours make; the others show the size's effect.
RUNS = (
    Run(series=20_000, interval_ms=250, block_seconds=60, seconds=130),
    Run(series=60_000, interval_ms=1000, block_seconds=7200, seconds=45),
    Run(series=120_000, interval_ms=2000, block_seconds=7200, seconds=45),
)


def measure(run: Run) -> Measured:
    """Scrape for as long as the run says.

    Raises:
        TimeoutError: Prometheus does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="capacity-") as name:
        folder = Path(name)
        load, web = free_port(), free_port()
        targets = run.series // SERIES_PER_TARGET
        (folder / "prometheus.yml").write_text(yaml.safe_dump(_configuration(run, targets, load)))
        with (
            running([sys.executable, "-m", "bench.load", str(targets), str(load)], folder / "load.log"),
            running(_prometheus(run, folder, web), folder / "prometheus.log"),
        ):
            ticks = _watch(f"http://127.0.0.1:{web}/metrics", run.seconds)
        return Measured(run=run, ticks=ticks, blocks=_blocks(folder / "data"))


def _configuration(run: Run, targets: int, port: int) -> dict[str, object]:
    return {
        "global": {"scrape_interval": f"{run.interval_ms}ms", "scrape_timeout": f"{run.interval_ms}ms"},
        "scrape_configs": [
            {
                "job_name": "dubbing",
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{port}"],
                        "labels": {
                            "__metrics_path__": f"/{number}",
                            "instance": f"10.0.{number // 250}.{number % 250}:8000",
                            "cluster": "dubbing-prod",
                            "namespace": "dubbing",
                            "pod": f"worker-transcription-6c5f7d8b9-{number:05d}",
                            "container": "worker",
                            "node": f"ip-10-0-{number // 8}-7.eu-central-1.compute.internal",
                        },
                    }
                    for number in range(targets)
                ],
            }
        ],
    }


def _prometheus(run: Run, folder: Path, port: int) -> list[str]:
    return [
        str(binary("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.tsdb.min-block-duration={run.block_seconds}s",
        f"--storage.tsdb.max-block-duration={run.block_seconds}s",
        "--storage.tsdb.wal-segment-size=10MB",
    ]


@contextmanager
def running(command: list[str], log: Path) -> Generator[subprocess.Popen[bytes]]:
    """Run a program, its output in a file, and end it."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _watch(url: str, seconds: int) -> list[Tick]:
    start = time.monotonic()
    ticks = list[Tick]()
    while (passed := time.monotonic() - start) < seconds:
        time.sleep(_TICK_SECONDS)
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own, on loopback
                found = {name: float(value) for name, value in _METRIC.findall(reply.read().decode())}
        except urllib.error.URLError:
            continue
        ticks.append(
            Tick(
                seconds=round(passed, 1),
                head_series=found["prometheus_tsdb_head_series"],
                head_chunks=found["prometheus_tsdb_head_chunks"],
                samples_appended=found.get(_APPENDED, 0.0),
                heap_live_bytes=found["go_gc_heap_live_bytes"],
                heap_inuse_bytes=found["go_memstats_heap_inuse_bytes"],
                resident_bytes=found["process_resident_memory_bytes"],
                wal_bytes=found["prometheus_tsdb_wal_storage_size_bytes"],
                cpu_seconds=found["process_cpu_seconds_total"],
            )
        )
    if not ticks:
        message = f"{url} did not answer within {seconds} s"
        raise TimeoutError(message)
    return ticks


def _blocks(data: Path) -> list[Block]:
    found = list[Block]()
    for meta in sorted(data.glob("*/meta.json")):
        read = json.loads(meta.read_text())
        stats = read["stats"]
        found.append(
            Block(
                level=read["compaction"]["level"],
                series=stats["numSeries"],
                samples=stats["numSamples"],
                chunks=stats["numChunks"],
                chunk_bytes=sum(chunk.stat().st_size for chunk in (meta.parent / "chunks").iterdir()),
                index_bytes=(meta.parent / "index").stat().st_size,
            )
        )
    return found


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    results = list[Measured]()
    for one in RUNS:
        results.append(measured := measure(one))
        print(
            f"{one.series} series: live heap {measured.heap_live_peak_bytes() / one.series:.0f} B/series, "
            f"resident {measured.resident_peak_bytes() / one.series:.0f} B/series, WAL "
            f"{measured.wal_bytes_per_sample():.2f} B/sample, CPU "
            f"{measured.cpu_seconds_per_sample() * 1e6:.2f} us/sample",
            flush=True,
        )
    document = {"machine": machine(), "runs": [asdict(one) for one in results]}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
