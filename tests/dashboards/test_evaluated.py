"""The right numbers, worked out by hand, from the shipped rules and panel queries in the real engine."""

import subprocess
from pathlib import Path

import pytest

from dashboards.parameters import Parameters
from dashboards.render import rules
from tests.dashboards.promql_cases import Case, failure, panel

PROBE = 'probe_success{cluster="dev", job="blackbox", instance="https://api", probe="api"}'
POD = 'cluster="dev", namespace="dubbing", pod="api-1"'
API = 'cluster="dev", namespace="dubbing", job="api", pod="api-1", instance="10.0.0.7:8000"'


def test_promtool_finds_nothing_to_say_about_the_rules(promtool: Path, tmp_path: Path) -> None:
    for name, text in rules(Parameters()).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        subprocess.run(
            [promtool, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / name], check=True
        )


def test_a_wrong_expectation_is_noticed(promtool: Path, tmp_path: Path) -> None:
    case = Case(expression=panel("Database Status"), at="1m", expected={"{}": 0})
    found = failure(promtool, tmp_path, {'pg_up{cluster="dev"}': "1x5"}, case)
    assert found
    assert "got" in found


def test_uptime_of_a_day_with_a_known_outage(promtool: Path, tmp_path: Path) -> None:
    # 24 h are 1440 samples a minute apart; 12 of them failed: 1428 / 1440.
    series = {PROBE: "1x599 0x11 1x1000"}
    expression = panel("API Uptime")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=expression, at="24h", expected={"{}": 1428 / 1440}),
        # Before the outage.
        Case(expression=expression, at="9h", expected={"{}": 1}),
    )
    assert found is None


def test_uptime_recovers_when_the_outage_is_a_day_old(promtool: Path, tmp_path: Path) -> None:
    found = failure(
        promtool,
        tmp_path,
        {PROBE: "0x9 1x1600"},
        Case(expression=panel("API Uptime"), at="24h9m", expected={"{}": 1}),
        Case(expression=panel("API Uptime"), at="24h4m", expected={"{}": 1435 / 1440}),
    )
    assert found is None


def test_uptime_is_of_the_named_probe_in_the_worst_of_the_chosen_clusters(
    promtool: Path, tmp_path: Path
) -> None:
    series = {
        PROBE: "1x10",
        PROBE.replace("dev", "prod"): "1x4 0x4 1x1",
        PROBE.replace('"api"', '"web"'): "0x10",
    }
    expression = panel("API Uptime")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=expression, at="9m", expected={"{}": 0.5}),
        Case(expression=expression, at="9m", expected={"{}": 1}, chosen={"cluster": "dev"}),
        Case(expression=expression, at="9m", expected={}, chosen={"cluster": "(test|stage)"}),
    )
    assert found is None


@pytest.mark.parametrize(
    ("title", "metric"),
    [
        ("Database Status", "pg_up"),
        ("Redis Status", "redis_up"),
        ("Storage Status", "dubbing_storage_up"),
    ],
)
def test_a_status_is_down_when_one_is_down_and_nothing_when_nobody_says(
    promtool: Path, tmp_path: Path, title: str, metric: str
) -> None:
    labels = f'{API}, backend="s3"' if metric.startswith("dubbing") else 'cluster="dev", instance="a"'
    series = {f"{metric}{{{labels}}}": "1 1 1 stale", f'{metric}{{{labels}, other="b"}}': "1 0 1 stale"}
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=panel(title), at="0m", expected={"{}": 1}),
        Case(expression=panel(title), at="1m", expected={"{}": 0}),
        Case(expression=panel(title), at="2m", expected={"{}": 1}),
        Case(expression=panel(title), at="3m", expected={}),
    )
    assert found is None


def test_websockets_add_up_over_pods_of_the_chosen_service(promtool: Path, tmp_path: Path) -> None:
    series = {
        f"dubbing_websocket_connections{{{API}}}": "7x2",
        f"dubbing_websocket_connections{{{API.replace('api-1', 'api-2')}}}": "5x2",
        f"dubbing_websocket_connections{{{API.replace('api', 'live')}}}": "100x2",
    }
    expression = panel("Active WebSocket Connections")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=expression, at="1m", expected={"{}": 112}),
        Case(expression=expression, at="1m", expected={"{}": 12}, chosen={"service": "api"}),
        Case(expression=expression, at="1m", expected={}, chosen={"namespace": "other"}),
    )
    assert found is None


def requests(method: str, code: str, route: str = "/v1/jobs") -> str:
    labels = f'http_request_method="{method}", http_route="{route}", http_response_status_code="{code}"'
    return f"http_server_request_duration_seconds_count{{{API}, {labels}}}"


