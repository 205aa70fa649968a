"""What Prometheus needs for so many series: memory, disk, CPU and the number of shards.

`python -m stacks.capacity --series 300000` prints it; `--gpus 10` estimates the series first. Constants are
measured by `python -m bench.capacity`; docs/capacity.md says which are extrapolated.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from stacks.quantities import duration_seconds

#: Seconds of a block as deployed, and how much of it a head holds before it is cut: Prometheus' own defaults.
BLOCK_SECONDS = 7200
HEAD_BLOCKS = 1.5
#: Bytes resident without any series (measured).
BASE_BYTES = 65.5e6
#: Resident bytes of a series that has no samples yet: labels, postings and scrape cache (measured).
SERIES_BYTES = 1880
#: Resident bytes that each sample in the head adds (measured up to 360 a series, more is extrapolated).
HEAD_SAMPLE_BYTES = 7.9
#: Bytes of the write-ahead log for each sample (measured, compressed as by default).
WAL_BYTES_PER_SAMPLE = 8.9
#: Bytes of a block's chunks for each sample (measured in blocks with 218 samples a series).
CHUNK_BYTES_PER_SAMPLE = 1.5
#: Bytes of a block's index for each series in it (measured). Compacted ones have fewer.
INDEX_BYTES_PER_SERIES = 100
#: CPU seconds for each sample, scraping, appending and compacting together (measured).
CPU_SECONDS_PER_SAMPLE = 1.9e-6

#: Chosen, not measured. The limit is this many times the request: compaction, restarts and queries need it.
LIMIT_FACTOR = 2.0
#: Chosen: rules and queries take as much CPU again as ingestion.
CPU_FACTOR = 2.0
#: Blocks may fill this share of the volume; the rest is for the write-ahead log and compaction, which
#: retention by size does not delete (Prometheus' storage documentation: 80 to 85 %).
RETENTION_SHARE = 0.8
#: Chosen: the most active series that one server should have; a restart replays its log for minutes.
SERIES_PER_SHARD = 2_000_000
#: A month of 30 days.
MONTH_SECONDS = 30 * 86400

#: Series of a GPU: the fields of the contract's DCGM exporter, one name each (simulator: 30 for 5 GPUs).
PER_GPU = 6
#: Series of a node: node_exporter 1.12 with its default collectors on a machine with 2 cores (counted).
PER_NODE = 532
#: Series that cAdvisor and kube-state-metrics have of a pod (assumed: count yours).
PER_POD = 140
#: Series that each program of the platform exposes, and its pods for each GPU (counted in the simulator).
PER_API, PER_WORKER, PER_MODEL = 414, 27, 36
API_PER_GPU, WORKERS_PER_GPU, MODELS_PER_GPU = 0.4, 1.4, 0.8
#: Series of the monitoring and the cluster's own (assumed).
OF_THE_CLUSTER = 5_000


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one environment scrapes; seconds, and series over all shards."""

    series: int
    scrape_interval_seconds: float
    retention_seconds: float
    block_seconds: float = BLOCK_SECONDS


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one replica of one shard needs; bytes, cores and samples a second."""

    shards: int
    series: int
    samples_per_second: float
    memory_request_bytes: float
    memory_limit_bytes: float
    wal_bytes: float
    blocks_bytes: float
    volume_bytes: float
    cpu_cores: float


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices of Amazon Managed Service for Prometheus, in one currency; none is built in."""

    per_million_samples: float
    per_gb_month: float
    source: str
    """The page they were read from, and the day."""


def memory_bytes(series: int, samples_in_head: float) -> float:
    """Resident bytes with so many series, each with so many samples in the head."""
    return BASE_BYTES + series * (SERIES_BYTES + HEAD_SAMPLE_BYTES * samples_in_head)


def needs(load: Load) -> Needs:
    """What each replica of each shard needs.

    Raises:
        ValueError: there are no series, or a time is not above zero.
    """
    if load.series < 1 or min(load.scrape_interval_seconds, load.retention_seconds, load.block_seconds) <= 0:
        raise ValueError("series, scrape interval and retention must be above zero")
    shards = math.ceil(load.series / SERIES_PER_SHARD)
    series = math.ceil(load.series / shards)
    rate = series / load.scrape_interval_seconds
    head_seconds = HEAD_BLOCKS * load.block_seconds
    memory = memory_bytes(series, head_seconds / load.scrape_interval_seconds)
    # The log is cut back to a third of a head each time a block is written, and grows to a whole one.
    wal = rate * head_seconds * (WAL_BYTES_PER_SAMPLE + CHUNK_BYTES_PER_SAMPLE)
    blocks = (
        rate * load.retention_seconds * CHUNK_BYTES_PER_SAMPLE
        + math.ceil(load.retention_seconds / load.block_seconds) * series * INDEX_BYTES_PER_SERIES
    )
    return Needs(
        shards=shards,
        series=series,
        samples_per_second=rate,
        memory_request_bytes=memory,
        memory_limit_bytes=memory * LIMIT_FACTOR,
        wal_bytes=wal,
        blocks_bytes=blocks,
        volume_bytes=max(blocks / RETENTION_SHARE, blocks + wal),
        cpu_cores=rate * CPU_SECONDS_PER_SAMPLE * CPU_FACTOR,
    )


