"""Lines, pies and heatmaps, from canned answers."""

import json
import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from local.viewer.dashboard import FieldConfig
from local.viewer.errors import ViewerError
from local.viewer.figures import Figure, heatmap, lines, per_bucket, pie
from local.viewer.looks import DARK, LIGHT, Theme, series_colours, tone
from local.viewer.panels import time_zone
from local.viewer.threshold_lines import label_sides
from tests.viewer.canned import END, POINTS, a_panel, an_answer, drawn

THRESHOLDS = {"steps": [{"value": None, "color": "green"}, {"value": 80, "color": "orange"}]}


def plotted(figure: Figure) -> Any:  # noqa: ANN401 - Plotly has no types
    return figure.plot


def test_a_line_has_a_point_for_each_step_and_a_gap_where_there_is_no_sample() -> None:
    panel = a_panel("timeseries", unit="s", min=0)
    answer = an_answer(panel, ({"name": "short"}, [1, math.nan, 3]), ({"name": "long"}, range(POINTS)))
    figure = lines(panel, answer, LIGHT, UTC)
    long, short = plotted(figure).data
    assert (long["name"], short["name"]) == ("long", "short"), "the highest first"
    assert list(long["y"]) == list(range(POINTS))
    assert [math.isnan(value) for value in short["y"]] == [True] * 8 + [False, True, False]
    assert long["x"][-1] == datetime.fromtimestamp(END, UTC).replace(tzinfo=None)
    assert not short["connectgaps"]
    assert short["text"][-1] == "3 s"


def test_the_legend_tells_the_last_and_the_highest_value() -> None:
    panel = a_panel("timeseries", unit="short")
    figure = lines(panel, an_answer(panel, ({"name": "a"}, [1, 9, 2])), LIGHT, UTC)
    assert figure.headings == ("Last", "Max")
    assert [(one.name, one.figures) for one in figure.entries] == [("a", ("2", "9"))]


def test_the_axis_keeps_its_limits_and_grows_with_the_values_else() -> None:
    share = a_panel("timeseries", unit="percentunit", min=0, max=1)
    layout = plotted(lines(share, an_answer(share, ({}, [0.1])), LIGHT, UTC)).layout
    assert list(layout["yaxis"]["range"]) == [0, 1]
    free = a_panel("timeseries", unit="short", min=0)
    layout = plotted(lines(free, an_answer(free, ({}, [100])), LIGHT, UTC)).layout
    assert list(layout["yaxis"]["range"]) == [0, 105]
    layout = plotted(lines(free, an_answer(free, ({}, [0])), LIGHT, UTC)).layout
    assert list(layout["yaxis"]["range"]) == [0, 1]


def test_stacked_lines_add_up() -> None:
    panel = a_panel("timeseries", min=0, custom={"stacking": {"mode": "normal"}, "fillOpacity": 30})
    answer = an_answer(panel, ({"name": "a"}, [40]), ({"name": "b"}, [60]))
    figure = plotted(lines(panel, answer, LIGHT, UTC))
    assert list(figure.layout["yaxis"]["range"]) == [0, 105]
    top, bottom = figure.data[1], figure.data[0]
    assert (bottom["y"][-1], bottom["fill"], bottom["text"][-1]) == (60, "tozeroy", "60")
    assert (top["y"][-1], top["fill"], top["text"][-1]) == (100, "tonexty", "40")


@pytest.mark.parametrize(("mode", "dash"), [("line", "solid"), ("dashed", "dash")])
def test_thresholds_are_lines_in_the_colour_of_the_bad_side(mode: str, dash: str) -> None:
    panel = a_panel(
        "timeseries", unit="celsius", thresholds=THRESHOLDS, custom={"thresholdsStyle": {"mode": mode}}
    )
    (shape,) = plotted(lines(panel, an_answer(panel, ({}, [90])), LIGHT, UTC)).layout["shapes"]
    assert (shape["y0"], shape["y1"], shape["line"]["dash"]) == (80, 80, dash)
    assert shape["line"]["color"] == LIGHT.tones["orange"]
    assert shape["label"]["text"] == "80 °C"


def test_the_axis_has_room_for_a_threshold_that_is_soon_reached_and_for_its_label() -> None:
    panel = a_panel("timeseries", min=0, thresholds=THRESHOLDS, custom={"thresholdsStyle": {"mode": "line"}})
    layout = plotted(lines(panel, an_answer(panel, ({}, [70])), LIGHT, UTC)).layout
    assert layout["yaxis"]["range"][1] == pytest.approx(92)
    (shape,) = layout["shapes"]
    assert (shape["label"]["text"], shape["label"]["yanchor"]) == ("80", "bottom")
    layout = plotted(lines(panel, an_answer(panel, ({}, [20])), LIGHT, UTC)).layout
    assert (layout["yaxis"]["range"][1], len(layout["shapes"])) == (21, 0), "a far one would flatten the data"


@pytest.mark.parametrize(
    ("limits", "sides"),
    [
        ([20, 60], {20: "bottom", 60: "bottom"}),
        ([50, 55], {50: "top", 55: "bottom"}),
        ([50, 52, 55], {52: "top", 55: "bottom"}),
        ([98], {98: "top"}),
        ([80, 98], {80: "top", 98: "top"}),
        ([2], {2: "bottom"}),
        ([2, 5], {5: "bottom"}),
    ],
)
def test_labels_of_thresholds_lie_beside_each_other_or_are_left_out(
    limits: list[float], sides: dict[float, str]
) -> None:
    assert label_sides(limits, 0, 100) == sides


