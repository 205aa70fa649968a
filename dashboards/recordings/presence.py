"""When each group of the application's metrics was last seen.

A metric that nobody emits yet is no fault; one that was there within the week and is gone is. The figure is
carried on from one evaluation to the next, over an outage of Prometheus of up to a day.
"""

from dashboards.contract import Series
from dashboards.metrics import application
from dashboards.model import SLOW, Recording
from dashboards.promql import either, last_over_time, select
from dashboards.promql_time import newest_sample

_SCOPE = ("cluster", "namespace")

GROUPS: dict[str, Series] = {
    "http": application.HTTP_SERVER_REQUEST_DURATION.count,
    "jobs": application.JOBS.series,
    "queue": application.QUEUE_DEPTH.series,
    "storage": application.STORAGE_UP.series,
    "inference": application.MODEL_INFERENCES.series,
    "users": application.ACTIVE_USERS.series,
    "subscriptions": application.SUBSCRIPTIONS_STARTED.series,
}
"""Each group of metrics by one that is there whenever the group is."""


def _last_seen(group: str, series: Series) -> Recording:
    name = f"namespace:{group}_metrics_last_seen:timestamp_seconds"
    itself = Series(name=name, labels=frozenset(_SCOPE), sources=series.sources)
    return Recording(
        name=name,
        query=either(newest_sample(select(series), *_SCOPE), last_over_time(select(itself), "1d")),
        meaning=f"Unix time at which a metric of the group {group} was last seen.",
        every=SLOW,
    )


LAST_SEEN = {group: _last_seen(group, series) for group, series in GROUPS.items()}
RECORDINGS = tuple(LAST_SEEN.values())
