"""What is recorded of GPUs: one series for each GPU or MIG instance, whatever DCGM calls it, whoever has it.

Each figure takes the exporter's new name, or the old one in the new one's unit. The labels of the pod are
left out, so that a GPU that two pods share counts once and its series goes on when a pod moves away; who
holds which GPU is a series of its own, the join of DCGM's pod label with the pods' labels.
"""

from dashboards.contract import Metric
from dashboards.metrics import exporters, gpu
from dashboards.model import SLOW, Recording
from dashboards.promql import (
    Query,
    count_by,
    differs,
    divided,
    either,
    except_where,
    group_by,
    max_by,
    positive,
    ratio,
    select,
    sum_by,
    sum_over_time,
    times,
    times_each,
    union,
    with_labels_of,
)
from dashboards.recordings import workloads

_GPU = ("cluster", "node", "gpu", "UUID")
_INSTANCE = (*_GPU, "GPU_I_ID")
_SERVICE = ("cluster", "namespace", "service")
_HOLDER = ("cluster", "namespace", "pod", "UUID", "GPU_I_ID")
MIB = 1024 * 1024


def _new_or_old(new: Metric, old: Metric, factor: float, *by: str) -> Query:
    today = max_by(select(old), *by)
    return either(max_by(select(new), *by), today if factor == 1 else times(today, factor))


def _utilization() -> Query:
    # A GPU split by MIG has no utilization of its own: there each instance's engine says it.
    instances = either(
        max_by(select(gpu.ENGINE_RATIO, GPU_I_ID=differs("")), *_INSTANCE),
        max_by(select(gpu.ENGINE_ACTIVE, GPU_I_ID=differs("")), *_INSTANCE),
    )
    whole = either(
        max_by(select(gpu.UTILIZATION_RATIO, GPU_I_ID=""), *_INSTANCE),
        divided(max_by(select(gpu.UTILIZATION, GPU_I_ID=""), *_INSTANCE), 100),
    )
    return either(instances, except_where(whole, instances, "cluster", "UUID"))


UTILIZATION = Recording(
    name="gpu:dcgm_utilization:ratio",
    query=_utilization(),
    meaning="Share of the time in which a GPU or MIG instance is busy, 0 to 1.",
)
MEMORY_USED = Recording(
    name="gpu:dcgm_memory_used_bytes:max",
    query=_new_or_old(gpu.MEMORY_USED_BYTES, gpu.MEMORY_USED, MIB, *_INSTANCE),
    meaning="Memory in use on a GPU or MIG instance, in bytes.",
)
MEMORY_FREE = Recording(
    name="gpu:dcgm_memory_free_bytes:max",
    query=_new_or_old(gpu.MEMORY_FREE_BYTES, gpu.MEMORY_FREE, MIB, *_INSTANCE),
    meaning="Memory free on a GPU or MIG instance, in bytes.",
)
TEMPERATURE = Recording(
    name="gpu:dcgm_temperature_celsius:max",
    query=_new_or_old(gpu.TEMPERATURE_CELSIUS, gpu.TEMPERATURE, 1, *_GPU),
    meaning="Temperature of a GPU in degrees Celsius.",
)
POWER = Recording(
    name="gpu:dcgm_power_watts:max",
    query=_new_or_old(gpu.POWER_WATTS, gpu.POWER, 1, *_GPU),
    meaning="Power that a GPU draws, in watts.",
)


def _holders() -> Query:
    seen = either(
        group_by(select(gpu.MEMORY_USED_BYTES), *_HOLDER), group_by(select(gpu.MEMORY_USED), *_HOLDER)
    )
    named = with_labels_of(
        seen, select(workloads.POD.series), on=("cluster", "namespace", "pod"), bring=("service", "model")
    )
    # Idle GPUs have no pod, and pods may be unknown: these stay, without a name.
    by = ("cluster", "namespace", "service", "model", "UUID", "GPU_I_ID")
    return group_by(either(named, seen, *_HOLDER), *by)


HOLDER = Recording(
    name="gpu:dubbing_workload:info",
    query=_holders(),
    meaning=(
        "1 for each GPU or MIG instance and each namespace, service and model that holds it; an idle one has "
        "none of the three."
    ),
)


def _by_holder(figure: Recording, label: str) -> Query:
    """A figure of each GPU or MIG instance by who holds it, once for each; idle ones are nobody's."""
    who = group_by(select(HOLDER.series), "cluster", "namespace", label, "UUID", "GPU_I_ID")
    return times_each(who, select(figure.series), "cluster", "UUID", "GPU_I_ID")


