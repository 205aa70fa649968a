"""What PromQL knows of time: the calendar (UTC), ages, and where a series will be."""

import json
from dataclasses import replace

from dashboards.promql import Query, Selector, derived


def value_as_label(query: Query, label: str) -> Query:
    """1 for each value that the query has, with the value in a label."""
    return derived(f"count_values({json.dumps(label)}, {query})", query, labels=frozenset({label}))


HOURS_IN_MONTH = Query(
    text="24 * days_in_month()",
    labels=frozenset(),
    series=frozenset(),
    sources=frozenset(),
    variables=frozenset(),
    binary=True,
)
"""The hours of the month (UTC) that it is."""


def month(seconds_ago: int = 0) -> Query:
    """1 with the month (UTC, 1 to 12) that it is, or was some seconds ago, in the label `month`."""
    moment = f"vector(time() - {seconds_ago})" if seconds_ago else ""
    return replace(
        HOURS_IN_MONTH,
        text=f'count_values("month", month({moment}))',
        labels=frozenset({"month"}),
        binary=False,
    )


def newest_sample(selector: Selector, *by: str) -> Query:
    """Unix time of the newest sample of any of the series, one for each combination of the labels named."""
    return derived(f"max by ({', '.join(by)}) (timestamp({selector}))", selector, labels=frozenset(by))


def age(moment: Query) -> Query:
    """Seconds since each Unix time."""
    return derived(f"time() - {moment}", moment, labels=moment.labels, binary=True)


def seconds_left(moment: Query) -> Query:
    """Seconds until each Unix time."""
    return derived(f"{moment} - time()", moment, labels=moment.labels, binary=True)


def predicted(selector: Selector, window: str, seconds: int) -> Query:
    """What each gauge will be after some seconds, if it goes on as it did in the window."""
    return derived(f"predict_linear({selector}[{window}], {seconds})", selector, labels=selector.labels)
