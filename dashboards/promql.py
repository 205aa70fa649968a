"""PromQL queries as values over the metric contract.

A query knows the labels of its result, so that naming a label which is not there is an error at import.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from dashboards.contract import Metric, Series


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


def window_function(name: str, *, counter: bool, meaning: str) -> Callable[..., Query]:
    """A function of PromQL over a window such as `5m`, which takes counters only, or anything else."""

    def over_window(selector: Selector, window: str, ended_ago: str = "") -> Query:
        if selector.counter and not counter:
            raise QueryError(f"{name}() of {selector}: it is a counter, use rate()")
        if counter and not selector.counter:
            raise QueryError(f"{name}() of {selector}: it is not a counter")
        offset = f" offset {ended_ago}" if ended_ago else ""
        return derived(f"{name}({selector}[{window}]{offset})", selector, labels=selector.labels)

    over_window.__doc__ = meaning
    return over_window


rate = window_function(
    "rate", counter=True, meaning="Increase per second of each counter, resets allowed for."
)
increase = window_function(
    "increase", counter=True, meaning="Increase of each counter over the window, resets allowed for."
)
average_over_time = window_function(
    "avg_over_time", counter=False, meaning="Mean of each gauge's samples in the window."
)
sum_over_time = window_function(
    "sum_over_time", counter=False, meaning="Sum of each gauge's samples in the window."
)
count_over_time = window_function(
    "count_over_time", counter=False, meaning="Number of each gauge's samples in the window."
)


maximum_over_time = window_function(
    "max_over_time", counter=False, meaning="Largest of each gauge's samples in the window."
)
last_over_time = window_function(
    "last_over_time", counter=False, meaning="Newest of each gauge's samples in the window."
)


def ago(selector: Selector, offset: str) -> Query:
    """What the selector returned an offset, such as `7d`, before."""
    return derived(f"{selector} offset {offset}", selector, labels=selector.labels)


def _aggregation(operator: str) -> Callable[..., Query]:
    def aggregate(query: Query, *by: str) -> Query:
        _need_labels(str(query), query.labels, by)
        head = f"{operator} by ({', '.join(by)}) " if by else operator
        return derived(f"{head}({query})", query, labels=frozenset(by))

    aggregate.__doc__ = f"`{operator}` over all series, or one for each combination of the labels named."
    return aggregate


sum_by = _aggregation("sum")
min_by = _aggregation("min")
max_by = _aggregation("max")
avg_by = _aggregation("avg")
count_by = _aggregation("count")
group_by = _aggregation("group")


def highest(count: int, query: Query) -> Query:
    """The series with the highest values, so many of them; for panels only, since they change places."""
    return derived(f"topk({count}, {query})", query, labels=query.labels)


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
    return derived(f"histogram_quantile({share:g}, {summed}) >= 0", summed, labels=frozenset(by), binary=True)


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


def either(first: Query, second: Query, *on: str) -> Query:
    """The first, and of the second the series whose labels (those named, or all) the first has not.

    Raises:
        QueryError: The two sides have different labels, or not those named.
    """
    if not on:
        return _matched("or", first, second)
    return _joined(first, f"or on ({', '.join(on)})", second, on, labels=first.labels | second.labels)


def where(query: Query, condition: Query, *on: str) -> Query:
    """Only the series for which the condition has one with the same labels of those named.

    Raises:
        QueryError: A side lacks a label named.
    """
    return _joined(query, f"and on ({', '.join(on)})", condition, on, labels=query.labels)


def except_where(query: Query, condition: Query, *on: str) -> Query:
    """Only the series for which the condition has none with the same labels of those named.

    Raises:
        QueryError: A side lacks a label named.
    """
    return _joined(query, f"unless on ({', '.join(on)})", condition, on, labels=query.labels)


def per(query: Query, whole: Query, *on: str) -> Query:
    """Each series divided by the one of `whole` with the same labels of those named; of none: the only one.

    Raises:
        QueryError: A side lacks a label named.
    """
    return _joined(query, f"/ on ({', '.join(on)}) group_left ()", whole, on, labels=query.labels)


def times_each(query: Query, factor: Query, *on: str) -> Query:
    """Each series times the one of `factor` with the same labels of those named; of none: the only one.

    Raises:
        QueryError: A side lacks a label named.
    """
    return _joined(query, f"* on ({', '.join(on)}) group_left ()", factor, on, labels=query.labels)


def remaining(whole: Query, parts: Query) -> Query:
    """What each series leaves of the whole, which is one value without labels."""
    return _joined(whole, "- on () group_right ()", parts, (), labels=parts.labels)


def union(label: str, **queries: Query) -> Query:
    """The series of all queries, told apart by a label with each query's name.

    Raises:
        QueryError: They have different labels.
    """
    first, *others = (set_label(query, label, name) for name, query in queries.items())
    together = first
    for other in others:
        together = _matched("or", together, other)
    return together


def optional(query: Query) -> Query:
    """The query as a part without which the rest still has data: its sources are not needed."""
    return replace(query, sources=frozenset())


def complement(query: Query) -> Query:
    """What is left of 1."""
    return derived(f"1 - {operand(query)}", query, labels=query.labels, binary=True)


def zero(query: Query) -> Query:
    """0 for each of its series."""
    return derived(f"0 * {operand(query)}", query, labels=query.labels, binary=True)


def positive(query: Query) -> Query:
    """Only the series above 0."""
    return derived(f"{operand(query)} > 0", query, labels=query.labels, binary=True)


def times(query: Query, factor: float) -> Query:
    """Multiplied by a constant."""
    return derived(f"{operand(query)} * {factor:.15g}", query, labels=query.labels, binary=True)


def divided(query: Query, divisor: float) -> Query:
    """Divided by a constant."""
    return derived(f"{operand(query)} / {divisor:.15g}", query, labels=query.labels, binary=True)


def constant(value: float, like: Query) -> Query:
    """The same value for each series of a query."""
    return derived(f"0 * {operand(like)} + {value:.15g}", like, labels=like.labels, binary=True)


def not_negative(query: Query) -> Query:
    """With 0 in place of each negative value."""
    return derived(f"clamp_min({query}, 0)", query, labels=query.labels)


def rounded(query: Query) -> Query:
    """To the nearest whole number."""
    return derived(f"round({query})", query, labels=query.labels)


def copy_label(query: Query, *, source: str, target: str) -> Query:
    """Give each series the value of one label under another name, too.

    Raises:
        QueryError: The series carry no such label.
    """
    _need_labels(str(query), query.labels, [source])
    text = f'label_replace({query}, "{target}", "$1", "{source}", "(.*)")'
    return derived(text, query, labels=query.labels | {target})


def set_label(query: Query, label: str, value: str) -> Query:
    """Give each series a label with a fixed value."""
    text = f'label_replace({query}, {json.dumps(label)}, {json.dumps(value)}, "", "")'
    return derived(text, query, labels=query.labels | {label})


def default_label(query: Query, label: str, value: str) -> Query:
    """Give a label a value where it has none.

    Raises:
        QueryError: The series carry no such label.
    """
    _need_labels(str(query), query.labels, [label])
    text = f'label_replace({query}, {json.dumps(label)}, {json.dumps(value)}, {json.dumps(label)}, "^$")'
    return derived(text, query, labels=query.labels)


def with_labels_of(query: Query, info: Query, *, on: tuple[str, ...], bring: tuple[str, ...]) -> Query:
    """Each series with labels of the one series of `info` (whose value is 1) that it belongs to.

    Raises:
        QueryError: A label is missing on the side where it is needed.
    """
    _need_labels(str(query), query.labels, on)
    _need_labels(str(info), info.labels, (*on, *bring))
    text = f"{operand(query)} * on ({', '.join(on)}) group_left ({', '.join(bring)}) {operand(info)}"
    return derived(text, query, info, labels=query.labels | set(bring), binary=True)


def _joined(left: Query, operator: str, right: Query, on: Iterable[str], *, labels: frozenset[str]) -> Query:
    for side in (left, right):
        _need_labels(str(side), side.labels, on)
    text = f"{operand(left)} {operator} {operand(right)}"
    return derived(text, left, right, labels=labels, binary=True)


def _matched(operator: str, left: Query, right: Query) -> Query:
    if left.labels != right.labels:
        odd = ", ".join(sorted(left.labels ^ right.labels))
        raise QueryError(
            f"{left} {operator} {right}: only one side has {odd}; sum both by the same labels first"
        )
    text = f"{operand(left)} {operator} {operand(right)}"
    return derived(text, left, right, labels=left.labels, binary=True)


def operand(query: Query) -> str:
    """The query's text as one side of an operator."""
    return f"({query})" if query.binary else str(query)


def derived(text: str, *parts: Query, labels: frozenset[str], binary: bool = False) -> Query:
    """An expression made from parts: it reads what they read.

    Args:
        text: The expression.
        parts: The queries that stand in it.
        labels: Labels that its result may carry.
        binary: Whether its outermost operation is a binary operator.
    """
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
