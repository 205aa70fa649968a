"""The rendered dashboards and rules, all of them, held against the specification and the contract."""

import json
import re
from itertools import combinations
from typing import Any

import promql_parser
import pytest
import yaml

from dashboards.metrics import CONTRACT
from dashboards.model import GRID_COLUMNS, Thresholds
from dashboards.parameters import Levels, Parameters
from dashboards.render import dashboards, rules
from tests.dashboards.expressions import every_recording, labels_by_name, nodes, selectors, with_values
from tests.spec import SECTIONS, Section

Json = dict[str, Any]

RENDERED: dict[str, Json] = {
    (parsed := json.loads(text))["uid"]: parsed for text in dashboards(Parameters()).values()
}
EVERY_RULE: list[Json] = [
    rule
    for text in rules(Parameters()).values()
    for group in yaml.safe_load(text)["groups"]
    for rule in group["rules"]
]
RULES = [rule for rule in EVERY_RULE if "record" in rule]
KNOWN = labels_by_name()
TILES = {"stat", "bargauge"}
TYPES = {"stat", "bargauge", "timeseries", "piechart", "heatmap", "table"}
OPERATIONS, BUSINESS = ("now-6h", "browser"), ("now-30d", "utc")
DEFAULTS = {
    "system-health": OPERATIONS,
    "job-processing": OPERATIONS,
    "model-performance": OPERATIONS,
    "user-activity": BUSINESS,
    "cost-performance": BUSINESS,
}

every_dashboard = pytest.mark.parametrize("dashboard", RENDERED.values(), ids=RENDERED)
every_section = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.uid)


def panels(dashboard: Json) -> list[Json]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard: Json) -> list[str]:
    return [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]


def variables(dashboard: Json) -> list[Json]:
    return [one for one in dashboard["templating"]["list"] if one["type"] == "query"]


def offered(variable: Json) -> str:
    found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
    assert found
    return found[1]


def outside_contract(expression: str) -> list[str]:
    return [
        f"{name} {sorted(labels)}"
        for name, labels in selectors(with_values(expression))
        if name not in KNOWN or not labels <= KNOWN[name]
    ]


ALL_PANELS = [
    pytest.param(dashboard, panel, id=f"{uid}-{panel['id']}")
    for uid, dashboard in RENDERED.items()
    for panel in panels(dashboard)
]
every_panel = pytest.mark.parametrize(("dashboard", "panel"), ALL_PANELS)


def test_there_is_a_dashboard_for_each_section() -> None:
    assert list(RENDERED) == [section.uid for section in SECTIONS]


@every_section
def test_every_tile_and_panel_has_its_title_in_the_specifications_order(section: Section) -> None:
    first, *others = [row for row in RENDERED[section.uid]["panels"] if row["type"] == "row"]
    *tiles, firing = [one for one in panels(RENDERED[section.uid]) if one["id"] < others[0]["id"]]
    assert firing["title"] == "Firing alerts"
    assert f'dashboard="{section.uid}"' in firing["targets"][0]["expr"]
    assert 'severity!="none"' in firing["targets"][0]["expr"], "the Watchdog always fires"
    rest = [one for one in panels(RENDERED[section.uid]) if one["id"] >= others[0]["id"]]
    assert first["title"] == "Key metrics"
    assert tuple(tile["title"] for tile in tiles) == section.key_metrics
    assert {tile["type"] for tile in tiles} <= TILES
    assert sorted(one["title"] for one in rest) == sorted(section.panels)


@every_section
def test_title_purpose_and_use_cases_are_there(section: Section) -> None:
    dashboard = RENDERED[section.uid]
    assert section.heading == f"{SECTIONS.index(section) + 1}. {dashboard['title']} Dashboard"
    assert dashboard["description"].startswith(section.purpose)
    assert all(use_case in dashboard["description"] for use_case in section.use_cases)


@every_dashboard
def test_it_is_stable_read_only_and_of_the_classic_schema(dashboard: Json) -> None:
    assert dashboard["schemaVersion"] == 42
    assert dashboard["editable"] is False
    assert "id" not in dashboard
    assert (dashboard["time"]["from"], dashboard["timezone"]) == DEFAULTS[dashboard["uid"]]
    assert dashboard["time"]["to"] == "now"
    assert dashboard["refresh"] == ("1m" if DEFAULTS[dashboard["uid"]] == OPERATIONS else "5m")
    (link,) = dashboard["links"]
    assert link["keepTime"]
    assert link["includeVars"]
    assert set(link["tags"]) <= set(dashboard["tags"])


