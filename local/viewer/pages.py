"""The viewer's pages as HTML. What they show of the dashboards is fetched panel by panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from local.viewer.choices import address, link
from local.viewer.dashboard import ALL, Dashboard, Panel
from local.viewer.errors import ViewerError
from local.viewer.html import element, html
from local.viewer.interpolation import Choice
from local.viewer.times import CHOICES, TimeRange, duration

WHAT_IT_IS = "A viewer for a machine without Grafana; not Grafana."
_HIDDEN = 2
_MIDDLE = 12


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stands around each page.

    Attributes:
        dashboards: Title and address of each dashboard.
        strip: The alerts that fire; None on a page that shows them anyway.
    """

    dashboards: Sequence[tuple[str, str]]
    strip: Element | None


def page(frame: Frame, title: str, *content: Element | None, here: str, styles: str | None = None) -> str:
    """Return a page.

    Args:
        frame: What stands around it.
        title: Its title.
        content: What it shows.
        here: Its path, marked in the navigation.
        styles: Address of a style sheet of its own.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("title", f"{title} | dubbing-monitoring"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="/static/icon.svg"),
        element("link", rel="stylesheet", href="/theme.css"),
        element("link", rel="stylesheet", href="/static/viewer.css"),
        # By this id and class, Plotly knows that the page has its styles and makes none of its own.
        element(
            "link",
            rel="stylesheet",
            href="/static/plotly.css",
            id="plotly.js-style-global",
            class_="no-inline-styles",
        ),
        element("link", rel="stylesheet", href=styles) if styles else None,
        element("script", src="/plotly.js", defer=True),
        element("script", src="/static/viewer.js", defer=True),
    )
    links = [*frame.dashboards, ("Alerts", "/alerts"), ("Messages", "/messages")]
    items = [element("li", _nav(name, url, here)) for name, url in links]
    body = element(
        "body",
        element("a", "Skip to the content", href="#main", class_="skip"),
        element(
            "header",
            element("p", element("a", "dubbing-monitoring", href="/"), element("span", WHAT_IT_IS)),
            element("nav", element("ul", *items), aria_label="Pages"),
        ),
        None
        if frame.strip is None
        else element("section", frame.strip, id="strip", class_="live", aria_label="Firing alerts"),
        element("main", element("h1", title), *content, id="main", tabindex=-1),
    )
    return "<!doctype html>" + html(element("html", head, body, lang="en", data_ready="false"))


def _nav(name: str, url: str, here: str) -> Element:
    current = "page" if url.partition("?")[0] == here else None
    return element("a", name, href=url, aria_current=current)


def overview(dashboards: Mapping[str, Dashboard]) -> Element:
    """The dashboards with their purposes."""
    items = [
        element(
            "li",
            element("h2", element("a", one.title, href=f"/d/{uid}")),
            element("p", one.description.partition("\n")[0]),
        )
        for uid, one in dashboards.items()
    ]
    return element("ul", *items, class_="overview")


def problem(error: ViewerError) -> Element:
    """What stands where something can't be shown."""
    return element("p", str(error), class_="problem", role="alert")


@dataclass(frozen=True, kw_only=True)
class View:
    """A dashboard as an address asks for it.

    Attributes:
        dashboard: The dashboard.
        shown: The time that is shown.
        choices: What is chosen, by the variable's name.
        panel: The panel that is shown alone.
    """

    dashboard: Dashboard
    shown: TimeRange
    choices: Mapping[str, Choice]
    panel: Panel | None = None

    @property
    def chosen(self) -> dict[str, tuple[str, ...]]:
        """The chosen values, by the variable's name."""
        return {name: choice.chosen for name, choice in self.choices.items()}

    def address(self, *, since: str | None = None, panel: int | None = None) -> str:
        """Return the address of this view, or of one with another time or panel."""
        return address(
            self.dashboard.uid,
            since=since or self.shown.since,
            until="now" if since else self.shown.until,
            chosen=self.chosen,
            panel=panel,
        )


def dashboard(view: View) -> list[Element]:
    """A dashboard: what it is for, its controls, and places for its panels."""
    purpose, _, more = view.dashboard.description.partition("\n\n")
    about = element(
        "details", element("summary", purpose), element("p", more, class_="prose"), class_="purpose"
    )
    return [
        about if more else element("p", purpose),
        _controls(view),
        _alone(view, view.panel) if view.panel else _grid(view),
    ]