def test_thresholds_that_the_panel_does_not_draw_are_no_lines() -> None:
    panel = a_panel("timeseries", thresholds=THRESHOLDS, custom={"thresholdsStyle": {"mode": "off"}})
    assert not plotted(lines(panel, an_answer(panel, ({}, [1])), LIGHT, UTC)).layout.shapes


def test_a_limit_is_a_dashed_red_line_without_a_fill() -> None:
    override = {
        "matcher": {"id": "byFrameRefID", "options": "B"},
        "properties": [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
            {"id": "custom.fillOpacity", "value": 0},
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}},
        ],
    }
    panel = a_panel("timeseries", custom={"fillOpacity": 10}).model_copy(
        update={
            "field_config": FieldConfig.model_validate(
                {"defaults": {"custom": {"fillOpacity": 10}}, "overrides": [override]}
            )
        }
    )
    limit = plotted(lines(panel, an_answer(panel, ({}, [1]), target="B"), LIGHT, UTC)).data[0]
    assert (limit["line"]["dash"], limit["line"]["color"]) == ("dash", LIGHT.tones["red"])
    assert limit["fill"] is None
    usual = plotted(lines(panel, an_answer(panel, ({}, [1]), target="A"), LIGHT, UTC)).data[0]
    assert (usual["line"]["dash"], usual["fill"]) == ("solid", "tozeroy")


def test_a_pie_is_shared_out_largest_first() -> None:
    panel = a_panel("piechart", unit="currencyUSD")
    answer = an_answer(panel, ({"name": "a"}, [25]), ({"name": "b"}, [75]), ({"name": "c"}, [math.nan]))
    figure = pie(panel, answer, LIGHT)
    (trace,) = plotted(figure).data
    assert (list(trace["labels"]), list(trace["values"])) == (["b", "a"], [75, 25])
    assert [one.figures for one in figure.entries] == [("$75", "75%"), ("$25", "25%")]


def test_a_heatmap_shows_what_fell_into_each_bucket() -> None:
    panel = a_panel(
        "heatmap",
        options={
            "yAxis": {"unit": "s"},
            "cellValues": {"unit": "ops"},
            "filterValues": {"le": 1e-9},
            "color": {"exponent": 0.5},
        },
    )
    buckets = {"+Inf": 16, "30": 4, "60": 4}
    answer = an_answer(panel, *(({"le": bound}, [value] * POINTS) for bound, value in buckets.items()))
    (trace,) = plotted(heatmap(panel, answer, LIGHT, UTC)).data
    assert trace["z"][0][0] == 2, "the colour grows with the root of what is in the cell"
    assert np.isnan(trace["z"][1]).all(), "an empty bucket stays empty"
    assert trace["text"][2][0] == "12 ops/s"
    assert trace["customdata"][0][0] == "≤ 30 s"
    assert trace["customdata"][2][0] == "more"


def test_buckets_that_fall_by_a_trifle_are_empty_and_never_negative() -> None:
    assert per_bucket(np.array([[1.0], [0.999], [2.0]])).tolist() == [[1.0], [0.0], [1.001]]


def test_a_panel_without_series_says_so_in_its_own_words() -> None:
    for kind in ("timeseries", "piechart", "heatmap", "table", "bargauge"):
        found = drawn(a_panel(kind, noValue="Not instrumented"))
        assert "Not instrumented" in found.html
        assert found.figure is None


def test_a_panel_that_the_viewer_does_not_know_is_an_error() -> None:
    with pytest.raises(ViewerError, match="can't draw a panel of type news"):
        drawn(a_panel("news"), ({}, [1]))


def test_a_figure_is_json_that_plotly_reads() -> None:
    found = drawn(a_panel("timeseries"), ({"name": "a"}, [1, math.nan, 2]))
    assert found.figure is not None
    figure = json.loads(found.figure)
    assert figure["data"][0]["type"] == "scatter"
    assert 'class="plot"' in found.html


def test_a_series_keeps_its_colour_when_others_come_and_go() -> None:
    few, many = series_colours(["xtts", "whisper"]), series_colours(["xtts", "whisper", "lip-sync"])
    assert few.items() <= many.items()
    assert len(set(series_colours(map(str, range(20))).values())) == 20


def test_shades_of_a_colour_are_one_and_the_rest_is_grey() -> None:
    found = {name: tone(name) for name in ("green", "semi-dark-orange", "#808080", "text")}
    assert found == {"green": "green", "semi-dark-orange": "orange", "#808080": "grey", "text": "grey"}


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_what_is_drawn_and_written_stands_out_dark_or_light(theme: Theme) -> None:
    for colour in series_colours(map(str, range(20))).values():
        assert contrast(colour, theme.surface) >= 3, colour
    for colour in (*theme.tones.values(), theme.text, theme.soft, theme.link):
        assert contrast(colour, theme.surface) >= 4.5, colour
    for colour in theme.tones.values():
        assert contrast(theme.on_tone, colour) >= 4.5, colour
    for colour in (theme.text, theme.soft):
        assert contrast(colour, theme.page) >= 4.5, colour
        assert contrast(colour, theme.hover) >= 4.5, colour


def test_the_time_zone_is_the_dashboards_else_the_browsers() -> None:
    assert time_zone("utc", "Europe/Berlin") is UTC
    assert time_zone("browser", "Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert time_zone("browser", "Nowhere/At-All") is UTC
    assert time_zone("browser", "../etc/passwd") is UTC
