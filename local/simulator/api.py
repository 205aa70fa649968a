"""What the API exposes about itself: its requests, its connections, its storage."""

from collections.abc import Iterator

from dashboards.metrics import application
from local.simulator import catalogue
from local.simulator.figures import Rate, Spread, added, gauge, histogram, steady
from local.simulator.incidents import Schedule
from local.simulator.rhythm import during, rhythm
from local.simulator.series import Simulated

# Method, route, requests per second, median seconds, status codes besides 503 with their shares.
ENDPOINTS: tuple[tuple[str, str, float, float, dict[str, float]], ...] = (
    ("POST", "/v1/auth/login", 0.6, 0.15, {"200": 0.95, "401": 0.05}),
    ("GET", "/v1/projects", 4.0, 0.04, {"200": 1}),
    ("POST", "/v1/projects", 0.15, 0.09, {"201": 1}),
    ("GET", "/v1/projects/{project_id}", 6.0, 0.03, {"200": 0.99, "404": 0.01}),
    ("POST", "/v1/projects/{project_id}/videos", 0.06, 1.2, {"201": 0.96, "422": 0.04}),
    ("GET", "/v1/jobs/{job_id}", 9.0, 0.02, {"200": 1}),
    ("GET", "/v1/videos/{video_id}/download", 0.3, 0.2, {"200": 1}),
)
FAILING_ENDPOINT = "/v1/jobs/{job_id}"
ALL_PER_SECOND = sum(per_second for _, _, per_second, _, _ in ENDPOINTS)

# OpenTelemetry's advice for the histogram.
BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

UNAVAILABLE = "503"
UNAVAILABLE_SHARE = 0.0015
REFUSED = Spread(0.004)

# Of the requests, those that take longer, and more so in the busy hours.
SLOW_SHARE, SLOW_TIMES = 0.12, 4

CONNECTIONS = 180


def api(schedule: Schedule, share: float) -> Iterator[Simulated]:
    """Yield the series of one pod that does a share of the API's work."""
    for method, route, per_second, median, codes in ENDPOINTS:
        here = {"http_request_method": method, "http_route": route}
        usual, busy = rhythm(route), rhythm(f"{route} busy", day=0.6)
        for code, part in codes.items():
            rate = per_second * part * share
            yield from histogram(
                application.HTTP_SERVER_REQUEST_DURATION,
                {**here, "http_response_status_code": code},
                (Rate(per_second=rate * (1 - SLOW_SHARE), rhythm=usual), Spread(median)),
                (Rate(per_second=rate * SLOW_SHARE, rhythm=busy), Spread(median * SLOW_TIMES)),
                boundaries=BOUNDARIES,
            )
        yield from histogram(
            application.HTTP_SERVER_REQUEST_DURATION,
            {**here, "http_response_status_code": UNAVAILABLE},
            (_unavailable(schedule, route, per_second, share), REFUSED),
            boundaries=BOUNDARIES,
        )
    open_now = rhythm("websocket connections")
    yield gauge(
        application.WEBSOCKET_CONNECTIONS,
        {},
        lambda moments: (CONNECTIONS * share * open_now.at(moments)).round(),
    )
    yield steady(application.STORAGE_UP, {"backend": "s3"}, 1)


def _unavailable(schedule: Schedule, route: str, per_second: float, share: float) -> Rate:
    outage, errors = during(schedule, catalogue.API_OUTAGE), during(schedule, catalogue.API_ERRORS)
    changes = [(added(0.8, UNAVAILABLE_SHARE, 1) / UNAVAILABLE_SHARE, outage)]
    if route == FAILING_ENDPOINT:
        whole = added(0.12, UNAVAILABLE_SHARE * ALL_PER_SECOND, ALL_PER_SECOND)
        changes.append((whole / (UNAVAILABLE_SHARE * per_second), errors))
    return Rate(
        per_second=per_second * UNAVAILABLE_SHARE * share, rhythm=rhythm(route), changes=tuple(changes)
    )
