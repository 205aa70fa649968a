"""What a Grafana is told by its API is what one finds in its files: the same stack, delivered both ways."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pulumi
import pytest
import yaml

from dashboards import custom_files
from stacks import recording, stack_file
from stacks.grafana_api import GrafanaApi, GrafanaApiArgs
from stacks.notification_settings import ROOT
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import PLANTED, run_main, write_kubeconfig
from tests.stacks.test_program import objects, pods
from tests.stacks.test_switches import secrets

Json = dict[str, Any]
CUSTOM = {"mine.json": json.dumps({"uid": "mine", "title": "Mine"})}
ARCHIVED = {"old.json": json.dumps({"uid": "old", "title": "Old"})}
TOKEN, WEBHOOK = f"{PLANTED}grafanaToken", f"https://{PLANTED}slackWebhookUrl-{ROOT}"
#: What tells the managed Grafana of the servers that one of the stack's own would find.
NEAR = {
    "prometheusUrl": "http://prometheus:9090",
    "alertmanagerUrl": "http://alertmanager:9093",
    "notificationPolicy": True,
}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, server: str) -> dict[str, list[Registration]]:
    """The managed stack: as the example is, told of the servers, and with a Grafana of its own."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {"dubbing-managed": server})
    custom = custom_files.CustomDashboards(files=CUSTOM, archived=ARCHIVED, warnings=())
    example = json.loads(stack_file.raw_values(stack_file.stack_file("managed"))[f"{PROJECT}:grafana"])
    url = f"{server}/"
    groups = {
        "managed": {**example, "rootUrl": url},
        "told": {"delivery": "api", "rootUrl": url, "api": NEAR},
        "files": {"rootUrl": url},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        patch.setattr(custom_files, "custom_dashboards", MagicMock(return_value=custom))
        changes = {name: {f"{PROJECT}:grafana": json.dumps(group)} for name, group in groups.items()}
        return {name: run_main("managed", one, secrets("managed", one)) for name, one in changes.items()}


@pytest.fixture(params=["managed", "told"])
def made(request: pytest.FixtureRequest, delivered: dict[str, list[Registration]]) -> list[Registration]:
    """All that a stack registers whose Grafana is told by its API."""
    return delivered[request.param]


def of(made: list[Registration], kind: str) -> list[Json]:
    """The inputs of all objects of a kind."""
    return [dict(one.inputs) for one in made if one.type.startswith("grafana:") and one.type.endswith(kind)]


def file(delivered: dict[str, list[Registration]], name: str) -> Json:
    """A file that the Grafana of the stack's own finds."""
    text = objects(delivered["files"], "ConfigMap")["monitoring/grafana-provisioning"]["data"][name]
    return yaml.safe_load(text)


def told_sources(made: list[Registration]) -> dict[str, Json]:
    """The data sources in the words of a file."""
    return {
        one["name"]: {
            "name": one["name"],
            "type": one["type"],
            "uid": one["uid"],
            "access": one["accessMode"],
            "url": one["url"],
            "isDefault": one["isDefault"],
            "jsonData": json.loads(one["jsonDataEncoded"]),
        }
        for one in of(made, ":DataSource")
    }


def test_data_sources_have_the_same_fields(delivered: dict[str, list[Registration]]) -> None:
    told = told_sources(delivered["told"])
    found: dict[str, Json] = {
        one["name"]: {"isDefault": False} | {key: value for key, value in one.items() if key != "editable"}
        for one in file(delivered, "datasources.yaml")["datasources"]
    }
    # The workspace is asked by what signs: the proxy for a Grafana of the stack's own, any other one itself.
    far, near = told["Prometheus (long-term)"], found["Prometheus (long-term)"]
    assert far.pop("url").endswith(near.pop("url").partition("8005")[2])
    assert {key for key in far["jsonData"] if key.startswith("sigV4")} == {
        "sigV4Auth",
        "sigV4AuthType",
        "sigV4Region",
    }
    far["jsonData"] = {key: value for key, value in far["jsonData"].items() if not key.startswith("sigV4")}
    assert told == found


def test_the_workspace_is_the_data_source_that_dashboards_begin_with(
    delivered: dict[str, list[Registration]],
) -> None:
    sources = told_sources(delivered["managed"])
    assert sources.keys() == {"Prometheus"}
    source = sources["Prometheus"]
    assert "/workspaces/ws-" in source["url"]
    assert not source["url"].endswith("/")
    assert source["uid"] == "prometheus"
    assert source["jsonData"] == {
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        "timeInterval": "30s",
        "sigV4Auth": True,
        "sigV4AuthType": "ec2_iam_role",
        "sigV4Region": "eu-central-1",
    }
    for one in of(delivered["managed"], ":Dashboard"):
        for choice in json.loads(one["configJson"]).get("templating", {}).get("list", ()):
            if choice["type"] == "datasource":
                assert choice["query"] == source["type"]


def test_folders_have_the_same_uids_and_titles(
    made: list[Registration], delivered: dict[str, list[Registration]]
) -> None:
    told = {one["uid"]: one["title"] for one in of(made, ":Folder")}
    providers = file(delivered, "dashboards.yaml")["providers"]
    assert told == {one["folderUid"]: one["folder"] for one in providers}


def test_no_folder_takes_along_what_people_made_in_it(made: list[Registration]) -> None:
    assert [one["preventDestroyIfNotEmpty"] for one in of(made, ":Folder")] == [True] * 4


def test_dashboards_are_the_same_json_in_the_same_folders(
    made: list[Registration], delivered: dict[str, list[Registration]]
) -> None:
    maps = objects(delivered["files"], "ConfigMap")
    told = {(one["folder"], one["configJson"]) for one in of(made, ":Dashboard")}
    assert len(told) == 7
    assert told == {
        *(("dubbing-platform", text) for text in maps["monitoring/grafana-dashboards"]["data"].values()),
        *(("dubbing-custom", text) for text in maps["monitoring/grafana-dashboard-mine"]["data"].values()),
        *(("dubbing-archive", text) for text in maps["monitoring/grafana-dashboard-old"]["data"].values()),
    }


def test_a_retired_dashboard_stays_the_resource_that_it_was() -> None:
    def told(dashboards: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        made = recording.record(
            lambda: told_of(dashboards), stack="managed", config={}, secret_keys=[]
        ).registrations
        return {one.urn: one.inputs["folder"] for one in made if one.type.endswith(":Dashboard")}

    before, after = told({"custom": CUSTOM}), told({"custom": {}, "archive": CUSTOM})
    (urn,) = before
    assert before == {urn: "dubbing-custom"}
    assert after == {urn: "dubbing-archive"}


def test_the_contact_point_its_words_and_its_policy_are_the_same(
    made: list[Registration], delivered: dict[str, list[Registration]]
) -> None:
    written = file(delivered, "alerting.yaml")
    (point,), (policy,) = of(made, ":ContactPoint"), of(made, ":NotificationPolicy")
    (template,), (told,) = of(made, ":MessageTemplate"), point["slacks"]
    (found,), (words,), (tree,) = written["contactPoints"], written["templates"], written["policies"]
    (receiver,) = found["receivers"]
    assert template == {key: value for key, value in words.items() if key != "orgId"}
    assert told == receiver["settings"] | {"url": WEBHOOK}
    assert receiver["type"] == "slack"
    assert point["name"] == found["name"]
    assert policy == {"contactPoint": tree["receiver"], "groupBies": tree["group_by"]}


def test_the_tree_of_policies_stays_theirs_unless_it_is_given_away(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_kubeconfig(tmp_path / "config", {"dubbing-managed": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    grafana = {"delivery": "api", "rootUrl": f"{server}/"}
    registered = run_main("managed", {f"{PROJECT}:grafana": json.dumps(grafana)})
    assert of(registered, ":NotificationPolicy") == []
    assert len(of(registered, ":ContactPoint")) == 1


def test_editors_change_the_sandbox_alone(made: list[Registration]) -> None:
    rights = {
        one["folderUid"]: {right["role"]: right["permission"] for right in one["permissions"]}
        for one in of(made, ":FolderPermission")
    }
    reads = {"Viewer": "View", "Editor": "View"}
    assert rights == {
        "dubbing-platform": reads,
        "dubbing-custom": reads,
        "dubbing-archive": reads,
        "dubbing-sandbox": reads | {"Editor": "Edit"},
    }


def test_every_object_is_told_through_the_one_provider_with_the_token(made: list[Registration]) -> None:
    (provider,) = [one for one in made if one.type == "pulumi:providers:grafana"]
    assert provider.inputs["auth"] == TOKEN
    told = [one for one in made if one.type.startswith("grafana:")]
    assert len(told) > 15
    assert all(one.provider.startswith(provider.urn) for one in told)


def test_secrets_stay_secret(made: list[Registration]) -> None:
    for planted in (TOKEN, WEBHOOK):
        holders = [
            one for one in made if planted in repr(one.inputs) and not one.type.startswith("kubernetes:")
        ]
        assert len(holders) == 1
        for one in holders:
            assert {key for key, value in one.inputs.items() if planted in repr(value)} <= one.secret_inputs
    assert not [one for one in made if one.is_kubernetes_object and TOKEN in repr(one.inputs)]


def test_no_grafana_is_deployed_nor_asked_after(made: list[Registration]) -> None:
    assert not {"grafana", "aws-sigv4-proxy"} & pods(made).keys()
    assert not [key for key in objects(made, "ConfigMap", "Service", "NetworkPolicy") if "grafana" in key]
    text = objects(made, "ConfigMap")["monitoring/prometheus-config"]["data"]["prometheus.yml"]
    assert "grafana" not in {job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]}
    for policy in objects(made, "NetworkPolicy").values():
        assert "grafana" not in json.dumps(policy)
    roles = [one.name for one in made if one.type == "aws:iam/role:Role"]
    assert roles == ["prometheus-role"]


def told_of(dashboards: Mapping[str, Mapping[str, str]]) -> None:
    """Register a Grafana that is told of dashboards alone."""
    GrafanaApi(
        "grafana",
        GrafanaApiArgs(
            url="https://grafana.example.com/",
            token=pulumi.Output.secret("token"),
            data_sources=[],
            dashboards=dashboards,
            slack=None,
            notification_policy=False,
            secrets={},
        ),
    )


def test_a_folder_that_grafana_would_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="for the folder team, which Grafana at https://grafana") as seen:
        recording.record(lambda: told_of({"team": CUSTOM}), stack="managed", config={}, secret_keys=[])
    assert "Mend: one of platform, custom, archive, sandbox" in str(seen.value)


def test_files_need_no_sdk_of_grafana() -> None:
    program = (
        "import sys\n"
        "from stacks import render, stack_file\n"
        "for stack in ('dev', 'managed'):\n"
        "    render.registrations(stack)\n"
        "    print(stack, 'pulumiverse_grafana' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert out.stdout == "dev False\nmanaged True\n"
