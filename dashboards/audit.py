"""The audit: panels without data, alerts that say nothing, thresholds beside what was measured.

A running Prometheus is asked for the past of what is declared here. Which alerts and thresholds a stack has
is taken from the rules that are loaded there, since its stack file may have others than the defaults.
"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from dashboards.alert import Severity
from dashboards.metrics import exporters
from dashboards.model import Dashboard, Panel
from dashboards.parameters import Parameters
from dashboards.promql import Query
from dashboards.render import alerts, declared

PANEL_STEP = "1h"
"""How densely the past of a panel or threshold is looked at: cheap over a month, and enough for its shape."""

ALERT_STEP_SECONDS = 300
ALWAYS = 0.95
"""The share of the time from which on an alert counts as one that always fires: restarts leave gaps."""

HEARTBEAT = "Watchdog"
"""The alert that fires at every evaluation: how long it did is how long rules were evaluated."""

ABSENT = "SourceAbsent"
WORST_FIRST = (Severity.CRITICAL, Severity.WARNING)
TIMEOUT_SECONDS = 120
THOUSAND = 1000
FIRING = 'ALERTS{alertstate="firing"}'


class AuditError(Exception):
    """The server could not be asked, or is not one that evaluates this project's rules."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A Prometheus, and the days up to a moment (Unix time) that it is asked about."""

    url: str
    days: int
    now: float

    def ask(self, path: str, **arguments: str) -> Any:  # noqa: ANN401 - each answer has a shape of its own
        """What its API answers under `data`.

        Raises:
            AuditError: It does not answer, or refuses.
        """
        address = f"{self.url.rstrip('/')}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        if not address.startswith(("http://", "https://")):
            raise AuditError(f"{self.url} is no address such as http://127.0.0.1:9090")
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http, see above
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AuditError(f"{self.url} refuses {path} {arguments}: {error.read().decode()}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AuditError(f"{self.url} does not answer as Prometheus does: {error}") from None

    def values(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and value of each series that an expression has at the end, without NaN and infinity."""
        found = self.ask("query", query=expression, time=f"{self.now:.0f}")["result"]
        pairs = [(cast("dict[str, str]", one["metric"]), float(one["value"][1])) for one in found]
        return [(labels, value) for labels, value in pairs if math.isfinite(value)]

    def ever(self, expression: str) -> bool:
        """Whether an expression has a value at the end, or at any hour before."""
        if self.values(expression):
            return True
        start, end = f"{self.now - self.days * 86400:.0f}", f"{self.now:.0f}"
        found = self.ask("query_range", query=expression, start=start, end=end, step=PANEL_STEP)["result"]
        return any(math.isfinite(float(value)) for one in found for _, value in one["values"])

    def names(self) -> frozenset[str]:
        """The names of all series of these days."""
        start, end = f"{self.now - self.days * 86400:.0f}", f"{self.now:.0f}"
        return frozenset(self.ask("label/__name__/values", start=start, end=end))

    def rules(self) -> list["Rule"]:
        """The alerting rules that are loaded.

        Raises:
            AuditError: None of them is this project's.
        """
        found = [
            Rule(expression=one["query"], labels={"alertname": one["name"], **one.get("labels", {})})
            for group in self.ask("rules", type="alert")["groups"]
            for one in group["rules"]
        ]
        if not any(rule.name == HEARTBEAT for rule in found):
            raise AuditError(
                f"{self.url} has no rule {HEARTBEAT}: ask the Prometheus that evaluates the rules"
            )
        return found


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An alerting rule as it is loaded: its expression, and the labels by which its alerts are told apart."""

    expression: str
    labels: Mapping[str, str]

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]

    @property
    def about(self) -> str:
        """What tells it apart from others of its name and severity."""
        common = {"alertname", "severity", "team", "dashboard"}
        return ", ".join(f"{key} {value}" for key, value in self.labels.items() if key not in common)


def report(url: str, days: int) -> Iterator[str]:
    """The lines of the audit: four tables, each with its number of lines.

    Args:
        url: Address of the Prometheus, such as `http://127.0.0.1:9090`.
        days: How many days up to now are looked at.

    Raises:
        AuditError: The server could not be asked.
    """
    server = Server(url=url, days=days, now=datetime.now(UTC).timestamp())
    rules = server.rules()
    evaluated, shares = firing_shares(server, rules)
    until = datetime.fromtimestamp(server.now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield f"{days} days until {until}; rules were evaluated in {evaluated:.1%} of that time."
    yield from _table(
        "Panels without data", ("dashboard", "panel", "why"), list(panels_without_data(server, rules))
    )
    fired = [(rule, share) for rule, share in shares if rule.name != HEARTBEAT]
    for title, chosen in (
        ("Alerts that never fired", [rule for rule, share in fired if share is None]),
        (f"Alerts that always fired ({ALWAYS:.0%} of the time or more)", _always(fired)),
    ):
        rows = [(rule.name, rule.labels.get("severity", ""), rule.about) for rule in chosen]
        yield from _table(title, ("alert", "severity", "about"), rows)
    yield from _table(
        "Thresholds against p95, or p5 where low is bad",
        ("alert", "bad", "warning", "critical", "measured", "reading", "of"),
        list(thresholds(server, rules)),
    )


def panels_without_data(server: Server, rules: Sequence[Rule]) -> Iterator[tuple[str, str, str]]:
    """Dashboard, panel and reason for each panel none of whose queries had a value.

    Left out are panels of sources that the stack switches off, and the lists of firing alerts, which are
    rightly empty.
    """
    names = server.names()
    off = _switched_off(rules)
    for dashboard in declared(Parameters()):
        for panel in dashboard.panels:
            read = frozenset[str]().union(*(target.query.series for target in panel.targets))
            if read == frozenset({exporters.ALERTS.name}) or panel.sources & off:
                continue
            if not any(server.ever(_for_all(target.query, dashboard)) for target in panel.targets):
                yield dashboard.uid, f"{panel.id} {panel.title}", _why(panel, read - names)


def firing_shares(server: Server, rules: Sequence[Rule]) -> tuple[float, list[tuple[Rule, float | None]]]:
    """How long rules were evaluated, 0 to 1, and of that the share in which each rule fired; None is never.

    Raises:
        AuditError: No rule was evaluated in that time.
    """
    by = ", ".join(sorted({label for rule in rules for label in rule.labels}))
    window = f"{server.days}d"
    # A subquery may step over a short one; a window of samples does not.
    ever = server.values(f"count by ({by}) (count_over_time({FIRING}[{window}]))")
    sampled = server.values(f"count_over_time(count by ({by}) ({FIRING})[{window}:{ALERT_STEP_SECONDS}s])")
    beats = max((count for labels, count in sampled if labels["alertname"] == HEARTBEAT), default=0)
    if not beats and any(labels["alertname"] == HEARTBEAT for labels, _ in ever):
        raise AuditError(
            f"rules were evaluated for less than {ALERT_STEP_SECONDS // 60} minutes: ask again later"
        )
    if not beats:
        raise AuditError(f"{HEARTBEAT} never fired in {server.days} days: no rule was evaluated")

    def of(rule: Rule, found: list[tuple[dict[str, str], float]]) -> list[float]:
        return [value for labels, value in found if rule.labels.items() <= labels.items()]

    shares = [(rule, max(of(rule, sampled), default=0) / beats if of(rule, ever) else None) for rule in rules]
    return min(1, beats * ALERT_STEP_SECONDS / (server.days * 86400)), shares


def thresholds(server: Server, rules: Sequence[Rule]) -> Iterator[tuple[str, ...]]:
    """A row for each value that has thresholds: these, and the worst series' p95, or p5 where low is bad.

    Raises:
        AuditError: A rule does not compare as the alert of its name is declared to.
    """
    has = {
        alert.name: alert.thresholds
        for those in alerts(Parameters()).values()
        for alert in those
        if alert.thresholds
    }
    levels = dict[tuple[str, str], dict[str, float]]()
    for rule in rules:
        if declared_ones := has.get(rule.name):
            value, level = _compared(rule, low=declared_ones.low_is_bad)
            levels.setdefault((rule.name, value), {})[rule.labels["severity"]] = level
    for (name, value), found in levels.items():
        low = has[name].low_is_bad
        worst, share = ("bottomk", 0.05) if low else ("topk", 0.95)
        measured = server.values(
            f"{worst}(1, quantile_over_time({share}, ({value})[{server.days}d:{PANEL_STEP}]))"
        )
        head = (name, "low" if low else "high", *(_number(found.get(str(one))) for one in WORST_FIRST[::-1]))
        if not measured:
            yield (*head, "-", "no data", "")
        for labels, number in measured:
            passed = [one for one in WORST_FIRST if _is_beyond(number, found.get(str(one)), low=low)]
            reading = f"beyond {passed[0]}" if passed else "within"
            yield (*head, _number(number), reading, ", ".join(f"{k} {v}" for k, v in sorted(labels.items())))


def _compared(rule: Rule, *, low: bool) -> tuple[str, float]:
    """The value that a rule compares, and with which threshold."""
    value, _, level = rule.expression.rpartition(" < " if low else " > ")
    try:
        return value, float(level)
    except ValueError:
        raise AuditError(
            f"the rule {rule.name} is not as it is declared here ({rule.expression}): "
            "use the commit that is deployed"
        ) from None


def _is_beyond(value: float, level: float | None, *, low: bool) -> bool:
    return level is not None and (value < level if low else value > level)


def _always(fired: Sequence[tuple[Rule, float | None]]) -> list[Rule]:
    return [rule for rule, share in fired if share is not None and share >= ALWAYS]


def _switched_off(rules: Sequence[Rule]) -> frozenset[str]:
    """The sources that the declared rules would miss, and the loaded ones do not."""

    def missed(labels: Mapping[str, str]) -> str:
        return "blackbox" if "probe" in labels else labels["job"]

    by_default = {
        missed(alert.instance)
        for those in alerts(Parameters()).values()
        for alert in those
        if alert.name == ABSENT and alert.instance
    }
    return frozenset(by_default - {missed(rule.labels) for rule in rules if rule.name == ABSENT})


def _for_all(query: Query, dashboard: Dashboard) -> str:
    """The query with everything chosen in the dashboard's variables."""
    text = query.text.replace("$__range", dashboard.default_range).replace("$__rate_interval", "5m")
    for name in query.variables:
        text = text.replace(f'"${name}"', '".*"')
    return text


def _why(panel: Panel, missing: frozenset[str]) -> str:
    sources = ", ".join(sorted(panel.sources))
    if missing:
        return f"no series {', '.join(sorted(missing))} (source: {sources})"
    return f"its series are there, its queries return nothing (source: {sources})"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= THOUSAND else f"{value:.4g}"


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield f"{title}: {len(rows) or 'none'}"
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows) if rows else ():
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
