"""What dashboards and rules cost a real Prometheus at 1,000 GPUs and 200 services, beside the same asked raw.

`python -m bench.queries` fills a Prometheus of the deployed version (`bench.platform_history`), asks it every
query of every dashboard's JSON as Grafana does, opens each dashboard with six requests at once, asks what
rules record of the raw series instead, lets it evaluate the deployed rules, and writes bench/queries.json.
With `--check` it writes nothing, and ends with status 1 where a ratio is worse than the one that is written
there. About twenty minutes. It looks for room, memory and time first; with `--look` it does no more.
"""

import json
import math
import os
import re
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bench import grafana_requests as grafana
from bench.platform_history import DAYS, RAW_SECONDS, SCRAPE, History, raw_series, say
from bench.platform_series import CLUSTER, GPUS, SERVICES
from bench.results import commit, machine
from bench.rule_groups import Group, measured_groups
from bench.server import Answer, RefusedError, Server, server
from bench.substitution import raw, reads_recorded
from dashboards.model import Recording
from dashboards.parameters import Parameters
from dashboards.recordings.subjects import recordings
from dashboards.render import dashboards

RESULTS = Path(__file__).with_suffix(".json")
PARAMETERS = Parameters(cluster=CLUSTER)
RUNS, MOST_SECONDS, FEWEST_RUNS = 20, 10.0, 3
OPENINGS = 5
#: A browser's requests to one host.
AT_ONCE = 6
#: A raw question is given up after so many seconds, and counts as if it had taken them.
RAW_TIMEOUT = 20
#: What `--query.max-samples` is unless set, and what it is here, so that raw questions are answered at all.
DEFAULT_MOST_SAMPLES, MOST_SAMPLES = 50_000_000, 200_000_000
GOALS = {"fewer samples": 10, "less time": 10, "panel p95": 0.3, "load": 1.0, "rules' share": 0.05}
#: How many times the written ratio one may be, by the first word of its name; and below what none is bad.
TOLERANCE = {"samples": 1.25, "time": 2.0, "rules": 2.0}
_HARMLESS = {"samples": 0.0, "time": 0.0, "rules": 0.01}
_GIB = 1024**3
#: Measured, 2.5 and 4.9 GB, with room to spare: what the folder takes, and what Prometheus holds.
NEEDED_DISK, NEEDED_MEMORY = 6 * _GIB, 8 * _GIB
#: Half of the 27 minutes measured while others used both cores; what `make bench` leaves of its 40 minutes.
ALONE_SECONDS, MOST_TOTAL_SECONDS = 900, 1500


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A query's figures.

    Attributes:
        p50: Seconds from the question to the last byte of its answer, the median.
        p95: The same, at the 95th percentile.
        cpu: Prometheus' CPU seconds for it, the mean: what others do on the machine is not in it.
        runs: How often it was asked.
        samples: What it reads, as Prometheus counts them.
        peak_samples: The most that it holds at once.
        series: Series of its answer.
    """

    p50: float
    p95: float
    cpu: float
    runs: int
    samples: int
    peak_samples: int
    series: int


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The same question over the raw hours, asked of recorded series and of raw ones.

    Attributes:
        recorded: Asked of recorded series.
        raw: Asked of raw ones; None where it was given up or refused.
        unasked: Matchers that no raw series has.
    """

    recorded: Timed
    raw: Timed | None
    unasked: tuple[str, ...]

    def samples(self) -> float | None:
        """The share of the raw samples that the recorded one reads."""
        return self.recorded.samples / self.raw.samples if self.raw and self.raw.samples else None

    def time(self) -> float | None:
        """The share of the raw time that the recorded one takes; None where there is nothing raw to read."""
        if self.raw and not self.raw.samples:
            return None
        return self.recorded.p50 / (self.raw.p50 if self.raw else RAW_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A dashboard.

    Attributes:
        span: Seconds that it shows unless told, and that its queries are timed with.
        queries: Each query's figures.
        load: Seconds until everything was there, each time that it was opened.
        compared: Its queries of recorded series beside raw ones.
    """

    span: int
    queries: dict[str, Timed]
    load: list[float]
    compared: dict[str, Compared]


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def timed(
    ask: Callable[[], Answer], cpu: Callable[[], float], *, runs: int = RUNS, most: float = MOST_SECONDS
) -> Timed:
    """Ask once to warm up, then as often as `most` seconds have room for; what takes longer, once."""
    before = cpu()
    warm = ask()
    if warm.seconds <= most:
        before = cpu()
    answers = [warm] if warm.seconds > most else [ask() for _ in range(FEWEST_RUNS)]
    began = time.monotonic()
    while warm.seconds <= most and len(answers) < runs and time.monotonic() - began < most:
        answers.append(ask())
    passed = [one.seconds for one in answers]
    return Timed(
        p50=round(percentile(passed, 0.5), 5),
        p95=round(percentile(passed, 0.95), 5),
        cpu=round((cpu() - before) / len(answers), 4),
        runs=len(answers),
        samples=warm.samples,
        peak_samples=warm.peak_samples,
        series=len(warm.result),
    )


def open_dashboard(one: Server, dashboard: Mapping[str, Any], end: int) -> float:
    """The seconds until everything is there: variables in turn, then panels and annotations, six at once.

    The queries of a panel are one request, which Grafana answers one query after the other.
    """
    requests = [[one] for one in grafana.annotations(dashboard, SCRAPE)]
    requests += grafana.panels(dashboard, SCRAPE)
    span = grafana.span_of(dashboard)
    began = time.perf_counter()
    for label, series in grafana.variables(dashboard):
        choices = {"match[]": series, "start": str(end - span), "end": str(end)}
        one.fetch(f"label/{label}/values", choices)

    def send(queries: list[grafana.Request]) -> None:
        for query in queries:
            one.fetch(*query.asked(end))

    with ThreadPoolExecutor(AT_ONCE) as browser:
        list(browser.map(send, requests))
    return round(time.perf_counter() - began, 3)


def compare(one: Server, query: grafana.Request, rules: Mapping[str, Recording], end: int) -> Compared:
    """A query of recorded series beside the same of raw ones, over the raw hours."""
    question = raw(query.expression, rules)
    of_raw = replace(query, expression=question.text)
    recorded = timed(partial(one.ask, query, end), one.cpu_seconds, runs=5)
    found = None
    try:
        found = timed(partial(one.ask, of_raw, end, RAW_TIMEOUT), one.cpu_seconds, runs=3, most=4)
    except RefusedError as error:
        say(f"given up: {query.name}: {error}")
    return Compared(recorded=recorded, raw=found, unasked=tuple(sorted(question.unasked)))


def measure(one: Server, text: str, end: int) -> Opened:
    """All figures of a dashboard, given its JSON."""
    dashboard = json.loads(text)
    rules = {rule.name: rule for those in recordings(PARAMETERS).values() for rule in those}
    say(f"{dashboard['uid']}: each query")
    queries = {
        query.name: timed(partial(one.ask, query, end), one.cpu_seconds)
        for panel in grafana.panels(dashboard, SCRAPE)
        for query in panel
    }
    warm = open_dashboard(one, dashboard, end)
    openings = OPENINGS if warm * OPENINGS < MOST_SECONDS else FEWEST_RUNS
    load = [open_dashboard(one, dashboard, end) for _ in range(openings)]
    say(f"{dashboard['uid']}: opened in {statistics.median(load):.2f} s; raw")
    compared = {
        query.name: compare(one, query, rules, end)
        for panel in grafana.panels(dashboard, SCRAPE, RAW_SECONDS)
        for query in panel
        if reads_recorded(query.expression)
    }
    return Opened(span=grafana.span_of(dashboard), queries=queries, load=load, compared=compared)


def ratios(opened: Mapping[str, Opened], groups: Mapping[str, Group]) -> dict[str, float]:
    """What is kept: of each, less is better."""
    found = dict[str, float]()
    every = {uid: list(one.compared.values()) for uid, one in opened.items()}
    every["all"] = [one for those in every.values() for one in those]
    for uid, those in every.items():
        for name, shares in {
            "samples": [one.samples() for one in those],
            "time": [one.time() for one in those],
        }.items():
            known = [share for share in shares if share is not None]
            found[f"{name}, recorded to raw, {uid}"] = statistics.median(known)
    for name, group in groups.items():
        found[f"rules, share of the interval, {name}"] = group.share
    return {name: float(f"{ratio:.3g}") for name, ratio in found.items()}


def regressions(found: Mapping[str, float], written: Mapping[str, float]) -> list[str]:
    """A line for each ratio that is worse than the written one by more than the tolerance."""
    lines = list[str]()
    for name, before in written.items():
        kind = re.split(r"\W", name)[0]
        now = found.get(name)
        if now is None:
            lines.append(f"{name}: not measured any more; {before} when it was written down")
        elif now > before * TOLERANCE[kind] and now > _HARMLESS[kind]:
            lines.append(f"{name}: {now}, and {before} when it was written down")
    return lines


def short(*, disk: float, memory: float, seconds: float, folder: str) -> list[str]:
    """What is missing to begin: free bytes of disk and memory, and the seconds that it would take."""
    lines = list[str]()
    if disk < NEEDED_DISK:
        lines.append(
            f"{folder}: {disk / _GIB:.1f} GiB are free, {NEEDED_DISK / _GIB:.0f} are needed; make room, or "
            "set TMPDIR to a folder that has it"
        )
    if memory < NEEDED_MEMORY:
        lines.append(
            f"memory: {memory / _GIB:.1f} GiB are available and {NEEDED_MEMORY / _GIB:.0f} are needed; end "
            "other programs, or take a larger machine"
        )
    if seconds > MOST_TOTAL_SECONDS:
        lines.append(
            f"time: about {seconds / 60:.0f} minutes as busy as this machine is, and at most "
            f"{MOST_TOTAL_SECONDS / 60:.0f} are wanted; wait until other programs have ended"
        )
    return lines


def expected_seconds(busy: float, cores: int) -> float:
    """How long it would take, given how many cores others use: it uses two, and all get an equal share."""
    return ALONE_SECONDS * max(1.0, (busy + 2) / cores)


def busy_cores() -> float:
    """How many cores were used in the last two seconds."""

    def ticks() -> tuple[int, int]:
        all_ticks = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        # The fourth and fifth are idle, and waiting for a disk.
        return sum(all_ticks), sum(all_ticks[3:5])

    before, idle_before = ticks()
    time.sleep(2)
    after, idle_after = ticks()
    return (os.cpu_count() or 1) * (1 - (idle_after - idle_before) / max(1, after - before))


def missing() -> list[str]:
    """What is missing here and now."""
    memory = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())
    return short(
        disk=shutil.disk_usage(tempfile.gettempdir()).free,
        memory=int(memory[1]) * 1024 if memory else math.inf,
        seconds=expected_seconds(busy_cores(), os.cpu_count() or 1),
        folder=tempfile.gettempdir(),
    )


def run(folder: Path) -> dict[str, Any]:
    """Measure everything in a folder, and return the results."""
    busy = busy_cores()
    with server(folder, most_samples=MOST_SAMPLES) as one:
        history: History = raw_series()
        history.fill(one, PARAMETERS)
        opened = {
            name.removesuffix(".json"): measure(one, text, history.ends)
            for name, text in dashboards(PARAMETERS).items()
        }
        say("the deployed rules, until each group was evaluated: six minutes")
        history.go_on(one)
        groups = measured_groups(one, PARAMETERS)
        size = _bytes(folder / "data")
        memory = one.peak_bytes()
    return {
        "machine": machine() | {"cores_others_used": round(busy, 1)},
        "commit": commit(),
        "platform": {
            "gpus": GPUS,
            "services": SERVICES,
            "raw_series": len(history.raw),
            "recorded_series": len(history.recorded),
            "samples": history.samples,
            "write_seconds": round(history.write_seconds),
            "data_bytes": size,
            "resident_peak_bytes": memory,
        },
        "ratios": ratios(opened, groups),
        "groups": {name: asdict(group) for name, group in groups.items()},
        "dashboards": {uid: _document(dashboard) for uid, dashboard in opened.items()},
    }


def _document(opened: Opened) -> dict[str, Any]:
    found = asdict(opened)
    times = DAYS * 86_400 // RAW_SECONDS
    for name, one in opened.compared.items():
        if one.raw:
            # Of a question of the same step; nobody waited for it.
            found["compared"][name]["raw_30_days_computed"] = {
                "samples": one.raw.samples * times,
                "seconds": round(one.raw.p50 * times, 1),
            }
            found["compared"][name]["refused_by_default"] = one.raw.peak_samples > DEFAULT_MOST_SAMPLES
    return found


def _bytes(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        # Prometheus goes on, and removes what it has joined.
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def main(
    *,
    check: Annotated[bool, typer.Option(help="compare with bench/queries.json, write nothing")] = False,
    look: Annotated[bool, typer.Option(help="only tell whether there is room, memory and time")] = False,
) -> None:
    """Measure queries and rules at 1,000 GPUs and 200 services, about twenty minutes."""
    if lines := missing():
        print("\n".join(lines))
        raise typer.Exit(2)
    if look:
        return
    # Ended like this too, the folder goes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="queries-") as folder:
        found = run(Path(folder).resolve())
    for name, ratio in found["ratios"].items():
        print(f"{name}: {ratio}")
    if check:
        lines = regressions(found["ratios"], json.loads(RESULTS.read_text())["ratios"])
        print("\n".join(lines) or "No ratio is worse than it was.")
        raise typer.Exit(1 if lines else 0)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
