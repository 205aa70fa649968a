"""The simulated platform's objects: valid, allowed, placed, and what the scrape jobs look for."""

from collections import Counter

import kubernetes_validate
import pytest

from dashboards.metrics import exporters, gpu
from local.kubernetes_provider.kinds import KINDS
from local.nodes import NODES
from local.simulator import gpu_operator, services, targets
from local.simulator.platform import manifests
from stacks import grafana, scrape, workload
from stacks.exporters import (
    blackbox,
    gpu_metrics,
    kube_state_metrics,
    node_exporter,
    opencost,
    postgres,
    redis,
)
from stacks.stack_file import read_stack_file, stack_file
from tests.stacks.test_manifests import KUBERNETES

OF_OPERATOR = gpu_operator.manifests(read_stack_file(stack_file("prod")).gpu_metrics)
DEPLOYMENTS = [one for one in manifests() if one["kind"] == "Deployment"]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in DEPLOYMENTS}


def test_every_object_is_valid_and_of_a_kind_that_can_be_applied() -> None:
    known = {kind.name for kind in KINDS}
    for manifest in (*manifests(), *OF_OPERATOR):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        assert manifest["kind"] in known


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_what_the_namespace_allows(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]} <= {"persistentVolumeClaim"}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_opts_in_to_being_scraped(name: str) -> None:
    metadata, spec = PODS[name]["metadata"], PODS[name]["spec"]
    assert metadata["annotations"] == {scrape.OPT_IN_ANNOTATION: "true"}
    assert metadata["labels"][workload.NAME] == name
    assert [port["name"] for port in spec["containers"][0]["ports"]] == [scrape.METRICS_PORT]


def test_every_claim_that_is_mounted_is_there() -> None:
    claims = {one["metadata"]["name"] for one in manifests() if one["kind"] == "PersistentVolumeClaim"}
    mounted = Counter(
        volume["persistentVolumeClaim"]["claimName"]
        for pod in PODS.values()
        for volume in pod["spec"]["volumes"]
    )
    assert mounted.keys() == claims
    # A volume that can be attached once is of a Deployment of one pod.
    assert all(
        one["spec"]["replicas"] == 1 for one in DEPLOYMENTS if one["spec"]["template"]["spec"]["volumes"]
    )


def test_the_models_leave_one_gpu_idle() -> None:
    asked = sum(
        one["spec"]["replicas"]
        * int(pod["spec"]["containers"][0]["resources"]["limits"].get("nvidia.com/gpu", "0"))
        for one, pod in zip(DEPLOYMENTS, PODS.values(), strict=True)
    )
    there = sum(int(node["status"]["capacity"].get("nvidia.com/gpu", "0")) for node in NODES)
    assert (asked, there) == (len(services.MODELS), len(services.MODELS) + 1)


def test_a_gpu_operator_brings_what_prod_scrapes_on_the_gpu_nodes() -> None:
    settings = read_stack_file(stack_file("prod")).gpu_metrics
    assert settings.external
    namespace, exporter = OF_OPERATOR
    template = exporter["spec"]["template"]
    assert exporter["metadata"]["namespace"] == namespace["metadata"]["name"] == settings.external.namespace
    assert settings.external.labels.items() <= template["metadata"]["labels"].items()
    assert template["metadata"]["labels"][workload.NAME] == gpu_metrics.NAME
    (port,) = template["spec"]["containers"][0]["ports"]
    assert port == {"name": settings.external.port, "containerPort": gpu_metrics.PORT}


def test_where_the_stack_deploys_the_exporter_itself_no_operator_brings_another() -> None:
    assert gpu_operator.manifests(read_stack_file(stack_file("dev")).gpu_metrics) == ()


def test_the_names_that_the_simulator_knows_are_those_that_are_deployed() -> None:
    assert services.NAME_LABEL == workload.NAME
    assert targets.PATH_ANNOTATION == scrape.PATH_ANNOTATION
    assert {targets.BLACKBOX_EXPORTER, *(one.name for one in SOURCES)} == {
        blackbox.NAME,
        gpu_metrics.NAME,
        kube_state_metrics.NAME,
        node_exporter.NAME,
        opencost.NAME,
        postgres.NAME,
        redis.NAME,
    }
    assert grafana.NAME not in targets.NOT_SIMULATED


SOURCES = (
    gpu.DCGM,
    exporters.KUBE_STATE_METRICS,
    exporters.NODE_EXPORTER,
    exporters.OPENCOST,
    exporters.POSTGRES_EXPORTER,
    exporters.REDIS_EXPORTER,
)
