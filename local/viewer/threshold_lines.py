"""Thresholds as lines in a figure, and the room that they and their labels need."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local.viewer.dashboard import Panel
from local.viewer.looks import Theme, tone
from local.viewer.units import format_value

_ROOM_ABOVE = 1.05
# Of the data's highest value: a threshold so little above it belongs to the picture.
_SOON_REACHED = 1.25
# A label's share of the axis where the figure is as low as the page lets it get, and room for one above.
_LABEL = 0.12
_ROOM_FOR_LABEL = 1.15


def limits_of(panel: Panel) -> dict[float, str]:
    """Return the thresholds that are drawn, with the tone of each: that of its bad side.

    Half of the good sides would be green lines.
    """
    if _threshold_style(panel) == "off":
        return {}
    steps = panel.field_config.defaults.thresholds.steps
    return {
        step.value: tone(before.color if tone(step.color) == "green" else step.color)
        for before, step in itertools.pairwise(steps)
        if step.value is not None
    }


def _threshold_style(panel: Panel) -> str:
    return panel.field_config.defaults.custom.get("thresholdsStyle", {}).get("mode", "off")


def axis_end(top: float, low: float, limits: Iterable[float]) -> float:
    """Return the end of an axis: above the data, and above the label of a threshold that is soon reached."""
    near = [limit for limit in limits if top < limit <= top * _SOON_REACHED]
    high = max([top * _ROOM_ABOVE, low, *(low + (limit - low) * _ROOM_FOR_LABEL for limit in near)])
    return high if high > low else low + 1


def threshold_lines(
    panel: Panel, theme: Theme, limits: Mapping[float, str], low: float, high: float
) -> list[dict[str, Any]]:
    """Return Plotly's shapes of the thresholds that lie on the axis from `low` to `high`."""
    shown = [limit for limit in limits if low <= limit <= high]
    sides = label_sides(shown, low, high)
    return [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": limit,
            "y1": limit,
            "line": {
                "color": theme.tones[limits[limit]],
                "width": 1.5,
                "dash": "dash" if "dash" in _threshold_style(panel) else "solid",
            },
            "label": {
                "text": format_value(limit, panel.field_config.defaults.unit) if limit in sides else "",
                "textposition": "end",
                "yanchor": sides.get(limit, "bottom"),
                "font": {"size": 10, "color": theme.soft},
            },
        }
        for limit in shown
    ]


def label_sides(limits: Sequence[float], low: float, high: float) -> dict[float, str]:
    """Return which end of its label each line has: `bottom` is above the line, `top` below it.

    The highest is placed first. A line whose label would lie on another one, or outside, has none.
    """
    room = _LABEL * (high - low)
    sides: dict[float, str] = {}
    ceiling = high
    for limit in sorted(limits, reverse=True):
        if limit + room <= ceiling:
            sides[limit], ceiling = "bottom", limit
        elif limit <= ceiling and limit - room >= low:
            sides[limit], ceiling = "top", limit - room
    return sides