@every_dashboard
def test_every_query_parses_and_reads_only_what_is_declared(dashboard: Json) -> None:
    annotations = [one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one]
    assert len(annotations) == 2
    assert len(variables(dashboard)) >= 3
    queries = [*expressions(dashboard), *annotations, *map(offered, variables(dashboard))]
    assert [outside_contract(query) for query in queries] == [[]] * len(queries)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.get("record") or rule["alert"])
def test_every_rule_parses_and_reads_only_what_is_declared(rule: Json) -> None:
    assert outside_contract(rule["expr"]) == []


def test_the_contract_check_notices_unknown_metrics_and_labels() -> None:
    assert outside_contract('sum(rate(probe_sucess{cluster="a"}[5m]))') == ["probe_sucess ['cluster']"]
    assert outside_contract('pg_up / on (cluster) pg_up{namespace="a"}') == ["pg_up ['namespace']"]


def everything_read() -> set[str]:
    queries = [rule["expr"] for rule in EVERY_RULE]
    for dashboard in RENDERED.values():
        queries += expressions(dashboard)
        queries += [one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one]
        queries += [offered(one) for one in variables(dashboard)]
    return {name for query in queries for name, _ in selectors(with_values(query))}


def test_every_recorded_series_is_defined_once_and_used() -> None:
    names = [rule["record"] for rule in RULES]
    assert len(names) == len(set(names)) > 0
    assert set(names) - everything_read() == set()


def test_every_metric_of_the_contract_is_used() -> None:
    read = everything_read()
    unused = [
        name for name in CONTRACT if not read & {name, f"{name}_bucket", f"{name}_count", f"{name}_sum"}
    ]
    assert unused == []


def test_a_rule_comes_after_what_it_reads_in_its_group() -> None:
    groups = [group for text in rules(Parameters()).values() for group in yaml.safe_load(text)["groups"]]
    for group in groups:
        names = [rule.get("record") for rule in group["rules"]]
        for position, rule in enumerate(group["rules"]):
            # A series that carries itself on reads what it was a moment ago.
            read = {name for name, _ in selectors(rule["expr"])} - {rule.get("record")}
            assert not read & set(names[position:]), rule


def instant_reads(expression: str) -> set[str]:
    """Names that the expression reads other than by a window."""
    parsed = promql_parser.parse(with_values(expression))
    windows = [
        node.vector_selector for node in nodes(parsed) if isinstance(node, promql_parser.MatrixSelector)
    ]
    return {
        str(node.name)
        for node in nodes(parsed)
        if isinstance(node, promql_parser.VectorSelector) and str(node) not in map(str, windows)
    }


def test_what_is_recorded_seldom_is_read_by_windows_only() -> None:
    seldom = {one.name for one in every_recording() if one.every == "1h"}
    queries = [query for dashboard in RENDERED.values() for query in expressions(dashboard)]
    queries += [rule["expr"] for rule in EVERY_RULE]
    assert seldom
    assert [query for query in queries if instant_reads(query) & seldom] == []
    assert instant_reads("a + sum_over_time(b[1h])") == {"a"}


@every_dashboard
def test_long_ranges_read_recorded_series_only(dashboard: Json) -> None:
    raw = {name for query in expressions(dashboard) for name, _ in selectors(with_values(query))}
    raw = {name for name in raw if ":" not in name}
    if DEFAULTS[dashboard["uid"]] == BUSINESS:
        # The list of firing alerts asks for this moment only.
        assert raw == {"ALERTS"}
    assert not {name for name in raw if name.endswith("_bucket")}


