"""Grafana on a database outside of it: what is deployed for one replica and for two."""

import json
from typing import Any

import kubernetes_validate
import pytest

from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import PLANTED, run_main, write_kubeconfig
from tests.stacks.setting_changes import secrets
from tests.stacks.test_manifests import KUBERNETES
from tests.stacks.test_program import objects, pods
from tests.stacks.test_traps import environment

POSTGRES = {"type": "postgres", "host": "db.example.com"}
ByName = dict[str, list[Registration]]
#: What is tried, by a name; the first is dev as it is.
SETTINGS: dict[str, dict[str, Any]] = {
    "own": {},
    "one": {"database": POSTGRES},
    "two": {"database": POSTGRES, "replicas": 2},
    "mysql": {"database": {"type": "mysql", "host": "db.dubbing", "port": 3307}},
}


def run(grafana: dict[str, Any], changed: dict[str, str] | None = None) -> list[Registration]:
    """What dev registers with these settings of Grafana, and these secrets."""
    values = {f"{PROJECT}:grafana": json.dumps(grafana)}
    return run_main("dev", values, {**secrets(values), **(changed or {})})


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, server: str) -> ByName:
    """What dev registers with each of the settings."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {"dubbing-dev": server})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return {name: run(grafana) for name, grafana in SETTINGS.items()}


def deployment(resources: list[Registration]) -> dict[str, Any]:
    return objects(resources, "Deployment")["monitoring/grafana"]


def claims(resources: list[Registration]) -> set[str]:
    return {key for key in objects(resources, "PersistentVolumeClaim") if "grafana" in key}


def test_without_one_its_file_has_one_writer_and_a_claim(deployed: ByName) -> None:
    spec = deployment(deployed["own"])["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert claims(deployed["own"]) == {"monitoring/grafana"}
    assert not [name for name in environment(deployed["own"], "grafana") if name.startswith("GF_DATABASE_T")]


@pytest.mark.parametrize("name", ["one", "two", "mysql"])
def test_with_one_nothing_is_on_a_volume_and_a_change_leaves_no_gap(deployed: ByName, name: str) -> None:
    resources = deployed[name]
    spec = deployment(resources)["spec"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert claims(resources) == set()
    volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
    (data,) = [
        mount
        for mount in spec["template"]["spec"]["containers"][0]["volumeMounts"]
        if mount["mountPath"] == "/var/lib/grafana"
    ]
    assert "emptyDir" in volumes[data["name"]]
    before = deployment(deployed["own"])["spec"]["template"]["spec"]["volumes"]
    assert data["name"] not in {volume["name"] for volume in before}, "the API server would refuse the change"
    assert "persistentVolumeClaim" not in json.dumps(volumes)


@pytest.mark.parametrize("name", ["one", "two", "mysql"])
def test_its_password_is_a_file_of_the_secret_alone(deployed: ByName, name: str) -> None:
    resources = deployed[name]
    options = environment(resources, "grafana")
    assert options["GF_DATABASE_PASSWORD"] == "$__file{/etc/grafana/secrets/database-password}"  # noqa: S105
    holders = [r.name for r in resources if f"{PLANTED}grafanaDatabasePassword" in repr(r.inputs)]
    assert holders == ["grafana-secret"]
    secret = objects(resources, "Secret")["monitoring/grafana"]["stringData"]
    assert secret["database-password"] == f"{PLANTED}grafanaDatabasePassword"


@pytest.mark.usefixtures("dev_cluster")
@pytest.mark.parametrize("key", ["grafanaDatabasePassword", "grafanaAdminPassword"])
def test_another_password_restarts_grafana_alone(deployed: ByName, key: str) -> None:
    changed = run(SETTINGS["two"], {f"{PROJECT}:{key}": "another-password"})
    before, after = pods(deployed["two"]), pods(changed)
    assert {name for name in before if before[name] != after[name]} == {"grafana"}


def test_the_options_are_grafanas_own(deployed: ByName) -> None:
    postgres, mysql = (environment(deployed[name], "grafana") for name in ("one", "mysql"))
    expected = {
        "GF_DATABASE_TYPE": "postgres",
        "GF_DATABASE_HOST": "db.example.com:5432",
        "GF_DATABASE_NAME": "grafana",
        "GF_DATABASE_USER": "grafana",
        "GF_DATABASE_SSL_MODE": "verify-full",
    }
    assert expected.items() <= postgres.items()
    assert "GF_DATABASE_CA_CERT_PATH" not in postgres
    # For MySQL Grafana has words of its own, and wants the certificates and the server's name.
    expected = {
        "GF_DATABASE_TYPE": "mysql",
        "GF_DATABASE_HOST": "db.dubbing:3307",
        "GF_DATABASE_SSL_MODE": "true",
        "GF_DATABASE_CA_CERT_PATH": "/etc/ssl/certs/ca-certificates.crt",
        "GF_DATABASE_SERVER_CERT_NAME": "db.dubbing",
    }
    assert expected.items() <= mysql.items()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_admin_password_is_set_in_whichever_database_the_server_uses(deployed: ByName, name: str) -> None:
    pod = pods(deployed[name])["grafana"]["spec"]
    (main,), (first,) = pod["containers"], pod["initContainers"]
    assert first["env"] == main["env"]
    assert "grafana.db" not in json.dumps(first["command"])
    assert not first["ports"]


def test_several_find_each_other_so_that_people_are_told_once(deployed: ByName) -> None:
    resources = deployed["two"]
    (container,) = pods(resources)["grafana"]["spec"]["containers"]
    assert container["env"][0]["name"] == "POD_IP", "Kubernetes puts it in only for options after it"
    options = environment(resources, "grafana")
    assert options["GF_UNIFIED_ALERTING_HA_LISTEN_ADDRESS"] == "[$(POD_IP)]:9094"
    assert options["GF_UNIFIED_ALERTING_HA_LABEL"] == "dubbing-dev"
    host, _, port = options["GF_UNIFIED_ALERTING_HA_PEERS"].partition(":")
    service = objects(resources, "Service")[f"monitoring/{host}"]["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert service["selector"].items() <= pods(resources)["grafana"]["metadata"]["labels"].items()
    opened = {(one["containerPort"], one.get("protocol", "TCP")) for one in container["ports"]}
    assert opened == {(3000, "TCP"), (int(port), "TCP"), (int(port), "UDP")}


def test_several_are_kept_apart_and_go_one_at_a_time(deployed: ByName) -> None:
    resources = deployed["two"]
    assert deployment(resources)["spec"]["replicas"] == 2
    labels = pods(resources)["grafana"]["metadata"]["labels"]
    budget = objects(resources, "PodDisruptionBudget")["monitoring/grafana"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    spread = pods(resources)["grafana"]["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"].split("/")[1] for one in spread} == {"zone", "hostname"}


@pytest.mark.parametrize("name", ["own", "one", "mysql"])
def test_a_single_one_neither_gossips_nor_holds_up_a_drain(deployed: ByName, name: str) -> None:
    resources = deployed[name]
    assert "monitoring/grafana" not in objects(resources, "PodDisruptionBudget")
    assert "monitoring/grafana-headless" not in objects(resources, "Service")
    assert not [option for option in environment(resources, "grafana") if "_HA_" in option]


@pytest.mark.parametrize("name", SETTINGS)
def test_each_passes_the_strict_schema(deployed: ByName, name: str) -> None:
    for resource in deployed[name]:
        if resource.is_kubernetes_object:
            kubernetes_validate.validate(dict(resource.inputs), KUBERNETES, strict=True)
