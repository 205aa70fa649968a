"""A dashboard dropped into the folder, as it is deployed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pulumi
import pytest

from dashboards import custom_files
from dashboards.exported import DATASOURCE_UID
from stacks import grafana_provisioning
from stacks.recording import Registration
from stacks.render import registrations

EXPORT: dict[str, Any] = {
    "id": 7,
    "title": "Codecs",
    "uid": "codecs",
    "panels": [
        {
            "type": "graph",
            "title": "Frames",
            "datasource": {"type": "prometheus", "uid": "theirs"},
            "targets": [{"refId": "A", "expr": "up"}],
        }
    ],
}


def named(resources: Iterable[Registration], kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        one.inputs
        for one in resources
        if one.is_kubernetes_object and (one.inputs["kind"], one.inputs["metadata"]["name"]) == (kind, name)
    ]
    return dict(found)


def test_a_dropped_file_is_a_config_map_of_its_own_joined_in_grafanas_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("codecs", "codecs-2"):
        content = EXPORT | {"title": name, "uid": name}
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    warnings = list[str]()
    found = custom_files.custom_dashboards(tmp_path)
    monkeypatch.setattr(custom_files, "custom_dashboards", MagicMock(return_value=found))
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    resources = registrations("dev")
    config_map = named(resources, "ConfigMap", "grafana-dashboard-codecs")
    (text,) = config_map["data"].values()
    deployed = json.loads(text)
    assert deployed["panels"][0]["datasource"] == {"type": "prometheus", "uid": DATASOURCE_UID}
    assert "id" not in deployed
    spec = named(resources, "Deployment", "grafana")["spec"]["template"]["spec"]
    (volume,) = [one for one in spec["volumes"] if "projected" in one and one["name"] == "dashboards-custom"]
    assert {source["configMap"]["name"] for source in volume["projected"]["sources"]} == {
        "grafana-dashboard-codecs",
        "grafana-dashboard-codecs-2",
    }
    assert len(warnings) == 2
    assert all("the panel type graph is gone" in warning for warning in warnings)


def test_a_retired_dashboard_is_the_same_config_map_in_the_folder_archive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = {"mine.json": json.dumps({"uid": "mine", "title": "Mine"})}
    found = MagicMock(return_value=custom_files.CustomDashboards(files=mine, warnings=()))
    monkeypatch.setattr(custom_files, "custom_dashboards", found)
    before = {one.urn: one for one in registrations("dev")}
    found.return_value = custom_files.CustomDashboards(files={}, archived=mine, warnings=())
    after = {one.urn: one for one in registrations("dev")}
    assert before.keys() == after.keys()
    assert {one.name for urn, one in before.items() if one.inputs != after[urn].inputs} == {"grafana"}
    assert sources(before.values()) == {"custom": ["grafana-dashboard-mine"], "archive": []}
    assert sources(after.values()) == {"custom": [], "archive": ["grafana-dashboard-mine"]}


def sources(resources: Iterable[Registration]) -> dict[str, list[str]]:
    """The ConfigMaps whose files Grafana finds, by the folder."""
    spec = named(resources, "Deployment", "grafana")["spec"]["template"]["spec"]
    return {
        volume["name"].removeprefix("dashboards-"): [
            source["configMap"]["name"] for source in volume["projected"]["sources"]
        ]
        for volume in spec["volumes"]
        if volume["name"] in {"dashboards-custom", "dashboards-archive"}
    }


def test_each_folder_of_dashboards_has_its_path_and_nothing_is_put_into_the_sandbox() -> None:
    providers = {one["folder"]: one for one in grafana_provisioning.dashboard_providers()["providers"]}
    assert list(providers) == ["Dubbing platform", "Custom", "Archive", "Sandbox"]
    spec = named(registrations("dev"), "Deployment", "grafana")["spec"]["template"]["spec"]
    (container,) = [one for one in spec["containers"] if one["name"] == "grafana"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    paths = {folder: provider["options"]["path"] for folder, provider in providers.items()}
    assert set(paths.values()) <= set(mounts)
    assert volumes[mounts[paths["Archive"]]]["projected"] == {"sources": []}
    assert "emptyDir" in volumes[mounts[paths["Sandbox"]]]
