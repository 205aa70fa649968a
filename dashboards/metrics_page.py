"""The page docs/metrics.md: what an application team reads to instrument its service, made from the contract."""

from collections.abc import Iterator

from dashboards.contract import Metric, MetricType
from dashboards.metrics import CONTRACT, application
from dashboards.parameters import Parameters
from dashboards.recordings.subjects import recordings
from dashboards.render import alerts, declared

FORBIDDEN_LABELS = {
    "user_id": "unbounded, and personal data",
    "email": "unbounded, and personal data",
    "job_id": "a series for each job, each with a single value",
    "project_id": "unbounded; `http_route` holds the template, not the path",
    "video_id": "unbounded",
    "request_id": "unbounded; it belongs into a trace",
    "error_message": "unbounded; `error_type` is a closed list",
    "url": "unbounded; `http_route` holds the template",
}
"""Labels that no metric may have, with the reason."""

_HEAD = """# Metrics

What the dashboards and rules read. Made from `dashboards/metrics/` by `python -m dashboards metrics`: change it there.

A team that instruments a service needs the first three sections; the rest is for looking up. A metric that nobody
emits yet shows on its panels as "Not instrumented", never as zero.

## Being scraped

Annotate the pod with `prometheus.io/scrape: "true"` and name the port `metrics`. The pod's labels say what it is:

| pod label | what it is for |
| --- | --- |
| `app.kubernetes.io/name` | the service: becomes `job`, and `service` where costs and GPUs are shared out |
| `dubbing/model` | the model that a GPU server serves: "GPU utilization by model" joins by it |

Prometheus adds `cluster`, `namespace`, `pod`, `container`, `node`, `job` and `instance`: leave them out.

## HTTP

One histogram, `http_server_request_duration_seconds`, gives rate, errors and latency. Its name and labels are those of
OpenTelemetry's semantic conventions. With OpenTelemetry for Python (`opentelemetry-instrumentation-fastapi` and
`opentelemetry-exporter-prometheus`) set `OTEL_SEMCONV_STABILITY_OPT_IN=http` in the service's environment, without which
it still emits the old names, and:

```python
metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
FastAPIInstrumentor.instrument_app(app, excluded_urls="metrics,health")
app.mount("/metrics", make_asgi_app())
```

A service on prometheus-fastapi-instrumentator has other names, and groups codes into `2xx`. It gets there with a function
of its own and `should_group_status_codes=False`; leave `should_group_untemplated` on, so that unknown paths share one
route:

```python
DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time to answer an HTTP request.",
    ["http_request_method", "http_route", "http_response_status_code"],
)


def record(info: Info) -> None:
    DURATION.labels(info.method, info.modified_handler, info.modified_status).observe(info.modified_duration)


instrumentator = Instrumentator(should_group_status_codes=False, excluded_handlers=["/metrics", "/health"])
instrumentator.add(record).instrument(app).expose(app)
```

Other languages: any OpenTelemetry SDK with the stable HTTP conventions, or a histogram of this name and these labels.

## With Python's prometheus-client

`prometheus_client` adds `_total` to a counter by itself. Touch every combination of labels at start: a counter that is
born at 1 has no increase, so its first event would be lost.
"""

_MULTIPROCESS = """
A server that forks (gunicorn, Celery's prefork) needs prometheus-client's multiprocess mode, or each scrape asks a random
worker: set `PROMETHEUS_MULTIPROC_DIR`, and give gauges `multiprocess_mode="livesum"` (connections, busy slots) or
`"livemax"` (a queue's depth, a count from the database).

Users, subscriptions and what is active are gauges counted in the database by one query every minute or so: Prometheus
counts series, not people, and daily users can't be added up to weekly ones.

## Labels that must never be used

Each value of a label is a series that is kept for weeks. What identifies one user, job or request belongs into logs and
traces; labels are closed lists.

| label | why not |
| --- | --- |
"""


