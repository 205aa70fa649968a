"""Fills a Prometheus with a large platform: hours of raw series, and 30 days of what rules record of them.

Which series the rules record is found by evaluating them once, on five minutes of raw samples before the
30 days; what they are written with is around what was found. 30 days go to what a dashboard of 30 days or a
window of more than the raw hours reads, eight hours to all else that is recorded.
"""

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from bench.grafana_requests import moment_of, seconds, span_of
from bench.platform_series import Sampled, platform
from bench.remote_write import Vector, Written, write
from bench.server import Server
from bench.substitution import selected
from dashboards.parameters import Parameters
from dashboards.render import dashboards, rules
from local.history.rules import Rule, levels, read_rules

#: Seconds between two scrapes, as both stacks have it.
SCRAPE = 30
RAW_SECONDS = 6 * 3600
#: What a rate looks back on at the left edge of the raw hours.
RAW_BEFORE = 600
DAYS = 30
SHALLOW_SECONDS = 8 * 3600
AHEAD = 540
"""Seconds beyond now up to which raw series go on: Prometheus takes ten minutes."""

_DAY = 86_400
_EXAMPLE_SECONDS = 330
_CONSTANT = re.compile(r":(info|count|count24h|timestamp_seconds)$")
_OF_GPUS = ("gpu:", "service_gpu:")
_MONTH = "month"
# A month's end is told by the hour's middle, as the rules do.
_HALF_AN_HOUR = 1800


def say(text: str) -> None:
    """Tell a person that waits what goes on."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A recorded series: what it is around, and seconds between two of its samples."""

    series: Sampled
    every: int


@dataclass(kw_only=True)
class History:
    """What was written, and up to when.

    Attributes:
        raw: The raw series.
        recorded: The recorded ones.
        deep: Names of the recorded ones that have 30 days.
        ends: Up to when there are samples, in seconds since 1970.
        samples: How many were written.
        write_seconds: What that took.
    """

    raw: list[Sampled]
    recorded: list[Recorded] = field(default_factory=list[Recorded])
    deep: frozenset[str] = frozenset()
    ends: int = 0
    samples: int = 0
    write_seconds: float = 0

    def fill(self, server: Server, parameters: Parameters) -> None:
        """Write 30 days and the raw hours, up to now."""
        now = int(time.time()) // 60 * 60
        first = now - DAYS * _DAY - _EXAMPLE_SECONDS
        examples = np.arange(first, first + _EXAMPLE_SECONDS + 1, SCRAPE, dtype=np.float64)
        say(f"{len(self.raw)} raw series: five minutes, to find what is recorded of them")
        self._write(server, ((one.labels, examples, one.values(examples)) for one in self.raw))
        self._find_recorded(server, parameters, first + _EXAMPLE_SECONDS)
        self.deep = needs_days(parameters)
        deep = [one for one in self.recorded if one.series.labels["__name__"] in self.deep]
        say(f"{len(self.recorded)} recorded series, {len(deep)} of them for {DAYS} days")
        for day in range(DAYS):
            begins = now - (DAYS - day) * _DAY
            self._write(server, recorded_samples(deep, begins, begins + _DAY))
        say(f"{RAW_SECONDS / 3600:.0f} h of the raw series")
        shallow = [one for one in self.recorded if one.series.labels["__name__"] not in self.deep]
        self._write(server, recorded_samples(shallow, now - SHALLOW_SECONDS, now))
        self.ends = now
        moments = np.arange(now - RAW_SECONDS - RAW_BEFORE, now + 1, SCRAPE, dtype=np.float64)
        self._write(server, ((one.labels, moments, one.values(moments)) for one in self.raw))
        say(f"{self.samples / 1e6:.0f} million samples in {self.write_seconds:.0f} s")

    def go_on(self, server: Server) -> None:
        """Let recorded series go on to now, and raw ones beyond, so that rules find them for some minutes."""
        now = int(time.time()) // SCRAPE * SCRAPE
        self._write(server, recorded_samples(self.recorded, self.ends, now))
        moments = np.arange(self.ends + SCRAPE, now + AHEAD, SCRAPE, dtype=np.float64)
        self._write(server, ((one.labels, moments, one.values(moments)) for one in self.raw))

    def _write(self, server: Server, series: Iterable[Written]) -> None:
        def counted() -> Iterator[Written]:
            for one in series:
                self.samples += len(one[1])
                yield one

        began = time.monotonic()
        write(server.url, counted())
        self.write_seconds += time.monotonic() - began

    def _find_recorded(self, server: Server, parameters: Parameters, moment: int) -> None:
        folder = server.folder / "rules"
        folder.mkdir()
        for name, text in rules(parameters).items():
            (folder / name).write_text(text)
        at = np.array([float(moment)])
        for level in levels(read_rules(folder)):
            found = [one for rule in level for one in _records(server, rule, moment)]
            self._write(server, ((one.series.labels, at, one.series.values(at)) for one in found))
            self.recorded += found


