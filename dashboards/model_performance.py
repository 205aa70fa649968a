"""Model Performance: how fast and how well do models answer, and what do their GPUs do."""

from dashboards import gpu_queries
from dashboards.firing import firing
from dashboards.model import Dashboard, Recording, Row, Stat, Target, TimeSeries
from dashboards.parameters import Parameters, percent
from dashboards.promql import (
    Query,
    either,
    max_by,
    positive,
    quantile,
    ratio,
    select,
    sum_by,
    zero,
)
from dashboards.recordings import gpu, models
from dashboards.variables import CLUSTER, MODEL, NAMESPACE, cluster, model, namespace

UID = "model-performance"
MODELS = {"cluster": CLUSTER, "namespace": NAMESPACE, "model": MODEL}
DEVICE = ("cluster", "UUID")

# Ids of the panels that tiles lead to.

LATENCY, RATE, ERRORS, GPU_UTILIZATION, GPU_MEMORY = 201, 202, 203, 301, 302
GPU_TEMPERATURE = 303


def failed(*by: str) -> Query:
    """Failed inferences per second; 0 where all succeed, none where there is no inference."""
    failures = select(models.INFERENCES.series, **MODELS, outcome="failure")
    return either(sum_by(failures, *by), zero(sum_by(select(models.INFERENCES.series, **MODELS), *by)))


def mean(total: Recording, count: Recording, *by: str) -> Query:
    """Mean of a histogram's observations; none where there is none."""
    return ratio(
        sum_by(select(total.series, **MODELS), *by), positive(sum_by(select(count.series, **MODELS), *by))
    )


def key_metrics(parameters: Parameters) -> Row:
    """The first row: what is wrong now."""
    levels = parameters.levels
    return Row(
        id=100,
        title="Key metrics",
        panels=(
            Stat(
                id=101,
                title="Total Inferences (24h)",
                description=(
                    "Requests that the models answered in the last 24 hours, failures included. Far below "
                    "the day before while jobs come in: look at Inference Rate by Model for the model that "
                    "nobody asks any more, then at Queue Depth by Stage of Job Processing."
                ),
                query=sum_by(select(models.INFERENCES_24H.series, **MODELS)),
                unit="short",
                detail=RATE,
                width=5,
            ),
            Stat(
                id=102,
                title="Average GPU Utilization",
                description=(
                    "Mean share of the time in which the GPUs ran anything, idle GPUs included; a GPU that "
                    f"MIG split counts once. Above {percent(levels.gpu_utilization.warning)} with a growing "
                    "queue: more GPUs. Low while jobs wait: look at Batch Size by Model and at what feeds "
                    "the models."
                ),
                query=gpu_queries.utilization_of_all(**MODELS),
                unit="percentunit",
                decimals=1,
                thresholds=levels.gpu_utilization,
                detail=GPU_UTILIZATION,
                width=5,
            ),
            Stat(
                id=103,
                title="Model Error Rate",
                description=(
                    "Share of the inferences of the last 5 minutes that failed. Above "
                    f"{percent(levels.model_error_rate.warning)} dubs are missing parts: look at Model Error "
                    "Rate below for the model, then at its last deploy, its GPU's memory and its input "
                    "sizes. No data is 5 minutes without an inference."
                ),
                query=ratio(failed(), positive(sum_by(select(models.INFERENCES.series, **MODELS)))),
                unit="percentunit",
                decimals=2,
                thresholds=levels.model_error_rate,
                detail=ERRORS,
                width=5,
                no_data="No inferences",
            ),
            Stat(
                id=104,
                title="Average Inference Time",
                description=(
                    "Mean time that a model took for a request, over 5 minutes and all chosen models. A "
                    "rise is a slower model, larger inputs or larger batches: look at Inference Latency by "
                    "Model, Input Size Distribution and Batch Size by Model, in this order."
                ),
                query=mean(models.LATENCY_SUM, models.LATENCY_COUNT),
                unit="s",
                decimals=2,
                thresholds=levels.inference_latency,
                detail=LATENCY,
                width=5,
                no_data="No inferences",
            ),
            Stat(
                id=105,
                title="Total GPU Memory Used",
                description=(
                    "Memory in use on all GPUs that the chosen models hold, idle GPUs included where all "
                    "are chosen; a shared GPU counts once. A step up without a deploy is a leak or a second "
                    "copy of a model: look at Model Memory Usage."
                ),
                query=sum_by(gpu_queries.held(gpu.MEMORY_USED, *gpu_queries.INSTANCE, **MODELS)),
                unit="bytes",
                decimals=1,
                detail=GPU_MEMORY,
                width=4,
            ),
            firing(UID),
        ),
    )


