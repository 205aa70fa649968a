"""The choices at the top of a dashboard: what they offer, and what the address chooses."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from local.viewer.dashboard import ALL, Dashboard, Variable
from local.viewer.errors import ViewerError
from local.viewer.interpolation import Choice, interpolate, query_values
from local.viewer.servers import Prometheus
from local.viewer.times import TimeRange

_LABEL_VALUES = re.compile(r"label_values\((?:(.+),)?\s*(\w+)\s*\)", re.DOTALL)

Chosen = Mapping[str, Sequence[str]]
"""The values that an address chooses, by the variable's name."""


def choices(
    dashboard: Dashboard, chosen: Chosen, *, prometheus: Prometheus, shown: TimeRange, offers: bool
) -> dict[str, Choice]:
    """Return the dashboard's choices.

    Args:
        dashboard: The dashboard.
        chosen: What the address chooses.
        prometheus: Whom to ask for the values that label_values() offers.
        shown: The range in which a value must occur to be offered.
        offers: Whether to find what each one offers, even where no query needs to know.

    Raises:
        ViewerError: A variable is of a kind that the viewer does not know, or its query fails.
    """
    made: dict[str, Choice] = {}
    for variable in dashboard.variables:
        wanted = tuple(chosen.get(variable.name, ())) or _default(variable)
        if len(wanted) > 1:
            # Who chose a value beside All meant the value.
            wanted = tuple(value for value in wanted if value != ALL)
        by_all_value = ALL in wanted and variable.all_value is not None
        needed = offers or not wanted or (ALL in wanted and not by_all_value)
        offered = _offered(variable, made, prometheus, shown) if needed else ()
        wanted = wanted or ((ALL,) if variable.include_all else offered[:1])
        made[variable.name] = Choice(variable=variable, offered=offered, chosen=wanted)
    return made


def _default(variable: Variable) -> tuple[str, ...]:
    if variable.current and any(variable.current.value):
        return variable.current.value
    if variable.include_all:
        return (ALL,)
    return ()


def _offered(
    variable: Variable, before: Mapping[str, Choice], prometheus: Prometheus, shown: TimeRange
) -> tuple[str, ...]:
    match variable.type:
        case "query":
            return _matching(variable.regex, _asked(variable, before, prometheus, shown))
        case "custom" | "interval":
            return tuple(value.strip() for value in str(variable.query).split(","))
        case "constant" | "textbox":
            return (str(variable.query or ""),)
        case _:
            raise ViewerError(f"the viewer does not know variables of type {variable.type}: {variable.name}")


def _asked(
    variable: Variable, before: Mapping[str, Choice], prometheus: Prometheus, shown: TimeRange
) -> list[str]:
    text = variable.query["query"] if isinstance(variable.query, dict) else str(variable.query)
    found = _LABEL_VALUES.fullmatch(text.strip())
    if found is None:
        raise ViewerError(f"the viewer only knows label_values(): variable {variable.name} asks {text}")
    selector = interpolate(found[1], query_values(before, shown)) if found[1] else None
    return prometheus.label_values(found[2], selector, shown)


def _matching(regex: str, values: Sequence[str]) -> tuple[str, ...]:
    pattern = re.compile(regex.strip("/"))
    found = (pattern.search(value) for value in values)
    return tuple(match[1] if pattern.groups else match.string for match in found if match)


def address(uid: str, *, since: str, until: str, chosen: Chosen, panel: int | None = None) -> str:
    """Return the address of a dashboard, or of one of its panels, as Grafana writes it."""
    pairs = [("viewPanel", f"panel-{panel}")] if panel is not None else []
    pairs += [("from", since), ("to", until), *_pairs(chosen)]
    return f"/d/{uid}?{urlencode(pairs)}"


def link(url: str, uid: str, *, shown: TimeRange, chosen: Chosen) -> str:
    """Fill in the address of a tile's link."""
    return interpolate(
        url,
        {
            "__dashboard.uid": uid,
            "__url_time_range": urlencode({"from": shown.since, "to": shown.until}),
            "__all_variables": urlencode(_pairs(chosen)),
        },
    )


def _pairs(chosen: Chosen) -> list[tuple[str, str]]:
    return [(f"var-{name}", value) for name, values in chosen.items() for value in values]
