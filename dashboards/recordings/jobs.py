"""What is recorded of dubbing jobs and the stages that they pass through."""

from dashboards.metrics import application
from dashboards.model import SLOW, SPARSE, Recording
from dashboards.promql import (
    average_over_time,
    copy_label,
    count_over_time,
    group_by,
    increase,
    matches,
    max_by,
    rate,
    ratio,
    select,
    sum_by,
    where,
)
from dashboards.promql_conditions import at_least

_SCOPE = ("cluster", "namespace")

DECIDED = matches("success|failure")
"""Outcomes of jobs whose end says something about the platform: not those that users cancelled."""

JOBS = Recording(
    name="outcome:dubbing_jobs:increase24h",
    query=sum_by(increase(select(application.JOBS), "24h"), *_SCOPE, "outcome"),
    meaning="Jobs that ended in the last 24 hours, by outcome.",
    every=SLOW,
)
JOBS_PER_HOUR = Recording(
    name="outcome:dubbing_jobs:increase1h",
    query=sum_by(increase(select(application.JOBS), "1h"), *_SCOPE, "outcome"),
    meaning="Jobs that ended in the last hour, by outcome.",
)
# Of jobs that succeeded: a failure ends early, and would make a bad day look fast.
DURATION_SUM = Recording(
    name="namespace:dubbing_job_duration_seconds_sum:increase24h",
    query=sum_by(increase(select(application.JOB_DURATION.sum, outcome="success"), "24h"), *_SCOPE),
    meaning="Seconds that the jobs took which succeeded in the last 24 hours, together.",
    every=SLOW,
)
DURATION_COUNT = Recording(
    name="namespace:dubbing_job_duration_seconds_count:increase24h",
    query=sum_by(increase(select(application.JOB_DURATION.count, outcome="success"), "24h"), *_SCOPE),
    meaning="Jobs whose durations those are.",
    every=SLOW,
)
RUNS = Recording(
    name="stage_outcome:dubbing_stage_runs:rate5m",
    query=sum_by(rate(select(application.STAGE_RUNS), "5m"), *_SCOPE, "stage", "outcome"),
    meaning="Attempts of a stage that end per second, by stage and outcome.",
)
RUNS_PER_HOUR = Recording(
    name="stage_outcome:dubbing_stage_runs:increase1h",
    query=sum_by(increase(select(application.STAGE_RUNS), "1h"), *_SCOPE, "stage", "outcome"),
    meaning="Attempts of a stage that ended in the last hour, by stage and outcome.",
)
FAILURES = Recording(
    name="stage_error_type:dubbing_stage_failures:rate5m",
    query=sum_by(rate(select(application.STAGE_FAILURES), "5m"), *_SCOPE, "stage", "error_type"),
    meaning="Failed attempts per second, by stage and type of error.",
)
DURATION_BUCKETS = Recording(
    name="stage_le:dubbing_stage_duration_seconds_bucket:rate5m",
    query=sum_by(rate(select(application.STAGE_DURATION.buckets), "5m"), *_SCOPE, "stage", "le"),
    meaning="Successful attempts of a stage per second up to each duration.",
)
# Every pod may tell the same queue: the largest figure is the newest.
QUEUE = Recording(
    name="stage:dubbing_queue_depth:max",
    query=max_by(select(application.QUEUE_DEPTH), *_SCOPE, "stage"),
    meaning="Jobs that wait for a stage.",
)
# The window outlasts a moment in which the autoscaler leaves no worker.
WORKERS = Recording(
    name="stage_service:dubbing_workers:info",
    query=group_by(
        copy_label(count_over_time(select(application.WORKER_SLOTS), "1h"), source="job", target="service"),
        *_SCOPE,
        "stage",
        "service",
    ),
    meaning="1 for each service whose workers took jobs from a stage's queue in the last hour.",
)
SLOTS = Recording(
    name="stage:dubbing_worker_slots:sum",
    query=sum_by(select(application.WORKER_SLOTS), *_SCOPE, "stage"),
    meaning="Jobs that a stage's workers can process at once.",
)
SLOTS_BUSY = Recording(
    name="stage:dubbing_worker_slots_busy:sum",
    query=sum_by(select(application.WORKER_SLOTS_BUSY), *_SCOPE, "stage"),
    meaning="Jobs that a stage's workers process now.",
)
# Ten runs: a mean of fewer says more about the videos than about the stage.
STAGE_TIME = Recording(
    name="stage:dubbing_stage_duration_seconds:mean1h",
    query=ratio(
        sum_by(increase(select(application.STAGE_DURATION.sum), "1h"), *_SCOPE, "stage"),
        at_least(sum_by(increase(select(application.STAGE_DURATION.count), "1h"), *_SCOPE, "stage"), 10),
    ),
    meaning="Mean seconds that a successful run of a stage took in the last hour, of ten runs or more.",
    every=SPARSE,
)
# The week ends a day ago, so that what is slow now is not yet in it; a day of figures must be there.
STAGE_TIME_AVERAGE = Recording(
    name="stage:dubbing_stage_duration_seconds:avg7d",
    query=where(
        average_over_time(select(STAGE_TIME.series), "7d", ended_ago="1d"),
        at_least(count_over_time(select(STAGE_TIME.series), "7d", ended_ago="1d"), 288),
        *_SCOPE,
        "stage",
    ),
    meaning="Average of these over the 7 days that ended a day ago, where there is a day of them or more.",
    every=SPARSE,
)
RECORDINGS = (
    JOBS,
    JOBS_PER_HOUR,
    DURATION_SUM,
    DURATION_COUNT,
    RUNS,
    RUNS_PER_HOUR,
    FAILURES,
    DURATION_BUCKETS,
    QUEUE,
    WORKERS,
    SLOTS,
    SLOTS_BUSY,
    STAGE_TIME,
    STAGE_TIME_AVERAGE,
)
