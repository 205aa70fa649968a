"""What is recorded of users, projects and subscriptions, by subscription tier.

Counts from the database are the same from every pod that exposes them: the largest is the newest.
"""

from dashboards.contract import Metric, Series
from dashboards.metrics import application
from dashboards.model import SLOW, Recording
from dashboards.promql import Matcher, increase, max_by, select, sum_by

_SCOPE = ("cluster", "namespace")


def _counted(metric: Metric, name: str, meaning: str, **matchers: str | Matcher) -> Recording:
    return Recording(
        name=f"tier:{name}:max", query=max_by(select(metric, **matchers), *_SCOPE, "tier"), meaning=meaning
    )


def _day(series: Series, name: str, meaning: str, *by: str) -> Recording:
    return Recording(
        name=f"{'_'.join(by)}:{name}:increase24h",
        query=sum_by(increase(select(series), "24h"), *_SCOPE, *by),
        meaning=meaning,
        every=SLOW,
    )


ACTIVE = _counted(
    application.ACTIVE_USERS, "dubbing_active_users_1d", "Distinct users of the last 24 hours.", window="1d"
)
USERS = _counted(application.USERS, "dubbing_users", "Users by subscription tier.")
COHORT = _counted(
    application.COHORT_USERS, "dubbing_cohort_users_7d", "Users who were new 7 days ago.", window="7d"
)
RETAINED = _counted(
    application.COHORT_RETAINED,
    "dubbing_cohort_retained_users_7d",
    "Of these, the ones active in the last 24 hours.",
    window="7d",
)
SUBSCRIPTIONS = _counted(
    application.SUBSCRIPTIONS_STARTED,
    "dubbing_subscriptions_started_1d",
    "Subscriptions that began in the last 24 hours.",
    window="1d",
)
CANCELLED = Recording(
    name="namespace:dubbing_cancelled_subscriptions_30d:ratio",
    query=max_by(select(application.SUBSCRIPTIONS_CANCELLED, window="30d"), *_SCOPE),
    meaning="Share of the subscriptions of 30 days ago that were cancelled since, 0 to 1.",
)
PROJECTS = _day(
    application.PROJECTS_CREATED.series,
    "dubbing_projects_created",
    "Projects created in the last 24 hours.",
    "tier",
)
VIDEOS = _day(
    application.VIDEOS_PROCESSED.series,
    "dubbing_videos_processed",
    "Videos finished in the last 24 hours.",
    "tier",
)
PROCESSING = _day(
    application.PROCESSING_SECONDS.series,
    "dubbing_processing_seconds",
    "Seconds of video processed in the last 24 hours.",
    "tier",
)
CHANGES = _day(
    application.SUBSCRIPTION_CHANGES.series,
    "dubbing_subscription_changes",
    "Changes of tier in the last 24 hours.",
    "from_tier",
    "to_tier",
    "direction",
)
CANCELLATIONS = _day(
    application.SUBSCRIPTION_CANCELLATIONS.series,
    "dubbing_subscription_cancellations",
    "Subscriptions cancelled in the last 24 hours.",
    "tier",
)
VOICE_CLONES = _day(
    application.VOICE_CLONES_CREATED.series,
    "dubbing_voice_clones_created",
    "Voice clones created in the last 24 hours.",
    "tier",
)
COMPLETION_SUM = _day(
    application.PROJECT_COMPLETION.sum,
    "dubbing_project_completion_duration_seconds_sum",
    "Seconds that the projects took which were completed in the last 24 hours, together.",
    "tier",
)
COMPLETION_COUNT = _day(
    application.PROJECT_COMPLETION.count,
    "dubbing_project_completion_duration_seconds_count",
    "Projects whose durations those are.",
    "tier",
)
RECORDINGS = (
    ACTIVE,
    USERS,
    COHORT,
    RETAINED,
    SUBSCRIPTIONS,
    CANCELLED,
    PROJECTS,
    VIDEOS,
    PROCESSING,
    CHANGES,
    CANCELLATIONS,
    VOICE_CLONES,
    COMPLETION_SUM,
    COMPLETION_COUNT,
)