def inference(parameters: Parameters) -> Row:
    """How fast the models answer, how much they are asked, and what fails."""
    latency = parameters.levels.inference_latency
    return Row(
        id=200,
        title="Inference",
        panels=(
            TimeSeries(
                id=LATENCY,
                title="Inference Latency by Model (p95)",
                description=(
                    "Time within which 95 % of a model's requests are answered, over 5 minutes; a gap is a "
                    f"model that nobody asked. Above {latency.warning:g} s jobs pile up: look at GPU "
                    "Utilization by Model. Full GPU: more replicas. Idle GPU: large inputs, or a slow start "
                    "of the model."
                ),
                unit="s",
                thresholds=latency,
                lines=(
                    Target(
                        query=quantile(0.95, select(models.LATENCY_BUCKETS.series, **MODELS), "model"),
                        legend="{{model}}",
                    ),
                ),
                width=8,
            ),
            TimeSeries(
                id=RATE,
                title="Inference Rate by Model",
                description=(
                    "Requests per second that each model answered, mean of 5 minutes. A model that falls to "
                    "zero while others work is down or cut off: look at its pods, and at Job Failure Rate "
                    "by Stage."
                ),
                unit="reqps",
                lines=(
                    Target(
                        query=sum_by(select(models.INFERENCES.series, **MODELS), "model"), legend="{{model}}"
                    ),
                ),
                width=8,
            ),
            TimeSeries(
                id=ERRORS,
                title="Model Error Rate",
                description=(
                    "Failed inferences per second by model, mean of 5 minutes; a line at 0 is a model "
                    "without errors. One model: its release, its memory or its inputs. All at once: the GPU "
                    "driver, the node or the network; look at GPU Temperature and at the deploys marked "
                    "here."
                ),
                unit="reqps",
                lines=(Target(query=failed("model"), legend="{{model}}"),),
                width=8,
            ),
            TimeSeries(
                id=204,
                title="Input Size Distribution",
                description=(
                    "Mean size of a request's input by model. A rise explains slower inference and higher "
                    "memory: longer videos, or a stage before that no longer cuts its output into segments."
                ),
                unit="bytes",
                lines=(
                    Target(query=mean(models.INPUT_SUM, models.INPUT_COUNT, "model"), legend="{{model}}"),
                ),
                width=8,
            ),
            TimeSeries(
                id=205,
                title="Batch Size by Model",
                description=(
                    "Mean number of items in a batch. Near 1 under load wastes the GPU: the batching delay "
                    "is too short or requests come one by one. At the maximum all the time: look at "
                    "Inference Latency by Model, requests wait for a place."
                ),
                unit="short",
                axis="items",
                lines=(
                    Target(query=mean(models.BATCH_SUM, models.BATCH_COUNT, "model"), legend="{{model}}"),
                ),
                width=8,
            ),
            TimeSeries(
                id=206,
                title="Throughput",
                description=(
                    "Items (segments or frames) that each model processes per second, mean of 5 minutes: "
                    "the work done, whatever the batches. A fall at the same request rate is smaller "
                    "batches or a slower GPU."
                ),
                unit="ops",
                axis="items per second",
                lines=(
                    Target(query=sum_by(select(models.ITEMS.series, **MODELS), "model"), legend="{{model}}"),
                ),
                width=8,
            ),
        ),
    )


def gpus(parameters: Parameters) -> Row:
    """What the GPUs do, and how they feel."""
    levels = parameters.levels
    temperature = gpu_queries.held(gpu.TEMPERATURE, *DEVICE, **MODELS)
    power = gpu_queries.held(gpu.POWER, *DEVICE, **MODELS)
    return Row(
        id=300,
        title="GPUs",
        panels=(
            TimeSeries(
                id=GPU_UTILIZATION,
                title="GPU Utilization by Model",
                description=(
                    "Mean share of the time in which the GPUs that a model holds are busy; none is a GPU "
                    "without a model. A GPU that two models share counts for both. At 100 % while jobs wait "
                    "add replicas; at 100 % with an empty queue it does its work."
                ),
                unit="percentunit",
                highest=1,
                thresholds=levels.gpu_utilization,
                lines=(Target(query=gpu_queries.utilization_by("model", **MODELS), legend="{{model}}"),),
            ),
            TimeSeries(
                id=GPU_MEMORY,
                title="Model Memory Usage",
                description=(
                    "Memory in use on the GPUs that each model holds. Most servers reserve nearly all at "
                    "start, so a level line is healthy; one that climbs ends in out-of-memory errors: look "
                    "at Model Error Rate and restart the pod."
                ),
                unit="bytes",
                lines=(Target(query=gpu_queries.memory_by_model(**MODELS), legend="{{model}}"),),
            ),
            TimeSeries(
                id=GPU_TEMPERATURE,
                title="GPU Temperature",
                description=(
                    f"Temperature of each GPU. Above {levels.gpu_temperature.warning:g} °C it is about to "
                    f"slow down, at {levels.gpu_temperature.critical:g} °C it does: look at its power and at "
                    "its neighbours. One hot GPU is its fan or dust, all of a node its room. Drain the node "
                    "before it stops by itself."
                ),
                unit="celsius",
                thresholds=levels.gpu_temperature,
                lines=(Target(query=max_by(temperature, "node", "gpu"), legend="{{node}} GPU {{gpu}}"),),
            ),
            TimeSeries(
                id=304,
                title="GPU Power Usage",
                description=(
                    "Power that each GPU draws. Flat at the card's limit means that it is throttled; far "
                    "below its neighbours at the same utilization, too: look at GPU Temperature. Idle cards "
                    "draw a tenth."
                ),
                unit="watt",
                lines=(Target(query=max_by(power, "node", "gpu"), legend="{{node}} GPU {{gpu}}"),),
            ),
        ),
    )


def dashboard(parameters: Parameters) -> Dashboard:
    """The Model Performance dashboard."""
    return Dashboard(
        uid=UID,
        title="Model Performance",
        purpose="Monitor AI model inference performance, GPU utilization, and errors.",
        use_cases=(
            ("Performance Optimization", "identify slow models"),
            ("Resource Planning", "determine GPU requirements"),
            ("Quality Monitoring", "track model error rates"),
        ),
        variables=(cluster(), namespace(), model()),
        rows=(key_metrics(parameters), inference(parameters), gpus(parameters)),
    )
