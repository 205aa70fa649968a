"""Cost & Performance: what the platform costs, who causes it, and what it gets for it."""

from dashboards import gpu_queries
from dashboards.firing import firing
from dashboards.model import BarGauge, Dashboard, PieChart, Recording, Row, Stat, Target, TimeSeries
from dashboards.parameters import Parameters, percent
from dashboards.promql import (
    Query,
    differs,
    divided,
    max_by,
    min_by,
    per,
    positive,
    quantile,
    rounded,
    select,
    sum_by,
    times_each,
    with_labels_of,
)
from dashboards.promql_time import HOURS_IN_MONTH, value_as_label
from dashboards.recordings import cost, gpu, jobs, users
from dashboards.variables import CLUSTER, NAMESPACE, SERVICE, cluster, namespace, service

UID = "cost-performance"
SCOPE = {"cluster": CLUSTER, "namespace": NAMESPACE}
SERVICES = {**SCOPE, "service": SERVICE}
SECONDS_PER_MINUTE = 60

# Ids of the panels that tiles lead to.

COST, GPU_UTILIZATION, PER_MINUTE, BUDGET = 201, 301, 203, 202

# Ids of the panels that alerts lead to, besides.

PROJECTION, COST_PER_JOB = 101, 204


def by_service(recording: Recording) -> Query:
    """A recorded cost of each chosen service."""
    return sum_by(select(recording.series, **SERVICES), "service")


def minutes() -> Query:
    """Minutes of video processed in the last 24 hours; none where there is not one."""
    return positive(divided(sum_by(select(users.PROCESSING.series, cluster=CLUSTER)), SECONDS_PER_MINUTE))


def jobs_done() -> Query:
    """Jobs that succeeded in the last 24 hours; none where there is not one."""
    return positive(sum_by(select(jobs.JOBS.series, cluster=CLUSTER, outcome="success")))


def projection() -> Query:
    """Projected cost of the month, with how many of its hours were measured in labels."""
    measured = rounded(min_by(select(cost.HOURS_MEASURED.series, cluster=CLUSTER)))
    whole = sum_by(select(cost.PROJECTION.series, cluster=CLUSTER))
    with_measured = with_labels_of(whole, value_as_label(measured, "measured"), on=(), bring=("measured",))
    return with_labels_of(with_measured, value_as_label(HOURS_IN_MONTH, "hours"), on=(), bring=("hours",))


def of_budget(recording: Recording, parameters: Parameters) -> Query:
    """A recorded cost of the whole cluster as a share of its budget."""
    budget = select(cost.budget(parameters.budget).series, cluster=CLUSTER, service="")
    return per(sum_by(select(recording.series, cluster=CLUSTER)), sum_by(budget))


def key_metrics(parameters: Parameters) -> Row:
    """The first row: what the month will have cost, and where it goes."""
    levels = parameters.levels
    return Row(
        id=100,
        title="Key metrics",
        panels=(
            Stat(
                id=PROJECTION,
                title="Total Monthly Cost Projection",
                description=(
                    "Cost of this month (UTC) so far, and of all hours not measured or still to come at the "
                    "mean of the last 24 hours; the tile says how many hours were measured. Above "
                    f"{levels.monthly_cost.warning:,.0f} $ look at Cost by Service for what grew. List "
                    "prices: no discounts, no taxes, and no storage or traffic without the billing export."
                ),
                query=projection(),
                unit="currencyUSD",
                thresholds=levels.monthly_cost,
                detail=COST,
                width=5,
                remark="{{measured}} of {{hours}} hours measured",
            ),
            BarGauge(
                id=102,
                title="Cost by Service",
                description=(
                    "What each service will have cost this month, projected. One that grew without more "
                    "jobs is waste: look at Cost per Job. Much idle is nodes that nobody needs: look at "
                    "Node Count by Type."
                ),
                query=by_service(cost.PROJECTION),
                legend="{{service}}",
                unit="currencyUSD",
                detail=COST,
                width=6,
            ),
            BarGauge(
                id=103,
                title="GPU Utilization by Service",
                description=(
                    "Mean share of the time in which the GPUs that a service holds are busy. Below "
                    f"{percent(levels.gpu_underutilization.warning)} the service pays for GPUs that it does "
                    "not use: fewer replicas, or two models on a GPU; none is a GPU that nobody holds."
                ),
                query=gpu_queries.utilization_by("service", **SERVICES),
                legend="{{service}}",
                unit="percentunit",
                highest=1,
                thresholds=levels.gpu_underutilization,
                detail=GPU_UTILIZATION,
                width=6,
            ),
            Stat(
                id=104,
                title="Cost per Processing Minute",
                description=(
                    "What a minute of finished video cost, over the last 24 hours. A rise is idle GPUs or "
                    "failed work that is paid for: look at GPU Utilization by Service, then at Jobs Failed "
                    "of Job Processing."
                ),
                query=per(sum_by(by_service(cost.DAY)), minutes()),
                unit="currencyUSD",
                decimals=3,
                detail=PER_MINUTE,
                width=4,
                no_data="No video processed",
            ),
            Stat(
                id=105,
                title="Budget Utilization",
                description=(
                    "Share of the month's budget that the month will have used, by the same projection. "
                    f"Above {percent(levels.budget_utilization.warning)} act while the month lasts: look at "
                    "Budget Utilization below for the service, and at what was spent so far."
                ),
                query=of_budget(cost.TOTAL_PROJECTION, parameters),
                unit="percentunit",
                thresholds=levels.budget_utilization,
                detail=BUDGET,
                width=3,
            ),
            firing(UID),
        ),
    )


