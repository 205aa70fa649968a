"""The workspace in use: Prometheus writes to it, and Grafana asks it through the proxy."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import worth_keeping
from dashboards.parameters import Parameters
from local.toolchain import binary
from stacks import render, stack_file
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.aws.conftest import WHOLE, of_type, registered, values
from tests.stacks.test_program import objects, pods
from tests.stacks.test_traps import prometheus_config

Json = dict[str, Any]
WORKSPACE = "ws-00000000-0000-0000-0000-000000000000"
PROXY = "aws-sigv4-proxy"


def store(resources: list[Registration]) -> Json:
    (found,) = prometheus_config(resources)["remote_write"]
    return found


def datasources(resources: list[Registration]) -> dict[str, Json]:
    files = objects(resources, "ConfigMap")["monitoring/grafana-provisioning"]["data"]
    return {one["name"]: one for one in yaml.safe_load(files["datasources.yaml"])["datasources"]}


def test_both_replicas_write_to_it_signed_and_told_apart(pod_identity: list[Registration]) -> None:
    written = store(pod_identity)
    assert written["url"].endswith(f"/workspaces/{WORKSPACE}/api/v1/remote_write")
    assert written["sigv4"] == {"region": "eu-central-1"}
    keep, rename, drop = written["write_relabel_configs"]
    assert (keep["action"], rename["target_label"], drop["action"]) == ("keep", "__replica__", "labeldrop")
    assert prometheus_config(pod_identity)["global"]["external_labels"]["cluster"] == "dubbing-prod"


def test_prod_as_it_is_committed_writes_signed_told_apart_and_what_is_worth_keeping(tmp_path: Path) -> None:
    render.render("prod", tmp_path)
    rendered = tmp_path / "prometheus.yml"
    config = yaml.safe_load(rendered.read_text())
    (written,) = config["remote_write"]
    assert written["name"] == "amazon-managed-prometheus"
    assert written["sigv4"] == {"region": "eu-central-1"}
    keep, rename, drop = written["write_relabel_configs"]
    assert (keep["source_labels"], keep["action"]) == (["__name__"], "keep")
    assert set(worth_keeping.patterns(Parameters())) <= set(keep["regex"].split("|"))
    assert rename == {"source_labels": ["prometheus_replica"], "target_label": "__replica__"}
    assert drop == {"regex": "prometheus_replica", "action": "labeldrop"}
    assert config["global"]["external_labels"] == {
        "cluster": "dubbing-prod",
        "prometheus_replica": "${POD_NAME}",
    }
    command = [binary("promtool"), "check", "config", "--syntax-only", rendered]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    rendered.write_text(rendered.read_text().replace("sigv4:", "sigv5:"))
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_promtool_accepts_it(pod_identity: list[Registration], tmp_path: Path) -> None:
    config = {"remote_write": [store(pod_identity)]}
    command = [binary("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    config["remote_write"][0]["sigv4"]["regio"] = "eu-central-1"
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_dashboards_can_be_turned_to_it(pod_identity: list[Registration]) -> None:
    found = datasources(pod_identity)
    long_term = found["Prometheus (long-term)"]
    assert long_term["type"] == found["Prometheus"]["type"]
    assert long_term["url"] == f"http://{PROXY}:8005/workspaces/{WORKSPACE}"
    assert not long_term.get("isDefault")
    assert not long_term["jsonData"]["manageAlerts"]
    dashboards = objects(pod_identity, "ConfigMap")["monitoring/grafana-dashboards"]["data"]
    for text in dashboards.values():
        (choice,) = [one for one in json.loads(text)["templating"]["list"] if one["type"] == "datasource"]
        assert choice["query"] == long_term["type"]


def test_the_proxy_signs_as_its_own_account_for_grafana_alone(pod_identity: list[Registration]) -> None:
    pod = pods(pod_identity)[PROXY]["spec"]
    (container,) = pod["containers"]
    assert "--host=aps-workspaces.eu-central-1.amazonaws.com" in container["args"]
    assert "--name=aps" in container["args"]
    owners = {
        item.inputs["serviceAccount"]
        for item in of_type(pod_identity, "eks/podIdentityAssociation:PodIdentityAssociation")
    }
    assert pod["serviceAccountName"] in owners
    policies = objects(pod_identity, "NetworkPolicy")
    (rule,) = policies[f"monitoring/{PROXY}"]["spec"]["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "grafana"}
    for name in ("prometheus", PROXY):
        assert "169.254.170.23/32" in json.dumps(policies[f"monitoring/{name}"]["spec"]["egress"])


def test_by_irsa_its_account_names_the_role(irsa: list[Registration]) -> None:
    account = objects(irsa, "ServiceAccount")[f"monitoring/{PROXY}"]
    assert PROXY in account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]


def test_without_a_workspace_there_is_neither() -> None:
    without = registered({name: value for name, value in WHOLE.items() if name != "managedPrometheus"})
    assert "remote_write" not in prometheus_config(without)
    assert PROXY not in pods(without)
    assert datasources(without).keys() == {"Prometheus", "Alertmanager"}


def test_a_store_of_the_workspaces_name_is_refused() -> None:
    prometheus = json.loads(values(WHOLE)[f"{PROJECT}:prometheus"])
    taken = {"name": "amazon-managed-prometheus", "url": "https://mimir.example.com/"}
    given = values(WHOLE, prometheus={**prometheus, "remoteWrite": [taken]})
    with pytest.raises(stack_file.SettingsError, match=r"one of prometheus\.remoteWrite is, too"):
        stack_file.parse(given, [], stack="prod")
