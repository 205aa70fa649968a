"""The constants of `stacks.capacity`, from the figures in bench/capacity.json: `python -m bench.fit`.

Memory is fitted to the most that was resident up to each moment, by least squares over all runs, since what a
limit must hold is the peak between two garbage collections.
"""

import argparse
import json

import numpy as np

from bench.capacity import RESULTS, Block, Measured, Run, Tick
from stacks.capacity import HEAD_BLOCKS


def read() -> list[Measured]:
    """The runs that were kept."""
    return [
        Measured(
            run=Run(**one["run"]),
            ticks=[Tick(**tick) for tick in one["ticks"]],
            blocks=[Block(**block) for block in one["blocks"]],
        )
        for one in json.loads(RESULTS.read_text())["runs"]
    ]


def memory(runs: list[Measured]) -> dict[str, float]:
    """Bytes without series, of a series without samples, and of each of its samples in the head."""
    rows, peaks, weights = list[list[float]](), list[float](), list[float]()
    for measured in runs:
        peak = 0.0
        most = HEAD_BLOCKS * measured.run.block_seconds * 1000 / measured.run.interval_ms
        for tick in measured.ticks:
            peak = max(peak, tick.resident_bytes)
            if tick.head_series < measured.run.series:
                continue
            samples = min(tick.samples_appended / measured.run.series, most)
            series = measured.run.series
            rows.append([1.0, series, series * samples])
            peaks.append(peak)
            weights.append(1 / peak)
    scale = np.array(weights)[:, None]
    found, *_ = np.linalg.lstsq(np.array(rows) * scale, np.array(peaks) * scale[:, 0], rcond=None)
    left = np.abs(np.array(rows) @ found / np.array(peaks) - 1)
    names = ("base", "series", "sample in the head", "worst disagreement", "mean disagreement")
    values = (*found.tolist(), float(left.max()), float(left.mean()))
    return dict(zip(names, values, strict=True))


def of_block(block: Block) -> str:
    """A block's bytes for each sample, and those of its index for each series."""
    return (
        f"{block.samples / block.series:.0f} samples: {block.chunk_bytes / block.samples:.2f} B/sample, "
        f"index {block.index_bytes / block.series:.0f} B/series"
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    kept = read()
    print(memory(kept))
    for measured in kept:
        blocks = [block for block in measured.blocks if block.series >= measured.run.series]
        print(
            measured.run.series,
            f"WAL {measured.wal_bytes_per_sample():.2f} B/sample,",
            f"CPU {measured.cpu_seconds_per_sample() * 1e6:.2f} us/sample,",
            *map(of_block, blocks),
        )
