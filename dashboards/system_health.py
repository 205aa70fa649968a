"""System Health: is the platform up, how fast does it answer, and what does it run out of."""

from dashboards.firing import firing
from dashboards.metrics import application, exporters
from dashboards.model import Dashboard, Row, Stat, State, Target, TimeSeries
from dashboards.parameters import Parameters, percent
from dashboards.promql import (
    Matcher,
    Query,
    complement,
    either,
    matches,
    max_by,
    min_by,
    minus,
    positive,
    ratio,
    select,
    sum_by,
    zero,
)
from dashboards.recordings import api, workloads
from dashboards.variables import CLUSTER, NAMESPACE, SERVICE, cluster, namespace, service

UID = "system-health"
UP_OR_DOWN = {1: State(text="UP", good=True), 0: State(text="DOWN", good=False)}

# Ids of the panels that tiles lead to.

REQUEST_RATE, ERROR_RATE, DATABASE_CONNECTIONS, REDIS_MEMORY = 201, 203, 301, 302

# Ids of the panels that alerts lead to, besides.

API_UPTIME, DATABASE_STATUS, REDIS_STATUS, DISK_USAGE = 101, 102, 103, 403


def nodes_used(**matchers: Matcher) -> Query:
    """Used share of each mount point of each node, 0 to 1."""
    filesystems = {**matchers, "fstype": matches("ext[234]|xfs|btrfs|zfs|vfat")}
    return complement(
        ratio(
            select(exporters.NODE_FILESYSTEM_AVAILABLE, **filesystems),
            select(exporters.NODE_FILESYSTEM_SIZE, **filesystems),
        )
    )


def volumes_used(**matchers: Matcher) -> Query:
    """Used share of each persistent volume that is mounted, 0 to 1."""
    return complement(
        ratio(
            select(exporters.KUBELET_VOLUME_AVAILABLE, **matchers),
            select(exporters.KUBELET_VOLUME_CAPACITY, **matchers),
        )
    )


def key_metrics(parameters: Parameters) -> Row:
    """The first row: what is wrong now."""
    return Row(
        id=100,
        title="Key metrics",
        panels=(
            Stat(
                id=API_UPTIME,
                title="API Uptime",
                description=(
                    "Share of the last 24 hours in which the API answered its probe; with several clusters, "
                    f"the worst one. Below {percent(parameters.levels.api_uptime.warning)} users noticed: "
                    "look at Error Rate by Endpoint, then at the deploys marked on the panels. It "
                    "recovers only as the outage leaves the 24 hours."
                ),
                query=min_by(select(api.UPTIME.series, cluster=CLUSTER, probe=parameters.uptime_probe)),
                unit="percentunit",
                decimals=2,
                thresholds=parameters.levels.api_uptime,
                detail=ERROR_RATE,
                width=5,
            ),
            Stat(
                id=DATABASE_STATUS,
                title="Database Status",
                description=(
                    "Whether postgres-exporter can connect to PostgreSQL; DOWN when one of several servers "
                    "is. Look at Database Connection Pool: a full pool refuses the exporter, too. No data "
                    "means that the exporter is gone, which says nothing about the database."
                ),
                query=min_by(select(exporters.PG_UP, cluster=CLUSTER)),
                unit="none",
                states=UP_OR_DOWN,
                detail=DATABASE_CONNECTIONS,
                width=5,
            ),
            Stat(
                id=REDIS_STATUS,
                title="Redis Status",
                description=(
                    "Whether redis-exporter can connect to Redis; DOWN when one of several servers is. Look "
                    "at Redis Memory Usage: was it full, or did its container reach its memory limit? No "
                    "data means that the exporter is gone, which says nothing about Redis."
                ),
                query=min_by(select(exporters.REDIS_UP, cluster=CLUSTER)),
                unit="none",
                states=UP_OR_DOWN,
                detail=REDIS_MEMORY,
                width=5,
            ),
            Stat(
                id=104,
                title="Storage Status",
                description=(
                    "Whether the services can write and read a canary object in S3 or GCS with their own "
                    "credentials; DOWN when one pod or backend can't. Uploads and finished dubs fail "
                    "meanwhile. Look at Error Rate by Endpoint, then at credentials and the provider's state."
                ),
                query=min_by(
                    select(application.STORAGE_UP, cluster=CLUSTER, namespace=NAMESPACE, job=SERVICE)
                ),
                unit="none",
                states=UP_OR_DOWN,
                detail=ERROR_RATE,
                width=5,
            ),
            Stat(
                id=105,
                title="Active WebSocket Connections",
                description=(
                    "Browsers that follow their jobs live. A sudden fall while the API is up means that a "
                    "proxy or a rollout cut them: look at API Request Rate for the wave of reconnects. Zero "
                    "is a quiet night; not instrumented is no figure at all."
                ),
                query=sum_by(
                    select(
                        application.WEBSOCKET_CONNECTIONS, cluster=CLUSTER, namespace=NAMESPACE, job=SERVICE
                    )
                ),
                unit="short",
                detail=REQUEST_RATE,
                width=4,
            ),
            firing(UID),
        ),
    )