def costs(parameters: Parameters) -> Row:
    """What things cost."""
    budgets = select(cost.budget(parameters.budget).series, cluster=CLUSTER, service=differs(""))
    projected = sum_by(select(cost.PROJECTION.series, **SERVICES), "cluster", "service")
    return Row(
        id=200,
        title="Cost",
        panels=(
            PieChart(
                id=COST,
                title="Cost by Service",
                description=(
                    "How the month's projected cost is shared out. idle is nodes that no pod is charged "
                    "for; volumes, load-balancers and control-plane belong to no service; other is pods "
                    "without the label app.kubernetes.io/name. The slices add up to Total Monthly Cost "
                    "Projection."
                ),
                unit="currencyUSD",
                query=by_service(cost.PROJECTION),
                legend="{{service}}",
            ),
            TimeSeries(
                id=BUDGET,
                title="Budget Utilization",
                description=(
                    "Share of its budget that each service, and everything, will have used at the end of "
                    "the month, and what everything used so far. A step up is new nodes or a new service: "
                    "look at the deploys. Services without a budget of their own are not shown."
                ),
                unit="percentunit",
                thresholds=parameters.levels.budget_utilization,
                lines=(
                    Target(query=per(projected, budgets, "cluster", "service"), legend="{{service}}"),
                    Target(
                        query=of_budget(cost.TOTAL_PROJECTION, parameters), legend="everything, projected"
                    ),
                    Target(
                        query=of_budget(cost.TOTAL_MONTH_TO_DATE, parameters), legend="everything, so far"
                    ),
                ),
            ),
            TimeSeries(
                id=PER_MINUTE,
                title="Cost per Processing Minute",
                description=(
                    "What each service cost for a minute of finished video, over the last 24 hours at each "
                    "moment. It rises at night when workers wait for jobs: scale them to zero. A rise by "
                    "day is slower or failing work: look at Processing Time by Stage."
                ),
                unit="currencyUSD",
                lines=(Target(query=per(by_service(cost.DAY), minutes()), legend="{{service}}"),),
                stacked=True,
            ),
            TimeSeries(
                id=COST_PER_JOB,
                title="Cost per Job",
                description=(
                    "What each service cost for a job that succeeded, over the last 24 hours at each "
                    "moment. Longer videos raise it rightly: compare with Cost per Processing Minute, which "
                    "they leave as it is."
                ),
                unit="currencyUSD",
                lines=(Target(query=per(by_service(cost.DAY), jobs_done()), legend="{{service}}"),),
                stacked=True,
            ),
        ),
    )


