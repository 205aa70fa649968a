"""Several Alertmanagers: what is deployed for one, two and three of them."""

import json
from typing import Any

import kubernetes_validate
import pytest

from stacks.quantities import duration_seconds
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import run_main, write_kubeconfig
from tests.stacks.test_manifests import KUBERNETES
from tests.stacks.test_program import objects, pods
from tests.stacks.test_traps import prometheus_config

ByNumber = dict[int, list[Registration]]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, server: str) -> ByNumber:
    """What dev registers, by the number of its Alertmanagers."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {"dubbing-dev": server})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        grouping = {
            "criticalRequired": False,
            "slack": {"channel": "#alerts"},
            "grouping": {"interval": "1m"},
        }
        return {
            count: run_main(
                "dev",
                {
                    f"{PROJECT}:alertmanager": json.dumps({"replicas": count}),
                    f"{PROJECT}:notifications": json.dumps(grouping),
                },
            )
            for count in (1, 2, 3)
        }


@pytest.fixture(params=[1, 2, 3])
def count(request: pytest.FixtureRequest) -> int:
    """Each number of replicas in turn."""
    return int(request.param)


def stateful_set(resources: list[Registration]) -> dict[str, Any]:
    return objects(resources, "StatefulSet")["monitoring/alertmanager"]


def own_names(resources: list[Registration]) -> list[str]:
    """The names that the StatefulSet's pods have under its governing Service."""
    found = stateful_set(resources)
    name, spec = found["metadata"]["name"], found["spec"]
    return [f"{name}-{number}.{spec['serviceName']}" for number in range(spec["replicas"])]


def container(resources: list[Registration]) -> dict[str, Any]:
    (only,) = pods(resources)["alertmanager"]["spec"]["containers"]
    return only


def flag(resources: list[Registration], name: str) -> list[str]:
    """Each value of one of Alertmanager's flags."""
    split = (text.partition("=") for text in container(resources)["args"])
    return [value for key, _, value in split if key == f"--{name}"]


def test_each_replica_has_a_claim_of_the_stack_before_its_statefulset(deployed: ByNumber, count: int) -> None:
    resources = deployed[count]
    spec = stateful_set(resources)["spec"]
    assert spec["replicas"] == count
    (template,) = spec["volumeClaimTemplates"]
    wanted = {f"{template['metadata']['name']}-alertmanager-{number}" for number in range(count)}
    claims = [r for r in resources if r.name.startswith("data-alertmanager")]
    assert {r.inputs["metadata"]["name"] for r in claims} == wanted
    (server,) = [r for r in resources if r.inputs.get("kind") == "StatefulSet" and r.name == "alertmanager"]
    assert {r.urn for r in claims} <= set(server.dependencies)


def test_prometheus_tells_every_replica_by_its_own_name(deployed: ByNumber, count: int) -> None:
    (told,) = prometheus_config(deployed[count])["alerting"]["alertmanagers"]
    assert told == {"static_configs": [{"targets": [f"{name}:9093" for name in own_names(deployed[count])]}]}


@pytest.mark.parametrize("several", [2, 3])
def test_replicas_find_each_other_by_name_before_they_are_ready(deployed: ByNumber, several: int) -> None:
    resources = deployed[several]
    assert flag(resources, "cluster.peer") == [f"{name}:9094" for name in own_names(resources)]
    governing = objects(resources, "Service")[f"monitoring/{stateful_set(resources)['spec']['serviceName']}"]
    assert governing["spec"]["clusterIP"] == "None"
    assert governing["spec"]["publishNotReadyAddresses"] is True
    assert (
        governing["spec"]["selector"].items() <= pods(resources)["alertmanager"]["metadata"]["labels"].items()
    )
    gossip = {(9094, "TCP"), (9094, "UDP")}
    offered = {(port["port"], port.get("protocol", "TCP")) for port in governing["spec"]["ports"]}
    opened = {(port["containerPort"], port.get("protocol", "TCP")) for port in container(resources)["ports"]}
    assert offered == opened == gossip | {(9093, "TCP")}


@pytest.mark.parametrize("several", [2, 3])
def test_gossip_is_on_the_pods_own_address_and_within_one_environment(
    deployed: ByNumber, several: int
) -> None:
    resources = deployed[several]
    assert flag(resources, "cluster.listen-address") == ["[$(POD_IP)]:9094"]
    (variable,) = container(resources)["env"]
    assert variable == {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert flag(resources, "cluster.label") == ["dubbing-dev"]


@pytest.mark.parametrize("several", [2, 3])
def test_replicas_are_kept_apart_and_go_one_at_a_time(deployed: ByNumber, several: int) -> None:
    resources = deployed[several]
    labels = pods(resources)["alertmanager"]["metadata"]["labels"]
    budget = objects(resources, "PodDisruptionBudget")["monitoring/alertmanager"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    spread = pods(resources)["alertmanager"]["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"].split("/")[1] for one in spread} == {"zone", "hostname"}
    for one in spread:
        assert one["whenUnsatisfiable"] == "ScheduleAnyway"
        assert one["labelSelector"]["matchLabels"].items() <= labels.items()
    assert "updateStrategy" not in stateful_set(resources)["spec"], "the default takes one at a time"
    assert objects(resources, "Service")["monitoring/alertmanager"]["spec"]["sessionAffinity"] == "ClientIP"


@pytest.mark.parametrize("several", [2, 3])
def test_a_change_leaves_one_that_sends(deployed: ByNumber, several: int) -> None:
    (silent,) = flag(deployed[several], "dispatch.start-delay")
    assert stateful_set(deployed[several])["spec"]["minReadySeconds"] >= duration_seconds(silent)


def test_a_single_replica_neither_gossips_nor_holds_up_a_drain(deployed: ByNumber) -> None:
    resources = deployed[1]
    assert flag(resources, "cluster.listen-address") == [""]
    assert [text for text in container(resources)["args"] if text.startswith("--cluster.")] == [
        "--cluster.listen-address="
    ]
    assert [port["containerPort"] for port in container(resources)["ports"]] == [9093]
    assert not objects(resources, "PodDisruptionBudget")
    assert "topologySpreadConstraints" not in pods(resources)["alertmanager"]["spec"]
    assert stateful_set(resources)["spec"]["minReadySeconds"] == 0
    assert "sessionAffinity" not in objects(resources, "Service")["monitoring/alertmanager"]["spec"]


def test_another_replica_rolls_no_other_workload(deployed: ByNumber) -> None:
    one, two = pods(deployed[1]), pods(deployed[2])
    assert {name for name in one if one[name] != two[name]} == {"alertmanager"}


def test_every_number_of_replicas_passes_the_strict_schema(deployed: ByNumber, count: int) -> None:
    for resource in deployed[count]:
        if resource.is_kubernetes_object:
            kubernetes_validate.validate(dict(resource.inputs), KUBERNETES, strict=True)