@every_dashboard
def test_ids_are_unique_and_links_lead_to_panels(dashboard: Json) -> None:
    ids = [one["id"] for one in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for tile in panels(dashboard):
        if tile["type"] in TILES and tile["id"] < 200:
            (link,) = tile["fieldConfig"]["defaults"]["links"]
            assert int(link["url"].rsplit("viewPanel=panel-")[1]) in ids


def cells(dashboard: Json) -> list[set[tuple[int, int]]]:
    return [
        {
            (x, y)
            for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
            for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
        }
        for one in dashboard["panels"]
    ]


@every_dashboard
def test_panels_are_on_the_grid_and_do_not_overlap(dashboard: Json) -> None:
    taken = cells(dashboard)
    assert all(0 <= x < GRID_COLUMNS for cell in taken for x, _ in cell)
    assert not any(one & other for one, other in combinations(taken, 2))
    tiles = [one for one in panels(dashboard) if one["id"] < 200 and one["type"] in TILES]
    assert {tile["gridPos"]["y"] for tile in tiles} == {1}
    assert sum(tile["gridPos"]["w"] for tile in tiles) == GRID_COLUMNS


@every_panel
def test_every_panel_is_of_a_modern_type_and_says_what_it_means(dashboard: Json, panel: Json) -> None:
    assert dashboard["uid"]
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["type"] in TYPES
    assert defaults["unit"]
    assert defaults["noValue"]
    assert len(panel["description"]) > 100
    assert 1 <= len(panel["targets"]) <= 3
    assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@every_panel
def test_a_variable_filters_every_query_of_a_panel_or_the_description_says_not(
    dashboard: Json, panel: Json
) -> None:
    for name in [one["name"] for one in variables(dashboard)]:
        filtered = all(f'=~"${name}"' in target["expr"] for target in panel["targets"])
        said = re.search(rf"Global: not filtered by .*\b{name}\b", panel["description"])
        assert filtered != bool(said)
    assert all('cluster=~"$cluster"' in target["expr"] for target in panel["targets"])


@every_dashboard
def test_variables_take_all_and_several_values(dashboard: Json) -> None:
    datasource, *others = dashboard["templating"]["list"]
    assert (datasource["type"], datasource["query"]) == ("datasource", "prometheus")
    assert [one["name"] for one in others[:2]] == ["cluster", "namespace"]
    assert all(one["includeAll"] and one["multi"] and one["allValue"] == ".*" for one in others)
    chosen = {one["name"]: "(a|b)" for one in others}
    assert all(promql_parser.parse(with_values(query, **chosen)) for query in expressions(dashboard))


@every_panel
def test_a_missing_value_is_grey_and_named_never_zero_or_red(dashboard: Json, panel: Json) -> None:
    assert dashboard["uid"]
    assert all("vector(" not in target["expr"] for target in panel["targets"])
    if panel["type"] in TILES:
        special = panel["fieldConfig"]["defaults"]["mappings"][0]
        assert special["options"]["match"] == "null+nan"
        assert special["options"]["result"]["color"] == "#808080"
        assert special["options"]["result"]["text"] == panel["fieldConfig"]["defaults"]["noValue"]


def no_value(uid: str, title: str, parameters: Parameters | None = None) -> str:
    rendered: Json = json.loads(dashboards(parameters or Parameters())[f"{uid}.json"])
    (found, *_) = [one for one in panels(rendered) if one["title"] == title]
    return found["fieldConfig"]["defaults"]["noValue"]


def test_what_is_not_instrumented_missing_or_switched_off_is_said_so() -> None:
    assert no_value("system-health", "Storage Status") == "Not instrumented"
    assert no_value("system-health", "API Uptime") == "No data from blackbox"
    off = Parameters(switched_off=frozenset({"blackbox"}))
    assert no_value("system-health", "API Uptime", off) == "blackbox switched off"
    assert no_value("system-health", "Storage Status", off) == "Not instrumented"
    rendered: Json = json.loads(dashboards(off)["system-health.json"])
    texts = {one["title"]: one["description"] for one in panels(rendered)}
    assert texts["API Uptime"].endswith("Switched off in this environment's settings: blackbox.")
    assert "Switched off" not in texts["Storage Status"]


def steps(parameters: Parameters, uid: str, title: str, number: int | None = None) -> list[tuple[Any, str]]:
    rendered: Json = json.loads(dashboards(parameters)[f"{uid}.json"])
    (found, *_) = [one for one in panels(rendered) if one["title"] == title and number in {None, one["id"]}]
    return [
        (step["value"], step["color"]) for step in found["fieldConfig"]["defaults"]["thresholds"]["steps"]
    ]


def test_thresholds_come_from_the_parameters() -> None:
    levels = Levels(
        api_uptime=Thresholds(warning=0.999, critical=0.9, low_is_bad=True),
        disk_usage=Thresholds(warning=0.5, critical=0.6),
    )
    changed = Parameters(levels=levels)
    assert steps(changed, "system-health", "API Uptime") == [(None, "red"), (0.9, "orange"), (0.999, "green")]
    assert steps(changed, "system-health", "Disk Usage") == [(None, "green"), (0.5, "orange"), (0.6, "red")]


def test_the_uptime_probe_comes_from_the_parameters() -> None:
    rendered = dashboards(Parameters(uptime_probe="gateway"))["system-health.json"]
    assert 'probe=\\"gateway\\"' in rendered
    assert 'probe=\\"api\\"' not in rendered
