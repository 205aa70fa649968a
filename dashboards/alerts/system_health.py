"""Alerts of System Health: the API, its stores and the disks."""

from dashboards.alert import Alert, Severity
from dashboards.metrics import exporters
from dashboards.parameters import Parameters
from dashboards.promql import Query, max_by, min_by, ratio, select, sum_over_time, where
from dashboards.promql_conditions import above, at_least, is_zero
from dashboards.recordings import api
from dashboards.system_health import (
    API_UPTIME,
    DATABASE_STATUS,
    DISK_USAGE,
    ERROR_RATE,
    REDIS_STATUS,
    nodes_used,
    volumes_used,
)

ENOUGH_PROBES = 120
"""An hour of answers at the default interval; of fewer, a single failed one is more than a hundredth."""

ENOUGH_REQUESTS = 0.05
"""Requests per second below which a share of errors says nothing: 180 in an hour."""

PERCENT = "humanizePercentage"


def uptime(parameters: Parameters) -> Query:
    """The API's uptime, once there is enough of it to judge."""
    probe = {"probe": parameters.uptime_probe}
    return where(
        min_by(select(api.UPTIME.series, **probe), "cluster"),
        at_least(min_by(select(api.UPTIME_HISTORY.series, **probe), "cluster"), ENOUGH_PROBES),
        "cluster",
    )


def failed_share(window: str) -> Query:
    """Share of the API's requests that it failed in a window."""
    failed, requests = select(api.FAILED_REQUESTS.series), select(api.ALL_REQUESTS.series)
    return ratio(sum_over_time(failed, window), sum_over_time(requests, window))


def burn(long: str, short: str, share: float) -> Query:
    """Share of failed requests where it is above `share` in the long window and, still, in the short one.

    Only while there are enough requests.
    """
    both = where(above(failed_share(long), share), above(failed_share(short), share), "cluster")
    return where(both, at_least(select(api.ALL_REQUESTS.series), ENOUGH_REQUESTS), "cluster")


def _shown(share: float) -> str:
    """A share as the value beside it is written."""
    return f"{{{{ {share!r} | {PERCENT} }}}}"


def alerts(parameters: Parameters) -> tuple[Alert, ...]:
    """All of them."""
    levels = parameters.levels
    # Paces of burning a 30-day budget, from Google's workbook of site reliability, chapter 5.
    fast, slow = round(14.4 * parameters.api_error_budget, 9), round(6 * parameters.api_error_budget, 9)
    return (
        Alert(
            name="ApiUptimeLow",
            panel=API_UPTIME,
            query=uptime(parameters),
            thresholds=levels.api_uptime,
            lasts="5m",
            keeps_firing="15m",
            because="24 hours move slowly: five minutes rule out an odd value, fifteen one that hovers",
            summary="The API answered <value> of its probes in the last 24 h, below <threshold>.",
            shown=PERCENT,
            description=(
                "Users could not reach the platform for part of the last day. Look whether the probe fails "
                "now; if not, the outage is over and the figure recovers as it leaves the 24 hours."
            ),
        ),
        Alert(
            name="ApiErrorBudgetFastBurn",
            panel=ERROR_RATE,
            query=burn("1h", "5m", fast),
            severity=Severity.CRITICAL,
            lasts="2m",
            keeps_firing="5m",
            because="two per cent of a month's budget are gone in an hour; the short window ends it",
            summary=f"The API failed <value> of its requests in the last hour, above {_shown(fast)}.",
            shown=PERCENT,
            description=(
                "At this pace the month's error budget is gone within two days. Look at Error Rate by "
                "Endpoint for the endpoint and code, then at the last deploy."
            ),
        ),
        Alert(
            name="ApiErrorBudgetSlowBurn",
            panel=ERROR_RATE,
            query=burn("6h", "30m", slow),
            lasts="15m",
            keeps_firing="15m",
            because="five per cent of a month's budget are gone in six hours: soon enough for working hours",
            summary=f"The API failed <value> of its requests in the last 6 h, above {_shown(slow)}.",
            shown=PERCENT,
            description=(
                "At this pace the month's error budget is gone within five days. Look at Error Rate by "
                "Endpoint for what fails steadily: one endpoint, one client, one dependency."
            ),
        ),
        Alert(
            name="DatabaseDown",
            panel=DATABASE_STATUS,
            query=is_zero(min_by(select(exporters.PG_UP), "cluster", "instance")),
            severity=Severity.CRITICAL,
            lasts="2m",
            keeps_firing="5m",
            because="two minutes are four failed connections, not one restart of the exporter",
            summary="PostgreSQL at {{ $labels.instance }} refuses connections.",
            description=(
                "The API and the workers cannot read or write their state. Look whether the server runs, "
                "then whether its connections are used up (Database Connection Pool)."
            ),
        ),
        Alert(
            name="RedisDown",
            panel=REDIS_STATUS,
            query=is_zero(min_by(select(exporters.REDIS_UP), "cluster", "instance")),
            severity=Severity.CRITICAL,
            lasts="2m",
            keeps_firing="5m",
            because="two minutes are four failed connections, not one restart of the exporter",
            summary="Redis at {{ $labels.instance }} refuses connections.",
            description=(
                "Jobs are neither queued nor handed out. Look whether the server runs, then whether it was "
                "killed for its memory (Redis Memory Usage)."
            ),
        ),
        Alert(
            name="NodeDiskUsageHigh",
            panel=DISK_USAGE,
            query=max_by(nodes_used(), "cluster", "instance", "mountpoint"),
            thresholds=levels.disk_usage,
            lasts="5m",
            keeps_firing="10m",
            because="temporary files of one video come and go within minutes",
            summary="{{ $labels.mountpoint }} on {{ $labels.instance }} is <value> full, above <threshold>.",
            shown=PERCENT,
            description=(
                "A full node evicts its pods. Look at what grew on it: images, logs or the temporary files "
                "of videos; free it, or take the node out of service."
            ),
        ),
        Alert(
            name="VolumeUsageHigh",
            panel=DISK_USAGE,
            query=max_by(volumes_used(), "cluster", "namespace", "persistentvolumeclaim"),
            thresholds=levels.disk_usage,
            lasts="5m",
            keeps_firing="10m",
            because="compaction and vacuum need room for minutes and give it back",
            summary=(
                "The volume {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} is <value> full, "
                "above <threshold>."
            ),
            shown=PERCENT,
            description=(
                "What writes to it stops when it is full; a database stops for good. Look at what grew, "
                "free it or enlarge the volume."
            ),
        ),
    )
