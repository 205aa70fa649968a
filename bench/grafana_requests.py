"""What a browser asks when a dashboard is opened, read from the JSON that is deployed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Grafana's `roundInterval`: below a limit in seconds, that step.
_STEPS = ((45, 30), (90, 60), (210, 120), (450, 300), (750, 600), (1050, 900), (1500, 1200), (2700, 1800))
_LONGEST_STEP = 3600
#: Points of a panel half a screen wide, about one a pixel.
POINTS = 1000
_MOST_POINTS = 11_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A query as Prometheus gets it.

    Attributes:
        name: The panel's id and title, and the query's letter.
        expression: The query with every variable at All.
        seconds: How far it looks back; None where it asks for one moment.
        step: Seconds between two points.
    """

    name: str
    expression: str
    seconds: int | None
    step: int

    def asked(self, end: int) -> tuple[str, dict[str, str]]:
        """Path and arguments of the request to Prometheus' API, given the moment up to which it looks."""
        if self.seconds is None:
            return "query", {"query": self.expression, "time": str(end)}
        # Grafana aligns a span with its step.
        last = end // self.step * self.step
        span = {"start": str(last - self.seconds), "end": str(last), "step": str(self.step)}
        return "query_range", {"query": self.expression, **span}


def moment_of(expression: str) -> Request:
    """A question that looks at one moment."""
    return Request(name=expression, expression=expression, seconds=None, step=1)


def seconds(duration: str) -> int:
    """The seconds of a duration such as `6h`."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


def step(span: int, scrape: int) -> int:
    """The seconds between two points of a span, as Grafana rounds them; never below the scrape interval."""
    asked = span / POINTS
    return max(scrape, next((rounded for limit, rounded in _STEPS if asked <= limit), _LONGEST_STEP))


def span_of(dashboard: Mapping[str, Any]) -> int:
    """The seconds that it shows unless told."""
    return seconds(dashboard["time"]["from"].removeprefix("now-"))


def panels(dashboard: Mapping[str, Any], scrape: int, span: int | None = None) -> Iterator[list[Request]]:
    """Yield the queries of each panel, which the browser sends in one request.

    Args:
        dashboard: Its JSON.
        scrape: Seconds between two scrapes, which its data source tells Grafana.
        span: Seconds that it shows; by default as many as it shows unless told.
    """
    span = span or span_of(dashboard)
    for panel in dashboard["panels"]:
        found = [
            Request(
                name=f"{panel['id']} {panel['title']} {target['refId']}",
                expression=with_values(target["expr"], span, step(span, scrape), scrape),
                seconds=None if target["instant"] else span,
                step=step(span, scrape),
            )
            for target in panel.get("targets", ())
        ]
        if found:
            yield found


def annotations(dashboard: Mapping[str, Any], scrape: int) -> Iterator[Request]:
    """Yield the queries of its annotations."""
    span = span_of(dashboard)
    for one in dashboard["annotations"]["list"]:
        if "expr" in one:
            apart = max(seconds(one["step"]), span // _MOST_POINTS + 1)
            expression = with_values(one["expr"], span, apart, scrape)
            yield Request(name=one["name"], expression=expression, seconds=span, step=apart)


def variables(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the label and the series of each variable whose values are asked for, in order."""
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", one["query"]["query"])
            if found:
                yield found[2], with_values(found[1], 60, 60, 60)


def with_values(expression: str, span: int, apart: int, scrape: int) -> str:
    """The expression as Grafana sends it: a choice is All, and Grafana's own variables have their values."""
    own = {
        "__range": f"{span}s",
        "__interval": f"{apart}s",
        "__rate_interval": f"{max(apart + scrape, 4 * scrape)}s",
    }
    # Not the $1 of label_replace().
    return re.sub(r"\$([a-zA-Z_]\w*)", lambda found: own.get(found[1], ".*"), expression)
