"""What a panel's queries return, with a name for each series."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.viewer.dashboard import Panel, Target
from local.viewer.interpolation import Choice, interpolate, query_values
from local.viewer.servers import Prometheus, Series
from local.viewer.times import Steps, TimeRange, steps

# Fewer pixels, and a heatmap's cells would be narrower than the gaps between them.
_CELL = 6
_LABEL = re.compile(r"{{\s*([\w.]+)\s*}}")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One series of a panel.

    Attributes:
        target: The `refId` of the query that it answers.
        name: What the legend calls it.
        series: Its labels and values.
    """

    target: str
    name: str
    series: Series


@dataclass(frozen=True, kw_only=True)
class Answer:
    """All series of a panel, and the range and steps that were asked for."""

    shown: TimeRange
    steps: Steps
    series: tuple[Answered, ...]


def ask(
    panel: Panel,
    *,
    prometheus: Prometheus,
    choices: Mapping[str, Choice],
    shown: TimeRange,
    width: int,
    scrape_interval: float,
) -> Answer:
    """Ask a panel's queries.

    Args:
        panel: The panel.
        prometheus: Whom to ask.
        choices: What is chosen of the dashboard's variables.
        shown: The range; instant queries are evaluated at its end.
        width: How wide the panel is drawn, in pixels: no line gets more points.
        scrape_interval: How often Prometheus scrapes, in seconds.

    Raises:
        ViewerError: A query fails.
    """
    points = panel.max_data_points or (width // _CELL if panel.type == "heatmap" else width)
    found: list[Answered] = []
    densest: Steps | None = None
    for target in panel.targets:
        if target.hide:
            continue
        dense = steps(
            shown, points=points, scrape_interval=scrape_interval, least=target.interval or panel.interval
        )
        densest = dense if densest is None or dense.interval < densest.interval else densest
        expression = interpolate(target.expr, query_values(choices, shown, dense))
        answers = (
            prometheus.query(expression, shown.end)
            if target.instant
            else prometheus.query_range(expression, shown, dense)
        )
        found += [
            Answered(target=target.ref_id, name=series_name(target, one.metric), series=one)
            for one in answers
        ]
    fallback = steps(shown, points=points, scrape_interval=scrape_interval)
    return Answer(shown=shown, steps=densest or fallback, series=tuple(found))


def series_name(target: Target, labels: Mapping[str, str]) -> str:
    """Return what the legend calls a series: the target's format filled in, else its labels."""
    if target.legend_format not in {"", "__auto"}:
        return _LABEL.sub(lambda found: labels.get(found[1], ""), target.legend_format).strip()
    inner = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{inner}}}" if inner or not name else name
