"""Queries of recorded series, asked of the raw ones."""

import json
import re
from collections.abc import Iterator

import promql_parser
import pytest

from bench import grafana_requests as grafana
from bench.substitution import raw, reads_recorded
from dashboards.model import Recording
from dashboards.parameters import Parameters
from dashboards.recordings.subjects import recordings
from dashboards.render import dashboards

RULES: dict[str, Recording] = {
    rule.name: rule for those in recordings(Parameters()).values() for rule in those
}


def requests() -> Iterator[grafana.Request]:
    for text in dashboards(Parameters()).values():
        for panel in grafana.panels(json.loads(text), 30):
            yield from panel


def test_every_query_of_a_dashboard_can_be_asked_of_raw_series() -> None:
    found = [raw(one.expression, RULES) for one in requests() if reads_recorded(one.expression)]
    assert len(found) > 60
    for one in found:
        promql_parser.parse(one.text)
        assert not reads_recorded(one.text), one.text


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param(
            'sum(stage:dubbing_queue_depth:max{cluster=~".*"})',
            "sum((max by (cluster, namespace, stage) (dubbing_queue_depth)))",
            id="a choice that is All is no matcher",
        ),
        pytest.param(
            'stage:dubbing_queue_depth:max{stage="lip-sync"}',
            '(max by (cluster, namespace, stage) (dubbing_queue_depth{stage="lip-sync"}))',
            id="a matcher goes to the raw series",
        ),
        pytest.param(
            'tier:dubbing_users:max{tier="pro"} offset 7d',
            "last_over_time((max by (cluster, namespace, tier) "
            '(dubbing_users{tier="pro"}))[1m:1m] offset 7d)',
            id="an offset is that of a subquery",
        ),
        pytest.param(
            "avg_over_time(stage:dubbing_queue_depth:max[24h])",
            "avg_over_time((max by (cluster, namespace, stage) (dubbing_queue_depth))[24h:1m])",
            id="a window is a subquery with the rule's interval",
        ),
        pytest.param(
            'probe:probe_success:avg24h{probe="api"}',
            '(avg by (cluster, probe) (avg_over_time(probe_success{probe="api"}[24h])))',
            id="a matcher stands before the window",
        ),
    ],
)
def test_a_recorded_name_is_replaced_by_its_expression(recorded: str, expected: str) -> None:
    found = raw(recorded, RULES)
    assert promql_parser.parse(found.text).prettify() == promql_parser.parse(expected).prettify()
    assert not found.unasked


def test_a_rule_that_reads_a_rule_is_replaced_all_the_way_down() -> None:
    found = raw('cluster:http_server_errors:rate5m{cluster="a"}', RULES)
    assert found.text.count('http_response_status_code=~"5.."') == 1
    assert found.text.count('http_server_request_duration_seconds_count{cluster="a"}') == 1
    assert not reads_recorded(found.text)


def test_a_matcher_that_no_raw_series_has_is_told() -> None:
    found = raw('gpu:dubbing_workload:info{service!="", namespace!=""}', RULES)
    assert found.unasked == {'service!=""'}
    assert 'namespace!=""' in found.text


def test_grafana_rounds_the_step_and_never_asks_more_often_than_is_scraped() -> None:
    assert [grafana.step(hours * 3600, 30) for hours in (1, 6, 24, 7 * 24, 30 * 24)] == [
        30,
        30,
        60,
        600,
        1800,
    ]


def test_a_request_is_what_grafana_sends() -> None:
    (heatmap,) = [one for one in requests() if "206 Job Duration" in one.name]
    assert heatmap.expression.endswith("[120s]))")
    path, arguments = heatmap.asked(1_000_010)
    assert path == "query_range"
    assert (arguments["start"], arguments["end"], arguments["step"]) == ("978390", "999990", "30")
    (tile,) = [one for one in requests() if "105 Total Queue Depth" in one.name]
    assert tile.asked(10) == ("query", {"query": tile.expression, "time": "10"})
    assert not re.search(r"\$[a-zA-Z_]", "".join(one.expression for one in requests()))


def test_every_variable_and_annotation_is_asked_for() -> None:
    for text in dashboards(Parameters()).values():
        dashboard = json.loads(text)
        assert len(list(grafana.variables(dashboard))) == 3
        assert len(list(grafana.annotations(dashboard, 30))) == 2
