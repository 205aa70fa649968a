"""The right numbers for jobs, models and users, worked out by hand, from shipped rules and panel queries."""

from functools import partial
from pathlib import Path

from tests.dashboards.promql_cases import Case, Samples, failure, panel

jobs = partial(panel, uid="job-processing")
models = partial(panel, uid="model-performance")
users = partial(panel, uid="user-activity")

WORKER = 'cluster="dev", namespace="dubbing", job="worker", pod="worker-1", instance="10.0.0.8:8000"'
MODEL = 'cluster="dev", namespace="dubbing", job="whisper", pod="whisper-1", instance="10.0.0.9:8000"'


def test_counts_of_a_day_go_on_across_a_counter_reset(promtool: Path, tmp_path: Path) -> None:
    # One job a minute but for the minute of a restart: 1439 in 24 hours. increase() extrapolates to the edges
    # of its window, hence the rounding.
    ended = f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="success"}}'
    failed = f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="failure"}}'
    found = failure(
        promtool,
        tmp_path,
        {ended: "0+1x720 0+1x800", failed: "0x1600"},
        Case(expression=f"round({jobs('Jobs Processed (24h)')}, 0.01)", at="25h", expected={"{}": 1439}),
        Case(expression=jobs("Jobs Failed (24h)"), at="25h", expected={"{}": 0}),
        Case(expression=jobs("Success Rate"), at="25h", expected={"{}": 1}),
    )
    assert found is None


def test_a_day_without_a_job_has_no_success_rate_and_no_mean(promtool: Path, tmp_path: Path) -> None:
    series = {
        f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="{outcome}"}}': "7x30"
        for outcome in ("success", "failure", "cancelled")
    } | {
        f'dubbing_job_duration_seconds_{part}{{{WORKER}, outcome="success"}}': "7x30"
        for part in ("sum", "count")
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=jobs("Jobs Processed (24h)"), at="20m", expected={"{}": 0}),
        Case(expression=jobs("Success Rate"), at="20m", expected={}),
        Case(expression=jobs("Average Processing Time"), at="20m", expected={}),
    )
    assert found is None


def test_success_rate_leaves_out_what_users_cancelled(promtool: Path, tmp_path: Path) -> None:
    # Per minute 3 succeed, 1 fails, 6 are cancelled: 3 of 4.
    series = {
        f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="success"}}': "0+3x60",
        f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="failure"}}': "0+1x60",
        f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="cancelled"}}': "0+6x60",
    }
    case = Case(expression=jobs("Success Rate"), at="1h", expected={"{}": 0.75})
    assert failure(promtool, tmp_path, series, case) is None


def test_a_success_rate_of_zero_is_zero_even_before_the_first_success(promtool: Path, tmp_path: Path) -> None:
    series = {f'dubbing_jobs_total{{{WORKER}, tier="pro", outcome="failure"}}': "0+1x60"}
    case = Case(expression=jobs("Success Rate"), at="1h", expected={"{}": 0})
    assert failure(promtool, tmp_path, series, case) is None


def test_average_processing_time_weighs_jobs_and_skips_failures(promtool: Path, tmp_path: Path) -> None:
    # One worker ends a job of 60 s each minute, another three of 20 s: (60 + 60) / 4 = 30 s.
    other = WORKER.replace("worker-1", "worker-2")
    series = {
        f'dubbing_job_duration_seconds_sum{{{WORKER}, outcome="success"}}': "0+60x60",
        f'dubbing_job_duration_seconds_count{{{WORKER}, outcome="success"}}': "0+1x60",
        f'dubbing_job_duration_seconds_sum{{{other}, outcome="success"}}': "0+60x60",
        f'dubbing_job_duration_seconds_count{{{other}, outcome="success"}}': "0+3x60",
        f'dubbing_job_duration_seconds_sum{{{other}, outcome="failure"}}': "0+1x60",
        f'dubbing_job_duration_seconds_count{{{other}, outcome="failure"}}': "0+100x60",
    }
    case = Case(expression=jobs("Average Processing Time"), at="1h", expected={"{}": 30})
    assert failure(promtool, tmp_path, series, case) is None


