"""Queries as values: what can't return data is refused where it is written."""

import promql_parser
import pytest

from dashboards.metrics import application, exporters
from dashboards.promql import (
    QueryError,
    average_over_time,
    complement,
    copy_label,
    either,
    matches,
    max_by,
    minus,
    positive,
    quantile,
    rate,
    ratio,
    select,
    sum_by,
    variable,
    with_labels_of,
)

UP = select(exporters.PG_UP)
USED, MAXIMUM = select(exporters.REDIS_MEMORY_USED), select(exporters.REDIS_MEMORY_MAX)
BUCKETS = rate(select(application.HTTP_SERVER_REQUEST_DURATION.buckets), "5m")


def test_an_unknown_label_is_refused_by_name() -> None:
    with pytest.raises(QueryError, match=r"pg_up has no label namespce; it has cluster, instance, job"):
        select(exporters.PG_UP, namespce="dubbing")
    with pytest.raises(QueryError, match="has no label pod"):
        sum_by(UP, "pod")
    with pytest.raises(QueryError, match="has no label pod"):
        copy_label(UP, source="pod", target="service")


def test_a_label_that_was_aggregated_away_is_gone() -> None:
    with pytest.raises(QueryError, match="has no label instance; it has cluster"):
        max_by(max_by(UP, "cluster"), "instance")


def test_a_metric_outside_the_contract_does_not_exist() -> None:
    with pytest.raises(AttributeError):
        getattr(exporters, "PG_UPP")  # noqa: B009 - the checker would refuse the plain attribute


def test_a_histogram_is_read_by_its_parts_only() -> None:
    with pytest.raises(TypeError, match=r"select its \.buckets"):
        select(application.HTTP_SERVER_REQUEST_DURATION)
    with pytest.raises(TypeError, match="only a histogram has _bucket"):
        select(exporters.PG_UP.buckets)


def test_counters_are_rated_and_gauges_averaged() -> None:
    counter = select(exporters.CONTAINER_CPU_USAGE)
    assert str(rate(counter, "5m")) == "rate(container_cpu_usage_seconds_total[5m])"
    with pytest.raises(QueryError, match="not a counter"):
        rate(UP, "5m")
    with pytest.raises(QueryError, match="use rate"):
        average_over_time(counter, "5m")


def test_two_sides_that_would_never_meet_are_refused() -> None:
    for operation in (ratio, minus, either):
        with pytest.raises(QueryError, match="only one side has instance, job"):
            operation(sum_by(UP, "cluster"), UP)


def test_a_quantile_needs_its_buckets() -> None:
    with pytest.raises(QueryError, match="no label le"):
        quantile(0.95, rate(select(application.HTTP_SERVER_REQUEST_DURATION.count), "5m"))
    assert "sum by (le, job)" in str(quantile(0.95, BUCKETS, "job"))


def test_a_join_needs_its_labels_on_both_sides() -> None:
    with pytest.raises(QueryError, match="pg_up has no label pod"):
        with_labels_of(UP, select(exporters.KUBE_POD_LABELS), on=("pod",), bring=())
    with pytest.raises(QueryError, match="has no label tier"):
        with_labels_of(UP, select(exporters.KUBE_POD_LABELS), on=("cluster",), bring=("tier",))


def test_operations_inside_operations_keep_their_order() -> None:
    free = complement(ratio(minus(MAXIMUM, USED), either(positive(MAXIMUM), USED)))
    assert str(free) == (
        "1 - ((redis_memory_max_bytes - redis_memory_used_bytes) / "
        "((redis_memory_max_bytes > 0) or redis_memory_used_bytes))"
    )
    assert promql_parser.parse(str(free))


def test_values_are_escaped() -> None:
    query = select(exporters.PG_UP, instance=matches(r'a\.b"c'))
    assert str(query) == r'pg_up{instance=~"a\\.b\"c"}'
    parsed = promql_parser.parse(str(query))
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert parsed.matchers.matchers[0].value == r'a\.b"c'


def test_a_query_knows_what_it_reads_and_what_filters_it() -> None:
    query = ratio(select(exporters.REDIS_MEMORY_USED, cluster=variable("cluster")), MAXIMUM)
    assert query.series == {"redis_memory_used_bytes", "redis_memory_max_bytes"}
    assert query.sources == {"redis-exporter"}
    assert query.variables == {"cluster"}