def _controls(view: View) -> Element:
    number = view.panel.id if view.panel else None
    default = view.dashboard.time.from_.removeprefix("now-")
    spans = list(dict.fromkeys([*CHOICES, default]))
    spans.sort(key=duration)
    current = view.shown.since.removeprefix("now-") if view.shown.until == "now" else None
    times = [
        element(
            "a",
            span,
            href=view.address(since=f"now-{span}", panel=number),
            aria_current="true" if span == current else None,
            aria_label=f"Last {span}",
        )
        for span in spans
    ]
    fixed = None if current in spans else element("span", view.shown.describe(), class_="fixed")
    hidden = {"from": view.shown.since, "to": view.shown.until}
    if number is not None:
        hidden["viewPanel"] = f"panel-{number}"
    inputs = [element("input", type="hidden", name=name, value=value) for name, value in hidden.items()]
    fields = [_field(one) for one in view.choices.values() if one.variable.hide != _HIDDEN]
    form = element(
        "form", *inputs, *fields, action=f"/d/{view.dashboard.uid}", method="get", class_="choices"
    )
    return element(
        "div",
        form,
        element("nav", fixed, *times, aria_label="Time range", class_="times"),
        refresh(str(view.dashboard.refresh or ""), on=view.shown.until == "now"),
        class_="controls",
    )


def _field(choice: Choice) -> Element:
    variable = choice.variable
    name, label = f"var-{variable.name}", variable.label or variable.name
    if variable.type == "textbox":
        return element("label", label, element("input", name=name, value="".join(choice.chosen)))
    kind = "checkbox" if variable.multi else "radio"
    options = [(ALL, "All")] if variable.include_all else []
    options += [(value, value) for value in dict.fromkeys((*choice.offered, *choice.chosen)) if value != ALL]
    boxes = [
        element(
            "label",
            element("input", type=kind, name=name, value=value, checked=value in choice.chosen),
            text,
        )
        for value, text in options
    ]
    said = "All" if choice.is_all else ", ".join(choice.chosen) or "none"
    return element(
        "details",
        element("summary", element("span", label), " ", element("strong", said)),
        element("fieldset", element("legend", label), *boxes, element("button", "Apply", type="submit")),
        class_="choice",
    )


def refresh(every: str, *, on: bool) -> Element:
    """The control of what is fetched again: the panels, and what is of the class `live`.

    Args:
        every: How often, such as `1m`; empty where only on demand.
        on: Whether it is done unless told otherwise.
    """
    again = (
        element(
            "label",
            element("input", type="checkbox", id="refresh", data_seconds=round(duration(every)), checked=on),
            f"Refresh every {every}",
        )
        if every
        else None
    )
    return element(
        "div", again, element("button", "Refresh", type="button", id="refresh-now"), class_="refresh"
    )


def live(content: Element) -> list[Element]:
    """A page's content that is fetched again every few seconds."""
    return [
        element("div", refresh("10s", on=True), class_="controls"),
        element("div", content, id="live", class_="live"),
    ]


def _grid(view: View) -> Element:
    items = [
        element("h2", one.title, class_="row", id=f"panel-{one.id}")
        if one.type == "row"
        else _panel(view, one)
        for one in view.dashboard.every_panel()
    ]
    return element("div", *items, class_="grid")


def _alone(view: View, panel: Panel) -> Element:
    back = element("p", element("a", f"← All of {view.dashboard.title}", href=view.address()))
    return element("div", back, _panel(view, panel), class_="alone")


def _panel(view: View, panel: Panel) -> Element:
    identity = f"panel-{panel.id}"
    links = panel.field_config.defaults.links
    leads = (
        link(links[0].url, view.dashboard.uid, shown=view.shown, chosen=view.chosen)
        if links
        else view.address(panel=panel.id)
    )
    about = element(
        "details",
        element("summary", "i", aria_label=f"About {panel.title}"),
        element("p", panel.description, class_="prose"),
        class_="about right" if panel.grid_pos.x + panel.grid_pos.w > _MIDDLE else "about",
    )
    return element(
        "section",
        element(
            "header",
            element("h3", element("a", panel.title, href=leads), id=f"{identity}-title"),
            about if panel.description else None,
        ),
        element("div", element("p", "Loading…", class_="loading"), class_="body"),
        class_="panel",
        id=identity,
        data_panel=panel.id,
        data_type=panel.type,
        aria_labelledby=f"{identity}-title",
    )


def grid_styles(shown: Dashboard) -> str:
    """Return the style sheet that puts a dashboard's panels in their places on a wide screen."""
    places = "\n".join(
        f"#panel-{one.id} {{ grid-area: {one.grid_pos.y + 1} / {one.grid_pos.x + 1}"
        f" / span {one.grid_pos.h} / span {one.grid_pos.w}; }}"
        for one in shown.every_panel()
    )
    return f"@media (min-width: 60rem) {{\n{places}\n}}\n"
