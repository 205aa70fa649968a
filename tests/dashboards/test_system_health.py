"""The rendered System Health dashboard."""

import json
import re
from itertools import combinations
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.models import units

from dashboards.model import GRID_COLUMNS
from dashboards.parameters import Parameters
from dashboards.render import dashboards, declared, rules
from tests.dashboards.expressions import labels_by_name, selectors, with_values
from tests.spec import SECTIONS

Json = dict[str, Any]

DASHBOARD = declared(Parameters())[0]
RENDERED: Json = json.loads(dashboards(Parameters())["system-health.json"])
RULES: list[Json] = yaml.safe_load(rules(Parameters())["system-health.yaml"])["groups"][0]["rules"]
PANELS: list[Json] = [panel for panel in RENDERED["panels"] if panel["type"] != "row"]
TILES = [panel for panel in PANELS if panel["type"] == "stat"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
SECTION = SECTIONS[0]
UNIT_IDS = {value for name, value in vars(units).items() if isinstance(value, str) and name[0] != "_"}


def panel(title: str) -> Json:
    (found,) = [one for one in PANELS if one["title"] == title]
    return found


def outside_contract(expression: str) -> list[str]:
    known = labels_by_name(DASHBOARD)
    return [
        f"{name} {sorted(labels)}"
        for name, labels in selectors(expression)
        if name not in known or not labels <= known[name]
    ]


def test_every_tile_and_panel_has_its_title_in_the_specifications_order() -> None:
    assert tuple(tile["title"] for tile in TILES) == SECTION.key_metrics
    assert tuple(one["title"] for one in PANELS if one not in TILES) == SECTION.panels


def test_purpose_and_use_cases_are_its_description() -> None:
    assert RENDERED["description"].startswith(SECTION.purpose)
    assert all(use_case in RENDERED["description"] for use_case in SECTION.use_cases)


def test_it_is_stable_read_only_and_of_the_classic_schema() -> None:
    assert RENDERED["uid"] == SECTION.uid
    assert RENDERED["schemaVersion"] == 42
    assert RENDERED["editable"] is False
    assert "id" not in RENDERED
    assert RENDERED["time"] == {"from": "now-6h", "to": "now"}
    assert RENDERED["refresh"] == "1m"
    (link,) = RENDERED["links"]
    assert link["keepTime"]
    assert link["includeVars"]
    assert set(link["tags"]) <= set(RENDERED["tags"])


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *(rule["expr"] for rule in RULES)])
def test_every_expression_parses_and_reads_only_what_is_declared(expression: str) -> None:
    assert outside_contract(expression) == []


def test_the_contract_check_notices_unknown_metrics_and_labels() -> None:
    assert outside_contract('sum(rate(probe_sucess{cluster="a"}[5m]))') == ["probe_sucess ['cluster']"]
    assert outside_contract('pg_up / on (cluster) pg_up{namespace="a"}') == ["pg_up ['namespace']"]


def test_every_annotation_and_variable_query_reads_only_what_is_declared() -> None:
    annotations = [one["expr"] for one in RENDERED["annotations"]["list"] if "expr" in one]
    queries = [one["query"]["query"] for one in RENDERED["templating"]["list"] if one["type"] == "query"]
    found = [re.fullmatch(r"label_values\((.*), (\w+)\)", query) for query in queries]
    inner = [match[1] for match in found if match]
    assert len(annotations) == 2
    assert len(inner) == 3
    assert [outside_contract(one) for one in (*annotations, *inner)] == [[]] * 5


def test_every_recorded_series_is_defined_once_and_used() -> None:
    names = [rule["record"] for rule in RULES]
    variables = [str(one["query"]) for one in RENDERED["templating"]["list"]]
    text = "\n".join([*EXPRESSIONS, *variables, *(rule["expr"] for rule in RULES)])
    assert len(names) == len(set(names)) > 0
    assert [name for name in names if name not in text] == []


