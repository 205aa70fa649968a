"""The deployed recording rules: which must be evaluated before which, and when each is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from local.errors import PlatformError
from local.history.times import COARSE, HOUR, Span, Times, seconds

# Their result depends on how many samples the window holds.
_COUNTING = frozenset({"sum_over_time", "count_over_time"})
_LAST_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A recording rule.

    Attributes:
        declared: The rule as it stands in its file.
        interval: Seconds between two evaluations.
    """

    declared: Mapping[str, Any]
    interval: int

    @property
    def name(self) -> str:
        """The name of what it records."""
        return self.declared["record"]

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names of the series that it reads."""
        return frozenset(
            node.name
            for node in _nodes(promql_parser.parse(self.declared["expr"]))
            if isinstance(node, promql_parser.VectorSelector) and node.name
        )

    @cached_property
    def over_windows(self) -> frozenset[str]:
        """Of these, the ones that it reads over a window."""
        return frozenset(
            node.vector_selector.name
            for node in _nodes(promql_parser.parse(self.declared["expr"]))
            if isinstance(node, promql_parser.MatrixSelector) and node.vector_selector.name
        )

    @cached_property
    def counts(self) -> frozenset[str]:
        """Of these, the ones of which it sums or counts the samples in a window."""
        return frozenset(
            argument.vector_selector.name
            for node in _nodes(promql_parser.parse(self.declared["expr"]))
            if isinstance(node, promql_parser.Call) and node.func.name in _COUNTING
            for argument in node.args
            if isinstance(argument, promql_parser.MatrixSelector) and argument.vector_selector.name
        )


def _nodes(node: promql_parser.Expr) -> Iterator[promql_parser.Expr]:
    """Yield an expression and all expressions in it."""
    yield node
    children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    for child in (*children, *(getattr(node, "args", None) or ())):
        if isinstance(child, promql_parser.Expr):
            yield from _nodes(child)


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """Return the recording rules of all rule files of a folder.

    Every group must state its interval.
    """
    return tuple(
        Rule(declared=rule, interval=seconds(group["interval"]))
        for file in sorted(folder.glob("*.yaml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    )


def levels(rules: Iterable[Rule]) -> Iterator[tuple[Rule, ...]]:
    """Yield the rules so that each comes after all whose results it reads.

    What a rule reads of its own results is not counted: it carries the past on, and there is none.

    Raises:
        PlatformError: Rules read each other in a circle.
    """
    by_name = dict[str, list[Rule]]()
    for rule in rules:
        by_name.setdefault(rule.name, []).append(rule)
    sorter = TopologicalSorter(
        {
            name: frozenset[str]().union(*(rule.reads for rule in those)) & by_name.keys() - {name}
            for name, those in by_name.items()
        }
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        raise PlatformError(f"Recording rules read each other in a circle: {' <- '.join(circle)}") from None
    while sorter.is_active():
        ready = sorter.get_ready()
        yield tuple(rule for name in ready for rule in by_name[name])
        sorter.done(*ready)


class Evaluations:
    """When each rule is evaluated."""

    def __init__(self, rules: Iterable[Rule], times: Times, *, shallow: frozenset[str] = frozenset()) -> None:
        """Plan the evaluations of the rules over the times of a history.

        Args:
            rules: The rules.
            times: The times.
            shallow: The names of what is wanted of the last day alone.
        """
        rules = tuple(rules)
        self.times = times
        self._counted = frozenset[str]().union(*(rule.counts for rule in rules))
        self.cost = _with_what_is_read((rule for rule in rules if rule.interval >= HOUR), rules)
        """The names of what is recorded every hour, and of all that it is made from."""
        self.over_windows = frozenset[str]().union(*(rule.over_windows for rule in rules))
        """The names of what a rule reads over a window."""
        self._shallow = shallow

    def begins(self, name: str) -> int:
        """Return where the series of a name begin."""
        if name in self.cost:
            return self.times.cost
        return self.times.recent if name in self._shallow else self.times.days

    def of(self, rule: Rule) -> Iterator[Span]:
        """Yield when a rule is evaluated."""
        times = self.times
        begins = self.begins(rule.name)
        if rule.interval >= COARSE:
            yield Span(begins=begins, ends=times.ends, step=rule.interval)
        else:
            # Coarser until here, where only the newest sample is read.
            dense = max(times.days if rule.name in self._counted else times.recent, begins)
            if begins < dense:
                yield Span(begins=begins, ends=dense - 1, step=COARSE)
            yield Span(begins=dense, ends=times.ends, step=rule.interval)
        if rule.interval == COARSE and rule.name not in self._counted:
            # The running server takes up to its interval to evaluate it first: the gap stays below 5 minutes.
            yield Span(begins=times.ends - _LAST_SECONDS, ends=times.ends, step=_LAST_SECONDS)


def _with_what_is_read(some: Iterable[Rule], rules: tuple[Rule, ...]) -> frozenset[str]:
    names = frozenset(rule.name for rule in some)
    while True:
        more = names.union(*(rule.reads for rule in rules if rule.name in names))
        if more == names:
            return names
        names = more
