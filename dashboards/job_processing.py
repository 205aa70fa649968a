"""Job Processing: do jobs get through, how long do they wait, where do they fail."""

from dashboards.firing import firing
from dashboards.model import Dashboard, Heatmap, PieChart, Row, Stat, Target, TimeSeries
from dashboards.parameters import Parameters, percent
from dashboards.promql import (
    Query,
    average_over_time,
    either,
    max_by,
    positive,
    quantile,
    ratio,
    select,
    sum_by,
    sum_over_time,
    times,
    zero,
)
from dashboards.recordings import jobs
from dashboards.variables import CLUSTER, NAMESPACE, STAGE, cluster, namespace, stage

UID = "job-processing"
SCOPE = {"cluster": CLUSTER, "namespace": NAMESPACE}
STAGES = {**SCOPE, "stage": STAGE}

# Ids of the panels that tiles lead to.

PER_HOUR, FAILURE_RATE, PROCESSING_TIME, QUEUE_DEPTH = 201, 301, 203, 202

# Ids of the tiles that alerts lead to.

FAILED_JOBS, TOTAL_QUEUE_DEPTH = 102, 105


def ended(outcome: str) -> Query:
    """Jobs of the last 24 hours with this outcome; 0 where others ended and none with this one."""
    found = select(jobs.JOBS.series, **SCOPE, outcome=outcome)
    return either(sum_by(found), zero(sum_by(select(jobs.JOBS.series, **SCOPE))))


def succeeded_or_failed() -> Query:
    """Jobs of the last 24 hours without those that users cancelled; none where there is not one."""
    return positive(sum_by(select(jobs.JOBS.series, **SCOPE, outcome=jobs.DECIDED)))


def key_metrics(parameters: Parameters) -> Row:
    """The first row: what is wrong now."""
    queue, failures = parameters.levels.queue_depth, parameters.levels.job_failure_rate
    return Row(
        id=100,
        title="Key metrics",
        panels=(
            Stat(
                id=101,
                title="Jobs Processed (24h)",
                description=(
                    "Jobs that succeeded in the last 24 hours, from the queue's entrance to the finished "
                    "video. Far below the same day of last week: look at Jobs Processed per Hour by Stage "
                    "for the stage that stopped, then at Queue Depth by Stage."
                ),
                query=ended("success"),
                unit="short",
                detail=PER_HOUR,
                width=5,
            ),
            Stat(
                id=FAILED_JOBS,
                title="Jobs Failed (24h)",
                description=(
                    "Jobs that failed for good in the last 24 hours, without those that users cancelled. "
                    "Each is a video that somebody waits for: look at Failed Jobs by Error Type, then at "
                    "the stage in Job Failure Rate by Stage."
                ),
                query=ended("failure"),
                unit="short",
                detail=FAILURE_RATE,
                width=5,
            ),
            Stat(
                id=103,
                title="Success Rate",
                description=(
                    "Share of the last 24 hours' jobs that succeeded, without those that users cancelled. "
                    f"Below {percent(failures.complement.warning)} look at Failed Jobs by Error Type: one "
                    "type is a bug or a dependency, many are overload. No data is a day without a job."
                ),
                query=ratio(ended("success"), succeeded_or_failed()),
                unit="percentunit",
                decimals=1,
                thresholds=failures.complement,
                detail=FAILURE_RATE,
                width=5,
                no_data="No jobs",
            ),
            Stat(
                id=104,
                title="Average Processing Time",
                description=(
                    "Mean time from a job's entry into the queue to its end, of the jobs that succeeded in "
                    "the last 24 hours. It rises with longer videos, too: look at Processing Time by Stage "
                    "for a stage that is slower than it was, and at Queue Depth by Stage for time spent "
                    "waiting."
                ),
                query=ratio(
                    sum_by(select(jobs.DURATION_SUM.series, **SCOPE)),
                    positive(sum_by(select(jobs.DURATION_COUNT.series, **SCOPE))),
                ),
                unit="s",
                decimals=1,
                detail=PROCESSING_TIME,
                width=5,
                no_data="No jobs",
            ),
            Stat(
                id=TOTAL_QUEUE_DEPTH,
                title="Total Queue Depth",
                description=(
                    f"Jobs that wait now, all stages together. Above {queue.warning:g} users wait "
                    "noticeably: look at Worker Utilization. Workers full: add some. Workers idle while "
                    "jobs wait: they hang, or can't reach the queue."
                ),
                query=sum_by(select(jobs.QUEUE.series, **STAGES)),
                unit="short",
                thresholds=queue,
                detail=QUEUE_DEPTH,
                width=4,
            ),
            firing(UID),
        ),
    )


