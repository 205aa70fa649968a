"""What is recorded of cost: by service and resource, of the day, of the month so far, and projected.

All in US dollars, at the prices that OpenCost knows; the month is counted in UTC, as the cloud's bill is.
What no pod is charged for (`idle`), volumes, load balancers and the control plane are services of their own,
so that the services add up to the whole.
"""

from dashboards.contract import Metric
from dashboards.metrics import application, exporters
from dashboards.model import SLOW, SPARSE, Recording
from dashboards.parameters import Budget
from dashboards.promql import (
    Query,
    average_over_time,
    constant,
    count_over_time,
    default_label,
    divided,
    either,
    matches,
    max_by,
    minus,
    not_negative,
    optional,
    per,
    remaining,
    select,
    set_label,
    sum_by,
    sum_over_time,
    times_each,
    union,
    where,
    with_labels_of,
)
from dashboards.promql_conditions import at_least
from dashboards.promql_time import HOURS_IN_MONTH, month
from dashboards.recordings import jobs, workloads

HOURLY = "1h"
HALF_AN_HOUR = 1800
GIB = 1024**3
_SERVICE = ("cluster", "namespace", "service")


def _charged(allocation: Query, price: Metric) -> Query:
    """What pods are charged for a resource, by service; pods that nothing is known about are `other`."""
    by_pod = times_each(
        sum_by(allocation, "cluster", "namespace", "pod", "node"),
        max_by(select(price), "cluster", "node"),
        "cluster",
        "node",
    )
    named = with_labels_of(
        by_pod, select(workloads.POD.series), on=("cluster", "namespace", "pod"), bring=("service",)
    )
    return sum_by(
        default_label(either(named, by_pod, "cluster", "namespace", "pod", "node"), "service", "other"),
        *_SERVICE,
    )


def _whole(query: Query, service: str) -> Query:
    """What belongs to no workload: a service of its own, in no namespace."""
    return optional(sum_by(set_label(set_label(query, "service", service), "namespace", ""), *_SERVICE))


def _volumes() -> Query:
    size = max_by(select(exporters.KUBE_PERSISTENTVOLUME_CAPACITY), "cluster", "persistentvolume")
    price = max_by(select(exporters.PV_HOURLY_COST), "cluster", "persistentvolume")
    return divided(times_each(price, size, "cluster", "persistentvolume"), GIB)


BY_RESOURCE = Recording(
    name="service_resource:cost_dollars_per_hour:sum",
    query=union(
        "resource",
        cpu=_charged(select(exporters.CONTAINER_CPU_ALLOCATION), exporters.NODE_CPU_HOURLY_COST),
        memory=_charged(
            divided(select(exporters.CONTAINER_MEMORY_ALLOCATION), GIB), exporters.NODE_RAM_HOURLY_COST
        ),
        gpu=_charged(select(exporters.CONTAINER_GPU_ALLOCATION), exporters.NODE_GPU_HOURLY_COST),
        volume=_whole(_volumes(), "volumes"),
        load_balancer=_whole(
            max_by(
                select(exporters.LOAD_BALANCER_COST), "cluster", "namespace", "service_name", "ingress_ip"
            ),
            "load-balancers",
        ),
        management=_whole(
            max_by(select(exporters.CLUSTER_MANAGEMENT_COST), "cluster", "provisioner_name"), "control-plane"
        ),
        external=optional(
            sum_by(max_by(select(application.EXTERNAL_COST), *_SERVICE, "resource"), *_SERVICE)
        ),
    ),
    meaning="Cost per hour by service and resource, without what no pod is charged for.",
)
IDLE = Recording(
    name="cluster:idle_cost_dollars_per_hour:sum",
    query=not_negative(
        minus(
            sum_by(max_by(select(exporters.NODE_TOTAL_HOURLY_COST), "cluster", "node"), "cluster"),
            sum_by(select(BY_RESOURCE.series, resource=matches("cpu|memory|gpu")), "cluster"),
        )
    ),
    meaning="Cost per hour of the nodes that no pod is charged for.",
)
RATE = Recording(
    name="service:cost_dollars_per_hour:sum",
    query=either(sum_by(select(BY_RESOURCE.series), *_SERVICE), _whole(select(IDLE.series), "idle")),
    meaning="Cost per hour by service.",
)
TOTAL_RATE = Recording(
    name="cluster:cost_dollars_per_hour:sum",
    query=sum_by(select(RATE.series), "cluster"),
    meaning="Cost per hour of everything.",
)

# A service's mean over the moments in which the cluster was measured: one that ran for an hour of the day has
# a 24th of its price as the day's mean.
HOUR = Recording(
    name="service:cost_dollars:sum1h",
    query=with_labels_of(
        per(
            sum_over_time(select(RATE.series), "1h"),
            count_over_time(select(TOTAL_RATE.series), "1h"),
            "cluster",
        ),
        # An hour belongs to the month of its middle.
        month(seconds_ago=HALF_AN_HOUR),
        on=(),
        bring=("month",),
    ),
    meaning="Cost of the last hour by service, with the month (UTC, 1 to 12) that it belongs to.",
    every=HOURLY,
)
TOTAL_HOUR = Recording(
    name="cluster:cost_dollars:sum1h",
    query=with_labels_of(
        average_over_time(select(TOTAL_RATE.series), "1h"),
        month(seconds_ago=HALF_AN_HOUR),
        on=(),
        bring=("month",),
    ),
    meaning="Cost of the last hour of everything.",
    every=HOURLY,
)

