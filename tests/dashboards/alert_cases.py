"""For each alert: series that bring its value to a given number, and what it then says.

A case knows the value's way into the rule, not the rule: thresholds and waiting times come from the
declared alerts, and the moments at which they fire are worked out from both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rising:
    """A counter that rises by so much a minute."""

    per_minute: float


@dataclass(frozen=True)
class Ramp:
    """A gauge that was `start` at the first minute and changes by so much in each."""

    start: float
    per_minute: float


Values = dict[str, float | Rising | Ramp]
"""Series to what it does; a number stays."""


@dataclass(frozen=True, kw_only=True)
class AlertCase:
    """How one alert is brought to fire.

    Attributes:
        name: The alert's.
        series: The series that make a value; of a condition, 0 is where it holds, 1 where it does not.
        bad: A value little beyond the threshold, by severity.
        said: The summary that this value gives.
        labels: What the alert is about.
        good: A value far on the good side.
        near: How far from the threshold, as a share of it, a value is that is just good.
        before: Minutes of good values before the bad ones; none for what a window averages.
        crosses: Minutes of bad values until the value is beyond the threshold, where a window needs them.
        recovers: Minutes of good values until it is back, by severity, where a window holds on.
    """

    name: str
    series: Callable[[float], Values]
    bad: dict[str, float]
    said: dict[str, str]
    labels: dict[str, str] = field(default_factory=lambda: {"cluster": "dev"})
    good: float = 0
    near: float = 0.001
    before: int = 5
    crosses: int = 0
    recovers: dict[str, int] = field(default_factory=dict[str, int])


def condition(
    name: str,
    severity: str,
    series: Callable[[float], Values],
    said: str,
    labels: dict[str, str],
    *,
    before: int = 5,
    crosses: int = 0,
    recovers: int = 0,
) -> AlertCase:
    """A case of an alert without thresholds."""
    return AlertCase(
        name=name,
        series=series,
        bad={severity: 0},
        said={severity: said},
        labels=labels,
        good=1,
        before=before,
        crosses=crosses,
        recovers={severity: recovers},
    )


CLUSTER = 'cluster="dev"'
SCOPE = 'cluster="dev", namespace="dubbing"'
GPU = 'cluster="dev", node="gpu-1", gpu="0", UUID="GPU-1"'
SERVER = 'cluster="dev", job="prometheus", namespace="monitoring", pod="prometheus-0"'
MAIL = 'cluster="dev", job="alertmanager", namespace="monitoring", pod="alertmanager-0"'
IN_SCOPE = {"cluster": "dev", "namespace": "dubbing"}
ON_GPU = {"cluster": "dev", "node": "gpu-1", "gpu": "0", "UUID": "GPU-1"}
ON_SERVER = {"cluster": "dev", "pod": "prometheus-0"}
GB = 1_000_000_000


def single(series: str) -> Callable[[float], Values]:
    """The value is a series' own."""
    return lambda value: {series: value}


def used(available: str, size: str) -> Callable[[float], Values]:
    """The value is the used share of what is available."""
    return lambda value: {available: round((1 - value) * GB), size: GB}


def counted(series: str) -> Callable[[float], Values]:
    """Holds while a counter rises by 2 a minute."""
    return lambda value: {series: Rising(0 if value else 2)}


def failed_requests(value: float) -> Values:
    return {
        f"cluster:http_server_errors:rate5m{{{CLUSTER}}}": 0 if value == 1 else 2,
        f"cluster:http_server_requests:rate5m{{{CLUSTER}}}": 10,
    }


def steadily_failed_requests(value: float) -> Values:
    return {
        f"cluster:http_server_errors:rate5m{{{CLUSTER}}}": 0 if value == 1 else 1,
        f"cluster:http_server_requests:rate5m{{{CLUSTER}}}": 10,
    }


def failed_jobs(value: float) -> Values:
    name = "outcome:dubbing_jobs:increase1h"
    return {
        f'{name}{{{SCOPE}, outcome="failure"}}': value * 100,
        f'{name}{{{SCOPE}, outcome="success"}}': (1 - value) * 100,
        f'{name}{{{SCOPE}, outcome="cancelled"}}': 500,
    }


def failed_inferences(value: float) -> Values:
    name, model = "model_outcome:dubbing_model_inferences:rate5m", f'{SCOPE}, model="whisper"'
    return {
        f'{name}{{{model}, outcome="failure"}}': value * 4,
        f'{name}{{{model}, outcome="success"}}': (1 - value) * 4,
    }