def test_request_rate_survives_a_counter_that_starts_again(promtool: Path, tmp_path: Path) -> None:
    # 60 a minute is 1 a second; the GET counter starts again at 60 after 8 minutes, as if at 0.
    series = {
        requests("GET", "200"): "0+60x7 60+60x10",
        requests("GET", "500"): "0+30x20",
        requests("POST", "200"): "0+120x20",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(
            expression=panel("API Request Rate"),
            at="10m",
            expected={'{http_request_method="GET"}': 1.5, '{http_request_method="POST"}': 2},
        ),
    )
    assert found is None


def test_errors_are_4xx_and_5xx_by_endpoint_and_code(promtool: Path, tmp_path: Path) -> None:
    series = {
        requests("GET", "200"): "0+60x10",
        requests("GET", "500"): "0+30x10",
        requests("POST", "500"): "0+30x10",
        requests("POST", "429"): "0+6x10",
    }
    route = 'http_route="/v1/jobs", job="api"'
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(
            expression=panel("Error Rate by Endpoint"),
            at="8m",
            expected={
                f'{{http_response_status_code="500", {route}}}': 1,
                f'{{http_response_status_code="429", {route}}}': 0.1,
            },
        ),
        Case(expression=panel("Error Rate by Endpoint", 1), at="8m", expected={"{}": 1.1}),
    )
    assert found is None


def test_traffic_without_errors_is_zero_and_no_traffic_is_nothing(promtool: Path, tmp_path: Path) -> None:
    total = panel("Error Rate by Endpoint", 1)
    found = failure(
        promtool,
        tmp_path,
        {requests("GET", "200"): "0+60x10 stale"},
        Case(expression=total, at="8m", expected={"{}": 0}),
        Case(expression=panel("Error Rate by Endpoint"), at="8m", expected={}),
        Case(expression=total, at="40m", expected={}),
    )
    assert found is None


def buckets(pod: str, le: str, route: str = "/v1/jobs") -> str:
    labels = (
        API.replace("api-1", pod)
        + f', http_request_method="GET", http_route="{route}", http_response_status_code="200"'
    )
    return f'http_server_request_duration_seconds_bucket{{{labels}, le="{le}"}}'


def test_p95_from_known_buckets_of_two_pods(promtool: Path, tmp_path: Path) -> None:
    # A second brings 10 requests: 6 up to 0.1 s, 3 up to 0.5 s, 1 up to 1 s. The 9.5th of them lies
    # halfway through the last bucket: 0.5 + 0.5 * (9.5 - 9) / 1 = 0.75 s.
    series = {
        buckets("api-1", "0.1"): "0+240x10",
        buckets("api-1", "0.5"): "0+360x10",
        buckets("api-1", "1"): "0+360x10",
        buckets("api-1", "+Inf"): "0+360x10",
        buckets("api-2", "0.1"): "0+120x10",
        buckets("api-2", "0.5"): "0+180x10",
        buckets("api-2", "1"): "0+240x10",
        buckets("api-2", "+Inf"): "0+240x10",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(
            expression=panel("API Response Time (p95)"),
            at="8m",
            expected={'{http_route="/v1/jobs", job="api"}': 0.75},
        ),
    )
    assert found is None


def test_p95_over_several_namespaces_is_that_of_the_slowest(promtool: Path, tmp_path: Path) -> None:
    elsewhere = {"0.1": "0+0x10", "0.5": "0+60x10", "+Inf": "0+60x10"}
    series = {buckets("api-1", "0.1"): "0+60x10", buckets("api-1", "+Inf"): "0+60x10"} | {
        buckets("api-1", le).replace('namespace="dubbing"', 'namespace="staging"'): values
        for le, values in elsewhere.items()
    }
    slow, fast = 0.1 + 0.4 * 0.95, 0.1 * 0.95
    cases = [
        Case(
            expression=panel("API Response Time (p95)"),
            at="8m",
            expected={'{http_route="/v1/jobs", job="api"}': seconds},
            chosen=chosen,
        )
        for chosen, seconds in (({}, slow), ({"namespace": "dubbing"}, fast))
    ]
    assert failure(promtool, tmp_path, series, *cases) is None


def test_p95_of_an_endpoint_that_nobody_calls_is_nothing(promtool: Path, tmp_path: Path) -> None:
    series = {buckets("api-1", "0.1", "/idle"): "5x10", buckets("api-1", "+Inf", "/idle"): "5x10"}
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=panel("API Response Time (p95)"), at="8m", expected={}),
    )
    assert found is None


def test_database_connections_against_what_services_may_open(promtool: Path, tmp_path: Path) -> None:
    server = 'cluster="dev", job="postgres-exporter", instance="postgres:5432"'
    series = {
        f'pg_stat_activity_count{{{server}, datname="dubbing", state="active"}}': "12x2",
        f'pg_stat_activity_count{{{server}, datname="dubbing", state="idle"}}': "30x2",
        f'pg_stat_activity_count{{{server}, datname="postgres", state="active"}}': "1x2",
        f"pg_settings_max_connections{{{server}}}": "100x2",
        f"pg_settings_superuser_reserved_connections{{{server}}}": "3x2",
    }
    labels = '{cluster="dev", instance="postgres:5432"}'
    title = "Database Connection Pool"
    found = failure(
        promtool,
        tmp_path,
        series,
        *(
            Case(expression=panel(title, query), at="1m", expected={labels: expected})
            for query, expected in enumerate((13, 43, 97))
        ),
    )
    assert found is None