def flow() -> Row:
    """What goes through the stages, what waits before them, and who works."""
    runs = select(jobs.RUNS_PER_HOUR.series, **STAGES, outcome="success")
    buckets = select(jobs.DURATION_BUCKETS.series, **STAGES)
    queue = max_by(select(jobs.QUEUE.series, **STAGES), "cluster", "namespace", "stage")
    return Row(
        id=200,
        title="Flow",
        panels=(
            TimeSeries(
                id=PER_HOUR,
                title="Jobs Processed per Hour by Stage",
                description=(
                    "Successful runs of each stage in the last hour. Stages follow each other, so all lines "
                    "go together: the first one that falls is where jobs are stuck. Look at its failures, "
                    "then at its queue and its workers."
                ),
                unit="short",
                axis="runs per hour",
                lines=(Target(query=sum_by(runs, "stage"), legend="{{stage}}"),),
            ),
            TimeSeries(
                id=QUEUE_DEPTH,
                title="Queue Depth by Stage",
                description=(
                    "Jobs that wait for each stage. A queue that only grows has too few workers or none "
                    "that work: look at Worker Utilization for the stage. The thresholds are for the sum, "
                    "see Total Queue Depth."
                ),
                unit="short",
                axis="jobs",
                lines=(Target(query=sum_by(queue, "stage"), legend="{{stage}}"),),
                stacked=True,
            ),
            TimeSeries(
                id=PROCESSING_TIME,
                title="Processing Time by Stage",
                description=(
                    "Time within which 50, 95 and 99 % of a stage's successful runs end, over 5 minutes. "
                    "All three up: the stage is slower or its videos are longer. Only p99 up: a few large "
                    "videos, or retries of a slow dependency."
                ),
                unit="s",
                lines=tuple(
                    Target(query=quantile(share, buckets, "stage"), legend=f"{{{{stage}}}} p{100 * share:g}")
                    for share in (0.5, 0.95, 0.99)
                ),
            ),
            TimeSeries(
                id=204,
                title="Worker Utilization",
                description=(
                    "Share of a stage's worker slots that process a job. At 100 % with a queue the stage "
                    "needs more workers; at 0 % with a queue its workers hang. Low without a queue is "
                    "money: scale down."
                ),
                unit="percentunit",
                highest=1,
                lines=(
                    Target(
                        query=ratio(
                            sum_by(select(jobs.SLOTS_BUSY.series, **STAGES), "stage"),
                            positive(sum_by(select(jobs.SLOTS.series, **STAGES), "stage")),
                        ),
                        legend="{{stage}}",
                    ),
                ),
            ),
            TimeSeries(
                id=205,
                title="Job Throughput",
                description=(
                    "Runs of each stage that end per minute, successful or not, mean of 5 minutes. It shows "
                    "a stop within minutes, which the hourly panel does not. Zero in one stage while its "
                    "queue is not empty is an outage of that stage."
                ),
                unit="opm",
                lines=(
                    Target(
                        query=times(sum_by(select(jobs.RUNS.series, **STAGES), "stage"), 60),
                        legend="{{stage}}",
                    ),
                ),
            ),
            Heatmap(
                id=206,
                title="Job Duration Distribution",
                description=(
                    "How many runs per second took how long, all chosen stages together. Two bands are two "
                    "kinds of video; a band that climbs is a slowdown; a new one at the top is timeouts: "
                    "look at Failed Jobs by Error Type."
                ),
                unit="s",
                count_unit="ops",
                query=sum_by(
                    average_over_time(select(jobs.DURATION_BUCKETS.series, **STAGES), "$__rate_interval"),
                    "le",
                ),
            ),
        ),
    )


def failures() -> Row:
    """What fails, and why."""
    failed = select(jobs.RUNS.series, **STAGES, outcome="failure")
    by_type = sum_over_time(select(jobs.FAILURES.series, **STAGES), "$__range")
    return Row(
        id=300,
        title="Failures",
        panels=(
            TimeSeries(
                id=FAILURE_RATE,
                title="Job Failure Rate by Stage",
                description=(
                    "Failed runs of each stage per second, mean of 5 minutes; a run that is tried again "
                    "counts each time. One stage: look at its last deploy and its model. All stages: look "
                    "at the storage and database tiles of System Health."
                ),
                unit="ops",
                lines=(
                    Target(
                        query=either(
                            sum_by(failed, "stage"),
                            zero(sum_by(select(jobs.RUNS.series, **STAGES), "stage")),
                        ),
                        legend="{{stage}}",
                    ),
                ),
            ),
            PieChart(
                id=302,
                title="Failed Jobs by Error Type",
                description=(
                    "Reasons of the failed runs in the chosen time. Timeouts and memory point to load or "
                    "large videos, input errors to what users upload, anything in other to a reason that "
                    "the code should name."
                ),
                unit="short",
                # Per second, and recorded once a minute.
                query=times(sum_by(by_type, "error_type"), 60),
                legend="{{error_type}}",
            ),
        ),
    )


def dashboard(parameters: Parameters) -> Dashboard:
    """The Job Processing dashboard."""
    return Dashboard(
        uid=UID,
        title="Job Processing",
        purpose="Monitor job queue depth, processing times, and worker utilization.",
        use_cases=(
            ("Capacity Planning", "determine when to scale workers"),
            ("Performance Tuning", "identify slow pipeline stages"),
            ("Error Analysis", "understand common failure patterns"),
        ),
        variables=(cluster(), namespace(), stage()),
        rows=(key_metrics(parameters), flow(), failures()),
    )