def api_traffic() -> Row:
    """How much is asked, how fast it is answered, and what fails."""
    requests = select(api.REQUESTS.series, cluster=CLUSTER, namespace=NAMESPACE, job=SERVICE)
    errors = select(
        api.REQUESTS.series,
        cluster=CLUSTER,
        namespace=NAMESPACE,
        job=SERVICE,
        http_response_status_code=matches("[45].."),
    )
    times = select(api.RESPONSE_TIME.series, cluster=CLUSTER, namespace=NAMESPACE, job=SERVICE)
    return Row(
        id=200,
        title="API traffic",
        panels=(
            TimeSeries(
                id=REQUEST_RATE,
                title="API Request Rate",
                description=(
                    "Requests per second by HTTP method, mean of 5 minutes. A sudden fall is an outage in "
                    "front of the API (ingress, DNS, login): look at API Uptime. A sudden rise is a retry "
                    "storm or a new client: look at Error Rate by Endpoint and CPU Usage by Service."
                ),
                unit="reqps",
                lines=(
                    Target(query=sum_by(requests, "http_request_method"), legend="{{http_request_method}}"),
                ),
                stacked=True,
                width=8,
            ),
            TimeSeries(
                id=202,
                title="API Response Time (p95)",
                description=(
                    "Time within which 95 % of the requests to an endpoint are answered, over 5 minutes; "
                    "with several clusters or namespaces, the slowest one's. A gap is an endpoint that "
                    "nobody called. One slow endpoint: look at its own dependency. All of them: look at "
                    "Database Connection Pool, then at CPU Usage by Service."
                ),
                unit="s",
                lines=(Target(query=max_by(times, "job", "http_route"), legend="{{job}} {{http_route}}"),),
                width=8,
            ),
            TimeSeries(
                id=ERROR_RATE,
                title="Error Rate by Endpoint",
                description=(
                    "Responses per second with a 4xx or 5xx code, by endpoint and code, mean of 5 minutes; a "
                    'line at 0 under "all" is traffic without errors. 5xx are ours: look at the status '
                    "tiles and at the last deploy. 4xx are the callers': 401 and 429 in a wave are an "
                    "expired key or a loop in a client."
                ),
                unit="reqps",
                lines=(
                    Target(
                        query=sum_by(errors, "job", "http_route", "http_response_status_code"),
                        legend="{{job}} {{http_route}} {{http_response_status_code}}",
                    ),
                    Target(query=either(sum_by(errors), zero(sum_by(requests))), legend="all"),
                ),
                width=8,
            ),
        ),
    )


