"""PromQL queries as values over the metric contract.

A query knows the labels of its result, so that naming a label which is not there is an error at import.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from dashboards.metrics import Metric, Series


class QueryError(ValueError):
    """A query that could not return what it is meant to."""


@dataclass(frozen=True)
class Matcher:
    """A label matcher other than equality: operator and value as PromQL has them."""

    operator: Literal["=", "!=", "=~", "!~"]
    value: str
    variable: str | None = None


def matches(regex: str) -> Matcher:
    """Match a label by a regular expression (anchored at both ends, as PromQL does)."""
    return Matcher("=~", regex)


def differs(value: str) -> Matcher:
    """Match a label that has another value."""
    return Matcher("!=", value)


def variable(name: str) -> Matcher:
    """Match a label by the values chosen in a dashboard variable."""
    return Matcher("=~", f"${name}", name)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A PromQL expression that returns an instant vector.

    Attributes:
        text: The expression.
        labels: Labels that its result may carry.
        series: Names of the series it reads.
        sources: Names of the sources without which it has no data.
        variables: Dashboard variables that filter it.
        binary: True where the outermost operation is a binary operator.
    """

    text: str
    labels: frozenset[str]
    series: frozenset[str]
    sources: frozenset[str]
    variables: frozenset[str]
    binary: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Selector(Query):
    """A query that only selects series, and so can be given a window."""

    counter: bool


def select(source: Metric | Series, **matchers: str | Matcher) -> Selector:
    """Select series by label; a plain value means equality.

    Raises:
        QueryError: The series carry no such label.
    """
    series = source.series if isinstance(source, Metric) else source
    _need_labels(series.name, series.labels, matchers)
    parsed = {
        label: Matcher("=", value) if isinstance(value, str) else value for label, value in matchers.items()
    }
    # PromQL's string escapes are those of JSON for all that is printable.
    text = ", ".join(
        f"{label}{m.operator}{json.dumps(m.value, ensure_ascii=False)}" for label, m in parsed.items()
    )
    return Selector(
        text=f"{series.name}{{{text}}}" if text else series.name,
        labels=series.labels,
        series=frozenset({series.name}),
        sources=series.sources,
        variables=frozenset(m.variable for m in parsed.values() if m.variable),
        counter=series.counter,
    )


def rate(selector: Selector, window: str) -> Query:
    """Increase per second of each counter, resets allowed for.

    Raises:
        QueryError: It is not a counter.
    """
    if not selector.counter:
        raise QueryError(f"rate() of {selector}: it is not a counter")
    return _derived(f"rate({selector}[{window}])", selector, labels=selector.labels)


def average_over_time(selector: Selector, window: str) -> Query:
    """Mean of each gauge over the window.

    Raises:
        QueryError: It is a counter, whose mean has no meaning.
    """
    if selector.counter:
        raise QueryError(f"avg_over_time() of {selector}: it is a counter, use rate()")
    return _derived(f"avg_over_time({selector}[{window}])", selector, labels=selector.labels)


def _aggregation(operator: str) -> Callable[..., Query]:
    def aggregate(query: Query, *by: str) -> Query:
        _need_labels(str(query), query.labels, by)
        head = f"{operator} by ({', '.join(by)}) " if by else operator
        return _derived(f"{head}({query})", query, labels=frozenset(by))

    aggregate.__doc__ = f"`{operator}` over all series, or one for each combination of the labels named."
    return aggregate


sum_by = _aggregation("sum")
min_by = _aggregation("min")
max_by = _aggregation("max")
avg_by = _aggregation("avg")


def quantile(share: float, bucket_rates: Query, *by: str) -> Query:
    """Quantile of a histogram, one for each combination of the labels named.

    Where nothing was observed there is no quantile and no series (PromQL itself would answer NaN).

    Args:
        share: Which quantile, 0 to 1.
        bucket_rates: Rates of cumulative buckets, with their label `le`.
        by: Labels to keep.

    Raises:
        QueryError: `le` or a label named is not there.
    """
    summed = sum_by(bucket_rates, "le", *by)
    return _derived(
        f"histogram_quantile({share:g}, {summed}) >= 0", summed, labels=frozenset(by), binary=True
    )


def ratio(part: Query, whole: Query) -> Query:
    """One divided by the other, series by series.

    Raises:
        QueryError: The two sides have different labels, so that no series would meet.
    """
    return _matched("/", part, whole)


def minus(left: Query, right: Query) -> Query:
    """One less the other, series by series.

    Raises:
        QueryError: The two sides have different labels, so that no series would meet.
    """
    return _matched("-", left, right)


def either(first: Query, second: Query) -> Query:
    """The first, and of the second the series whose labels the first has not.

    Raises:
        QueryError: The two sides have different labels.
    """
    return _matched("or", first, second)


def complement(query: Query) -> Query:
    """What is left of 1."""
    return _derived(f"1 - {_operand(query)}", query, labels=query.labels, binary=True)


def zero(query: Query) -> Query:
    """0 for each of its series."""
    return _derived(f"0 * {_operand(query)}", query, labels=query.labels, binary=True)


def positive(query: Query) -> Query:
    """Only the series above 0."""
    return _derived(f"{_operand(query)} > 0", query, labels=query.labels, binary=True)


def times(query: Query, factor: int) -> Query:
    """Multiplied by a constant."""
    return _derived(f"{_operand(query)} * {factor}", query, labels=query.labels, binary=True)


def copy_label(query: Query, *, source: str, target: str) -> Query:
    """Give each series the value of one label under another name, too.

    Raises:
        QueryError: The series carry no such label.
    """
    _need_labels(str(query), query.labels, [source])
    text = f'label_replace({query}, "{target}", "$1", "{source}", "(.*)")'
    return _derived(text, query, labels=query.labels | {target})


def with_labels_of(query: Query, info: Query, *, on: tuple[str, ...], bring: tuple[str, ...]) -> Query:
    """Each series with labels of the one series of `info` (whose value is 1) that it belongs to.

    Raises:
        QueryError: A label is missing on the side where it is needed.
    """
    _need_labels(str(query), query.labels, on)
    _need_labels(str(info), info.labels, (*on, *bring))
    text = f"{_operand(query)} * on ({', '.join(on)}) group_left ({', '.join(bring)}) {_operand(info)}"
    return _derived(text, query, info, labels=query.labels | set(bring), binary=True)


def _matched(operator: str, left: Query, right: Query) -> Query:
    if left.labels != right.labels:
        odd = ", ".join(sorted(left.labels ^ right.labels))
        raise QueryError(
            f"{left} {operator} {right}: only one side has {odd}; sum both by the same labels first"
        )
    text = f"{_operand(left)} {operator} {_operand(right)}"
    return _derived(text, left, right, labels=left.labels, binary=True)


def _operand(query: Query) -> str:
    return f"({query})" if query.binary else str(query)


def _derived(text: str, *parts: Query, labels: frozenset[str], binary: bool = False) -> Query:
    return Query(
        text=text,
        labels=labels,
        series=frozenset[str]().union(*(part.series for part in parts)),
        sources=frozenset[str]().union(*(part.sources for part in parts)),
        variables=frozenset[str]().union(*(part.variables for part in parts)),
        binary=binary,
    )


def _need_labels(what: str, labels: frozenset[str], needed: Iterable[str]) -> None:
    missing = [label for label in needed if label not in labels]
    if missing:
        raise QueryError(
            f"{what} has no label {', '.join(missing)}; it has {', '.join(sorted(labels)) or 'none'}"
        )