def page() -> str:
    """Return the page's text."""
    return (
        "\n".join([_HEAD, *_examples(), _MULTIPROCESS.strip(), *_forbidden(), *_application(), *_exporters()])
        + "\n"
    )


def _examples() -> Iterator[str]:
    for metric, variable, use in (
        (application.JOBS, "JOBS", 'JOBS.labels(outcome="success", tier="pro").inc()'),
        (application.WORKER_SLOTS_BUSY, "BUSY", 'BUSY.labels(stage="transcription").set(3)'),
        (application.STAGE_DURATION, "DURATION", 'DURATION.labels(stage="transcription").observe(12.5)'),
    ):
        kind = metric.type.value.capitalize()
        name = metric.name.removesuffix("_total")
        labels = ", ".join(f'"{label}"' for label in metric.labels)
        buckets = f"    buckets={tuple(metric.boundaries)},\n" if metric.boundaries else ""
        yield (
            f"A {metric.type.value}:\n\n```python\nfrom prometheus_client import {kind}\n\n"
            f"{variable} = {kind}(\n"
            f'    "{name}",\n    "{metric.meaning.split(":")[0].split(".")[0]}.",\n    [{labels}],\n{buckets})\n'
            f"{_initialised(metric, variable)}{use}\n```\n"
        )


def _initialised(metric: Metric, variable: str) -> str:
    if metric.type is not MetricType.COUNTER:
        return ""
    return (
        'for outcome in ("success", "failure", "cancelled"):\n'
        '    for tier in ("free", "pro", "enterprise"):\n'
        f"        {variable}.labels(outcome=outcome, tier=tier)\n"
    )


def _forbidden() -> Iterator[str]:
    for label, reason in FORBIDDEN_LABELS.items():
        yield f"| `{label}` | {reason} |"


def _application() -> Iterator[str]:
    readers = _readers()
    yield "\n## What services emit\n"
    for metric in CONTRACT.values():
        if metric.source is not application.APPLICATION:
            continue
        yield f"### `{metric.name}`\n\n{metric.meaning}\n"
        yield f"- {metric.type.value.capitalize()}, in {metric.unit}"
        if metric.labels:
            shown = ", ".join(f'`{label}="{example}"`' for label, example in metric.labels.items())
            yield f"- Labels: {shown}"
        if metric.boundaries:
            yield f"- Buckets up to {', '.join(f'{boundary:g}' for boundary in metric.boundaries)}"
        yield f"- Read by {', '.join(readers[metric.name])}\n"


def _exporters() -> Iterator[str]:
    yield "## What exporters emit\n"
    yield "| metric | unit | exporter | what it tells |\n| --- | --- | --- | --- |"
    for metric in CONTRACT.values():
        if metric.source is not application.APPLICATION:
            source = f"{metric.source.name} {metric.source.version}"
            yield f"| `{metric.name}` | {metric.unit} | {source} | {metric.meaning} |"


def _readers() -> dict[str, list[str]]:
    """The dashboards that read a metric, they or their alerts, themselves or by what is recorded of it."""
    parameters = Parameters()
    recorded = {one.name: one.query.series for rules in recordings(parameters).values() for one in rules}

    def raw(names: frozenset[str]) -> set[str]:
        found = set[str]()
        for name in names:
            # A series that carries itself on reads itself.
            found |= raw(recorded[name] - {name}) if name in recorded else {name}
        return found

    readers: dict[str, list[str]] = {name: [] for name in CONTRACT}
    alerting = alerts(parameters)
    for dashboard in declared(parameters):
        queries = [target.query for panel in dashboard.panels for target in panel.targets]
        queries += [alert.query for alert in alerting[dashboard.uid]]
        read = raw(frozenset[str]().union(*(query.series for query in queries)))
        for name, titles in readers.items():
            if read & {name, f"{name}_bucket", f"{name}_count", f"{name}_sum"}:
                titles.append(dashboard.title)
    return readers
