"""Panels as the dashboards have them, and answers as Prometheus gives them."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from local.viewer.answers import Answer, Answered, series_name
from local.viewer.dashboard import Panel
from local.viewer.looks import LIGHT
from local.viewer.panels import Drawn, draw
from local.viewer.servers import Series
from local.viewer.times import Steps, time_range

START, STEP, END = 1_700_000_000 // 60 * 60, 60, 1_700_000_000 // 60 * 60 + 600
POINTS = 11


def a_panel(kind: str, *, options: Mapping[str, Any] | None = None, **defaults: object) -> Panel:
    """A panel with one query `A` whose legend is the label `name`."""
    return Panel.model_validate(
        {
            "id": 1,
            "type": kind,
            "title": "A panel",
            "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
            "targets": [{"refId": "A", "expr": "x", "legendFormat": "{{name}}"}],
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": options or {},
        }
    )


def an_answer(panel: Panel, *series: tuple[Mapping[str, str], Sequence[float]], target: str = "A") -> Answer:
    """Series with a sample each minute, the last at the end."""
    answered = [
        Answered(
            target=target,
            name=series_name(panel.targets[0], labels),
            series=Series.model_validate(
                {
                    "metric": labels,
                    "values": [
                        [END - STEP * (len(values) - 1 - place), str(value)]
                        for place, value in enumerate(values)
                    ],
                }
            ),
        )
        for labels, values in series
    ]
    return Answer(
        shown=time_range(str(START * 1000), str(END * 1000), END),
        steps=Steps(interval=STEP, rate_interval=120),
        series=tuple(answered),
    )


def drawn(panel: Panel, *series: tuple[Mapping[str, str], Sequence[float]]) -> Drawn:
    """The panel drawn with these series."""
    return draw(panel, an_answer(panel, *series), LIGHT, UTC)
