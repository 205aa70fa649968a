"""Every alert's cases: series that bring its value to a given number, and what it then says.

Thresholds come from the declared alerts, and the moments at which they fire are worked out from both.
"""

from tests.dashboards.alert_case import (
    CLUSTER,
    GPU,
    IN_SCOPE,
    MAIL,
    ON_GPU,
    ON_SERVER,
    SCOPE,
    SERVER,
    AlertCase,
    Rising,
    behind,
    budget_of,
    certificate,
    condition,
    counted,
    failed_inferences,
    failed_jobs,
    failed_requests,
    filling,
    latency,
    projected,
    single,
    steadily_failed_requests,
    times_the_average,
    uptime,
    used,
)

DAY = 24 * 3600
CASES = (
    AlertCase(
        name="ApiUptimeLow",
        series=uptime,
        bad={"warning": 0.985, "critical": 0.945},
        said={
            "warning": "The API answered 98.5% of its probes in the last 24 h, below 99%.",
            "critical": "The API answered 94.5% of its probes in the last 24 h, below 95%.",
        },
        good=1,
    ),
    condition(
        "ApiErrorBudgetFastBurn",
        "critical",
        failed_requests,
        "The API failed 15.33% of its requests in the last hour, above 14.4%.",
        {"cluster": "dev"},
        before=120,
        # 44 bad minutes of 60 are 14.7 %, 46 are 15.3 %.
        crosses=43,
        # One good minute in the short window of five leaves 16 %, two leave 12 %.
        recovers=1,
    ),
    condition(
        "ApiErrorBudgetSlowBurn",
        "warning",
        steadily_failed_requests,
        "The API failed 6.572% of its requests in the last 6 h, above 6%.",
        {"cluster": "dev"},
        before=12 * 60,
        # 167 bad minutes of 360 are 6.03 %, 182 are 6.57 %.
        crosses=166,
        # 16 good minutes in the short window of 30 leave 6.07 %, 17 leave 5.6 %.
        recovers=16,
    ),
    condition(
        "DatabaseDown",
        "critical",
        single(f'pg_up{{{CLUSTER}, job="postgres-exporter", instance="main"}}'),
        "PostgreSQL at main refuses connections.",
        {"cluster": "dev", "instance": "main"},
    ),
    condition(
        "RedisDown",
        "critical",
        single(f'redis_up{{{CLUSTER}, job="redis-exporter", instance="main"}}'),
        "Redis at main refuses connections.",
        {"cluster": "dev", "instance": "main"},
    ),
    AlertCase(
        name="NodeDiskUsageHigh",
        series=used(
            f'node_filesystem_avail_bytes{{{CLUSTER}, instance="n1:9100", mountpoint="/", fstype="ext4"}}',
            f'node_filesystem_size_bytes{{{CLUSTER}, instance="n1:9100", mountpoint="/", fstype="ext4"}}',
        ),
        bad={"warning": 0.81, "critical": 0.91},
        said={
            "warning": "/ on n1:9100 is 81% full, above 80%.",
            "critical": "/ on n1:9100 is 91% full, above 90%.",
        },
        labels={"cluster": "dev", "instance": "n1:9100", "mountpoint": "/"},
    ),
    AlertCase(
        name="VolumeUsageHigh",
        series=used(
            f'kubelet_volume_stats_available_bytes{{{SCOPE}, persistentvolumeclaim="videos"}}',
            f'kubelet_volume_stats_capacity_bytes{{{SCOPE}, persistentvolumeclaim="videos"}}',
        ),
        bad={"warning": 0.81, "critical": 0.91},
        said={
            "warning": "The volume dubbing/videos is 81% full, above 80%.",
            "critical": "The volume dubbing/videos is 91% full, above 90%.",
        },
        labels={**IN_SCOPE, "persistentvolumeclaim": "videos"},
    ),
    AlertCase(
        name="QueueDepthHigh",
        series=lambda value: {
            f'stage:dubbing_queue_depth:max{{{SCOPE}, stage="asr"}}': value - 60,
            f'stage:dubbing_queue_depth:max{{{SCOPE}, stage="tts"}}': 60,
        },
        bad={"warning": 101, "critical": 201},
        said={"warning": "101 jobs wait, more than 100.", "critical": "201 jobs wait, more than 200."},
        labels=IN_SCOPE,
        near=0,
        good=60,
    ),
    AlertCase(
        name="JobFailureRateHigh",
        series=failed_jobs,
        bad={"warning": 0.052, "critical": 0.104},
        said={
            "warning": "5.2% of the last hour's jobs failed, more than 5%.",
            "critical": "10.4% of the last hour's jobs failed, more than 10%.",
        },
        labels=IN_SCOPE,
    ),
    AlertCase(
        name="ProcessingTimeHigh",
        series=times_the_average(
            "stage:dubbing_stage_duration_seconds:mean1h",
            "stage:dubbing_stage_duration_seconds:avg7d",
            f'{SCOPE}, stage="asr"',
        ),
        bad={"warning": 2.1},
        said={"warning": "The stage asr takes 2.1 times its average of the week, more than 2.0 times."},
        labels={**IN_SCOPE, "stage": "asr"},
        good=1,
    ),
    AlertCase(
        name="GpuUtilizationHigh",
        series=single(f"gpu:dcgm_utilization:ratio{{{GPU}}}"),
        bad={"warning": 0.91},
        said={"warning": "GPU 0 of gpu-1 is 91% busy, above 90%."},
        labels=ON_GPU,
    ),
    AlertCase(
        name="GpuTemperatureHigh",
        series=single(f"gpu:dcgm_temperature_celsius:max{{{GPU}}}"),
        bad={"warning": 81, "critical": 86},
        said={
            "warning": "GPU 0 of gpu-1 is at 81 °C, above 80 °C.",
            "critical": "GPU 0 of gpu-1 is at 86 °C, above 85 °C.",
        },
        labels=ON_GPU,
        near=0,
    ),
    AlertCase(
        name="ModelErrorRateHigh",
        series=failed_inferences,
        bad={"warning": 0.0104, "critical": 0.052},
        said={
            "warning": "1.04% of the inferences of whisper failed, more than 1%.",
            "critical": "5.2% of the inferences of whisper failed, more than 5%.",
        },
        labels={**IN_SCOPE, "model": "whisper"},
        before=60,
        # Little above the threshold, so that all 15 minutes must be bad.
        crosses=14,
    ),
    AlertCase(
        name="InferenceLatencyHigh",
        series=latency,
        bad={"warning": 10.4},
        said={"warning": "95 % of the inferences of tts end within 10.4 s, slower than 10.0 s."},
        labels={**IN_SCOPE, "model": "tts"},
        near=0.03,
        good=5.5,
    ),
    AlertCase(
        name="DailyActiveUsersFalling",
        series=lambda value: {
            f'tier:dubbing_active_users_1d:max{{{SCOPE}, tier="pro"}}': (1 - value) * 1000 - 300,
            f'tier:dubbing_active_users_1d:max{{{SCOPE}, tier="free"}}': 300,
        },
        bad={"warning": 0.21},
        said={"warning": "21% fewer users were active today than a week before, more than 20%."},
        labels=IN_SCOPE,
        near=0.01,
        before=7 * 24 * 60,
    ),
    AlertCase(
        name="SubscriptionCancellationRateHigh",
        series=single(f"namespace:dubbing_cancelled_subscriptions_30d:ratio{{{SCOPE}}}"),
        bad={"warning": 0.104},
        said={"warning": "10.4% of the subscriptions were cancelled within 30 days, more than 10%."},
        labels=IN_SCOPE,
    ),
    AlertCase(
        name="NewSubscriptionsLow",
        series=lambda value: {
            f'tier:dubbing_subscriptions_started_1d:max{{{SCOPE}, tier="pro"}}': value - 1,
            f'tier:dubbing_subscriptions_started_1d:max{{{SCOPE}, tier="team"}}': 1,
        },
        bad={"warning": 4.9},
        said={"warning": "5 subscriptions began in the last 24 h, fewer than 5."},
        labels=IN_SCOPE,
        near=0,
        good=9,
        # A whole day must have been seen.
        before=24 * 60,
    ),
    AlertCase(
        name="MonthlyCostProjectionHigh",
        series=projected,
        bad={"warning": 15_100, "critical": 20_100},
        said={
            "warning": "This month will have cost $15100, more than $15000.",
            "critical": "This month will have cost $20100, more than $20000.",
        },
        good=5000,
    ),
    AlertCase(
        name="BudgetUtilizationHigh",
        series=budget_of(""),
        bad={"warning": 0.91},
        said={"warning": "Everything will have used 91% of the month's budget, more than 90%."},
    ),
    AlertCase(
        name="BudgetUtilizationHigh",
        series=budget_of("asr"),
        bad={"warning": 0.91},
        said={"warning": "asr will have used 91% of the month's budget, more than 90%."},
        labels={"cluster": "dev", "service": "asr"},
    ),
    AlertCase(
        name="GpuUnderutilized",
        series=single(f'service:dcgm_utilization:avg{{{SCOPE}, service="asr"}}'),
        bad={"warning": 0.48},
        said={"warning": "The GPUs of asr were busy 48% of an hour, below 50%."},
        labels={**IN_SCOPE, "service": "asr"},
        good=1,
        before=0,
        # 55 minutes are nearly an hour; the mean of 57 bad and 3 good minutes is 50.6 %.
        crosses=54,
        recovers={"warning": 2},
    ),
    AlertCase(
        name="GpuUnderutilized",
        series=single(f'service:dcgm_utilization:avg{{{SCOPE}, service="asr"}}'),
        bad={"warning": 0.48},
        said={"warning": "The GPUs of asr were busy 48% of an hour, below 50%."},
        labels={**IN_SCOPE, "service": "asr"},
        good=1,
        before=120,
        # 57 idle minutes and 3 full ones are 50.6 %, 58 and 2 are 49.7 %.
        crosses=57,
        recovers={"warning": 2},
    ),
    AlertCase(
        name="CostPerJobHigh",
        series=times_the_average(
            "cluster:cost_dollars_per_job:ratio24h", "cluster:cost_dollars_per_job:avg7d", CLUSTER
        ),
        bad={"warning": 2.1},
        said={"warning": "A job costs 2.1 times its average of the week, more than 2.0 times."},
        good=1,
    ),
    condition(
        "ConfigReloadFailed",
        "warning",
        single(f"prometheus_config_last_reload_successful{{{SERVER}}}"),
        "prometheus-0 does not take its configuration or rules.",
        ON_SERVER,
    ),
    condition(
        "RuleEvaluationFailing",
        "warning",
        counted(f'prometheus_rule_evaluation_failures_total{{{SERVER}, rule_group="api.yaml;api-1m"}}'),
        "Rules of api.yaml;api-1m fail when they are evaluated.",
        {**ON_SERVER, "rule_group": "api.yaml;api-1m"},
        recovers=3,
    ),
    condition(
        "NoAlertmanager",
        "critical",
        single(f"prometheus_notifications_alertmanagers_discovered{{{SERVER}}}"),
        "prometheus-0 knows no Alertmanager.",
        ON_SERVER,
    ),
    condition(
        "AlertsNotDelivered",
        "critical",
        counted(f"prometheus_notifications_dropped_total{{{SERVER}}}"),
        "prometheus-0 could not hand over 10 alerts in five minutes.",
        ON_SERVER,
        recovers=3,
    ),
    condition(
        "NotificationsFailing",
        "critical",
        lambda value: {
            f'alertmanager_notifications_failed_total{{{MAIL}, integration="slack", reason="{reason}"}}': (
                Rising(0 if value else 1)
            )
            for reason in ("other", "serverError")
        },
        "Notifications by slack fail: 2 in 20 minutes.",
        {"cluster": "dev", "integration": "slack"},
        # The window is 20 minutes, and the last failure a minute before the first good value.
        recovers=18,
    ),
    condition(
        "AlertmanagerConfigReloadFailed",
        "warning",
        single(f"alertmanager_config_last_reload_successful{{{MAIL}}}"),
        "alertmanager-0 does not take its configuration.",
        {"cluster": "dev", "pod": "alertmanager-0"},
    ),
    AlertCase(
        name="RemoteWriteBehind",
        series=behind,
        bad={"warning": 125},
        said={"warning": "prometheus-0 is 2m 5s behind in writing to its remote storage, more than 2m 0s."},
        labels={**ON_SERVER, "remote_name": "a1b2c3"},
    ),
    condition(
        "PrometheusVolumeFilling",
        "warning",
        filling,
        "The volume data-prometheus-0 will be full within four days.",
        {"cluster": "dev", "persistentvolumeclaim": "data-prometheus-0"},
        before=0,
        # A line needs two points.
        crosses=1,
    ),
    condition(
        "TargetDown",
        "warning",
        single(f'up{{{SCOPE}, job="api", instance="10.0.0.7:8000", pod="api-1"}}'),
        "10.0.0.7:8000 of api can't be scraped.",
        {**IN_SCOPE, "job": "api", "instance": "10.0.0.7:8000"},
    ),
    condition(
        "ScrapeOverLimit",
        "warning",
        counted(f"prometheus_target_scrapes_exceeded_sample_limit_total{{{SERVER}}}"),
        "prometheus-0 threw away 10 scrapes in five minutes: too many samples.",
        ON_SERVER,
        recovers=3,
    ),
    condition(
        "DiscoveryFailing",
        "warning",
        counted(f"prometheus_sd_kubernetes_failures_total{{{SERVER}}}"),
        "prometheus-0 can't list pods or nodes: 10 failures in five minutes.",
        ON_SERVER,
        recovers=3,
    ),
    AlertCase(
        name="CertificateExpiring",
        series=certificate,
        bad={"warning": 13.5 * DAY, "critical": 2.9 * DAY},
        said={
            "warning": "The certificate of api ends in 13d 12h 0m 0s, sooner than 14d 0h 0m 0s.",
            "critical": "The certificate of api ends in 2d 21h 36m 0s, sooner than 3d 0h 0m 0s.",
        },
        labels={"cluster": "dev", "probe": "api"},
        good=90 * DAY,
    ),
)
