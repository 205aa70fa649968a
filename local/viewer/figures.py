"""Lines, pies and heatmaps as Plotly figures; their legends stand beside them as tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np
import numpy.typing as npt
from plotly import graph_objects

from local.viewer.answers import Answer, Answered
from local.viewer.dashboard import Panel, Property
from local.viewer.looks import Theme, series_colours, tone
from local.viewer.servers import aligned
from local.viewer.threshold_lines import axis_end, limits_of, threshold_lines
from local.viewer.units import format_value, ticks

Values = npt.NDArray[np.float64]

_FONT = "system-ui, sans-serif"
_LABELS_OF_BUCKETS = 8
_HOURS_TOLD = 2 * 86400


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """A line of a legend: the colour (None: there is none to show), the name, the figures."""

    colour: str | None
    name: str
    figures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A Plotly figure and its legend.

    Attributes:
        plot: The figure; its traces are in the order of the entries.
        headings: What the legend's figures are.
        entries: The legend.
    """

    plot: graph_objects.Figure
    headings: tuple[str, ...] = ()
    entries: tuple[LegendEntry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Look:
    colour: str
    dash: str
    opacity: float


def lines(panel: Panel, answer: Answer, theme: Theme, zone: tzinfo) -> Figure:
    """Draw lines over time, highest first; limits dashed, thresholds as lines.

    Args:
        panel: The panel.
        answer: What its queries returned.
        theme: The page's colours.
        zone: The time zone of the axis.
    """
    defaults = panel.field_config.defaults
    stacked = defaults.custom.get("stacking", {}).get("mode") == "normal"
    start, end = aligned(answer.shown, answer.steps)
    count = round((end - start) / answer.steps.interval) + 1
    moments = start + np.arange(count) * answer.steps.interval
    values = {id(one): _on_grid(one, start, answer.steps.interval, count) for one in answer.series}
    series = sorted(answer.series, key=lambda one: -_highest(values[id(one)]))
    looks = _looks(panel, series, theme)
    local = [datetime.fromtimestamp(moment, UTC).astimezone(zone).replace(tzinfo=None) for moment in moments]
    plot = graph_objects.Figure()
    below = np.zeros(count)
    for one, look in zip(series, looks, strict=True):
        its = values[id(one)]
        plot.add_scatter(
            x=local,
            y=below + its,
            name=one.name,
            mode="lines",
            text=[_text(value, panel) for value in its],
            hovertemplate="%{text}",
            line={"color": look.colour, "width": 1.5, "dash": look.dash},
            fill=("tonexty" if stacked and below.any() else "tozeroy") if look.opacity else None,
            fillcolor=_faint(look.colour, look.opacity),
            connectgaps=bool(defaults.custom.get("spanNulls")),
        )
        if stacked:
            # Not Plotly's own stacking, which draws a gap as zero.
            below += np.nan_to_num(its)
    top = _top(list(values.values()), stacked=stacked)
    low = defaults.min if defaults.min is not None else min(0.0, _bottom(list(values.values())))
    limits = limits_of(panel)
    high = defaults.max if defaults.max is not None else axis_end(top, low, limits)
    marks = ticks(low, high, defaults.unit)
    _lay_out(plot, theme)
    shown = [local[0], local[-1]] if len(local) > 1 else None
    _lay_out_time(plot, answer, theme)
    plot.update_xaxes(range=shown)
    plot.update_yaxes(
        range=[low, high],
        tickvals=marks.values,
        ticktext=marks.texts,
        title_text=defaults.custom.get("axisLabel") or None,
        gridcolor=theme.line,
        zerolinecolor=theme.line,
        ticklabelstandoff=4,
        fixedrange=True,
        automargin=True,
    )
    plot.update_layout(hovermode="x unified", shapes=threshold_lines(panel, theme, limits, low, high))
    entries = tuple(
        LegendEntry(
            colour=look.colour,
            name=one.name,
            figures=(_text(one.series.last, panel), _text(_highest(values[id(one)]), panel)),
        )
        for one, look in zip(series, looks, strict=True)
    )
    return Figure(plot=plot, headings=("Last", "Max"), entries=entries)


def _on_grid(one: Answered, start: float, step: float, count: int) -> Values:
    """Return a value for each step, NaN where there is no sample: a gap is drawn as one."""
    grid = np.full(count, np.nan)
    for moment, value in one.series.values:
        position = round((moment - start) / step)
        if 0 <= position < count and math.isfinite(value):
            grid[position] = value
    return grid


def _highest(values: Values) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else math.nan


def _top(all_values: Sequence[Values], *, stacked: bool) -> float:
    if stacked and all_values:
        all_values = [np.nansum(np.array(all_values), axis=0)]
    tops = [_highest(values) for values in all_values]
    return max((one for one in tops if not math.isnan(one)), default=0.0)


def _bottom(all_values: Sequence[Values]) -> float:
    lows = [float(np.nanmin(values)) for values in all_values if np.isfinite(values).any()]
    return min(lows, default=0.0)


def _text(value: float, panel: Panel) -> str:
    defaults = panel.field_config.defaults
    return format_value(value, defaults.unit, defaults.decimals)


def _looks(panel: Panel, series: Sequence[Answered], theme: Theme) -> list[_Look]:
    colours = series_colours(one.name for one in series)
    opacity = panel.field_config.defaults.custom.get("fillOpacity", 0) / 100
    return [
        _overridden(_Look(colour=colours[one.name], dash="solid", opacity=opacity), panel, one, theme)
        for one in series
    ]


def _overridden(look: _Look, panel: Panel, one: Answered, theme: Theme) -> _Look:
    for override in panel.field_config.overrides:
        names = {"byFrameRefID": one.target, "byName": one.name}
        if names.get(override.matcher.id) != override.matcher.options:
            continue
        for item in override.properties:
            look = _with(look, item, theme)
    return look


def _with(look: _Look, item: Property, theme: Theme) -> _Look:
    match item.id:
        case "color" if item.value.get("mode") == "fixed":
            return _Look(
                colour=theme.tones[tone(item.value["fixedColor"])], dash=look.dash, opacity=look.opacity
            )
        case "custom.fillOpacity":
            return _Look(colour=look.colour, dash=look.dash, opacity=item.value / 100)
        case "custom.lineStyle":
            dashes = {"dash": "dash", "dot": "dot"}
            return _Look(
                colour=look.colour, dash=dashes.get(item.value.get("fill"), "solid"), opacity=look.opacity
            )
        case _:
            return look


def _faint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def pie(panel: Panel, answer: Answer, theme: Theme) -> Figure:
    """Draw how the newest values share a whole, largest first."""
    parts = [one for one in answer.series if math.isfinite(one.series.last)]
    parts = sorted(parts, key=lambda one: -one.series.last)
    whole = sum(one.series.last for one in parts)
    colours = series_colours(one.name for one in parts)
    plot = graph_objects.Figure()
    plot.add_pie(
        labels=[one.name for one in parts],
        values=[one.series.last for one in parts],
        text=[_text(one.series.last, panel) for one in parts],
        hovertemplate="%{label}<br>%{text} (%{percent})<extra></extra>",
        textinfo="percent",
        textposition="inside",
        insidetextorientation="horizontal",
        textfont={"color": "#ffffff", "size": 12},
        marker={
            "colors": [colours[one.name] for one in parts],
            "line": {"color": theme.surface, "width": 2},
        },
        hole=0.55,
        sort=False,
        direction="clockwise",
    )
    _lay_out(plot, theme)
    plot.update_layout(uniformtext={"minsize": 10, "mode": "hide"})
    entries = tuple(
        LegendEntry(
            colour=colours[one.name],
            name=one.name,
            figures=(
                _text(one.series.last, panel),
                format_value(one.series.last / whole, "percentunit") if whole else "",
            ),
        )
        for one in parts
    )
    return Figure(plot=plot, headings=("Value", "Percent"), entries=entries)


def heatmap(panel: Panel, answer: Answer, theme: Theme, zone: tzinfo) -> Figure:
    """Draw how many observations fell into each bucket of a cumulative histogram, over time."""
    defaults = panel.field_config.defaults
    unit = panel.options.get("yAxis", {}).get("unit", defaults.unit)
    cell_unit = panel.options.get("cellValues", {}).get("unit", "none")
    start, end = aligned(answer.shown, answer.steps)
    count = round((end - start) / answer.steps.interval) + 1
    moments = start + np.arange(count) * answer.steps.interval
    buckets = sorted(answer.series, key=lambda one: float(one.series.metric["le"]))
    cumulative = np.array([_on_grid(one, start, answer.steps.interval, count) for one in buckets])
    cells = per_bucket(cumulative)
    cells[cells <= panel.options.get("filterValues", {}).get("le", 0)] = np.nan
    bounds = [format_value(float(one.series.metric["le"]), unit) for one in buckets]
    labels = [f"≤ {bound}" if bound != "+Inf" else "more" for bound in bounds]
    local = [datetime.fromtimestamp(moment, UTC).astimezone(zone).replace(tzinfo=None) for moment in moments]
    exponent = panel.options.get("color", {}).get("exponent", 1)
    plot = graph_objects.Figure()
    plot.add_heatmap(
        x=local,
        y=list(range(len(labels))),
        z=cells**exponent,
        zmin=0,
        text=[[format_value(value, cell_unit) for value in row] for row in cells],
        customdata=[[label] * count for label in labels],
        hovertemplate="%{x}<br>%{customdata}: %{text}<extra></extra>",
        hoverongaps=False,
        colorscale=[[0, theme.scale[0]], [1, theme.scale[1]]],
        showscale=False,
        xgap=1,
        ygap=1,
    )
    every = math.ceil(len(labels) / _LABELS_OF_BUCKETS) or 1
    _lay_out(plot, theme)
    _lay_out_time(plot, answer, theme)
    plot.update_yaxes(
        tickvals=list(range(0, len(labels), every)),
        ticktext=labels[::every],
        showgrid=False,
        zeroline=False,
        ticks="",
        fixedrange=True,
        automargin=True,
    )
    most = float(np.nanmax(cells)) if np.isfinite(cells).any() else 0.0
    entries = (
        LegendEntry(colour=theme.scale[0], name="few", figures=()),
        LegendEntry(colour=theme.scale[1], name=f"up to {format_value(most, cell_unit)}", figures=()),
    )
    return Figure(plot=plot, entries=entries)


def per_bucket(cumulative: Values) -> Values:
    """Return what each bucket holds besides that of the buckets below it, which it includes."""
    below = np.vstack([np.zeros((1, cumulative.shape[1])), np.nan_to_num(cumulative[:-1])])
    # Rates of buckets that are scraped one after the other may fall by a trifle.
    return np.maximum(cumulative - below, 0)


def _lay_out_time(plot: graph_objects.Figure, answer: Answer, theme: Theme) -> None:
    """Give the axis of time one short line of text: hours within two days, days else."""
    plot.update_xaxes(
        type="date",
        tickformat="%H:%M" if answer.shown.seconds <= _HOURS_TOLD else "%-d %b",
        hoverformat="%-d %b %H:%M:%S",
        spikecolor=theme.soft,
        spikethickness=1,
        nticks=7,
        ticks="",
        ticklabelstandoff=4,
        gridcolor=theme.line,
        fixedrange=True,
    )


def _lay_out(plot: graph_objects.Figure, theme: Theme) -> None:
    plot.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": _FONT, "size": 11, "color": theme.soft},
        margin={"l": 8, "r": 8, "t": 8, "b": 26},
        showlegend=False,
        dragmode=False,
        hoverlabel={
            "bgcolor": theme.surface,
            "bordercolor": theme.line,
            "font": {"size": 12, "color": theme.soft, "family": _FONT},
            "namelength": 60,
        },
    )