def database_and_redis() -> Row:
    """What the state behind the API runs out of."""
    server = ("cluster", "instance")
    connections = select(exporters.PG_STAT_ACTIVITY_COUNT, cluster=CLUSTER)
    active = select(exporters.PG_STAT_ACTIVITY_COUNT, cluster=CLUSTER, state="active")
    most = minus(
        max_by(select(exporters.PG_SETTINGS_MAX_CONNECTIONS, cluster=CLUSTER), *server),
        max_by(select(exporters.PG_SETTINGS_SUPERUSER_RESERVED_CONNECTIONS, cluster=CLUSTER), *server),
    )
    memory_limit = either(
        positive(select(exporters.REDIS_MEMORY_MAX, cluster=CLUSTER)),
        select(exporters.REDIS_TOTAL_SYSTEM_MEMORY, cluster=CLUSTER),
    )
    return Row(
        id=300,
        title="Database and Redis",
        panels=(
            TimeSeries(
                id=DATABASE_CONNECTIONS,
                title="Database Connection Pool",
                description=(
                    "PostgreSQL connections that run a query (active), that are open at all, and the most "
                    "that the server grants to services. Open near the limit: new connections are refused; "
                    "look for a service that was scaled up or leaks. Many active ones: look for slow queries "
                    "and locks, and at API Response Time (p95)."
                ),
                unit="short",
                axis="connections",
                lines=(
                    Target(query=sum_by(active, *server), legend="{{instance}} active"),
                    Target(query=sum_by(connections, *server), legend="{{instance}} open"),
                    Target(query=most, legend="{{instance}} limit", limit=True),
                ),
            ),
            TimeSeries(
                id=REDIS_MEMORY,
                title="Redis Memory Usage",
                description=(
                    "Used share of Redis' maxmemory; where maxmemory is not set, of its host's memory, if "
                    "redis-exporter runs with --include-system-metrics. Near 100 % Redis evicts keys or "
                    "refuses writes: look at Redis Status, at the length of the queues and at keys without "
                    "an expiry."
                ),
                unit="percentunit",
                highest=1,
                lines=(
                    Target(
                        query=ratio(select(exporters.REDIS_MEMORY_USED, cluster=CLUSTER), memory_limit),
                        legend="{{instance}}",
                    ),
                ),
                no_data="No data from redis-exporter, or Redis has no maxmemory",
            ),
        ),
    )


def compute_and_disk(parameters: Parameters) -> Row:
    """What the nodes and containers run out of."""
    usage = parameters.levels.disk_usage
    containers = {"cluster": CLUSTER, "namespace": NAMESPACE, "service": SERVICE}
    container = ("service", "container")
    return Row(
        id=400,
        title="Compute and disk",
        panels=(
            TimeSeries(
                id=401,
                title="CPU Usage by Service",
                description=(
                    "CPU cores in use by service and container, mean of 5 minutes. A container flat at its "
                    "limit is throttled: look at API Response Time (p95), and raise the limit or the number "
                    "of pods. The service is the pod's label app.kubernetes.io/name."
                ),
                unit="short",
                axis="cores",
                lines=(
                    Target(
                        query=sum_by(select(workloads.CPU.series, **containers), *container),
                        legend="{{service}} {{container}}",
                    ),
                ),
                width=8,
            ),
            TimeSeries(
                id=402,
                title="Memory Usage by Service",
                description=(
                    "Memory that can't be reclaimed, by service and container. A line that only ever rises "
                    "is a leak; one that falls to nothing again and again is a container killed for reaching "
                    "its limit: look at its restarts, and at Error Rate by Endpoint at the same moments."
                ),
                unit="bytes",
                lines=(
                    Target(
                        query=sum_by(select(workloads.MEMORY.series, **containers), *container),
                        legend="{{service}} {{container}}",
                    ),
                ),
                width=8,
            ),
            TimeSeries(
                id=DISK_USAGE,
                title="Disk Usage",
                description=(
                    "Used share of each node's mount points and of each persistent volume. Above "
                    f"{percent(usage.critical or usage.warning)} act now: a full node evicts pods, a full "
                    "database stops; look at what grows (logs, images, temporary "
                    "video), free it or enlarge the volume. Volumes follow the namespace, nodes don't."
                ),
                unit="percentunit",
                highest=1,
                thresholds=usage,
                lines=(
                    Target(
                        query=max_by(nodes_used(cluster=CLUSTER), "cluster", "instance", "mountpoint"),
                        legend="{{instance}} {{mountpoint}}",
                    ),
                    Target(
                        query=max_by(
                            volumes_used(cluster=CLUSTER, namespace=NAMESPACE),
                            "cluster",
                            "namespace",
                            "persistentvolumeclaim",
                        ),
                        legend="{{namespace}}/{{persistentvolumeclaim}}",
                    ),
                ),
                width=8,
            ),
        ),
    )


def dashboard(parameters: Parameters) -> Dashboard:
    """The System Health dashboard."""
    return Dashboard(
        uid=UID,
        title="System Health",
        purpose="Monitor overall system health, availability, and resource usage.",
        use_cases=(
            ("Incident Response", "quickly identify service outages"),
            ("Capacity Planning", "monitor resource usage trends"),
            ("Performance Optimization", "identify slow endpoints"),
        ),
        variables=(cluster(), namespace(), service()),
        rows=(key_metrics(parameters), api_traffic(), database_and_redis(), compute_and_disk(parameters)),
    )
