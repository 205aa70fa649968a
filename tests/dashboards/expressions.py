"""What an expression reads, seen by a PromQL parser that knows nothing of how it was built."""

from collections.abc import Iterator

import promql_parser

from dashboards.metrics import CONTRACT, MetricType
from dashboards.model import Dashboard

VARIABLES = ("cluster", "namespace", "service")


def with_values(expression: str, **chosen: str) -> str:
    """Return the expression as Grafana sends it; a variable not chosen is All."""
    for name in VARIABLES:
        expression = expression.replace(f"${name}", chosen.get(name, ".*"))
    return expression


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the name and the matched labels of every selector in the expression."""
    for node in nodes(promql_parser.parse(expression)):
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name, f"a selector without a name in {expression}"
            yield node.name, {matcher.name for matcher in node.matchers.matchers}


def nodes(node: promql_parser.Expr) -> Iterator[promql_parser.Expr]:
    """Yield an expression and all expressions in it."""
    yield node
    for attribute in ("expr", "lhs", "rhs", "vector_selector", "param"):
        child = getattr(node, attribute, None)
        if isinstance(child, promql_parser.Expr):
            yield from nodes(child)
    for argument in getattr(node, "args", None) or ():
        yield from nodes(argument)


def labels_by_name(dashboard: Dashboard) -> dict[str, frozenset[str]]:
    """Return the labels of every series that may be selected: the contract's and the recorded ones."""
    known = dict[str, frozenset[str]]()
    for metric in CONTRACT.values():
        parts = (metric.buckets, metric.count) if metric.type is MetricType.HISTOGRAM else (metric.series,)
        known.update({series.name: series.labels for series in parts})
    return known | {one.name: one.query.labels for one in dashboard.recordings}
