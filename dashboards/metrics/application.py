"""What the platform's own services must expose: the page docs/metrics.md tells their teams how."""

from dashboards.contract import Metric, MetricType, Source

APPLICATION = Source(
    name="application",
    version="the platform's own services",
    labels={
        "cluster": "dev",
        "namespace": "dubbing",
        "pod": "api-7d9c5b6f4-x2x9k",
        "job": "api",
        "instance": "10.0.0.7:8000",
    },
)
HTTP_SERVER_REQUEST_DURATION = Metric(
    name="http_server_request_duration_seconds",
    type=MetricType.HISTOGRAM,
    unit="seconds",
    labels={
        "http_request_method": "GET",
        "http_route": "/v1/projects/{project_id}",
        "http_response_status_code": "200",
    },
    source=APPLICATION,
    meaning=(
        "Time to answer an HTTP request, by method, route template and status code "
        "(OpenTelemetry semantic conventions 1.23 and later)."
    ),
)
WEBSOCKET_CONNECTIONS = Metric(
    name="dubbing_websocket_connections",
    type=MetricType.GAUGE,
    unit="connections",
    source=APPLICATION,
    meaning="WebSocket connections open in this pod now.",
)
STORAGE_UP = Metric(
    name="dubbing_storage_up",
    type=MetricType.GAUGE,
    unit="0 or 1",
    labels={"backend": "s3"},
    source=APPLICATION,
    meaning=(
        "1 where the last authenticated write and read of a canary object in the bucket succeeded; "
        "tried every 30 to 60 s."
    ),
)

JOBS = Metric(
    name="dubbing_jobs_total",
    type=MetricType.COUNTER,
    unit="jobs",
    labels={"outcome": "success", "tier": "pro"},
    source=APPLICATION,
    meaning=(
        "Dubbing jobs that reached their end: outcome success, failure or cancelled (by the user). "
        "One job passes through several stages and counts once."
    ),
)
JOB_DURATION = Metric(
    name="dubbing_job_duration_seconds",
    type=MetricType.HISTOGRAM,
    unit="seconds",
    labels={"outcome": "success"},
    source=APPLICATION,
    meaning="Time from a job's entry into the queue to its end.",
    boundaries=(30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400),
)
STAGE_RUNS = Metric(
    name="dubbing_stage_runs_total",
    type=MetricType.COUNTER,
    unit="runs",
    labels={"stage": "transcription", "outcome": "success"},
    source=APPLICATION,
    meaning="Attempts of a stage that ended: outcome success or failure. A retry is another attempt.",
)
STAGE_FAILURES = Metric(
    name="dubbing_stage_failures_total",
    type=MetricType.COUNTER,
    unit="failures",
    labels={"stage": "transcription", "error_type": "timeout"},
    source=APPLICATION,
    meaning=(
        "Failed attempts of a stage by reason: a closed list of at most 15 words and other, never an "
        "exception's message."
    ),
)
STAGE_DURATION = Metric(
    name="dubbing_stage_duration_seconds",
    type=MetricType.HISTOGRAM,
    unit="seconds",
    labels={"stage": "transcription"},
    source=APPLICATION,
    meaning="Time that a successful attempt of a stage took.",
    boundaries=(1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600),
)
QUEUE_DEPTH = Metric(
    name="dubbing_queue_depth",
    type=MetricType.GAUGE,
    unit="jobs",
    labels={"stage": "transcription"},
    source=APPLICATION,
    meaning="Jobs that wait for a stage, without those that a worker holds; the same from every pod.",
)
WORKER_SLOTS = Metric(
    name="dubbing_worker_slots",
    type=MetricType.GAUGE,
    unit="slots",
    labels={"stage": "transcription"},
    source=APPLICATION,
    meaning="Jobs that this worker can process at once.",
)
WORKER_SLOTS_BUSY = Metric(
    name="dubbing_worker_slots_busy",
    type=MetricType.GAUGE,
    unit="slots",
    labels={"stage": "transcription"},
    source=APPLICATION,
    meaning="Jobs that this worker processes now.",
)

MODEL_INFERENCES = Metric(
    name="dubbing_model_inferences_total",
    type=MetricType.COUNTER,
    unit="inferences",
    labels={"model": "whisper-large", "outcome": "success"},
    source=APPLICATION,
    meaning="Requests that a model answered, outcome success or failure; a batch is one request.",
)
MODEL_INFERENCE_DURATION = Metric(
    name="dubbing_model_inference_duration_seconds",
    type=MetricType.HISTOGRAM,
    unit="seconds",
    labels={"model": "whisper-large"},
    source=APPLICATION,
    meaning="Time that a model took for a request, waiting for its batch included.",
    boundaries=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
)
MODEL_ITEMS = Metric(
    name="dubbing_model_items_total",
    type=MetricType.COUNTER,
    unit="items",
    labels={"model": "whisper-large"},
    source=APPLICATION,
    meaning="Segments or frames that a model processed; a batch of 8 adds 8.",
)
MODEL_BATCH_SIZE = Metric(
    name="dubbing_model_batch_size",
    type=MetricType.HISTOGRAM,
    unit="items",
    labels={"model": "whisper-large"},
    source=APPLICATION,
    meaning="Items in a batch.",
    boundaries=(1, 2, 4, 8, 16, 32, 64),
)
MODEL_INPUT_SIZE = Metric(
    name="dubbing_model_input_size_bytes",
    type=MetricType.HISTOGRAM,
    unit="bytes",
    labels={"model": "whisper-large"},
    source=APPLICATION,
    meaning="Size of a request's input.",
    boundaries=(10e3, 100e3, 1e6, 10e6, 100e6, 1e9),
)

