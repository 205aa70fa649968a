"""Draws a panel: as HTML, with the Plotly figure that goes into it, where it has one."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local.viewer.answers import Answer
from local.viewer.dashboard import Panel
from local.viewer.errors import ViewerError
from local.viewer.figures import Figure, heatmap, lines, pie
from local.viewer.html import Element, element, html
from local.viewer.looks import Theme
from local.viewer.tiles import bars, no_data, stat, table


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A drawn panel.

    Attributes:
        html: What stands in the panel.
        figure: The Plotly figure as JSON, for the element of class `plot` in it.
    """

    html: str
    figure: str | None = None


_AS_HTML = {"stat": stat, "bargauge": bars, "table": table}
_KINDS = {"timeseries": "lines over time", "piechart": "pie chart", "heatmap": "heatmap over time"}


def draw(panel: Panel, answer: Answer, theme: Theme, zone: tzinfo) -> Drawn:
    """Draw a panel.

    Raises:
        ViewerError: There is no way to draw a panel of this type.
    """
    if as_html := _AS_HTML.get(panel.type):
        return Drawn(html=html(as_html(panel, answer)))
    if panel.type not in _KINDS:
        raise ViewerError(f"the viewer can't draw a panel of type {panel.type}; Grafana can")
    if not answer.series:
        return Drawn(html=html(no_data(panel)))
    match panel.type:
        case "piechart":
            return _plotted(panel, pie(panel, answer, theme), "beside")
        case "heatmap":
            return _plotted(panel, heatmap(panel, answer, theme, zone), "scale")
        case _:
            return _plotted(panel, lines(panel, answer, theme, zone), "beneath")


def _plotted(panel: Panel, figure: Figure, legend: str) -> Drawn:
    body = element(
        "div",
        element("div", class_="plot", role="img", aria_label=_in_words(panel, figure)),
        _legend(panel, figure),
        class_=f"plotted {legend}",
    )
    plot = figure.plot.to_json()
    if plot is None:
        raise ViewerError(f"{panel.title}: Plotly makes no JSON of the figure")
    return Drawn(html=html(body), figure=plot)


def _in_words(panel: Panel, figure: Figure) -> str:
    return (
        f"{panel.title}: {_KINDS[panel.type]}, {len(figure.entries)} entries; the figures are in the legend"
    )


def _legend(panel: Panel, figure: Figure) -> Element:
    toggles = panel.type == "timeseries"
    rows: list[Element] = []
    for position, entry in enumerate(figure.entries):
        swatch = element("rect", width=12, height=12, rx=3, fill=entry.colour)
        name = (element("svg", swatch, width=12, height=12, aria_hidden="true"), entry.name)
        named = (
            element("button", *name, type="button", aria_pressed="true", data_trace=position)
            if toggles
            else element("span", *name)
        )
        cells = (element("td", text) for text in entry.figures)
        rows.append(element("tr", element("th", named, scope="row"), *cells))
    heads = [element("th", element("span", "Name", class_="unseen"), scope="col")]
    heads += [element("th", heading, scope="col") for heading in figure.headings]
    content = element(
        "table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="legend"
    )
    # With buttons in it the keyboard scrolls it already.
    stop = None if toggles else 0
    return element(
        "div", content, class_="scroll", tabindex=stop, role="group", aria_label=f"Legend of {panel.title}"
    )


def time_zone(dashboard: str, browser: str) -> tzinfo:
    """Return a dashboard's time zone.

    Args:
        dashboard: What the dashboard says: `browser`, `utc` or a name such as `Europe/Berlin`.
        browser: The name of the browser's; UTC where this machine does not know it.
    """
    name = browser if dashboard in {"browser", ""} else dashboard
    if name.lower() == "utc":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
