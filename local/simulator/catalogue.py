"""Every incident that can be told to happen, and the alerts it is made for.

An incident changes what its alerts look at and what is plainly tied to it. It is not a model of the whole
platform: a dead database does not empty the queue.
"""

from local.simulator.hands_on import HANDS_ON
from local.simulator.incidents import Incident

_WARNING, _CRITICAL = "warning", "critical"


def _both(alert: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (alert, _WARNING), (alert, _CRITICAL)


API_OUTAGE = Incident(
    name="api-outage",
    does="The API answers its health check and four of five requests with 503.",
    fires=(
        *_both("ApiUptimeLow"),
        ("ApiErrorBudgetFastBurn", _CRITICAL),
        ("ApiErrorBudgetSlowBurn", _WARNING),
    ),
    seen=(
        "Error Rate by Endpoint at once; the fast burn after about 8 minutes, low uptime after 20 (critical "
        "after an hour and a quarter), the slow burn after about 25."
    ),
)
API_ERRORS = Incident(
    name="api-errors",
    does="One endpoint fails so often that 12 % of the API's requests do.",
    fires=(("ApiErrorBudgetSlowBurn", _WARNING),),
    seen="Error Rate by Endpoint at once, the alert after about three hours.",
)
CERTIFICATE_EXPIRES_SOON = Incident(
    name="certificate-expires-soon",
    does="The certificate of each address that is probed by HTTPS ends within ten days.",
    fires=(("CertificateExpiring", _WARNING),),
    seen="The alert after an hour, where a probe is of HTTPS: in prod.",
)
CERTIFICATE_EXPIRES = Incident(
    name="certificate-expires",
    does="The certificate of each address that is probed by HTTPS ends within two days.",
    fires=_both("CertificateExpiring"),
    seen="The alert after an hour, where a probe is of HTTPS: in prod.",
)
DATABASE_DIES = Incident(
    name="database-dies",
    does="PostgreSQL refuses connections.",
    fires=(("DatabaseDown", _CRITICAL),),
    seen="Database Status at once, the alert after 2 minutes.",
)
REDIS_DIES = Incident(
    name="redis-dies",
    does="Redis refuses connections.",
    fires=(("RedisDown", _CRITICAL),),
    seen="Redis Status at once, the alert after 2 minutes.",
)
DISK_FILLS = Incident(
    name="disk-fills",
    does="The root disk of the first node is 84 % full.",
    fires=(("NodeDiskUsageHigh", _WARNING),),
    seen="Disk Usage at once, the alert after 5 minutes.",
)
DISK_FULL = Incident(
    name="disk-full",
    does="The root disk of the first node is 94 % full.",
    fires=_both("NodeDiskUsageHigh"),
    seen="Disk Usage at once, the alert after 5 minutes.",
)
VOLUME_FILLS = Incident(
    name="volume-fills",
    does="The volume of the videos is 84 % full.",
    fires=(("VolumeUsageHigh", _WARNING),),
    seen="Disk Usage at once, the alert after 5 minutes.",
)
VOLUME_FULL = Incident(
    name="volume-full",
    does="The volume of the videos is 94 % full.",
    fires=_both("VolumeUsageHigh"),
    seen="Disk Usage at once, the alert after 5 minutes.",
)
PROMETHEUS_VOLUME_FILLS = Incident(
    name="prometheus-volume-fills",
    does="Each Prometheus volume loses 4 % of its size an hour.",
    fires=(("PrometheusVolumeFilling", _WARNING),),
    seen="Disk Usage within the hour, the alert within three.",
)
QUEUE_GROWS = Incident(
    name="queue-grows",
    does="140 jobs more wait for voice synthesis.",
    fires=(("QueueDepthHigh", _WARNING),),
    seen="Queue Depth by Stage at once, the alert after 5 minutes.",
)
QUEUE_BACKS_UP = Incident(
    name="queue-backs-up",
    does="260 jobs more wait for voice synthesis.",
    fires=_both("QueueDepthHigh"),
    seen="Queue Depth by Stage at once, the alert after 5 minutes.",
)
JOBS_FALTER = Incident(
    name="jobs-falter",
    does="8 % of the jobs fail, in lip-sync.",
    fires=(("JobFailureRateHigh", _WARNING),),
    seen="Failed Jobs by Error Type at once, the alert after about three quarters of an hour.",
)
JOBS_FAIL = Incident(
    name="jobs-fail",
    does="A quarter of the jobs fail, in lip-sync.",
    fires=_both("JobFailureRateHigh"),
    seen="Failed Jobs by Error Type at once, a warning after about 15 minutes, critical after half an hour.",
)
STAGE_SLOW = Incident(
    name="stage-slow",
    does="Voice synthesis takes six times as long as ever.",
    fires=(("ProcessingTimeHigh", _WARNING),),
    seen="Processing Time by Stage at once, the alert after about half an hour.",
)
GPU_SATURATED = Incident(
    name="gpu-saturated",
    does="The GPU of whisper-large is busy all the time.",
    fires=(("GpuUtilizationHigh", _WARNING),),
    seen="GPU Utilization at once, the alert after 5 minutes.",
)
GPU_WARM = Incident(
    name="gpu-warm",
    does="The GPU of xtts-v2 has 82 °C.",
    fires=(("GpuTemperatureHigh", _WARNING),),
    seen="GPU Temperature at once, the alert after 5 minutes.",
)
GPU_OVERHEAT = Incident(
    name="gpu-overheat",
    does="The GPU of xtts-v2 has 91 °C.",
    fires=_both("GpuTemperatureHigh"),
    seen="GPU Temperature at once, critical after 2 minutes.",
)
GPU_IDLE = Incident(
    name="gpu-idle",
    does="The GPU of nllb-200 has next to nothing to do.",
    fires=(("GpuUnderutilized", _WARNING),),
    seen="GPU Utilization by Service at once, the alert after about half an hour: it is of an hour's mean.",
)
MODEL_FALTERS = Incident(
    name="model-falters",
    does="2.5 % of the inferences of xtts-v2 fail.",
    fires=(("ModelErrorRateHigh", _WARNING),),
    seen="Model Errors at once, the alert after a quarter of an hour.",
)
BAD_MODEL_RELEASE = Incident(
    name="bad-model-release",
    does="A release of xtts-v2 fails in a fifth of its inferences.",
    fires=_both("ModelErrorRateHigh"),
    seen="Model Errors at once, the alert after about ten minutes.",
)
INFERENCE_SLOW = Incident(
    name="inference-slow",
    does="wav2lip takes a quarter of a minute for an inference.",
    fires=(("InferenceLatencyHigh", _WARNING),),
    seen="Inference Latency by Model at once, the alert after about ten minutes.",
)
USERS_LEAVE = Incident(
    name="users-leave",
    does="Signing in is broken: nine of ten users do not come back, what is automated goes on.",
    fires=(("DailyActiveUsersFalling", _WARNING),),
    seen=(
        "Daily Active Users falls over a day, by a fifth after about six hours, the alert an hour later: "
        "begin it 8h ago. It compares with the week before, so it needs a week of figures."
    ),
)
SUBSCRIBERS_LEAVE = Incident(
    name="subscribers-leave",
    does="After a price change 14 % of the subscriptions of the last month are cancelled.",
    fires=(("SubscriptionCancellationRateHigh", _WARNING),),
    seen="Subscription Cancellations at once, the alert after an hour.",
)
PAYMENTS_FAIL = Incident(
    name="payments-fail",
    does="The cards of new customers are refused: no subscription begins.",
    fires=(("NewSubscriptionsLow", _WARNING),),
    seen=(
        "New Subscriptions falls over a day, below the threshold after about 20 hours, the alert an hour "
        "later: begin it 24h ago."
    ),
)
COST_RUN_AWAY = Incident(
    name="cost-run-away",
    does="A loop copies all videos to another region: $600 of traffic an hour.",
    fires=(
        *_both("MonthlyCostProjectionHigh"),
        ("BudgetUtilizationHigh", _WARNING),
        ("CostPerJobHigh", _WARNING),
    ),
    seen=(
        "Cost by Service at once, Cost per Job's alert after an hour and a half. The projection follows the "
        "mean of a day: in the middle of a month the warning comes after two hours, critical after three, "
        "on its last day after most of a day."
    ),
)
TARGET_HANGS = Incident(
    name="target-hangs",
    does="One worker of voice synthesis takes scrapes and never answers.",
    fires=(("TargetDown", _WARNING),),
    seen="Prometheus' /api/v1/targets at once, the alert after 10 minutes.",
)
EXPORTER_GONE = Incident(
    name="exporter-gone",
    does="postgres-exporter refuses to be scraped.",
    fires=(("TargetDown", _WARNING),),
    seen="Database Status turns to no data after 5 minutes, the alert comes after 10.",
)
LABEL_EXPLOSION = Incident(
    name="label-explosion",
    does="A worker of translation puts an id into a label: ten times the series that its job may expose.",
    fires=(("ScrapeOverLimit", _WARNING), ("TargetDown", _WARNING)),
    seen="Prometheus' /api/v1/targets at once, the alerts after 5 and 10 minutes.",
)
METRICS_LOST = Incident(
    name="metrics-lost",
    does="A release of the API no longer exposes whether the storage works.",
    fires=(("ApplicationMetricsGone", _WARNING),),
    seen="Storage Status turns to no data after 5 minutes, the alert comes after a quarter of an hour.",
)

INCIDENTS = {value.name: value for value in tuple(globals().values()) if isinstance(value, Incident)}
"""Those that change figures, by name, in the order of the dashboards."""

EVERY = {**INCIDENTS, **HANDS_ON}
"""All that can be told to happen."""

NOT_BEFORE_NOW = frozenset({STAGE_SLOW.name, INFERENCE_SLOW.name, *HANDS_ON})
"""What can't be told to have begun before: buckets already counted would fall, hands are laid on now."""


def table() -> str:
    """Return all of them as the table of docs/simulator.md."""
    rows = [
        f"| `{one.name}` | {one.does} | "
        + ", ".join(f"{alert} ({severity})" for alert, severity in one.fires)
        + f" | {one.seen} |"
        for one in EVERY.values()
    ]
    head = ("| incident | what happens | alerts | what to see |", "|---|---|---|---|")
    return "\n".join((*head, *rows)) + "\n"


if __name__ == "__main__":
    print(table(), end="")
