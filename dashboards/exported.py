"""Make a dashboard that was exported from some Grafana fit for this one.

What belongs to the other server goes (ids, versions, inputs), references to a Prometheus lead to ours, and
what can't be mapped is a mistake with the place where it is.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, cast

import promql_parser

Json = dict[str, Any]

DATASOURCE_UID = "prometheus"
"""Uid of the Prometheus data source that this stack provisions."""

# What the exporting server knew: its database ids, its history, and what an import would have asked for.
_FOREIGN_KEYS = ("id", "version", "iteration", "gnetId", "__inputs", "__requires", "__elements")
_BUILT_IN_UIDS = {"-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana"}
_BUILT_IN_TYPES = {"grafana", "datasource"}

LEGACY_PANELS = {
    "graph": "timeseries",
    "singlestat": "stat",
    "grafana-singlestat-panel": "stat",
    "table-old": "table",
    "grafana-piechart-panel": "piechart",
    "grafana-worldmap-panel": "geomap",
    "natel-discrete-panel": "state-timeline",
    "heatmap-new": "heatmap",
}
"""Panel types of AngularJS and of trials, with what Grafana 13 shows in their place (its PanelModel.ts)."""

_VARIABLE = re.compile(r"\[\[(\w+)(?::\w+)?\]\]|\$\{(\w+)(?:[.:][^}]*)?\}|\$([A-Za-z_]\w*)")
_MOST_VARIABLES_TRIED = 4
_IN_BRACKETS = re.compile(r"\[[^\]\[]*\]")
_LABEL_VALUES = re.compile(r"\s*label_values\(\s*(?:(.+),)?\s*[\w:$]+\s*\)\s*", re.DOTALL)
_QUERY_RESULT = re.compile(r"\s*query_result\((.+)\)\s*", re.DOTALL)


@dataclass(kw_only=True)
class Exported:
    """A dashboard made to fit.

    Attributes:
        dashboard: The classic JSON, or None where there is none in the file.
        mistakes: What keeps it from being deployed.
        warnings: What works, and should be changed all the same.
    """

    dashboard: Json | None = None
    mistakes: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


def adopt(content: object) -> Exported:
    """Make parsed JSON of a dashboard's export fit; the same result if done again."""
    result = Exported()
    classic = _classic(content, result)
    if classic is None:
        return result
    dashboard = _without_inputs(classic, result)
    result.dashboard = {key: value for key, value in dashboard.items() if key not in _FOREIGN_KEYS}
    variables = _children(_mapping(result.dashboard.get("templating")).get("list"))
    chosen = {str(one.get("name")) for one in variables if one.get("type") == "datasource"}
    for variable in variables:
        _adopt_variable(variable, chosen, result)
    for annotation in _children(_mapping(result.dashboard.get("annotations")).get("list")):
        where = f"annotation {_name(annotation, 'name')}"
        _adopt_datasource(annotation, where, chosen, result)
        _check_promql(annotation.get("expr"), where, result)
    for panel in _panels(result.dashboard):
        _adopt_panel(panel, chosen, result)
    return result


def _classic(content: object, result: Exported) -> Json | None:
    if not isinstance(content, dict):
        kind = type(content).__name__
        result.mistakes.append(f"holds a {kind}, not a JSON object: export the whole dashboard again")
        return None
    found = cast("Json", content)
    if isinstance(found.get("dashboard"), dict) and "meta" in found:
        found = cast("Json", found["dashboard"])
    api = str(found.get("apiVersion", ""))
    spec = found.get("spec")
    if "elements" in found or (isinstance(spec, dict) and "elements" in spec) or "/v2" in api:
        result.mistakes.append(
            "is of schema v2, which Grafana does not reliably load from files: open the dashboard, choose "
            "Export > Export as JSON, select the model Classic, and save that"
        )
        return None
    if api.startswith("dashboard.grafana.app/") and isinstance(spec, dict):
        metadata = _mapping(found.get("metadata"))
        return {"uid": metadata.get("name"), **cast("Json", spec)}
    return found


def _without_inputs(dashboard: Json, result: Exported) -> Json:
    """Answer what an import through the user interface would ask."""
    text = json.dumps(dashboard)
    for one in _children(dashboard.get("__inputs")):
        name, kind = str(one.get("name")), one.get("type")
        if kind == "datasource" and one.get("pluginId", "prometheus") == "prometheus":
            value = DATASOURCE_UID
        elif kind == "constant" and isinstance(one.get("value"), str):
            value = str(one["value"])
        else:
            result.mistakes.append(
                f"input {name} is a {one.get('pluginName') or one.get('pluginId') or kind}, which this stack "
                "has not: take the panels that need it out"
            )
            continue
        text = text.replace(f"${{{name}}}", json.dumps(value)[1:-1])
    return cast("Json", json.loads(text))