@pytest.mark.parametrize(
    ("maximum", "system", "expected"),
    [
        pytest.param("400", "1000", 0.25, id="a limit of its own wins"),
        pytest.param("0", "1000", 0.1, id="without maxmemory the host's memory counts"),
        pytest.param("0", None, None, id="without either there is no share, not infinity"),
    ],
)
def test_redis_memory(
    promtool: Path, tmp_path: Path, maximum: str, system: str | None, expected: float | None
) -> None:
    server = 'cluster="dev", job="redis-exporter", instance="redis:6379"'
    series = {
        f"redis_memory_used_bytes{{{server}}}": "100x2",
        f"redis_memory_max_bytes{{{server}}}": f"{maximum}x2",
    }
    if system:
        series[f"redis_total_system_memory_bytes{{{server}}}"] = f"{system}x2"
    case = Case(
        expression=panel("Redis Memory Usage"),
        at="1m",
        expected={} if expected is None else {f"{{{server}}}": expected},
    )
    assert failure(promtool, tmp_path, series, case) is None


def container(metric: str, pod: str, name: str, image: str = "api:1") -> str:
    return f'{metric}{{cluster="dev", namespace="dubbing", pod="{pod}", container="{name}", image="{image}"}}'


def pod_labels(pod: str, service: str, replica: str = "a") -> str:
    name = f', label_app_kubernetes_io_name="{service}"' if service else ""
    return (
        f'kube_pod_labels{{cluster="dev", namespace="dubbing", pod="{pod}", instance="{replica}", '
        f'uid="{pod}"{name}}}'
    )


def test_cpu_and_memory_count_each_container_once_and_under_its_service(
    promtool: Path, tmp_path: Path
) -> None:
    cpu, memory = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
    series = {
        # Two replicas of kube-state-metrics say the same.
        pod_labels("api-1", "api", "a"): "1x20",
        pod_labels("api-1", "api", "b"): "1x20",
        pod_labels("api-2", "api"): "1x20",
        pod_labels("tool", ""): "1x20",
        container(cpu, "api-1", "api"): "0+30x20",
        container(cpu, "api-2", "api"): "0+60x20",
        container(cpu, "api-2", "proxy"): "0+6x20",
        container(cpu, "tool", "tool"): "0+12x20",
        # The pod's own cgroup and the pause container would count twice.
        container(cpu, "api-1", "", ""): "0+30x20",
        container(cpu, "api-1", "", "pause:3"): "0+30x20",
        container(memory, "api-1", "api"): "100x20",
        container(memory, "api-2", "api"): "50x20",
        container(memory, "api-1", "", ""): "100x20",
    }
    api, proxy, tool = (
        '{container="api", service="api"}',
        '{container="proxy", service="api"}',
        '{container="tool"}',
    )
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=panel("CPU Usage by Service"), at="8m", expected={api: 1.5, proxy: 0.1, tool: 0.2}),
        Case(
            expression=panel("CPU Usage by Service"),
            at="8m",
            expected={api: 1.5, proxy: 0.1},
            chosen={"service": "(api|worker)"},
        ),
        Case(expression=panel("Memory Usage by Service"), at="8m", expected={api: 150}),
    )
    assert found is None


def test_disk_usage_of_nodes_and_volumes(promtool: Path, tmp_path: Path) -> None:
    node = 'cluster="dev", job="node-exporter", instance="n1", device="{}", fstype="{}", mountpoint="{}"'
    root, memory = node.format("nvme0", "xfs", "/"), node.format("tmpfs", "tmpfs", "/run")
    volume = 'cluster="dev", namespace="dubbing", persistentvolumeclaim="data-postgres-0"'
    series = {
        f"node_filesystem_avail_bytes{{{root}}}": "15x2",
        f"node_filesystem_size_bytes{{{root}}}": "100x2",
        f"node_filesystem_avail_bytes{{{memory}}}": "0x2",
        f"node_filesystem_size_bytes{{{memory}}}": "10x2",
        f"kubelet_volume_stats_available_bytes{{{volume}}}": "30x2",
        f"kubelet_volume_stats_capacity_bytes{{{volume}}}": "40x2",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(
            expression=panel("Disk Usage"),
            at="1m",
            expected={'{cluster="dev", instance="n1", mountpoint="/"}': 0.85},
        ),
        Case(expression=panel("Disk Usage", 1), at="1m", expected={f"{{{volume}}}": 0.25}),
    )
    assert found is None
