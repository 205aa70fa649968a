"""An export from another Grafana is made to fit, or refused with the place of what can't be."""

import copy
import json
from typing import Any

import pytest

from dashboards.exported import Exported, adopt, promql_error

Json = dict[str, Any]

OURS = {"type": "prometheus", "uid": "prometheus"}

EXTERNAL: Json = {
    "__inputs": [
        {"name": "DS_METRICS", "type": "datasource", "pluginId": "prometheus", "pluginName": "Prometheus"},
        {"name": "VAR_PREFIX", "type": "constant", "value": "dubbing"},
    ],
    "__requires": [{"type": "grafana", "id": "grafana", "version": "11.2.0"}],
    "__elements": {},
    "id": 42,
    "version": 7,
    "gnetId": 1860,
    "iteration": 1700000000000,
    "uid": "codecs",
    "title": "Codecs",
    "templating": {
        "list": [
            {"name": "source", "type": "datasource", "query": "prometheus", "current": {"text": "Theirs"}},
            {
                "name": "codec",
                "type": "query",
                "datasource": {"type": "prometheus", "uid": "${DS_METRICS}"},
                "query": {"query": 'label_values(${VAR_PREFIX}_codec_info{a="$x"}, codec)', "refId": "A"},
            },
        ]
    },
    "annotations": {
        "list": [
            {"name": "Annotations", "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}},
            {"name": "Deploys", "datasource": {"type": "prometheus", "uid": "theirs"}, "expr": "up == 0"},
        ]
    },
    "panels": [
        {
            "type": "row",
            "title": "More",
            "panels": [
                {
                    "type": "timeseries",
                    "title": "Inner",
                    "datasource": {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"},
                    "targets": [
                        {
                            "refId": "A",
                            "datasource": {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"},
                            "expr": 'sum by (codec) (rate(${VAR_PREFIX}_codec_frames_total{codec=~"$codec"}'
                            "[$__rate_interval]))",
                        }
                    ],
                }
            ],
        },
        {
            "type": "stat",
            "title": "By choice",
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "targets": [{"refId": "A", "expr": "up"}],
        },
        {"type": "stat", "title": "By name", "datasource": "Prometheus", "targets": [{"expr": "up"}]},
        {"type": "stat", "title": "By default", "datasource": None, "targets": [{"expr": "up"}]},
        {
            "type": "table",
            "title": "Mixed",
            "datasource": {"type": "datasource", "uid": "-- Mixed --"},
            "targets": [{"refId": "B", "datasource": {"uid": "theirs"}, "expr": "up"}],
        },
        {"type": "text", "title": "Words", "options": {"content": "no data source"}},
    ],
}


def fitted(content: object) -> Json:
    result = adopt(copy.deepcopy(content))
    assert result.mistakes == []
    assert result.dashboard is not None
    return result.dashboard


def refused(content: object) -> list[str]:
    return adopt(copy.deepcopy(content)).mistakes


def with_panel(**panel: object) -> Json:
    return {"title": "T", "uid": "t", "panels": [{"title": "P", "type": "timeseries", **panel}]}


def test_references_to_a_prometheus_lead_to_ours_and_others_stay() -> None:
    panels = {panel["title"]: panel for panel in fitted(EXTERNAL)["panels"]}
    inner = panels["More"]["panels"][0]
    assert inner["datasource"] == OURS
    assert inner["targets"][0]["datasource"] == OURS
    assert panels["By choice"]["datasource"] == {"type": "prometheus", "uid": "${source}"}
    assert panels["By name"]["datasource"] == OURS
    assert panels["By default"]["datasource"] == OURS
    assert panels["Mixed"]["datasource"]["uid"] == "-- Mixed --"
    assert panels["Mixed"]["targets"][0]["datasource"] == OURS
    assert "datasource" not in panels["Words"]


def test_variables_and_annotations_read_ours_too() -> None:
    dashboard = fitted(EXTERNAL)
    source, codec = dashboard["templating"]["list"]
    assert source["current"] == {}
    assert codec["datasource"] == OURS
    own, deploys = dashboard["annotations"]["list"]
    assert own["datasource"]["uid"] == "-- Grafana --"
    assert deploys["datasource"] == OURS


def test_what_belongs_to_the_other_server_goes_and_constants_are_filled_in() -> None:
    dashboard = fitted(EXTERNAL)
    assert set(dashboard) == {"uid", "title", "templating", "annotations", "panels"}
    text = json.dumps(dashboard)
    assert "VAR_PREFIX" not in text
    assert "DS_METRICS" not in text
    assert "rate(dubbing_codec_frames_total" in text


def test_done_twice_it_is_the_same() -> None:
    once = fitted(EXTERNAL)
    assert fitted(once) == once


def test_a_v1_resource_and_an_answer_of_the_api_are_unwrapped() -> None:
    spec = with_panel(targets=[{"expr": "up"}])
    resource = {
        "apiVersion": "dashboard.grafana.app/v1",
        "kind": "Dashboard",
        "metadata": {"name": "of-metadata"},
        "spec": {key: value for key, value in spec.items() if key != "uid"},
    }
    assert fitted(resource)["uid"] == "of-metadata"
    assert fitted(resource)["title"] == "T"
    assert fitted({"meta": {"slug": "t"}, "dashboard": spec})["uid"] == "t"


@pytest.mark.parametrize(
    "content",
    [
        {
            "apiVersion": "dashboard.grafana.app/v2",
            "kind": "Dashboard",
            "spec": {"elements": {}, "layout": {}},
        },
        {"apiVersion": "dashboard.grafana.app/v2beta1", "spec": {"title": "T"}},
        {"title": "T", "elements": {}, "layout": {"kind": "GridLayout"}},
    ],
)
def test_schema_v2_is_refused_with_the_way_to_the_classic_one(content: object) -> None:
    (mistake,) = refused(content)
    assert "Export > Export as JSON, select the model Classic" in mistake


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "holds a list, not a JSON object"),
        (with_panel(datasource={"type": "loki", "uid": "x"}), 'panel "P": reads a loki'),
        (
            with_panel(targets=[{"refId": "B", "datasource": {"type": "tempo", "uid": "x"}}]),
            'panel "P", query B: reads a tempo',
        ),
        (with_panel(libraryPanel={"uid": "x"}), 'panel "P": is a library panel'),
        (with_panel(targets=[{"refId": "A", "expr": "sum(rate(up[5m])"}]), 'panel "P", query A: '),
        (with_panel(targets=[{"refId": "A", "expr": "rate(up[5 minutes])"}]), 'panel "P", query A: '),
        (
            {
                "__inputs": [
                    {"name": "DS_LOGS", "type": "datasource", "pluginId": "loki", "pluginName": "Loki"}
                ]
            },
            "input DS_LOGS is a Loki",
        ),
        (
            {"templating": {"list": [{"name": "v", "type": "query", "query": "label_values(up{, x)"}]}},
            'variable "v": ',
        ),
        ({"templating": {"list": [{"name": "v", "type": "datasource", "query": "loki"}]}}, "chooses a loki"),
        ({"annotations": {"list": [{"name": "a", "expr": "up ="}]}}, 'annotation "a": '),
    ],
)
def test_what_can_not_be_mapped_is_refused_with_its_place(content: object, expected: str) -> None:
    (mistake,) = refused(content)
    assert expected in mistake