def _adopt_variable(variable: Json, chosen: set[str], result: Exported) -> None:
    where = f"variable {_name(variable, 'name')}"
    kind = variable.get("type")
    if kind == "datasource":
        if variable.get("query") != "prometheus":
            result.mistakes.append(
                f"{where}: chooses a {variable.get('query')}, this stack has Prometheus only"
            )
        # What was chosen was another server's.
        variable["current"] = {}
        variable["options"] = []
    elif kind in {"query", "adhoc", "groupby"}:
        _adopt_datasource(variable, where, chosen, result)
        query = variable.get("query")
        text = query.get("query") if isinstance(query, dict) else query
        if isinstance(text, str) and kind == "query":
            for pattern in (_LABEL_VALUES, _QUERY_RESULT):
                if (found := pattern.fullmatch(text)) and found[1]:
                    _check_promql(found[1], where, result)


def _panels(dashboard: Json) -> Iterator[Json]:
    for panel in _children(dashboard.get("panels")):
        yield panel
        yield from _panels(panel)
    # Before schema version 16 panels stood in rows.
    for row in _children(dashboard.get("rows")):
        yield from _panels(row)


def _adopt_panel(panel: Json, chosen: set[str], result: Exported) -> None:
    where = f"panel {_name(panel, 'title')}"
    kind = panel.get("type")
    if kind == "row":
        return
    if "libraryPanel" in panel:
        result.mistakes.append(
            f"{where}: is a library panel, which lives on another server: unlink it there and export again"
        )
        return
    if isinstance(kind, str) and kind in LEGACY_PANELS:
        result.warnings.append(
            f"{where}: the panel type {kind} is gone; Grafana shows a {LEGACY_PANELS[kind]} in its place and "
            f"may lose some of its settings: open it, check it, and export it as {LEGACY_PANELS[kind]}"
        )
    has_queries = bool(panel.get("targets"))
    if has_queries or "datasource" in panel:
        _adopt_datasource(panel, where, chosen, result)
    for target in _children(panel.get("targets")):
        place = f"{where}, query {target.get('refId', '?')}"
        if "datasource" in target:
            _adopt_datasource(target, place, chosen, result)
        _check_promql(target.get("expr"), place, result)


def _adopt_datasource(owner: Json, where: str, chosen: set[str], result: Exported) -> None:
    given = owner.get("datasource")
    reference = _mapping(given) if isinstance(given, dict) else {"uid": given}
    uid, kind = reference.get("uid"), reference.get("type")
    if isinstance(uid, str) and (uid in _BUILT_IN_UIDS or _variable_name(uid) in chosen):
        return
    if kind in _BUILT_IN_TYPES:
        return
    if kind not in {None, "prometheus"}:
        result.mistakes.append(f"{where}: reads a {kind}, this stack has Prometheus only: take it out")
        return
    owner["datasource"] = {"type": "prometheus", "uid": DATASOURCE_UID}


def _variable_name(uid: str) -> str | None:
    found = _VARIABLE.fullmatch(uid)
    return _name_of(found) if found else None


def _check_promql(expression: object, where: str, result: Exported) -> None:
    if not isinstance(expression, str) or not expression.strip():
        return
    error = promql_error(expression)
    if error:
        result.mistakes.append(f"{where}: {error}: {' '.join(expression.split())[:120]}")


def promql_error(expression: str) -> str | None:
    """Say what is wrong with an expression, whatever Grafana's variables in it stand for.

    A variable may be a name, a number or a duration: it is enough that one choice makes sense.
    """
    in_brackets = _IN_BRACKETS.sub(lambda found: _VARIABLE.sub("5m", found[0]), expression)
    names = sorted({_name_of(found) for found in _VARIABLE.finditer(in_brackets)})
    own = [name for name in names if not name.startswith("__")][:_MOST_VARIABLES_TRIED]
    error = None
    for values in product(("v", "1", "5m"), repeat=len(own)):
        chosen: dict[str, str] = dict(zip(own, values, strict=True))
        try:
            promql_parser.parse(_VARIABLE.sub(partial(_stands_for, chosen), in_brackets))
        except ValueError as caught:
            error = error or " ".join(str(caught).split())
        else:
            return None
    return error


def _name_of(found: re.Match[str]) -> str:
    return next(name for name in found.groups() if name)


def _stands_for(chosen: dict[str, str], found: re.Match[str]) -> str:
    name = _name_of(found)
    if name.startswith("__"):
        return "1" if name.endswith(("_s", "_ms", "_from", "_to")) else "5m"
    return chosen.get(name, "v")


def _children(value: object) -> list[Json]:
    if not isinstance(value, list):
        return []
    return [cast("Json", one) for one in cast("list[object]", value) if isinstance(one, dict)]


def _mapping(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _name(owner: Json, key: str) -> str:
    return json.dumps(owner.get(key) or f"without {key}", ensure_ascii=False)
