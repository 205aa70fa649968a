"""What a Grafana is told by its API is what one finds in its files."""

import json
import subprocess
import sys
from typing import Any

import pulumi
import pytest

from dashboards.parameters import Parameters
from dashboards.render import dashboards
from stacks import grafana_provisioning as files
from stacks import recording
from stacks.grafana_api import GrafanaApi, GrafanaApiArgs
from stacks.notification_settings import ROOT, Slack
from stacks.recording import Registration
from stacks.settings_base import PROJECT

SLACK = Slack.model_validate({"channel": "#alerts"})
CUSTOM = {"mine.json": json.dumps({"uid": "mine", "title": "Mine"})}
TOKEN, WEBHOOK = "planted-token", "https://planted-webhook"


@pytest.fixture(scope="module")
def made() -> list[Registration]:
    """All that the component registers."""
    config = {f"{PROJECT}:token": TOKEN, f"{PROJECT}:webhook": WEBHOOK}

    def run() -> None:
        secrets = pulumi.Config(PROJECT)
        GrafanaApi(
            "grafana",
            GrafanaApiArgs(
                url="https://grafana.example.com/",
                token=secrets.require_secret("token"),
                data_sources=files.data_sources(
                    "30s",
                    prometheus_url="http://prometheus:9090",
                    alertmanager_url="http://alertmanager:9093",
                ),
                dashboards=dashboards(Parameters()),
                custom_dashboards=CUSTOM,
                slack=SLACK,
                secrets={f"slackWebhookUrl-{ROOT}": secrets.require_secret("webhook")},
            ),
        )

    return recording.record(run, stack="managed", config=config, secret_keys=list(config)).registrations


def of(made: list[Registration], kind: str) -> list[dict[str, Any]]:
    """The inputs of all objects of a kind."""
    return [dict(one.inputs) for one in made if one.type.endswith(f":{kind}")]


def test_data_sources_have_the_same_fields(made: list[Registration]) -> None:
    told = [
        {
            "name": one["name"],
            "type": one["type"],
            "uid": one["uid"],
            "access": one["accessMode"],
            "url": one["url"],
            "isDefault": one["isDefault"],
            "jsonData": json.loads(one["jsonDataEncoded"]),
        }
        for one in of(made, "DataSource")
    ]
    found = [
        {"isDefault": False} | {key: value for key, value in one.items() if key != "editable"}
        for one in files.datasources("30s")["datasources"]
    ]
    assert sorted(told, key=str) == sorted(found, key=str)


def test_folders_have_the_same_uids_and_titles(made: list[Registration]) -> None:
    told = {one["uid"]: one["title"] for one in of(made, "Folder")}
    assert told == {one["folderUid"]: one["folder"] for one in files.dashboard_providers()["providers"]}


def test_dashboards_are_the_same_json_in_the_same_folders(made: list[Registration]) -> None:
    told = {(one["folder"], one["configJson"]) for one in of(made, "Dashboard")}
    assert told == {
        *(("dubbing-platform", text) for text in dashboards(Parameters()).values()),
        *(("dubbing-custom", text) for text in CUSTOM.values()),
    }


def test_the_contact_point_and_its_policy_are_the_same(made: list[Registration]) -> None:
    written = files.contact_points(SLACK)
    (point,), (policy,) = of(made, "ContactPoint"), of(made, "NotificationPolicy")
    (told,) = point["slacks"]
    found = written["contactPoints"][0]
    assert point["name"] == policy["contactPoint"] == found["name"] == written["policies"][0]["receiver"]
    assert policy["groupBies"] == written["policies"][0]["group_by"]
    assert told == found["receivers"][0]["settings"] | {"url": WEBHOOK}


def test_editors_change_the_sandbox_alone(made: list[Registration]) -> None:
    rights = {
        one["folderUid"]: {right["role"]: right["permission"] for right in one["permissions"]}
        for one in of(made, "FolderPermission")
    }
    reads = {"Viewer": "View", "Editor": "View"}
    assert rights == {
        "dubbing-platform": reads,
        "dubbing-custom": reads,
        "dubbing-sandbox": reads | {"Editor": "Edit"},
    }


def test_secrets_stay_secret(made: list[Registration]) -> None:
    for planted in (TOKEN, WEBHOOK):
        holders = [one for one in made if planted in repr(one.inputs)]
        assert len(holders) == 1
        for one in holders:
            assert {key for key, value in one.inputs.items() if planted in repr(value)} <= one.secret_inputs


def test_files_need_no_sdk_of_grafana() -> None:
    program = "import sys, stacks.program, stacks.render; print('pulumiverse_grafana' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert out.stdout == "False\n"
