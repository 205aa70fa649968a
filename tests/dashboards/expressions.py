"""What an expression reads, seen by a PromQL parser that knows nothing of how it was built."""

import re
from collections.abc import Iterator

import promql_parser

from dashboards.metrics import labels_by_series
from dashboards.model import Recording
from dashboards.parameters import Parameters
from dashboards.recordings.subjects import recordings

GRAFANAS = {"__range": "6h", "__rate_interval": "2m", "__interval": "1m"}
"""Variables that Grafana itself has, with a value."""


def with_values(expression: str, **chosen: str) -> str:
    """Return the expression as Grafana sends it; a variable not chosen is All."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return GRAFANAS[name] if name.startswith("__") else chosen.get(name, ".*")

    # Not the $1 of label_replace().
    return re.sub(r"\$([a-zA-Z_]\w*)", value, expression)


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


def every_recording(parameters: Parameters | None = None) -> tuple[Recording, ...]:
    """Return the recording rules of all subjects."""
    return tuple(one for rules in recordings(parameters or Parameters()).values() for one in rules)


def labels_by_name() -> dict[str, frozenset[str]]:
    """Return the labels of every series that may be selected: the contract's and the recorded ones."""
    return labels_by_series() | {one.name: one.query.labels for one in every_recording()}