def gpus(parameters: Parameters) -> Row:
    """What the dearest machines do for their price."""
    # One that two services share counts once.
    used = max_by(select(gpu.MEMORY_USED_BY_SERVICE.series, **SERVICES), "cluster", "node", "gpu", "GPU_I_ID")
    size = select(gpu.MEMORY_SIZE.series, **SERVICES)
    hours = {"held by a pod": gpu.HOURS_HELD, "paid for": gpu.HOURS}
    return Row(
        id=300,
        title="GPUs",
        panels=(
            TimeSeries(
                id=GPU_UTILIZATION,
                title="GPU Utilization by Service",
                description=(
                    "Mean share of the time in which the GPUs that a service holds are busy. Below "
                    f"{percent(parameters.levels.gpu_underutilization.warning)} for hours: fewer replicas, "
                    "larger batches, or a smaller card. none is a GPU that nobody holds and everybody pays "
                    "for."
                ),
                unit="percentunit",
                highest=1,
                thresholds=parameters.levels.gpu_underutilization,
                lines=(
                    Target(query=gpu_queries.utilization_by("service", **SERVICES), legend="{{service}}"),
                ),
            ),
            TimeSeries(
                id=302,
                title="GPU Memory Usage",
                description=(
                    "Memory in use on each GPU every four minutes, and what the GPUs of its node have each. "
                    "Far below this size all the time: a smaller card or a second model would do. At this "
                    "size with errors: look at Model Error Rate of Model Performance."
                ),
                unit="bytes",
                lines=(
                    Target(query=sum_by(used, "node", "gpu"), legend="{{node}} GPU {{gpu}}"),
                    Target(query=max_by(size, "node"), legend="{{node}} GPU size", limit=True),
                ),
            ),
            TimeSeries(
                id=303,
                title="Node Count by Type",
                description=(
                    "Nodes that have a GPU, by instance type. More than the work needs is the largest waste "
                    "there is: look at the autoscaler's scale-down delay, and for pods without a limit that "
                    "keep a node alive."
                ),
                unit="short",
                axis="nodes",
                lines=(
                    Target(
                        query=sum_by(select(gpu.NODES.series, cluster=CLUSTER), "instance_type"),
                        legend="{{instance_type}}",
                    ),
                ),
                stacked=True,
            ),
            TimeSeries(
                id=304,
                title="Total GPU Hours (24h)",
                description=(
                    "GPU hours of the last 24 hours at each moment: those paid for, and those in which a "
                    "pod held the GPU. The gap is idle GPUs: look at Node Count by Type. A shared or split "
                    "GPU counts once."
                ),
                unit="short",
                axis="hours",
                lines=tuple(
                    Target(query=sum_by(select(recording.series, cluster=CLUSTER)), legend=name)
                    for name, recording in hours.items()
                ),
            ),
        ),
    )


def work() -> Row:
    """What is got for it."""
    workers = select(jobs.WORKERS.series, **SERVICES)
    queue = select(jobs.QUEUE.series, **SCOPE)
    done = select(jobs.JOBS_PER_HOUR.series, **SCOPE)
    return Row(
        id=400,
        title="Work",
        panels=(
            TimeSeries(
                id=401,
                title="Queue Depth by Service",
                description=(
                    "Jobs that wait for the workers of each service; a queue that two services work off "
                    "shows at both. Cheap workers with a long queue keep dear GPUs waiting: look at GPU "
                    "Utilization by Service."
                ),
                unit="short",
                axis="jobs",
                lines=(
                    Target(
                        query=sum_by(times_each(workers, queue, "cluster", "namespace", "stage"), "service"),
                        legend="{{service}}",
                    ),
                ),
                width=8,
            ),
            TimeSeries(
                id=402,
                title="Jobs Processed per Hour",
                description=(
                    "Jobs that ended in the last hour, by outcome. Failed jobs cost as much as others: look "
                    "at Failed Jobs by Error Type of Job Processing. Fewer jobs at the same cost: look at "
                    "Cost per Job."
                ),
                unit="short",
                axis="jobs per hour",
                lines=(Target(query=sum_by(done, "outcome"), legend="{{outcome}}"),),
                stacked=True,
                width=8,
            ),
            TimeSeries(
                id=403,
                title="Processing Time by Stage",
                description=(
                    "Time within which 95 % of a stage's successful runs end. A stage that gets slower "
                    "costs more for the same work: look at Inference Latency by Model of Model Performance, "
                    "and at its last deploy."
                ),
                unit="s",
                lines=(
                    Target(
                        query=quantile(0.95, select(jobs.DURATION_BUCKETS.series, **SCOPE), "stage"),
                        legend="{{stage}}",
                    ),
                ),
                width=8,
            ),
        ),
    )


def dashboard(parameters: Parameters) -> Dashboard:
    """The Cost & Performance dashboard."""
    return Dashboard(
        uid=UID,
        title="Cost & Performance",
        purpose="Monitor infrastructure costs, GPU efficiency, and cost optimization opportunities.",
        use_cases=(
            ("Cost Optimization", "identify cost-saving opportunities"),
            ("Budget Management", "track spending against budget"),
            ("Efficiency Analysis", "optimize GPU utilization"),
        ),
        variables=(cluster(), namespace(), service()),
        rows=(key_metrics(parameters), costs(parameters), gpus(parameters), work()),
        default_range="30d",
        refresh="5m",
        time_zone="utc",
    )