ACTIVE_USERS = Metric(
    name="dubbing_active_users",
    type=MetricType.GAUGE,
    unit="users",
    labels={"window": "1d", "tier": "pro"},
    source=APPLICATION,
    meaning=(
        "Distinct users who did something in the window that ends now (1d), by the tier they have now, so "
        "that tiers add up. Counted in the database, the same from every pod: Prometheus can't count people."
    ),
)
USERS = Metric(
    name="dubbing_users",
    type=MetricType.GAUGE,
    unit="users",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Users by the subscription tier they have now; the same from every pod.",
)
COHORT_USERS = Metric(
    name="dubbing_cohort_users",
    type=MetricType.GAUGE,
    unit="users",
    labels={"window": "7d", "tier": "pro"},
    source=APPLICATION,
    meaning=(
        "Users who did something for the first time in the 24 hours that ended one window (7d) ago; the same "
        "from every pod."
    ),
)
COHORT_RETAINED = Metric(
    name="dubbing_cohort_retained_users",
    type=MetricType.GAUGE,
    unit="users",
    labels={"window": "7d", "tier": "pro"},
    source=APPLICATION,
    meaning=(
        "Of the users in dubbing_cohort_users, the ones who did something in the last 24 hours. Two counts, "
        "since shares don't add up."
    ),
)
PROJECTS_CREATED = Metric(
    name="dubbing_projects_created_total",
    type=MetricType.COUNTER,
    unit="projects",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Projects created.",
)
PROJECT_COMPLETION = Metric(
    name="dubbing_project_completion_duration_seconds",
    type=MetricType.HISTOGRAM,
    unit="seconds",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Time from a project's creation to its first finished video.",
    boundaries=(300, 900, 3600, 14400, 43200, 86400, 259200, 604800),
)
VIDEOS_PROCESSED = Metric(
    name="dubbing_videos_processed_total",
    type=MetricType.COUNTER,
    unit="videos",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Videos finished.",
)
PROCESSING_SECONDS = Metric(
    name="dubbing_processing_seconds_total",
    type=MetricType.COUNTER,
    unit="seconds",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Length of the finished videos: the time that subscriptions are charged by.",
)
SUBSCRIPTIONS_STARTED = Metric(
    name="dubbing_subscriptions_started_recent",
    type=MetricType.GAUGE,
    unit="subscriptions",
    labels={"window": "1d", "tier": "pro"},
    source=APPLICATION,
    meaning=(
        "Subscriptions that began in the window that ends now (1d). Counted in the database, the same from "
        "every pod: a counter would lose the first of each tier after a deploy, and few begin in a day."
    ),
)
SUBSCRIPTIONS_CANCELLED = Metric(
    name="dubbing_subscriptions_cancelled_ratio",
    type=MetricType.GAUGE,
    unit="ratio",
    labels={"window": "30d"},
    source=APPLICATION,
    meaning=(
        "Share of the subscriptions that existed at the window's start and were cancelled since, 0 to 1, "
        "counted in the database; left out where there were fewer than 20, of which each would be a wave."
    ),
)
SUBSCRIPTION_CHANGES = Metric(
    name="dubbing_subscription_changes_total",
    type=MetricType.COUNTER,
    unit="changes",
    labels={"from_tier": "free", "to_tier": "pro", "direction": "upgrade"},
    source=APPLICATION,
    meaning="Changes from one tier to another, direction upgrade or downgrade.",
)
SUBSCRIPTION_CANCELLATIONS = Metric(
    name="dubbing_subscription_cancellations_total",
    type=MetricType.COUNTER,
    unit="cancellations",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Subscriptions cancelled, by the tier that was left.",
)
VOICE_CLONES_CREATED = Metric(
    name="dubbing_voice_clones_created_total",
    type=MetricType.COUNTER,
    unit="voice clones",
    labels={"tier": "pro"},
    source=APPLICATION,
    meaning="Voice clones created.",
)

EXTERNAL_COST = Metric(
    name="dubbing_external_cost_dollars_per_hour",
    type=MetricType.GAUGE,
    unit="US dollars per hour",
    labels={"service": "storage", "resource": "s3"},
    source=APPLICATION,
    meaning=(
        "What the cluster's own prices don't hold, from the cloud's billing export: object storage, traffic, "
        "a managed database. Without it those costs are missing from every figure."
    ),
)