DAY = Recording(
    name="service:cost_dollars:sum24h",
    query=divided(sum_over_time(select(RATE.series), "24h"), 60),
    meaning="Cost of the last 24 hours by service, of the minutes that were measured.",
    every=SLOW,
)
# Ten jobs: the price of fewer is the price of the idle platform.
PER_JOB = Recording(
    name="cluster:cost_dollars_per_job:ratio24h",
    query=per(
        sum_by(select(DAY.series), "cluster"),
        at_least(sum_by(select(jobs.JOBS.series, outcome="success"), "cluster"), 10),
        "cluster",
    ),
    meaning="Cost of a job that succeeded, over the last 24 hours, of ten jobs or more.",
    every=SPARSE,
)
# The week ends a day ago, so that what is dear now is not yet in it; a day of figures must be there.
PER_JOB_AVERAGE = Recording(
    name="cluster:cost_dollars_per_job:avg7d",
    query=where(
        average_over_time(select(PER_JOB.series), "7d", ended_ago="1d"),
        at_least(count_over_time(select(PER_JOB.series), "7d", ended_ago="1d"), 288),
        "cluster",
    ),
    meaning="Average of these over the 7 days that ended a day ago, where there is a day of them or more.",
    every=SPARSE,
)
MINUTES_MEASURED = Recording(
    name="cluster:cost_dollars_per_hour:count24h",
    query=count_over_time(select(TOTAL_RATE.series), "24h"),
    meaning="Minutes of the last 24 hours whose cost was measured.",
    every=SLOW,
)
MEAN_RATE = Recording(
    name="service:cost_dollars_per_hour:mean24h",
    query=per(
        sum_over_time(select(RATE.series), "24h"),
        count_over_time(select(TOTAL_RATE.series), "24h"),
        "cluster",
    ),
    meaning="Mean cost per hour of the last 24 hours by service.",
    every=SLOW,
)
HOURS_MEASURED = Recording(
    name="cluster:cost_hours:month_to_date",
    query=either(
        sum_by(where(count_over_time(select(TOTAL_HOUR.series), "31d"), month(), "month"), "cluster"),
        constant(0, average_over_time(select(TOTAL_RATE.series), "24h")),
        "cluster",
    ),
    meaning="Hours of this month whose cost was measured.",
    every=SLOW,
)
MONTH_TO_DATE = Recording(
    name="service:cost_dollars:month_to_date",
    query=sum_by(where(sum_over_time(select(HOUR.series), "31d"), month(), "month"), *_SERVICE),
    meaning="Cost of the measured hours of this month by service.",
    every=SLOW,
)
PROJECTION = Recording(
    name="service:cost_dollars:month_projection",
    query=sum_by(
        union(
            "part",
            so_far=select(MONTH_TO_DATE.series),
            to_come=times_each(
                select(MEAN_RATE.series), remaining(HOURS_IN_MONTH, select(HOURS_MEASURED.series)), "cluster"
            ),
        ),
        *_SERVICE,
    ),
    meaning=(
        "Cost of the whole month by service: of the hours measured, and of all others, gone or to come, at "
        "the mean of the last 24 hours."
    ),
    every=SLOW,
)
TOTAL_MONTH_TO_DATE = Recording(
    name="cluster:cost_dollars:month_to_date",
    query=sum_by(select(MONTH_TO_DATE.series), "cluster"),
    meaning="Cost of the measured hours of this month of everything.",
    every=SLOW,
)
TOTAL_PROJECTION = Recording(
    name="cluster:cost_dollars:month_projection",
    query=sum_by(select(PROJECTION.series), "cluster"),
    meaning="Cost of the whole month of everything.",
    every=SLOW,
)


def budget(decided: Budget) -> Recording:
    """The budgets as a metric to be joined: of each service that has one, and of the whole cluster."""
    clusters = average_over_time(select(TOTAL_RATE.series), "24h")
    together = set_label(constant(decided.total, clusters), "service", "")
    for service, dollars in sorted(decided.services.items()):
        together = either(together, set_label(constant(dollars, clusters), "service", service))
    return Recording(
        name="service:budget_dollars:month",
        query=together,
        meaning="What a service may cost in a month; without the label service, the whole cluster.",
        every=SLOW,
    )


def recordings(decided: Budget) -> tuple[Recording, ...]:
    """All of them."""
    return (
        BY_RESOURCE,
        IDLE,
        RATE,
        TOTAL_RATE,
        HOUR,
        TOTAL_HOUR,
        DAY,
        PER_JOB,
        PER_JOB_AVERAGE,
        MINUTES_MEASURED,
        MEAN_RATE,
        HOURS_MEASURED,
        MONTH_TO_DATE,
        PROJECTION,
        TOTAL_MONTH_TO_DATE,
        TOTAL_PROJECTION,
        budget(decided),
    )
