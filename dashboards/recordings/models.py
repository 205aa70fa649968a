"""What is recorded of model inference."""

from dashboards.contract import Series
from dashboards.metrics import application
from dashboards.model import SLOW, Recording
from dashboards.promql import increase, rate, select, sum_by

_MODEL = ("cluster", "namespace", "model")


def _rate(series: Series, name: str, meaning: str, *by: str) -> Recording:
    return Recording(
        name=f"{name}:rate5m", query=sum_by(rate(select(series), "5m"), *_MODEL, *by), meaning=meaning
    )


INFERENCES_24H = Recording(
    name="model_outcome:dubbing_model_inferences:increase24h",
    query=sum_by(increase(select(application.MODEL_INFERENCES), "24h"), *_MODEL, "outcome"),
    meaning="Inferences of the last 24 hours, by model and outcome.",
    every=SLOW,
)
INFERENCES = _rate(
    application.MODEL_INFERENCES.series,
    "model_outcome:dubbing_model_inferences",
    "Inferences per second, by model and outcome.",
    "outcome",
)
LATENCY_BUCKETS = _rate(
    application.MODEL_INFERENCE_DURATION.buckets,
    "model_le:dubbing_model_inference_duration_seconds_bucket",
    "Inferences per second up to each duration, by model.",
    "le",
)
LATENCY_SUM = _rate(
    application.MODEL_INFERENCE_DURATION.sum,
    "model:dubbing_model_inference_duration_seconds_sum",
    "Seconds of inference per second, by model.",
)
LATENCY_COUNT = _rate(
    application.MODEL_INFERENCE_DURATION.count,
    "model:dubbing_model_inference_duration_seconds_count",
    "Inferences per second whose durations those are, by model.",
)
ITEMS = _rate(
    application.MODEL_ITEMS.series, "model:dubbing_model_items", "Items processed per second, by model."
)
BATCH_SUM = _rate(
    application.MODEL_BATCH_SIZE.sum, "model:dubbing_model_batch_size_sum", "Items in batches per second."
)
BATCH_COUNT = _rate(
    application.MODEL_BATCH_SIZE.count,
    "model:dubbing_model_batch_size_count",
    "Batches per second, by model.",
)
INPUT_SUM = _rate(
    application.MODEL_INPUT_SIZE.sum,
    "model:dubbing_model_input_size_bytes_sum",
    "Bytes of input per second, by model.",
)
INPUT_COUNT = _rate(
    application.MODEL_INPUT_SIZE.count,
    "model:dubbing_model_input_size_bytes_count",
    "Inputs per second, by model.",
)
RECORDINGS = (
    INFERENCES_24H,
    INFERENCES,
    LATENCY_BUCKETS,
    LATENCY_SUM,
    LATENCY_COUNT,
    ITEMS,
    BATCH_SUM,
    BATCH_COUNT,
    INPUT_SUM,
    INPUT_COUNT,
)