def test_a_queue_that_every_pod_tells_counts_once(promtool: Path, tmp_path: Path) -> None:
    other = WORKER.replace("worker-1", "worker-2")
    series = {
        f'dubbing_queue_depth{{{WORKER}, stage="transcription"}}': "40x5",
        f'dubbing_queue_depth{{{other}, stage="transcription"}}': "41x5",
        f'dubbing_queue_depth{{{WORKER}, stage="lip-sync"}}': "2x5",
        f'dubbing_worker_slots{{{WORKER}, stage="transcription"}}': "8x5",
    }
    by_service = panel("Queue Depth by Service", uid="cost-performance")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=jobs("Total Queue Depth"), at="5m", expected={"{}": 43}),
        Case(expression=jobs("Total Queue Depth"), at="5m", expected={"{}": 2}, chosen={"stage": "lip-sync"}),
        Case(
            expression=jobs("Queue Depth by Stage"),
            at="5m",
            expected={'{stage="transcription"}': 41, '{stage="lip-sync"}': 2},
        ),
        Case(expression=by_service, at="5m", expected={'{service="worker"}': 41}),
    )
    assert found is None


def test_quantiles_of_a_stage_from_known_buckets(promtool: Path, tmp_path: Path) -> None:
    # Per minute 90 runs of up to 10 s and 10 of 10 to 30 s: the 95th of 100 lies halfway into the second
    # bucket, 10 + 20 * 5 / 10 = 20 s; the 50th at 10 * 50 / 90.
    stage = f'{WORKER}, stage="dubbing"'
    series = {
        f'dubbing_stage_duration_seconds_bucket{{{stage}, le="10.0"}}': "0+90x20",
        f'dubbing_stage_duration_seconds_bucket{{{stage}, le="30.0"}}': "0+100x20",
        f'dubbing_stage_duration_seconds_bucket{{{stage}, le="+Inf"}}': "0+100x20",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(
            expression=jobs("Processing Time by Stage", 0), at="20m", expected={'{stage="dubbing"}': 500 / 90}
        ),
        Case(
            expression=f"round({jobs('Processing Time by Stage', 1)}, 0.001)",
            at="20m",
            expected={'{stage="dubbing"}': 20},
        ),
    )
    assert found is None


def test_throughput_per_minute_and_failures_by_type(promtool: Path, tmp_path: Path) -> None:
    series = {
        f'dubbing_stage_runs_total{{{WORKER}, stage="mux", outcome="success"}}': "0+5x400",
        f'dubbing_stage_runs_total{{{WORKER}, stage="mux", outcome="failure"}}': "0+1x400",
        f'dubbing_stage_failures_total{{{WORKER}, stage="mux", error_type="timeout"}}': "0+1x400",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=jobs("Job Throughput"), at="400m", expected={'{stage="mux"}': 6}),
        Case(expression=jobs("Jobs Processed per Hour by Stage"), at="400m", expected={'{stage="mux"}': 300}),
        Case(expression=jobs("Job Failure Rate by Stage"), at="400m", expected={'{stage="mux"}': 1 / 60}),
        # The range of these tests is 6 h: 360 minutes with one failure each.
        Case(
            expression=jobs("Failed Jobs by Error Type"), at="400m", expected={'{error_type="timeout"}': 360}
        ),
    )
    assert found is None


def test_model_figures_are_means_over_requests_not_over_pods(promtool: Path, tmp_path: Path) -> None:
    # Per minute one pod answers 1 request in 9 s, the other 3 in 3 s together: 12 / 4 = 3 s.
    one, two = f'{MODEL}, model="whisper"', f'{MODEL.replace("whisper-1", "whisper-2")}, model="whisper"'
    series = {
        f"dubbing_model_inference_duration_seconds_sum{{{one}}}": "0+9x20",
        f"dubbing_model_inference_duration_seconds_count{{{one}}}": "0+1x20",
        f"dubbing_model_inference_duration_seconds_sum{{{two}}}": "0+3x20",
        f"dubbing_model_inference_duration_seconds_count{{{two}}}": "0+3x20",
        f'dubbing_model_inferences_total{{{one}, outcome="success"}}': "0+1x20",
        f'dubbing_model_inferences_total{{{two}, outcome="success"}}': "0+2x20",
        f'dubbing_model_inferences_total{{{two}, outcome="failure"}}': "0+1x20",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=models("Average Inference Time"), at="20m", expected={"{}": 3}),
        Case(expression=models("Model Error Rate", number=103), at="20m", expected={"{}": 0.25}),
        Case(
            expression=models("Model Error Rate", number=203),
            at="20m",
            expected={'{model="whisper"}': 1 / 60},
        ),
    )
    assert found is None