@pytest.mark.parametrize(
    "expression",
    [
        "rate(up[$__rate_interval])",
        "rate(up[${window}])",
        "increase(up[${__range_s}s:$__interval])",
        "topk($n, sum by ($label) (up))",
        'up{job=~"${job:regex}", pod="[[pod]]"} offset $shift',
        "$metric > $limit",
        'label_replace(up, "a", "$1", "b", "(.*)")',
        "up * ${__interval_ms} / 1000",
    ],
)
def test_grafanas_variables_may_stand_anywhere(expression: str) -> None:
    assert promql_error(expression) is None


@pytest.mark.parametrize("expression", ["sum by (a (up)", "up{job=~$job}", "rate(up)[5m", "up $op down up"])
def test_what_no_value_of_a_variable_makes_right_is_wrong(expression: str) -> None:
    assert promql_error(expression)


@pytest.mark.parametrize(
    ("legacy", "replacement"),
    [
        ("graph", "timeseries"),
        ("singlestat", "stat"),
        ("table-old", "table"),
        ("natel-discrete-panel", "state-timeline"),
    ],
)
def test_a_legacy_panel_is_taken_with_a_warning_that_names_its_replacement(
    legacy: str, replacement: str
) -> None:
    result: Exported = adopt(with_panel(type=legacy, targets=[{"expr": "up"}]))
    assert result.mistakes == []
    (warning,) = result.warnings
    assert f"the panel type {legacy} is gone" in warning
    assert warning.endswith(f"export it as {replacement}")
