"""Alerts of Job Processing: what waits, fails and takes too long."""

from dashboards.alert import Alert
from dashboards.job_processing import FAILED_JOBS, PROCESSING_TIME, QUEUE_DEPTH, TOTAL_QUEUE_DEPTH
from dashboards.parameters import Parameters
from dashboards.promql import last_over_time, ratio, select, sum_by, where
from dashboards.promql_conditions import at_least
from dashboards.recordings import jobs

SCOPE = ("cluster", "namespace")

ENOUGH_JOBS = 10
"""Jobs in an hour below which a share of failures says nothing."""

SEVERAL = 3
"""Failures in an hour; a single one is a tenth of 10 jobs."""

STILL_FRESH = "11m"
"""What is recorded every five minutes may have missed one evaluation."""


def alerts(parameters: Parameters) -> tuple[Alert, ...]:
    """All of them."""
    levels = parameters.levels
    stage = ("stage",) if parameters.queue_depth_per_stage else ()
    decided = sum_by(select(jobs.JOBS_PER_HOUR.series, outcome=jobs.DECIDED), *SCOPE)
    failed = sum_by(select(jobs.JOBS_PER_HOUR.series, outcome="failure"), *SCOPE)
    return (
        Alert(
            name="QueueDepthHigh",
            panel=QUEUE_DEPTH if stage else TOTAL_QUEUE_DEPTH,
            query=sum_by(select(jobs.QUEUE.series), *SCOPE, *stage),
            thresholds=levels.queue_depth,
            lasts="5m",
            keeps_firing="5m",
            because="a burst of uploads is worked off within minutes; a queue that stays is not",
            summary=(
                "<value> jobs wait"
                + (" for {{ $labels.stage }}" if stage else "")
                + ", more than <threshold>."
            ),
            description=(
                "Users wait noticeably longer for their videos. Look at Worker Utilization: workers that "
                "are full need more of them, workers that are idle can't reach the queue."
            ),
        ),
        Alert(
            name="JobFailureRateHigh",
            panel=FAILED_JOBS,
            query=where(
                where(ratio(failed, decided), at_least(decided, ENOUGH_JOBS), *SCOPE),
                at_least(failed, SEVERAL),
                *SCOPE,
            ),
            thresholds=levels.job_failure_rate,
            lasts="5m",
            keeps_firing="15m",
            because="the share is of an hour, so it moves slowly and hovers",
            summary="<value> of the last hour's jobs failed, more than <threshold>.",
            shown="humanizePercentage",
            description=(
                "Each is a video that somebody waits for. Look at Failed Jobs by Error Type: one type is a "
                "bug or a dependency, many are overload."
            ),
        ),
        Alert(
            name="ProcessingTimeHigh",
            panel=PROCESSING_TIME,
            query=ratio(
                last_over_time(select(jobs.STAGE_TIME.series), STILL_FRESH),
                last_over_time(select(jobs.STAGE_TIME_AVERAGE.series), STILL_FRESH),
            ),
            thresholds=levels.processing_time,
            lasts="10m",
            keeps_firing="15m",
            because="the mean of an hour with one very long video comes down with the next ones",
            summary=(
                "The stage {{ $labels.stage }} takes <value> times its average of the week, more than "
                "<threshold> times."
            ),
            shown='printf "%.1f"',
            description=(
                "The mean of the last hour is compared with the average of the 7 days that ended a day ago, "
                "stage by stage. Look at the stage's last deploy, then at Inference Latency by Model."
            ),
        ),
    )
