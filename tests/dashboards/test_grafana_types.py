"""Every rendered dashboard of each stack against Grafana's own types, unknown fields refused."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dashboards.render import dashboards
from stacks import monitoring, stack_file
from stacks.images import IMAGES

Json = dict[str, Any]

DATA = Path(__file__).parent / "grafana_types"
TYPES: Json = json.loads((DATA / "types.json").read_text(encoding="utf-8"))
UNITS: Json = json.loads((DATA / "units.json").read_text(encoding="utf-8"))
VALIDATORS = {name: Draft7Validator(schema) for name, schema in TYPES["schemas"].items()}

# Grafana's Prometheus data source reads its annotations from these fields; the common type lacks them.
OF_PROMETHEUS = {"expr", "step", "tagKeys", "titleFormat", "useValueForTime"}

# Newer than the SDK; Grafana fills in its default, the largest slice first.
NOT_IN_THE_SDK = {"piechart Options": {"sort": "desc"}}

RENDERED = {
    f"{stack} {name}": json.loads(text)
    for stack in ("dev", "prod", "managed")
    for name, text in dashboards(
        monitoring.dashboard_parameters(stack_file.read_stack_file(stack_file.stack_file(stack)))
    ).items()
}


def problems(kind: str, value: Json) -> list[str]:
    return [
        f"{kind} {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in VALIDATORS[kind].iter_errors(NOT_IN_THE_SDK.get(kind, {}) | value)
    ]


def mistakes(dashboard: Json) -> list[str]:
    plain = copy.deepcopy(dashboard)
    for annotation in plain["annotations"]["list"]:
        for field in OF_PROMETHEUS:
            annotation.pop(field, None)
    found = problems("dashboard", plain)
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            continue
        found += problems(f"{panel['type']} Options", panel["options"])
        defaults = panel["fieldConfig"]["defaults"]
        if "custom" in defaults:
            found += problems(f"{panel['type']} FieldConfig", defaults["custom"])
        if defaults["unit"] not in UNITS["units"]:
            found.append(f"panel {panel['id']}: unit {defaults['unit']}")
    return found


def test_the_data_is_of_the_grafana_that_is_deployed() -> None:
    deployed = IMAGES["grafana"].tag
    assert (TYPES["@grafana/schema"], UNITS["@grafana/data"]) == (deployed, deployed)


@pytest.mark.parametrize("dashboard", RENDERED.values(), ids=RENDERED)
def test_every_dashboard_is_of_grafanas_own_types(dashboard: Json) -> None:
    assert mistakes(dashboard) == []


def first(dashboard: Json, kind: str) -> Json:
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


@pytest.mark.parametrize(
    ("kind", "where", "key", "value"),
    [
        ("timeseries", (), "lines", True),
        ("timeseries", ("options",), "sparkline", True),
        ("timeseries", ("fieldConfig", "defaults", "custom"), "drawStyle", "wavy"),
        ("timeseries", ("fieldConfig", "defaults"), "unit", "parsecs-per-jiffy"),
        ("timeseries", ("fieldConfig", "defaults"), "units", "s"),
        ("stat", ("options",), "colorMode", "loud"),
        ("stat", ("gridPos",), "w", "wide"),
        ("bargauge", ("options",), "displayMode", "neon"),
        ("piechart", ("options",), "pieType", "cake"),
        ("heatmap", ("options", "color"), "scale", "cubic"),
    ],
)
def test_a_field_or_value_that_grafana_does_not_know_is_noticed(
    kind: str, where: tuple[str, ...], key: str, value: object
) -> None:
    broken = copy.deepcopy(
        next(one for one in RENDERED.values() if any(p["type"] == kind for p in one["panels"]))
    )
    place = first(broken, kind)
    for step in where:
        place = place[step]
    place[key] = value
    assert mistakes(broken) != []


def test_an_unknown_field_of_a_dashboard_or_annotation_is_noticed() -> None:
    dashboard = RENDERED["dev system-health.json"]
    assert mistakes(dashboard | {"colour": "blue"})
    broken = copy.deepcopy(dashboard)
    broken["annotations"]["list"][1]["query"] = "up"
    assert mistakes(broken)
