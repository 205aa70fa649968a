"""The choices at the top of the dashboards: each means the same on every one that has it."""

from dashboards.metrics import exporters
from dashboards.model import Variable
from dashboards.promql import select, variable
from dashboards.recordings import jobs, models, users, workloads

CLUSTER, NAMESPACE = variable("cluster"), variable("namespace")
SERVICE, STAGE, MODEL, TIER = variable("service"), variable("stage"), variable("model"), variable("tier")
_SCOPE = {"cluster": CLUSTER, "namespace": NAMESPACE}


def cluster() -> Variable:
    """Every cluster whose targets are scraped."""
    return Variable(name="cluster", query=select(exporters.UP), label="cluster")


def namespace() -> Variable:
    """Every namespace that has pods."""
    return Variable(name="namespace", query=select(workloads.POD.series, cluster=CLUSTER), label="namespace")


def service() -> Variable:
    """Every service: the pods' label app.kubernetes.io/name."""
    return Variable(name="service", query=select(workloads.POD.series, **_SCOPE), label="service")


def stage() -> Variable:
    """Every stage of the pipeline that has a queue."""
    return Variable(name="stage", query=select(jobs.QUEUE.series, **_SCOPE), label="stage")


def model() -> Variable:
    """Every model that was asked."""
    return Variable(name="model", query=select(models.INFERENCES.series, **_SCOPE), label="model")


def tier() -> Variable:
    """Every subscription tier that has users."""
    return Variable(name="tier", query=select(users.USERS.series, **_SCOPE), label="tier")
