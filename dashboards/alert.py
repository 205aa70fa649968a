"""What an alert is: a condition on a query, how long it must hold, and what it tells a person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dashboards.model import DeclarationError, Thresholds
from dashboards.promql import Query
from dashboards.promql_conditions import above, below


class Severity(StrEnum):
    """What an alert asks of people.

    `critical` wakes somebody up, `warning` is read in working hours; `none` is for the alert that always
    fires, and asks nothing.
    """

    CRITICAL = "critical"
    WARNING = "warning"
    NONE = "none"


_NAME = re.compile(r"([A-Z][a-z0-9]+)+")
_DURATION = re.compile(r"[0-9]+[smhd]")
_LABEL = re.compile(r"\$labels\.(\w+)")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One condition; its warning and critical rule share its name.

    Attributes:
        name: As in `alertname`, in CamelCase; also the name of its runbook.
        panel: Id of the panel that shows what it is about.
        query: With thresholds, the value that is compared; else a condition: each series it returns fires.
            Its labels make out what the alert is about.
        thresholds: Where the value becomes a warning and critical.
        severity: Of a condition without thresholds.
        lasts: How long the condition must hold before a warning fires (the rule's `for`).
        critical_lasts: The same for critical; as for a warning unless told.
        keeps_firing: How long it fires on after the condition has ended (`keep_firing_for`).
        because: Why these times.
        summary: One sentence. `<value>` stands for the value and `<threshold>` for the threshold, both shown
            as `shown` says; labels as `{{ $labels.name }}`.
        shown: The template pipeline that turns a value into text with its unit.
        description: What it means and the first step.
        instance: Labels that tell several rules of the same name apart, with their values.
    """

    name: str
    panel: int
    query: Query
    thresholds: Thresholds | None = None
    severity: Severity = Severity.WARNING
    lasts: str
    critical_lasts: str | None = None
    keeps_firing: str
    because: str
    summary: str
    shown: str = 'printf "%.0f"'
    description: str
    instance: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise DeclarationError(f"alert {self.name!r}: name it in CamelCase")
        for duration in (self.lasts, self.critical_lasts or "0s", self.keeps_firing):
            if not _DURATION.fullmatch(duration):
                raise DeclarationError(f"alert {self.name}: {duration!r} is no duration such as 5m")
        if self.query.variables:
            raise DeclarationError(f"alert {self.name}: a rule has no dashboard variables")
        known = self.query.labels | set(self.instance or {})
        if unknown := set(_LABEL.findall(self.summary + self.description)) - known:
            raise DeclarationError(
                f"alert {self.name}: {self.query} has no {', '.join(sorted(unknown))} to tell"
            )

    @property
    def rules(self) -> tuple["AlertRule", ...]:
        """Its rules, the worse one first."""
        if self.thresholds is None:
            return (AlertRule(self, self.severity, None, self.query, self.lasts),)
        compared = below if self.thresholds.low_is_bad else above
        levels = {
            Severity.CRITICAL: (self.thresholds.critical, self.critical_lasts or self.lasts),
            Severity.WARNING: (self.thresholds.warning, self.lasts),
        }
        return tuple(
            AlertRule(self, severity, threshold, compared(self.query, threshold), lasts)
            for severity, (threshold, lasts) in levels.items()
            if threshold is not None
        )


@dataclass(frozen=True)
class AlertRule:
    """One of an alert's rules, of one severity."""

    alert: Alert
    severity: Severity
    threshold: float | None
    condition: Query
    lasts: str

    @property
    def summary(self) -> str:
        """The alert's sentence as Prometheus' template."""
        text = self.alert.summary.replace("<value>", f"{{{{ $value | {self.alert.shown} }}}}")
        if self.threshold is None:
            return text
        return text.replace("<threshold>", f"{{{{ {float(self.threshold)!r} | {self.alert.shown} }}}}")
