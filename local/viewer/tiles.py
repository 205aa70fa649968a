"""Tiles, bars and tables as HTML."""

import math
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from local.viewer.answers import Answer, Answered
from local.viewer.dashboard import Defaults, Panel
from local.viewer.html import element
from local.viewer.looks import tone
from local.viewer.units import format_value


@dataclass(frozen=True)
class Shown:
    """What a value looks like: its text and the tone of its colour."""

    text: str
    tone: str


def shown(value: float | None, defaults: Defaults) -> Shown:
    """Return what a value looks like: by the mappings, else by its unit and thresholds; None is no value."""
    missing = value is None or math.isnan(value)
    for mapping in defaults.mappings:
        if result := _mapped(mapping.type, mapping.options, value, missing=missing):
            colour = result.get("color")
            text = result.get("text") or format_value(value or 0, defaults.unit, defaults.decimals)
            return Shown(text, tone(colour) if colour else _by_thresholds(value or 0, defaults))
    if value is None or math.isnan(value):
        return Shown(defaults.no_value, "grey")
    return Shown(format_value(value, defaults.unit, defaults.decimals), _by_thresholds(value, defaults))


def _mapped(kind: str, options: dict[str, Any], value: float | None, *, missing: bool) -> Any:  # noqa: ANN401 - JSON
    match kind:
        case "special":
            matches = {"null": missing, "nan": missing, "null+nan": missing}
            return options.get("result") if matches.get(options.get("match", ""), False) else None
        case "value" if value is not None and not missing:
            return options.get(f"{value:g}")
        case "range" if value is not None and not missing:
            low, high = options.get("from"), options.get("to")
            inside = (low is None or low <= value) and (high is None or value <= high)
            return options.get("result") if inside else None
        case _:
            return None


def _by_thresholds(value: float, defaults: Defaults) -> str:
    colours = [step.color for step in defaults.thresholds.steps if step.value is None or step.value <= value]
    return tone(colours[-1]) if colours else "grey"


def stat(panel: Panel, answer: Answer) -> Element:
    """One tile a series: its newest value in large, coloured as the panel says."""
    defaults = panel.field_config.defaults
    filled = panel.options.get("colorMode") in {"background", "background_solid"}
    named = panel.options.get("textMode") in {"value_and_name", "name"} or len(answer.series) > 1
    tiles = [
        _tile(shown(one.series.last, defaults), one.name if named else None, filled=filled)
        for one in answer.series
    ]
    return element("div", *(tiles or [_tile(shown(None, defaults), None, filled=filled)]), class_="tiles")


def _tile(value: Shown, name: str | None, *, filled: bool) -> Element:
    words = len(value.text) > 14  # noqa: PLR2004 - a sentence is no figure, and is written smaller
    return element(
        "div",
        element("span", value.text, class_="value words" if words else "value"),
        element("span", name, class_="name") if name else None,
        class_="tile filled" if filled else "tile",
        data_tone=value.tone,
    )


def bars(panel: Panel, answer: Answer) -> Element:
    """A bar a series, longest first; no bar where there is no value."""
    defaults = panel.field_config.defaults
    if not answer.series:
        return no_data(panel)
    finite = [one.series.last for one in answer.series if math.isfinite(one.series.last)]
    highest = defaults.max if defaults.max is not None else max(finite, default=1.0)

    def length(one: Answered) -> float:
        return one.series.last if math.isfinite(one.series.last) else -1.0

    rows = [
        _bar(one, shown(one.series.last, defaults), highest or 1.0)
        for one in sorted(answer.series, key=length, reverse=True)
    ]
    return element("ul", *rows, class_="bars", tabindex=0, aria_label=panel.title)


def _bar(one: Answered, value: Shown, highest: float) -> Element:
    share = one.series.last / highest if math.isfinite(one.series.last) else 0.0
    width = f"{min(max(share, 0), 1) * 100:.1f}%"
    # A drawing with attributes, for the page forbids styles in elements.
    drawing = element(
        "svg",
        element("rect", width="100%", height="100%", class_="track"),
        element("rect", width=width, height="100%", class_="bar"),
        aria_hidden="true",
        data_tone=value.tone,
    )
    return element(
        "li",
        element("span", one.name, class_="name"),
        drawing,
        element("span", value.text, class_="value", data_tone=value.tone),
    )


def table(panel: Panel, answer: Answer) -> Element:
    """One line a series with its labels, in the order and under the headings that the panel gives them."""
    if not answer.series:
        return no_data(panel)
    options = next((one.options for one in panel.transformations if one.id == "organize"), {})
    excluded, order = options.get("excludeByName", {}), options.get("indexByName", {})
    headings = options.get("renameByName", {})
    names = sorted({name for one in answer.series for name in one.series.metric} | {"Value"})
    columns = [name for name in names if not excluded.get(name)]
    columns.sort(key=lambda name: (order.get(name, len(names)), name))
    defaults = panel.field_config.defaults

    def cell(one: Answered, name: str) -> Element:
        text = shown(one.series.last, defaults).text if name == "Value" else one.series.metric.get(name, "")
        return element("td", text, class_=f"severity {text}" if name == "severity" else None)

    head = element("tr", *(element("th", headings.get(name) or name, scope="col") for name in columns))
    rows = [element("tr", *(cell(one, name) for name in columns)) for one in answer.series]
    body = element("table", element("thead", head), element("tbody", *rows), class_="rows")
    return element("div", body, class_="scroll", tabindex=0, role="group", aria_label=panel.title)


def no_data(panel: Panel) -> Element:
    """What stands where there is nothing to show."""
    return element("p", panel.field_config.defaults.no_value, class_="no-data")