def series_of(gpus: int, gpus_per_node: int = 8) -> int:
    """Active series that a platform with so many GPUs has.

    Raises:
        ValueError: a number is not above zero.
    """
    if gpus < 1 or gpus_per_node < 1:
        raise ValueError("the numbers of GPUs, and of GPUs of a node, must be above zero")
    api, workers, models = (
        math.ceil(gpus * share) for share in (API_PER_GPU, WORKERS_PER_GPU, MODELS_PER_GPU)
    )
    # The api and the workers run beside the GPU nodes, on as many nodes again.
    nodes = 2 * math.ceil(gpus / gpus_per_node)
    own = api * PER_API + workers * PER_WORKER + models * PER_MODEL
    return gpus * PER_GPU + nodes * PER_NODE + (api + workers + models) * PER_POD + own + OF_THE_CLUSTER


def monthly_cost(load: Load, prices: Prices) -> float:
    """What AMP charges a month for ingesting and keeping all of it; queries are not in it."""
    samples = load.series / load.scrape_interval_seconds
    kept_gb = samples * load.retention_seconds * CHUNK_BYTES_PER_SAMPLE / 1024**3
    return samples * MONTH_SECONDS / 1e6 * prices.per_million_samples + kept_gb * prices.per_gb_month


def shortfall(
    series: int, scrape_interval: str, retention: str, size_bytes: float, limit_bytes: float
) -> str | None:
    """Why a server of such a `retention.size` and memory limit cannot hold the series, or None."""
    load = Load(
        series=series,
        scrape_interval_seconds=duration_seconds(scrape_interval),
        retention_seconds=duration_seconds(retention),
    )
    needed = needs(load)
    # One server is what the stack deploys, whatever the number of shards that is advised.
    blocks, limit = needed.blocks_bytes * needed.shards, needed.memory_limit_bytes * needed.shards
    found = list[str]()
    if blocks > size_bytes:
        found.append(
            f"retention.size of {_text(size_bytes)} cannot hold {retention}: {_text(blocks)} are needed, "
            f"and a volume of {_text(blocks / RETENTION_SHARE)}"
        )
    if limit > limit_bytes:
        found.append(f"resources.limits.memory of {_text(limit_bytes)} is too low: {_text(limit)} are needed")
    return f"expectedSeries {series}: " + "; ".join(found) if found else None


def _text(size: float) -> str:
    return f"{math.ceil(size / 1024**2)}Mi"


def _report(load: Load, replicas: int, prices: Prices | None) -> str:
    one = needs(load)
    lines = [
        f"series              {load.series}",
        f"shards              {one.shards} (x {replicas} replicas), {one.series} series each",
        "each of them:",
        f"  samples/s         {one.samples_per_second:.0f}",
        f"  memory request    {_text(one.memory_request_bytes)}",
        f"  memory limit      {_text(one.memory_limit_bytes)}",
        f"  cpu request       {math.ceil(one.cpu_cores * 1000)}m",
        f"  write-ahead log   {_text(one.wal_bytes)} (and the head's chunks)",
        f"  retention.size    {math.ceil(one.blocks_bytes / 1024**2)}MB",
        f"  volume            {_text(one.volume_bytes)}",
    ]
    if prices:
        lines.append(f"AMP a month         {monthly_cost(load, prices):.2f} (prices: {prices.source})")
    return "\n".join(lines)


def _seconds(text: str) -> int:
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number above zero, such as 500000")
    return int(text)


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = -1
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no price, such as 0.03")
    return price


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is needed."""
    parser = argparse.ArgumentParser(prog="python -m stacks.capacity", description=__doc__)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--series", type=_above_zero, help="active series")
    size.add_argument(
        "--gpus", type=_above_zero, help="GPUs of the platform, from which series are estimated"
    )
    parser.add_argument("--gpus-per-node", type=_above_zero, default=8, help="8 unless given")
    parser.add_argument(
        "--scrape-interval", type=_seconds, default=30, help="such as 30s, which it is unless given"
    )
    parser.add_argument(
        "--retention",
        type=_seconds,
        default=duration_seconds("35d"),
        help="such as 35d, which it is unless given",
    )
    parser.add_argument("--replicas", type=_above_zero, default=1, help="of Prometheus; 1 unless given")
    parser.add_argument("--price-per-million-samples", type=_price, help="AMP's, as you read it")
    parser.add_argument("--price-per-gb-month", type=_price, help="AMP's, as you read it")
    parser.add_argument("--price-source", help="the page and the day that you read them")
    given = parser.parse_args(arguments)
    priced = (given.price_per_million_samples, given.price_per_gb_month, given.price_source)
    if any(one is not None for one in priced) and None in priced:
        parser.error("a cost needs both prices, and --price-source")
    prices = (
        None
        if None in priced
        else Prices(per_million_samples=priced[0], per_gb_month=priced[1], source=priced[2])
    )
    load = Load(
        series=given.series or series_of(given.gpus, given.gpus_per_node),
        scrape_interval_seconds=given.scrape_interval,
        retention_seconds=given.retention,
    )
    sys.stdout.write(_report(load, given.replicas, prices) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
