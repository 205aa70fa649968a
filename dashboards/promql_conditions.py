"""Conditions: queries that return only the series for which something holds."""

from dashboards.promql import Query, Selector, derived, operand

ALWAYS = Query(
    text="vector(1)",
    labels=frozenset(),
    series=frozenset(),
    sources=frozenset(),
    variables=frozenset(),
)
"""1, whatever happens."""


def above(query: Query, value: float) -> Query:
    """Only the series above a value."""
    return _compared(query, ">", value)


def below(query: Query, value: float) -> Query:
    """Only the series below a value."""
    return _compared(query, "<", value)


def at_least(query: Query, value: float) -> Query:
    """Only the series that reach a value."""
    return _compared(query, ">=", value)


def is_zero(query: Query) -> Query:
    """Only the series that are 0."""
    return _compared(query, "==", 0)


def absent(selector: Selector, **labels: str) -> Query:
    """1 while nothing is selected, with the labels that the selector demands by equality.

    Args:
        selector: What should be there.
        labels: The same labels with their values, as the result carries them.
    """
    return derived(f"absent({selector})", selector, labels=frozenset(labels))


def _compared(query: Query, operator: str, value: float) -> Query:
    return derived(f"{operand(query)} {operator} {value:.15g}", query, labels=query.labels, binary=True)
