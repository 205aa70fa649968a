"""Tiles, bars and tables: the text and the colour of a value."""

import math
import re

import pytest

from local.viewer.dashboard import Panel
from tests.viewer.canned import a_panel, drawn

HIGH_IS_BAD = {
    "steps": [
        {"value": None, "color": "green"},
        {"value": 100, "color": "orange"},
        {"value": 200, "color": "red"},
    ]
}
NOTHING_KNOWN = {
    "type": "special",
    "options": {"match": "null+nan", "result": {"text": "Not instrumented", "color": "#808080"}},
}
STATES = {
    "type": "value",
    "options": {"0": {"text": "Down", "color": "red"}, "1": {"text": "Up", "color": "green"}},
}


def a_tile(**defaults: object) -> Panel:
    return a_panel("stat", options={"colorMode": "background", "textMode": "value"}, **defaults)


def tiles(html: str) -> list[tuple[str, str]]:
    """The tone and the value of each tile."""
    found = re.findall(r'data-tone="(\w+)"><span class="value[^"]*">([^<]*)', html)
    return [(tone, text) for tone, text in found]


@pytest.mark.parametrize(
    ("value", "tone"), [(99.9, "green"), (100, "orange"), (199, "orange"), (200, "red"), (-1, "green")]
)
def test_a_tile_has_the_colour_of_the_threshold_that_its_value_reached(value: float, tone: str) -> None:
    panel = a_tile(thresholds=HIGH_IS_BAD, unit="short", decimals=0)
    ((found, text),) = tiles(drawn(panel, ({}, [value])).html)
    assert found == tone
    assert text == f"{value:.0f}"


def test_a_state_is_a_word_and_an_unknown_one_is_grey() -> None:
    panel = a_tile(mappings=[NOTHING_KNOWN, STATES], noValue="Not instrumented", thresholds=HIGH_IS_BAD)
    assert tiles(drawn(panel, ({}, [0])).html) == [("red", "Down")]
    assert tiles(drawn(panel, ({}, [1])).html) == [("green", "Up")]
    assert tiles(drawn(panel, ({}, [math.nan])).html) == [("grey", "Not instrumented")]
    assert tiles(drawn(panel).html) == [("grey", "Not instrumented")]


def test_a_range_of_values_can_be_a_word() -> None:
    some = {"type": "range", "options": {"from": 1, "to": 5, "result": {"text": "some", "color": "blue"}}}
    panel = a_tile(mappings=[some], thresholds=HIGH_IS_BAD, unit="short")
    assert tiles(drawn(panel, ({}, [3])).html) == [("blue", "some")]
    assert tiles(drawn(panel, ({}, [6])).html) == [("green", "6")]


def test_a_tile_of_several_series_names_each_and_a_remark_is_shown() -> None:
    html = drawn(a_tile(unit="short"), ({"name": "one"}, [1]), ({"name": "two"}, [2])).html
    assert html.count('class="tile filled"') == 2
    assert '<span class="name">two</span>' in html
    remark = a_panel("stat", options={"textMode": "value_and_name"})
    assert '<span class="name">one</span>' in drawn(remark, ({"name": "one"}, [1])).html


def test_bars_are_as_long_as_their_share_of_the_highest_value() -> None:
    panel = a_panel("bargauge", unit="percentunit", max=1, thresholds={"steps": [{"color": "blue"}]})
    html = drawn(panel, ({"name": "a"}, [0.25]), ({"name": "b"}, [0.5]), ({"name": "c"}, [1.5])).html
    assert re.findall(r'width="([\d.]+%)" height="100%" class="bar"', html) == ["100.0%", "50.0%", "25.0%"]
    assert html.index(">c<") < html.index(">b<") < html.index(">a<")
    without = a_panel("bargauge", unit="short")
    html = drawn(without, ({"name": "a"}, [5]), ({"name": "b"}, [math.nan])).html
    assert re.findall(r'width="([\d.]+%)" height="100%" class="bar"', html) == ["100.0%", "0.0%"]


def test_a_table_has_the_columns_and_headings_of_its_panel() -> None:
    panel = a_panel("table", noValue="No alert fires").model_copy(
        update={
            "transformations": Panel.model_validate(
                {
                    "id": 1,
                    "type": "table",
                    "gridPos": {"x": 0, "y": 0, "w": 1, "h": 1},
                    "transformations": [
                        {
                            "id": "organize",
                            "options": {
                                "excludeByName": {"Value": True},
                                "indexByName": {"severity": 0, "alertname": 1},
                                "renameByName": {"severity": "Severity", "alertname": "Alert"},
                            },
                        }
                    ],
                }
            ).transformations
        }
    )
    html = drawn(panel, ({"alertname": "DiskFull", "severity": "critical"}, [1])).html
    assert re.findall(r'<th scope="col">(\w+)', html) == ["Severity", "Alert"]
    assert re.findall(r"<td[^>]*>(\w+)", html) == ["critical", "DiskFull"]
    assert "No alert fires" in drawn(panel).html


def test_what_comes_from_labels_is_text_and_never_markup() -> None:
    evil = '<img src=x onerror="alert(1)">'
    for kind in ("stat", "bargauge", "table", "timeseries", "piechart"):
        html = drawn(a_panel(kind), ({"name": evil}, [1]), ({"name": "b"}, [1])).html
        assert "<img" not in html, kind
        assert "&lt;img" in html, kind