UTILIZATION_SUM = {
    label: Recording(
        name=f"{label}:dcgm_utilization:sum",
        query=sum_by(_by_holder(UTILIZATION, label), "cluster", "namespace", label),
        meaning=f"Utilization of the GPUs that each {label} holds, added up; idle ones are nobody's.",
    )
    for label in ("service", "model")
}
UTILIZATION_COUNT = {
    label: Recording(
        name=f"{label}:dcgm_utilization:count",
        query=count_by(_by_holder(UTILIZATION, label), "cluster", "namespace", label),
        meaning="GPUs that this is the sum of; one that two share counts for both.",
    )
    for label in UTILIZATION_SUM
}
UTILIZATION_BY_SERVICE = Recording(
    name="service:dcgm_utilization:avg",
    query=ratio(
        select(UTILIZATION_SUM["service"].series, service=differs("")),
        select(UTILIZATION_COUNT["service"].series, service=differs("")),
    ),
    meaning="Mean utilization of the GPUs that a service holds, 0 to 1.",
)
MEMORY_USED_BY_MODEL = Recording(
    name="model:dcgm_memory_used_bytes:sum",
    query=sum_by(_by_holder(MEMORY_USED, "model"), "cluster", "namespace", "model"),
    meaning="Memory in use on the GPUs that each model holds, in bytes; one that two share counts for both.",
)
# A month of it is read, a line for each GPU: that of every minute takes seconds.
MEMORY_USED_BY_SERVICE = Recording(
    name="service_gpu:dcgm_memory_used_bytes:max",
    query=max_by(
        with_labels_of(
            group_by(select(HOLDER.series), *_SERVICE, "UUID", "GPU_I_ID"),
            select(MEMORY_USED.series),
            on=("cluster", "UUID", "GPU_I_ID"),
            bring=("node", "gpu"),
        ),
        *_SERVICE,
        "node",
        "gpu",
        "GPU_I_ID",
    ),
    meaning="Memory in use on a GPU or MIG instance by service that holds it, in bytes.",
    every=SLOW,
)
MEMORY_SIZE = Recording(
    name="service_node:dcgm_memory_bytes:max",
    query=times_each(
        group_by(select(MEMORY_USED_BY_SERVICE.series), *_SERVICE, "node"),
        max_by(
            sum_by(
                union("part", used=select(MEMORY_USED.series), free=select(MEMORY_FREE.series)),
                "cluster",
                "node",
                "gpu",
            ),
            "cluster",
            "node",
        ),
        "cluster",
        "node",
    ),
    meaning="Memory that the largest GPU of a node has, by service that holds one of them, in bytes.",
    every=SLOW,
)
COUNT = Recording(
    name="cluster:gpus:count",
    query=count_by(select(TEMPERATURE.series), "cluster"),
    meaning="GPUs in the cluster, a shared or split one counted once.",
)
COUNT_HELD = Recording(
    name="cluster:gpus_held:count",
    query=count_by(group_by(select(HOLDER.series, namespace=differs("")), "cluster", "UUID"), "cluster"),
    meaning="Of these, the ones that at least one pod holds.",
)
HOURS = Recording(
    name="cluster:gpu_hours:sum24h",
    query=divided(sum_over_time(select(COUNT.series), "24h"), 60),
    meaning="GPU hours of the last 24 hours; the count is recorded every minute.",
    every=SLOW,
)
HOURS_HELD = Recording(
    name="cluster:gpu_hours_held:sum24h",
    query=divided(sum_over_time(select(COUNT_HELD.series), "24h"), 60),
    meaning="Of these, the ones in which a pod held the GPU.",
    every=SLOW,
)
NODES = Recording(
    name="instance_type:gpu_nodes:count",
    query=count_by(
        positive(max_by(select(exporters.NODE_GPU_COUNT), "cluster", "node", "instance_type")),
        "cluster",
        "instance_type",
    ),
    meaning="Nodes that have a GPU, by instance type.",
)
RECORDINGS = (
    UTILIZATION,
    MEMORY_USED,
    MEMORY_FREE,
    TEMPERATURE,
    POWER,
    HOLDER,
    *UTILIZATION_SUM.values(),
    *UTILIZATION_COUNT.values(),
    UTILIZATION_BY_SERVICE,
    MEMORY_USED_BY_MODEL,
    MEMORY_USED_BY_SERVICE,
    MEMORY_SIZE,
    COUNT,
    COUNT_HELD,
    HOURS,
    HOURS_HELD,
    NODES,
)
