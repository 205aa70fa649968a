"""docker-compose.yml has the images, arguments, mounts, users and ports of the deployed Pods."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from local.compose.files import PROXY, RECEIVERS, SERVICES
from stacks.images import IMAGES
from stacks.render import registrations
from stacks.stack_file import ROOT

Json = dict[str, Any]

COMPOSE: Json = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
LOCAL = ("simulator", "viewer")
#: schema/compose-spec.json of the Go module github.com/compose-spec/compose-go/v2, v2.16.2 (Apache-2.0).
SCHEMA: Json = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
WORKLOADS = {
    one.inputs["metadata"]["name"]: one.inputs
    for one in registrations("dev")
    if "template" in one.inputs.get("spec", {})
}


def service(name: str) -> Json:
    return COMPOSE["services"][name]


def pod(name: str) -> Json:
    return WORKLOADS[name]["spec"]["template"]["spec"]


def container(name: str) -> Json:
    (only,) = pod(name)["containers"]
    return only


def mistakes(document: Json) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_it_is_of_the_compose_specification() -> None:
    assert mistakes(COMPOSE) == []


@pytest.mark.parametrize("change", [{"volume": []}, {"ports": "3000"}, {"read_only": [1]}])
def test_what_the_specification_does_not_know_would_be_seen(change: Json) -> None:
    broken = copy.deepcopy(COMPOSE)
    broken["services"]["grafana"] |= change
    assert mistakes(broken) != []


def test_its_services_are_the_deployed_programs_and_the_two_that_stand_for_the_rest() -> None:
    assert set(COMPOSE["services"]) == {*SERVICES, *LOCAL}


@pytest.mark.parametrize("name", SERVICES)
def test_a_program_runs_from_its_image_with_the_arguments_and_the_user_of_its_pod(name: str) -> None:
    assert service(name)["image"] == IMAGES[name].reference()
    assert service(name).get("command", []) == container(name)["args"]
    security = pod(name)["securityContext"]
    assert service(name)["user"] == f"{security['runAsUser']}:{security['runAsGroup']}"


@pytest.mark.parametrize("name", SERVICES)
def test_each_mount_of_the_pod_is_one_of_the_container(name: str) -> None:
    volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
    binds, claims, scratch = dict[str, str](), set[str](), set[str]()
    for mount in container(name)["volumeMounts"]:
        volume, path = volumes.get(mount["name"]), mount["mountPath"]
        if volume is None or "persistentVolumeClaim" in volume:
            claims.add(path)
        elif "emptyDir" in volume:
            scratch.add(path)
        else:
            assert mount["readOnly"]
            binds[path] = f"./rendered/compose/{name}{path}"
    own = service(name)["volumes"]
    assert {one["target"]: one["source"] for one in own if one["type"] == "bind"} == binds
    assert {one["target"] for one in own if one["type"] == "volume"} == claims
    assert set(service(name).get("tmpfs", ())) == scratch


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_whatever_is_mounted_was_written_and_is_readable_for_everybody(name: str, written: Path) -> None:
    sources = [one["source"] for one in service(name)["volumes"] if one["type"] == "bind"]
    sources += [service(name)["env_file"]] if "env_file" in service(name) else []
    assert sources
    for source in sources:
        there = written / Path(source).relative_to("rendered/compose")
        for path in (there, *there.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("name", SERVICES)
def test_whatever_has_an_environment_gets_it(name: str) -> None:
    expected = f"./rendered/compose/{name}/environment" if container(name).get("env") else None
    assert service(name).get("env_file") == expected


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_bind_mount_is_read_only_and_never_a_folder_that_docker_makes(name: str) -> None:
    for mount in service(name)["volumes"]:
        if mount["type"] == "bind":
            assert mount["read_only"]
            assert mount["bind"] == {"create_host_path": False}
        else:
            assert mount["source"] in COMPOSE["volumes"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_is_as_confined_as_a_pod(name: str) -> None:
    assert service(name)["read_only"] is True
    assert service(name)["cap_drop"] == ["ALL"]
    assert service(name)["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & service(name).keys()


@pytest.mark.parametrize("name", SERVICES)
def test_the_pods_container_is_confined_like_this(name: str) -> None:
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_every_port_is_published_on_loopback_alone_and_is_the_pods() -> None:
    published = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    for ports in published.values():
        for port in ports:
            assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)
    for name in SERVICES:
        (only,) = container(name)["ports"]
        assert published[name] == [f"127.0.0.1:{only['containerPort']}:{only['containerPort']}"]
    assert "simulator" not in published


def test_prometheus_and_grafana_bring_all_the_others_along() -> None:
    started, waiting = set[str](), ["prometheus", "grafana"]
    while waiting:
        name = waiting.pop()
        started.add(name)
        waiting += set(service(name).get("depends_on", ())) - started
    assert started == set(COMPOSE["services"])


def test_the_addresses_that_the_files_name_are_those_of_the_services() -> None:
    simulator, viewer = service("simulator")["command"], service("viewer")["command"]
    assert f"http://simulator:{_port(simulator)}" == PROXY
    assert f"http://viewer:{_port(viewer)}/receive" == RECEIVERS
    assert "--container=viewer" in viewer
    assert service("viewer")["ports"] == [f"127.0.0.1:{_port(viewer)}:{_port(viewer)}"]
    for name in ("prometheus", "alertmanager"):
        assert f"--{name}=http://{name}:{container(name)['ports'][0]['containerPort']}" in viewer


def test_alertmanager_answers_to_the_name_that_the_deployed_prometheus_asks(written: Path) -> None:
    config = yaml.safe_load((written / "prometheus/etc/prometheus/config/prometheus.yml").read_text())
    (group,) = config["alerting"]["alertmanagers"]
    names = {target.partition(":")[0] for one in group["static_configs"] for target in one["targets"]}
    assert set(service("alertmanager")["networks"]["default"]["aliases"]) == names


def _port(command: list[str]) -> str:
    (listen,) = [one for one in command if one.startswith("--listen=")]
    return listen.rpartition(":")[2]


def test_grafana_finds_its_data_sources_under_the_services_names(written: Path) -> None:
    provisioning = written / "grafana/etc/grafana/provisioning/datasources/datasources.yaml"
    urls = {one["url"] for one in yaml.safe_load(provisioning.read_text())["datasources"]}
    assert urls == {
        f"http://{name}:{container(name)['ports'][0]['containerPort']}"
        for name in ("prometheus", "alertmanager")
    }
