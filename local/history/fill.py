"""Makes the blocks of a history, and puts them in the place of Prometheus' data."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import yaml

from local.errors import PlatformError
from local.history.rules import Evaluations, Rule, levels, read_rules
from local.history.samples import Exposed, Sampled, sampled
from local.history.server import NAME, prometheus
from local.history.targets import Target
from local.history.times import Span, Times
from local.processes import end, write
from local.progress import step
from local.toolchain import binaries

AHEAD = 30
"""Seconds that a history reaches beyond its making: about as long as it takes."""

_MARKER = "history.json"
_SERIES_A_FILE = 100
# Two promtools, and a file that is written meanwhile.
_WORKERS = 3
# The widest there is: a block each, since promtool reads its whole input again for every block.
_ONE_BLOCK = "--max-block-duration=40000h"


def fill(
    targets: Sequence[Target],
    exposed: Exposed,
    *,
    rules: Path,
    work: Path,
    now: float,
    shallow: frozenset[str] = frozenset(),
) -> None:
    """Make the blocks of a history that ends `AHEAD` seconds from now.

    What an earlier fill left behind in its working folder is removed first, so that the same call repairs
    one that was killed.

    Args:
        targets: The targets that Prometheus has discovered.
        exposed: What each of them exposes.
        rules: The folder of the deployed rule files.
        work: A folder that nothing else uses, on the file system of Prometheus' data.
        now: The moment that it is, in seconds since 1970.
        shallow: The names of what is wanted of the last day alone.

    Raises:
        PlatformError: There are no targets, or promtool or Prometheus fails.
    """
    if not targets:
        raise PlatformError(
            "Prometheus has discovered no targets yet: there is nothing to fill a history with."
        )
    clear(work)
    times = Times(ends=int(now) + AHEAD)
    recording = read_rules(rules)
    evaluations = Evaluations(recording, times, shallow=shallow)
    # Of its own name: nothing that an earlier fill left, or still writes, can get into it.
    folder = Path(tempfile.mkdtemp(dir=work))
    data = folder / "data"
    data.mkdir()
    step("History: raw samples of the past days")
    _import(list(sampled(targets, exposed, evaluations)), data)
    step("History: the deployed recording rules, over the past days")
    for level in levels(recording):
        _evaluate(level, evaluations, data)
    write(data / _MARKER, json.dumps({"ends": times.ends}))
    data.rename(work / "data")
    shutil.rmtree(folder)
    step("History: filled")


def install(work: Path, data: Sequence[Path]) -> None:
    """Put a filled history in the place of the data of every Prometheus; none of them may run.

    It waits for the moment at which the history ends, so that no live sample comes before it. The last is
    put there in one step, so that `installed` of it tells whether all of them were.
    """
    finished = work / "data"
    ends: int = json.loads((finished / _MARKER).read_text())["ends"]
    time.sleep(max(0.0, ends - time.time()))
    *others, last = data
    for other in others:
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(finished, other)
    if last.exists():
        shutil.rmtree(last)
    finished.rename(last)
    clear(work)


def installed(data: Path) -> bool:
    """Tell whether Prometheus' data began with a history."""
    return (data / _MARKER).exists()


def clear(work: Path) -> None:
    """Remove what a fill leaves in its working folder, and end the process that a killed one leaves.

    Raises:
        PlatformError: The process does not end.
    """
    end(work / f"{NAME}.pid")
    # A promtool that outlived a killed fill may be writing here for another second.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)


def _import(series: list[Sampled], data: Path) -> None:
    """Make blocks of raw samples."""

    def part(first: int) -> None:
        text = data.with_name(f"samples-{first}")
        with text.open("w", encoding="utf-8") as file:
            for one in series[first : first + _SERIES_A_FILE]:
                one.write(file)
            file.write("# EOF\n")
        _promtool("openmetrics", str(text), str(data))
        text.unlink()

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(part, range(0, len(series), _SERIES_A_FILE)))


def _evaluate(level: tuple[Rule, ...], evaluations: Evaluations, data: Path) -> None:
    """Make blocks of what the rules of a level record."""
    by_span = dict[Span, list[Rule]]()
    for rule in level:
        for span in evaluations.of(rule):
            by_span.setdefault(span, []).append(rule)
    # The same files for all levels, named from here: promtool derives from a file's name at which seconds it
    # evaluates, and so two histories that end at the same moment differ in nothing but their rules.
    folder = data.with_name("rules")
    folder.mkdir(exist_ok=True)

    def part(span: Span, server: str) -> None:
        file = folder / f"{span.begins}-{span.ends}-{span.step}.yaml"
        group = {
            "name": "history",
            "interval": f"{span.step}s",
            "rules": [dict(rule.declared) for rule in by_span[span]],
        }
        file.write_text(yaml.safe_dump({"groups": [group]}))
        for piece in span.pieces():
            between = (f"--start={piece.begins}", f"--end={piece.ends}")
            output = f"--output-dir={data.resolve()}"
            _promtool("rules", f"--url={server}", *between, output, file.name, folder=folder)

    with prometheus(data, folder=data.parents[1]) as server, ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(part, by_span, repeat(server)))


def _promtool(kind: str, *arguments: str, folder: Path | None = None) -> None:
    command = [binaries("promtool")["promtool"], "tsdb", "create-blocks-from", "--quiet", _ONE_BLOCK, kind]
    done = subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        raise PlatformError(f"The history could not be filled: promtool says\n{done.stderr.strip()}")
