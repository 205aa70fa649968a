"""Put the chosen values into a query, as Grafana does for Prometheus."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.viewer.dashboard import ALL, Variable
from local.viewer.errors import ViewerError
from local.viewer.times import Steps, TimeRange

# $name, ${name}, ${name:format}; a digit begins no name, so that the $1 of label_replace() stays.
_VARIABLE = re.compile(r"\$(?:([a-zA-Z_]\w*)|\{([a-zA-Z_][\w.]*)(?::(\w+))?\})")
_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|]")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is chosen of a variable.

    Attributes:
        variable: The variable.
        offered: Its values that one can choose from.
        chosen: The chosen ones; `$__all` is all.
    """

    variable: Variable
    offered: tuple[str, ...]
    chosen: tuple[str, ...]

    @property
    def is_all(self) -> bool:
        """Whether all values are chosen."""
        return ALL in self.chosen

    def in_query(self) -> str:
        """Return it as it stands in a query's quotes."""
        several = self.variable.multi or self.variable.include_all
        if self.is_all and self.variable.all_value is not None:
            return self.variable.all_value
        values = self.offered if self.is_all else self.chosen
        if not several:
            return "".join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
        escaped = [_escape(value) for value in values]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _escape(value: str) -> str:
    # For the regular expression, and once more for the string that it stands in.
    doubled = value.replace("\\", "\\\\\\\\").replace('"', '\\"')
    return _SPECIAL.sub(lambda found: "\\\\" + found[0], doubled)


def query_values(
    choices: Mapping[str, Choice], shown: TimeRange, steps: Steps | None = None
) -> dict[str, str]:
    """Return what each variable of a query stands for: the dashboard's own, and Grafana's."""
    seconds = round(shown.seconds)
    values = {name: choice.in_query() for name, choice in choices.items()}
    values |= {"__range": f"{seconds}s", "__range_s": str(seconds), "__range_ms": str(seconds * 1000)}
    values |= {"__from": str(round(shown.start * 1000)), "__to": str(round(shown.end * 1000))}
    if steps is not None:
        values["__interval"] = _text(steps.interval)
        values["__interval_ms"] = str(round(steps.interval * 1000))
        values["__rate_interval"] = _text(steps.rate_interval)
    return values


def _text(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables in a text; one that nobody knows stays, as in Grafana.

    Raises:
        ViewerError: A variable asks for a format of its own.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if found[3]:
            raise ViewerError(f"the viewer does not know the format {found[3]!r} of {found[0]}")
        return values.get(name, found[0])

    return _VARIABLE.sub(value, text)
