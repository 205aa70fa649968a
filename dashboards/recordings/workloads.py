"""What is recorded of Kubernetes' workloads: which pod is what, and what it uses."""

from dashboards.metrics import exporters
from dashboards.model import Recording
from dashboards.promql import Query, copy_label, differs, max_by, rate, select, sum_by, with_labels_of

POD = Recording(
    name="pod:dubbing_workload:info",
    query=max_by(
        copy_label(
            copy_label(
                select(exporters.KUBE_POD_LABELS), source="label_app_kubernetes_io_name", target="service"
            ),
            source="label_dubbing_model",
            target="model",
        ),
        "cluster",
        "namespace",
        "pod",
        "service",
        "model",
    ),
    meaning=(
        "1 for each pod, with its service (its label app.kubernetes.io/name, which is also the job of its "
        "own metrics) and the model that it serves (its label dubbing/model)."
    ),
)


def _by_service_and_container(usage_by_pod: Query) -> Query:
    pod = ("cluster", "namespace", "pod")
    named = with_labels_of(usage_by_pod, select(POD.series), on=pod, bring=("service",))
    return sum_by(named, "cluster", "namespace", "service", "container")


# Without container and image, cAdvisor's series are sums over a pod or its pause container.
_CONTAINERS = {"container": differs(""), "image": differs("")}
_CONTAINER = ("cluster", "namespace", "pod", "container")

CPU = Recording(
    name="service_container:container_cpu_usage_seconds:rate5m",
    query=_by_service_and_container(
        sum_by(rate(select(exporters.CONTAINER_CPU_USAGE, **_CONTAINERS), "5m"), *_CONTAINER)
    ),
    meaning="CPU cores in use by service and container.",
)
MEMORY = Recording(
    name="service_container:container_memory_working_set_bytes:sum",
    query=_by_service_and_container(
        sum_by(select(exporters.CONTAINER_MEMORY_WORKING_SET, **_CONTAINERS), *_CONTAINER)
    ),
    meaning="Memory in use by service and container, in bytes.",
)
RECORDINGS = (POD, CPU, MEMORY)