def test_a_model_that_nobody_asks_has_no_error_rate_and_no_latency(promtool: Path, tmp_path: Path) -> None:
    idle = f'{MODEL}, model="whisper"'
    series = {
        f'dubbing_model_inferences_total{{{idle}, outcome="success"}}': "7x20",
        f'dubbing_model_inferences_total{{{idle}, outcome="failure"}}': "0x20",
        f'dubbing_model_inference_duration_seconds_bucket{{{idle}, le="10.0"}}': "7x20",
        f'dubbing_model_inference_duration_seconds_bucket{{{idle}, le="+Inf"}}': "7x20",
        f"dubbing_model_inference_duration_seconds_sum{{{idle}}}": "7x20",
        f"dubbing_model_inference_duration_seconds_count{{{idle}}}": "7x20",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=models("Model Error Rate", number=103), at="20m", expected={}),
        Case(expression=models("Average Inference Time"), at="20m", expected={}),
        Case(expression=models("Inference Latency by Model (p95)"), at="20m", expected={}),
        Case(expression=models("Model Error Rate", number=203), at="20m", expected={'{model="whisper"}': 0}),
    )
    assert found is None


API = 'cluster="dev", namespace="dubbing", job="api", pod="api-1", instance="10.0.0.7:8000"'


def test_users_counted_by_every_pod_count_once_and_tiers_add_up(promtool: Path, tmp_path: Path) -> None:
    other = API.replace("api-1", "api-2")
    series = {
        f'dubbing_active_users{{{API}, window="1d", tier="pro"}}': "30x5",
        f'dubbing_active_users{{{other}, window="1d", tier="pro"}}': "30x5",
        f'dubbing_active_users{{{API}, window="1d", tier="free"}}': "70x5",
        f'dubbing_active_users{{{API}, window="30d", tier="free"}}': "900x5",
        f'dubbing_processing_seconds_total{{{API}, tier="pro"}}': "0+120x5",
    }
    tile = users("Active Users (24h)")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=tile, at="5m", expected={"{}": 100}),
        Case(expression=tile, at="5m", expected={"{}": 30}, chosen={"tier": "pro|enterprise"}),
        # Two minutes of video a minute, from the first sample on.
        Case(expression=users("Processing Minutes Used (24h)"), at="5m", expected={"{}": 10}),
    )
    assert found is None


def test_retention_and_the_week_before_with_less_and_more_than_a_week_of_data(
    promtool: Path, tmp_path: Path
) -> None:
    # Hourly samples of nine days; the cohort of a week ago exists from the eighth day on.
    series = {
        f'dubbing_active_users{{{API}, window="1d", tier="pro"}}': "100x167 80x60",
        f'dubbing_cohort_users{{{API}, window="7d", tier="pro"}}': "0x167 40x60",
        f'dubbing_cohort_retained_users{{{API}, window="7d", tier="pro"}}': "0x167 10x60",
    }
    retention = users("User Retention (7-day)")
    now, before = users("Daily Active Users", 0), users("Daily Active Users", 1)
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=retention, at="100h", expected={}),
        Case(expression=retention, at="200h", expected={'{tier="pro"}': 0.25}),
        Case(expression=now, at="100h", expected={"{}": 100}),
        Case(expression=before, at="100h", expected={}),
        Case(expression=now, at="200h", expected={"{}": 80}),
        Case(expression=before, at="200h", expected={"{}": 100}),
        interval="1h",
        evaluation_interval="1h",
    )
    assert found is None


def test_conversions_show_a_flow_once_whichever_of_its_tiers_is_chosen(
    promtool: Path, tmp_path: Path
) -> None:
    flow = 'from_tier="free", to_tier="pro", direction="upgrade"'
    series = {f"dubbing_subscription_changes_total{{{API}, {flow}}}": "0+1x60"}
    expected: Samples = {f"{{{flow}}}": 60}
    found = failure(
        promtool,
        tmp_path,
        series,
        *[
            Case(
                expression=users("Subscription Conversions"),
                at="1h",
                expected=expected if tier != "team" else Samples(),
                chosen={"tier": tier},
            )
            for tier in (".*", "free", "pro", "free|pro", "team")
        ],
    )
    assert found is None
