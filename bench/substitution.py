"""A query of recorded series, asked of the raw ones: each name is replaced by its rule's expression.

The texts are this project's own, of one form (`dashboards.promql`): `name{matchers}[window] offset ago`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bench.grafana_requests import seconds
from dashboards.metrics import labels_by_series
from dashboards.model import Recording

_REST = r"(?:\{(?P<matchers>[^}]*)\})?(?:\[(?P<window>[$\w]+)\])?(?: offset (?P<ago>\w+))?"
_RECORDED = re.compile(r"\b(?P<name>[a-z_]+:\w+:\w+)" + _REST)
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)("(?:[^"\\]|\\.)*")')
_EVERYTHING = '=~".*"'


_RAW_LABELS = labels_by_series()
_RAW = re.compile(rf"\b(?P<name>{'|'.join(sorted(_RAW_LABELS, key=len, reverse=True))})\b" + _REST)


@dataclass(frozen=True)
class Raw:
    """A query of raw series.

    Attributes:
        text: Its expression.
        unasked: Matchers of a label that the rule makes, which no raw series has; without them it finds more.
    """

    text: str
    unasked: frozenset[str] = field(default_factory=frozenset[str])


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A recorded series as a query reads it: its window, such as `24h`, if any, and seconds of its offset."""

    name: str
    window: str | None
    ago: int


def selected(expression: str) -> Iterator[Selected]:
    """Yield what a query reads of what rules record."""
    for found in _RECORDED.finditer(expression):
        ago = seconds(found["ago"]) if found["ago"] else 0
        yield Selected(name=found["name"], window=found["window"], ago=ago)


def reads_recorded(expression: str) -> bool:
    """Whether a query reads what a rule records."""
    return _RECORDED.search(expression) is not None


def raw(expression: str, rules: Mapping[str, Recording]) -> Raw:
    """The same question asked of raw series.

    A window over a recorded series becomes a subquery with the rule's interval as its step. A matcher goes to
    every raw series that has its label.

    Args:
        expression: A query, with values in the place of variables.
        rules: Every recording rule by its name.

    Raises:
        RecursionError: A rule reads itself.
    """
    unasked = set[str]()

    def replaced(found: re.Match[str]) -> str:
        rule = rules[found["name"]]
        inner = str(rule.query)
        for matcher in _matchers(found["matchers"]):
            inner, anywhere = _with_matcher(inner, matcher, rules)
            if not anywhere:
                unasked.add(matcher)
        result = raw(inner, rules)
        unasked.update(result.unasked)
        window = f"[{found['window']}:{rule.every}]" if found["window"] else ""
        ago = f" offset {found['ago']}" if found["ago"] else ""
        if ago and not window:
            # Only a selector and a subquery can be of a time before.
            return f"last_over_time(({result.text})[{rule.every}:{rule.every}]{ago})"
        return f"({result.text}){window}{ago}"

    text = _RECORDED.sub(replaced, expression)
    return Raw(text, frozenset(unasked))


def _matchers(inner: str | None) -> Iterator[str]:
    for label, operator, value in _MATCHER.findall(inner or ""):
        if operator + value != _EVERYTHING:
            yield f"{label}{operator}{value}"


def _with_matcher(expression: str, matcher: str, rules: Mapping[str, Recording]) -> tuple[str, bool]:
    """Add a matcher to all that the expression selects and that has its label; tell whether anything has."""
    (label, *_) = _MATCHER.findall(matcher)[0]
    anywhere = False

    def added(found: re.Match[str]) -> str:
        nonlocal anywhere
        name = found["name"]
        labels = rules[name].query.labels if name in rules else _RAW_LABELS[name]
        if label not in labels:
            return found[0]
        anywhere = True
        rest = found[0].removeprefix(name)
        if not rest.startswith("{"):
            return f"{name}{{{matcher}}}{rest}"
        return f"{name}{{{matcher}, {rest[1:]}"

    return _RAW.sub(added, _RECORDED.sub(added, expression)), anywhere