def _records(server: Server, rule: Rule, moment: int) -> Iterator[Recorded]:
    for one in server.ask(moment_of(relaxed(rule.declared["expr"])), moment).result:
        value = float(one["value"][1])
        yield Recorded(
            series=Sampled(
                labels={**one["metric"], "__name__": rule.name},
                level=value if math.isfinite(value) and value else 1.0,
                constant=_CONSTANT.search(rule.name) is not None,
                # DCGM's figures are whole percents, degrees and MiB; a rate has all digits.
                decimals=15 if not rule.name.startswith(_OF_GPUS) else 0 if value > 10 else 2,  # noqa: PLR2004
            ),
            every=rule.interval,
        )


def relaxed(expression: str) -> str:
    """An expression that finds series in five minutes of data: it asks for few, and for no older ones."""
    return re.sub(r">= \d+", ">= 0", re.sub(r" offset \w+", "", expression))


def needs_days(parameters: Parameters) -> frozenset[str]:
    """The names of recorded series that are read over more than the raw hours."""
    found = set[str]()
    for text in dashboards(parameters).values():
        dashboard = json.loads(text)
        if span_of(dashboard) > RAW_SECONDS:
            for panel in dashboard["panels"]:
                for target in panel.get("targets", ()):
                    found |= {one.name for one in selected(target["expr"])}
    for text in rules(parameters).values():
        for expression in re.findall(r"expr: (.*)", text):
            found |= {
                one.name
                for one in selected(expression)
                if one.window and seconds(one.window) + one.ago > RAW_SECONDS
            }
    return frozenset(found)


def recorded_samples(series: Iterable[Recorded], after: int, until: int) -> Iterator[Written]:
    """Yield the samples of recorded series between two moments; a series of a month only in that month."""
    moments: Callable[[int], Vector] = _moments_between(after, until)
    for one in series:
        at = moments(one.every)
        if _MONTH in one.series.labels:
            for month, chosen in months(at):
                labels = {**one.series.labels, _MONTH: month}
                yield labels, chosen, one.series.values(chosen)
        elif len(at):
            yield one.series.labels, at, one.series.values(at)


def _moments_between(after: int, until: int) -> Callable[[int], Vector]:
    known = dict[int, Vector]()

    def moments(every: int) -> Vector:
        if every not in known:
            known[every] = np.arange(after // every * every + every, until + 1, every, dtype=np.float64)
        return known[every]

    return moments


def months(moments: Vector) -> Iterator[tuple[str, Vector]]:
    """Yield each month of the year, as PromQL's month() tells it, with its moments."""
    if not len(moments):
        return
    of = np.array([datetime.fromtimestamp(at - _HALF_AN_HOUR, UTC).month for at in moments.tolist()])
    for month in dict.fromkeys(of.tolist()):
        yield str(month), moments[of == month]


def raw_series() -> History:
    """The platform, of which nothing is written yet."""
    return History(raw=list(platform()))


def count_by_name(series: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How many series each name has."""
    found = dict[str, int]()
    for labels in series:
        found[labels["__name__"]] = found.get(labels["__name__"], 0) + 1
    return found
