"""What a case of an alert is: series that bring its value to a given number, and when it then fires.

Each knows the value's way into the rule, not the rule.
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
        f"cluster:http_server_errors:rate5m{{{CLUSTER}}}": 0 if value == 1 else 1.3,
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
    """Two services of unequal size, which only together are the value."""
    return {
        f'service:cost_dollars:month_projection{{{SCOPE}, service="asr"}}': value - 1000,
        f'service:cost_dollars:month_projection{{{CLUSTER}, service="idle"}}': 1000,
        f"cluster:cost_dollars_per_hour:count24h{{{CLUSTER}}}": 1440,
    }


def budget_of(service: str) -> Callable[[float], Values]:
    """The service in two namespaces, which only together are the value."""
    label = f', service="{service}"' if service else ""
    return lambda value: {
        f'service:cost_dollars:month_projection{{{SCOPE}, service="asr"}}': value * 2000 - 500,
        f'service:cost_dollars:month_projection{{{CLUSTER}, namespace="trial", service="asr"}}': 500,
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