def test_ids_are_unique_and_links_lead_to_panels() -> None:
    ids = [one["id"] for one in RENDERED["panels"]]
    assert len(ids) == len(set(ids))
    for tile in TILES:
        (link,) = tile["fieldConfig"]["defaults"]["links"]
        assert int(link["url"].rsplit("viewPanel=panel-")[1]) in ids


def test_panels_are_on_the_grid_and_do_not_overlap() -> None:
    cells = [
        {
            (x, y)
            for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
            for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
        }
        for one in RENDERED["panels"]
    ]
    assert all(0 <= x < GRID_COLUMNS for cell in cells for x, _ in cell)
    assert not any(one & other for one, other in combinations(cells, 2))
    assert {tile["gridPos"]["y"] for tile in TILES} == {1}
    assert sum(tile["gridPos"]["w"] for tile in TILES) == GRID_COLUMNS


@pytest.mark.parametrize("one", PANELS, ids=lambda one: one["title"])
def test_every_panel_is_of_a_modern_type_and_says_what_it_means(one: Json) -> None:
    defaults = one["fieldConfig"]["defaults"]
    assert one["type"] in {"stat", "timeseries"}
    assert defaults["unit"] in UNIT_IDS
    assert defaults["noValue"]
    assert len(one["description"]) > 100
    assert 1 <= len(one["targets"]) <= 3
    assert [target["refId"] for target in one["targets"]] == ["A", "B", "C"][: len(one["targets"])]
    assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("one", PANELS, ids=lambda one: one["title"])
def test_a_variable_filters_every_query_of_a_panel_or_the_description_says_not(one: Json) -> None:
    for name in ("cluster", "namespace", "service"):
        filtered = all(f'=~"${name}"' in target["expr"] for target in one["targets"])
        said = re.search(rf"Global: not filtered by .*\b{name}\b", one["description"])
        assert filtered != bool(said)
    assert all('cluster=~"$cluster"' in target["expr"] for target in one["targets"])


def test_variables_take_all_and_several_values() -> None:
    datasource, *others = RENDERED["templating"]["list"]
    assert (datasource["type"], datasource["query"]) == ("datasource", "prometheus")
    assert [one["name"] for one in others] == ["cluster", "namespace", "service"]
    assert all(one["includeAll"] and one["multi"] and one["allValue"] == ".*" for one in others)


def test_a_missing_value_is_grey_and_named_never_zero_or_red() -> None:
    for tile in TILES:
        special = tile["fieldConfig"]["defaults"]["mappings"][0]
        assert special["options"]["match"] == "null+nan"
        assert special["options"]["result"]["color"] == "#808080"
        assert special["options"]["result"]["text"] == tile["fieldConfig"]["defaults"]["noValue"]
        assert "vector(" not in tile["targets"][0]["expr"]
    assert panel("Storage Status")["fieldConfig"]["defaults"]["noValue"] == "Not instrumented"
    assert panel("API Uptime")["fieldConfig"]["defaults"]["noValue"] == "No data from blackbox"


def test_thresholds_come_from_the_parameters() -> None:
    parameters = Parameters(uptime_warning=0.999, uptime_critical=0.9, disk_warning=0.5, disk_critical=0.6)
    rendered: Json = json.loads(dashboards(parameters)["system-health.json"])
    steps = {
        one["title"]: [
            (step["value"], step["color"]) for step in one["fieldConfig"]["defaults"]["thresholds"]["steps"]
        ]
        for one in rendered["panels"]
        if one["type"] != "row"
    }
    assert steps["API Uptime"] == [(None, "red"), (0.9, "orange"), (0.999, "green")]
    assert steps["Disk Usage"] == [(None, "green"), (0.5, "orange"), (0.6, "red")]


def test_the_uptime_probe_comes_from_the_parameters() -> None:
    rendered = dashboards(Parameters(uptime_probe="gateway"))["system-health.json"]
    assert 'probe=\\"gateway\\"' in rendered
    assert 'probe=\\"api\\"' not in rendered


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_still_parses_with_several_values_chosen(expression: str) -> None:
    assert promql_parser.parse(with_values(expression, cluster="(a|b)", namespace="(c|d)"))