def latency(value: float) -> Values:
    """95 % lie below the value: in the bucket from 5 to 10 s, or in that from 10 to 15 s."""
    name, model = "model_le:dubbing_model_inference_duration_seconds_bucket:rate5m", f'{SCOPE}, model="tts"'
    lower = 10 if value > 10 else 5
    place = (value - lower) / 5
    below = (0.95 - place) / (1 - place)
    return {
        f'{name}{{{model}, le="5"}}': 0 if lower == 10 else below,
        f'{name}{{{model}, le="10"}}': below if lower == 10 else 1,
        f'{name}{{{model}, le="15"}}': 1,
        f'{name}{{{model}, le="+Inf"}}': 1,
        f"model:dubbing_model_inference_duration_seconds_count:rate5m{{{model}}}": 1,
    }


def uptime(value: float) -> Values:
    return {
        f'probe:probe_success:avg24h{{{CLUSTER}, probe="api"}}': value,
        f'probe:probe_success:count24h{{{CLUSTER}, probe="api"}}': 2880,
    }


def projected(value: float) -> Values:
    return {
        f'service:cost_dollars:month_projection{{{SCOPE}, service="asr"}}': value - 1000,
        f'service:cost_dollars:month_projection{{{CLUSTER}, service="idle"}}': 1000,
        f"cluster:cost_dollars_per_hour:count24h{{{CLUSTER}}}": 1440,
    }


def budget_of(service: str) -> Callable[[float], Values]:
    label = f', service="{service}"' if service else ""
    return lambda value: {
        f'service:cost_dollars:month_projection{{{SCOPE}, service="asr"}}': value * 2000,
        f"service:budget_dollars:month{{{CLUSTER}{label}}}": 2000,
        f"cluster:cost_dollars_per_hour:count24h{{{CLUSTER}}}": 1440,
    }


def times_the_average(now: str, average: str, labels: str) -> Callable[[float], Values]:
    return lambda value: {f"{now}{{{labels}}}": value * 40, f"{average}{{{labels}}}": 40}


def behind(value: float) -> Values:
    name, queue = "prometheus_remote_storage_queue_highest", f'{SERVER}, remote_name="a1b2c3"'
    return {
        f"{name}_timestamp_seconds{{{queue}}}": 100_000,
        f"{name}_sent_timestamp_seconds{{{queue}}}": 100_000 - value,
    }


def filling(value: float) -> Values:
    claim = f'{CLUSTER}, namespace="monitoring", persistentvolumeclaim="data-prometheus-0"'
    return {
        f"kubelet_volume_stats_available_bytes{{{claim}}}": 50 * GB if value else Ramp(5 * GB, -GB / 1000)
    }


def certificate(value: float) -> Values:
    """Time goes on by 60 s in a minute, and the end with it."""
    return {f'probe_ssl_earliest_cert_expiry{{{CLUSTER}, job="blackbox", probe="api"}}': Ramp(value, 60)}


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
        "The API failed 20% of its requests in the last hour, above 14.4 %.",
        {"cluster": "dev"},
        before=0,
        # Five bad minutes and one good one fill the short window; of five samples three are too many.
        recovers=1,
    ),
    condition(
        "ApiErrorBudgetSlowBurn",
        "warning",
        steadily_failed_requests,
        "The API failed 10% of its requests in the last 6 h, above 6 %.",
        {"cluster": "dev"},
        before=0,
        # Of the 6 h there are 17 bad minutes: 12 good ones dilute them to 5.9 %.
        recovers=11,
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
        before=0,
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
        series=lambda value: {f'tier:dubbing_active_users_1d:max{{{SCOPE}, tier="pro"}}': (1 - value) * 1000},
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
        series=single(f'tier:dubbing_subscriptions_started_1d:max{{{SCOPE}, tier="pro"}}'),
        bad={"warning": 4.9},
        said={"warning": "5 subscriptions began in the last 24 h, fewer than 5."},
        labels=IN_SCOPE,
        near=0,
        good=9,
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
        "Rules of api.yaml;api-1m fail: 10 in five minutes.",
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
        counted(f'alertmanager_notifications_failed_total{{{MAIL}, integration="slack", reason="other"}}'),
        "Notifications by slack fail: 10 in five minutes.",
        {"cluster": "dev", "integration": "slack"},
        recovers=3,
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
        said={"warning": "prometheus-0 is 2m 5s behind in writing to its remote storage."},
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
            "warning": "The certificate of api ends in 13d 12h 0m 0s.",
            "critical": "The certificate of api ends in 2d 21h 36m 0s.",
        },
        labels={"cluster": "dev", "probe": "api"},
        good=90 * DAY,
    ),
)
