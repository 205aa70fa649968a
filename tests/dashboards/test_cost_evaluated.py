"""The right numbers for cost, worked out by hand: what services cost, and what the month will have cost."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from dashboards.parameters import Budget, Parameters
from tests.dashboards.promql_cases import Case, failure, panel

costs = partial(panel, uid="cost-performance")

GIB = 1024**3
POD = 'cluster="dev", job="opencost", namespace="dubbing", node="node-1", instance="node-1"'
NODE = 'cluster="dev", job="opencost", node="node-1", instance="node-1", instance_type="g5.xlarge"'
API = 'cluster="dev", namespace="dubbing", job="api", pod="api-1", instance="10.0.0.7:8000"'
KSM = 'cluster="dev", job="kube-state-metrics", namespace="dubbing"'

# A node of 3 $/h: 4 cores at 0.25, 16 GiB at 0.0625, a GPU at 1. Half of its memory is nobody's.
CLUSTER = {
    f"node_total_hourly_cost{{{NODE}}}": 3,
    f"node_cpu_hourly_cost{{{NODE}}}": 0.25,
    f"node_ram_hourly_cost{{{NODE}}}": 0.0625,
    f"node_gpu_hourly_cost{{{NODE}}}": 1,
    f'container_cpu_allocation{{{POD}, pod="api-1", container="api"}}': 2,
    f'container_memory_allocation_bytes{{{POD}, pod="api-1", container="api"}}': 4 * GIB,
    f'container_cpu_allocation{{{POD}, pod="whisper-1", container="server"}}': 1,
    f'container_memory_allocation_bytes{{{POD}, pod="whisper-1", container="server"}}': 4 * GIB,
    f'container_gpu_allocation{{{POD}, pod="whisper-1", container="server"}}': 1,
    f'container_cpu_allocation{{{POD}, pod="debug", container="shell"}}': 1,
    f'kube_pod_labels{{{KSM}, pod="api-1", uid="1", label_app_kubernetes_io_name="api"}}': 1,
    f'kube_pod_labels{{{KSM}, pod="whisper-1", uid="2", label_app_kubernetes_io_name="asr"}}': 1,
    f'kube_pod_labels{{{KSM}, pod="debug", uid="3"}}': 1,
    'pv_hourly_cost{cluster="dev", job="opencost", persistentvolume="pv-1"}': 0.001,
    'kube_persistentvolume_capacity_bytes{cluster="dev", persistentvolume="pv-1"}': 100 * GIB,
    'kubecost_load_balancer_cost{cluster="dev", namespace="dubbing", service_name="gateway"}': 0.02,
    'kubecost_cluster_management_cost{cluster="dev", provisioner_name="EKS"}': 0.1,
    f'dubbing_external_cost_dollars_per_hour{{{API}, service="storage", resource="s3"}}': 0.3,
    f'dubbing_external_cost_dollars_per_hour{{{API}, service="storage", resource="traffic"}}': 0.1,
}
PER_HOUR = {
    "api": 2 * 0.25 + 4 * 0.0625,
    "asr": 0.25 + 4 * 0.0625 + 1,
    "other": 0.25,
    "idle": 8 * 0.0625,
    "volumes": 0.1,
    "load-balancers": 0.02,
    "control-plane": 0.1,
    "storage": 0.4,
}
TOTAL = sum(PER_HOUR.values())
HOURS_OF_JANUARY = 744


def constant(samples: int) -> dict[str, str]:
    return {name: f"{value}x{samples}" for name, value in CLUSTER.items()}


def nearly(expression: str) -> str:
    """Round away what floating point leaves."""
    return f"round({expression}, 0.000001)"


def by_service(factor: float, *services: str) -> dict[str, float]:
    chosen = services or tuple(PER_HOUR)
    return {f'{{service="{name}"}}': round(PER_HOUR[name] * factor, 6) for name in chosen}


def test_services_and_what_belongs_to_none_add_up_to_the_whole(promtool: Path, tmp_path: Path) -> None:
    pie, tile = costs("Cost by Service", number=201), costs("Total Monthly Cost Projection")
    whole = f"sum without (measured, hours) ({tile})"
    found = failure(
        promtool,
        tmp_path,
        constant(20),
        Case(expression=nearly(pie), at="10m", expected=by_service(HOURS_OF_JANUARY)),
        Case(
            expression=nearly(pie),
            at="10m",
            expected=by_service(HOURS_OF_JANUARY, "api", "asr", "other", "storage"),
            chosen={"namespace": "dubbing"},
        ),
        Case(expression=nearly(whole), at="10m", expected={"{}": round(TOTAL * HOURS_OF_JANUARY, 6)}),
    )
    assert found is None


def test_without_a_billing_export_or_volumes_the_rest_is_told(promtool: Path, tmp_path: Path) -> None:
    left_out = ("dubbing_external", "pv_hourly", "kubecost", "kube_persistent", "container_gpu")
    series = {name: value for name, value in constant(20).items() if not name.startswith(left_out)}
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(
            expression=nearly(costs("Cost by Service", number=201)),
            at="10m",
            # The GPU is paid for, and charged to nobody.
            expected=by_service(HOURS_OF_JANUARY, "api", "other")
            | {'{service="asr"}': 0.5 * HOURS_OF_JANUARY, '{service="idle"}': 1.5 * HOURS_OF_JANUARY},
        ),
    )
    assert found is None


def test_cost_per_minute_and_per_job_of_the_same_day(promtool: Path, tmp_path: Path) -> None:
    # In the first hour 10 minutes of video and 2 jobs a minute, seen 59 times: 590 minutes, 118 jobs. 60
    # samples of cost are one hour's.
    series = constant(60) | {
        f'dubbing_processing_seconds_total{{{API}, tier="pro"}}': "0+600x60",
        f'dubbing_jobs_total{{{API}, tier="pro", outcome="success"}}': "0+2x60",
        f'dubbing_jobs_total{{{API}, tier="pro", outcome="failure"}}': "0+9x60",
    }
    per_minute = partial(costs, "Cost per Processing Minute")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=nearly(per_minute(number=104)), at="59m", expected={"{}": round(TOTAL / 590, 6)}),
        Case(expression=nearly(per_minute(number=203)), at="59m", expected=by_service(1 / 590)),
        Case(expression=nearly(costs("Cost per Job")), at="59m", expected=by_service(1 / 118)),
    )
    assert found is None


def test_without_video_and_jobs_there_is_no_cost_per_minute_or_job(promtool: Path, tmp_path: Path) -> None:
    series = constant(60) | {
        f'dubbing_processing_seconds_total{{{API}, tier="pro"}}': "600x60",
        f'dubbing_jobs_total{{{API}, tier="pro", outcome="success"}}': "2x60",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=costs("Cost per Processing Minute", number=104), at="59m", expected={}),
        Case(expression=costs("Cost per Job"), at="59m", expected={}),
    )
    assert found is None


def test_budgets_of_services_and_of_everything_read_the_projection(promtool: Path, tmp_path: Path) -> None:
    parameters = Parameters(budget=Budget(total=5_000, services={"api": 600, "idle": 1_000, "gone": 10}))
    utilization = partial(costs, "Budget Utilization")
    everything = round(TOTAL * HOURS_OF_JANUARY / 5_000, 6)
    found = failure(
        promtool,
        tmp_path,
        constant(20),
        Case(expression=nearly(utilization(number=105)), at="10m", expected={"{}": everything}),
        Case(
            expression=nearly(utilization(0, number=202)),
            at="10m",
            expected={
                '{cluster="dev", service="api"}': 0.93,
                '{cluster="dev", service="idle"}': round(0.5 * HOURS_OF_JANUARY / 1_000, 6),
            },
        ),
        Case(expression=nearly(utilization(1, number=202)), at="10m", expected={"{}": everything}),
        parameters=parameters,
    )
    assert found is None


def test_gpu_nodes_are_counted_by_type(promtool: Path, tmp_path: Path) -> None:
    nodes = {"a": ("g5.xlarge", 1), "b": ("g5.xlarge", 1), "c": ("p4d.24xlarge", 8), "d": ("m6i.large", 0)}
    series = {
        f'node_gpu_count{{cluster="dev", node="{node}", instance_type="{kind}"}}': f"{gpus}x5"
        for node, (kind, gpus) in nodes.items()
    }
    expected = {'{instance_type="g5.xlarge"}': 2.0, '{instance_type="p4d.24xlarge"}': 1.0}
    case = Case(expression=costs("Node Count by Type"), at="5m", expected=expected)
    assert failure(promtool, tmp_path, series, case) is None


STORAGE = f'dubbing_external_cost_dollars_per_hour{{{API}, service="storage", resource="s3"}}'


class Month(NamedTuple):
    """A cost by the hour, and what must be projected from it at a moment."""

    start: datetime
    dollars_per_hour: str
    at: str
    measured: int
    hours: int
    projected: float


JANUARY, MARCH = datetime(2027, 1, 25, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
MONTHS = {
    # January at 50 $, February at 10 $. The first instant of February: no hour of it is measured, and the
    # mean of the last 24 hours holds one sample of 10.
    "first instant": Month(JANUARY, "50x167 10x700", "168h", 0, 672, 672 * (23 * 50 + 10) / 24),
    # Its first hour: 10 so far, 671 to come at 22 samples of 50 and two of 10.
    "first hour": Month(JANUARY, "50x167 10x700", "169h", 1, 672, 10 + 671 * (22 * 50 + 2 * 10) / 24),
    # Nothing of January is left in it.
    "last hour of 28 days": Month(JANUARY, "50x167 10x700", "839h", 671, 672, 6720),
    "last hour of 31 days": Month(MARCH, "10x800", "743h", 743, 744, 7440),
    # On the 10th, seen at its end: 227 hours at 10, 13 at 20, and 504 to come at the mean of 11 of 10 and
    # 13 of 20.
    "nodes doubled at noon": Month(
        MARCH, "10x227 20x600", "240h", 240, 744, 227 * 10 + 13 * 20 + 504 * (11 * 10 + 13 * 20) / 24
    ),
    # A day at 10 $, a day at 30 $: 49 hours measured, 695 counted at 30.
    "installed on day 20": Month(
        datetime(2027, 3, 20, tzinfo=UTC), "10x23 30x100", "48h", 49, 744, 24 * 10 + 25 * 30 + 695 * 30
    ),
    # The 100 hours without data count at the mean, like those to come.
    "a gap": Month(MARCH, "5x99 _x100 10x200", "299h", 199, 744, 99 * 5 + 100 * 10 + 545 * 10),
}


@pytest.mark.parametrize("month", MONTHS.values(), ids=MONTHS)
def test_month_projection(promtool: Path, tmp_path: Path, month: Month) -> None:
    tile = costs("Total Monthly Cost Projection")
    labels = f'{{measured="{month.measured}", hours="{month.hours}"}}'
    found = failure(
        promtool,
        tmp_path,
        {STORAGE: month.dollars_per_hour},
        Case(expression=nearly(tile), at=month.at, expected={labels: round(month.projected, 6)}),
        start=month.start,
        interval="1h",
        # The hours' own group runs hourly; promtool knows one interval for all groups.
        evaluation_interval="1h",
    )
    assert found is None


def test_a_service_that_is_gone_keeps_what_it_cost_and_adds_nothing(promtool: Path, tmp_path: Path) -> None:
    # The storage's cost ends after 48 hours; three days later only the other one goes on.
    other = STORAGE.replace("storage", "database")
    found = failure(
        promtool,
        tmp_path,
        {STORAGE: "10x48 _x100", other: "1x148"},
        Case(
            expression=nearly(costs("Cost by Service", number=201)),
            at="120h",
            expected={'{service="storage"}': 480, '{service="database"}': 744},
        ),
        start=datetime(2027, 3, 1, tzinfo=UTC),
        interval="1h",
        evaluation_interval="1h",
    )
    assert found is None
