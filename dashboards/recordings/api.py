"""What is recorded of the API: its uptime, its requests and how long they take."""

from dashboards.metrics import application, exporters
from dashboards.model import SLOW, Recording
from dashboards.promql import (
    average_over_time,
    avg_by,
    count_over_time,
    either,
    matches,
    quantile,
    rate,
    select,
    sum_by,
    zero,
)

UPTIME = Recording(
    name="probe:probe_success:avg24h",
    every=SLOW,
    query=avg_by(average_over_time(select(exporters.PROBE_SUCCESS), "24h"), "cluster", "probe"),
    meaning="Share of the last 24 h in which the probe succeeded, 0 to 1.",
)
UPTIME_HISTORY = Recording(
    name="probe:probe_success:count24h",
    every=SLOW,
    query=avg_by(count_over_time(select(exporters.PROBE_SUCCESS), "24h"), "cluster", "probe"),
    meaning="Answers that this share is made from.",
)
REQUESTS = Recording(
    name="job_method_route_code:http_server_requests:rate5m",
    query=sum_by(
        rate(select(application.HTTP_SERVER_REQUEST_DURATION.count), "5m"),
        "cluster",
        "namespace",
        "job",
        "http_request_method",
        "http_route",
        "http_response_status_code",
    ),
    meaning="HTTP requests per second by service, method, endpoint and status code.",
)
REQUESTS_BY_ROUTE = Recording(
    name="job_route:http_server_requests:avg_rate1h",
    query=sum_by(
        average_over_time(select(REQUESTS.series), "1h"), "cluster", "namespace", "job", "http_route"
    ),
    meaning="HTTP requests per second by service and endpoint, mean of an hour.",
    every=SLOW,
)
DURATION_BUCKETS = Recording(
    name="job_route_le:http_server_request_duration_seconds_bucket:rate5m",
    query=sum_by(
        rate(select(application.HTTP_SERVER_REQUEST_DURATION.buckets), "5m"),
        "cluster",
        "namespace",
        "job",
        "http_route",
        "le",
    ),
    meaning="HTTP requests per second up to each duration, by service and endpoint.",
)
RESPONSE_TIME = Recording(
    name="job_route:http_server_request_duration_seconds:p95_rate5m",
    query=quantile(0.95, select(DURATION_BUCKETS.series), "cluster", "namespace", "job", "http_route"),
    meaning="Seconds within which 95 % of the HTTP requests are answered, by service and endpoint.",
)
ALL_REQUESTS = Recording(
    name="cluster:http_server_requests:rate5m",
    query=sum_by(select(REQUESTS.series), "cluster"),
    meaning="HTTP requests per second.",
)
FAILED_REQUESTS = Recording(
    name="cluster:http_server_errors:rate5m",
    query=either(
        sum_by(select(REQUESTS.series, http_response_status_code=matches("5..")), "cluster"),
        zero(sum_by(select(REQUESTS.series), "cluster")),
    ),
    meaning="Of these, the ones that the services failed: 5xx.",
)
RECORDINGS = (
    UPTIME,
    UPTIME_HISTORY,
    REQUESTS,
    REQUESTS_BY_ROUTE,
    DURATION_BUCKETS,
    RESPONSE_TIME,
    ALL_REQUESTS,
    FAILED_REQUESTS,
)
