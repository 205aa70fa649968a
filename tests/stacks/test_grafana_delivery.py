"""Which Grafana a stack is for: what is refused, what is asked before anything is made, what follows."""

import json
from pathlib import Path
from typing import Any

import pytest

from stacks import stack_file
from stacks.recording import Registration
from stacks.settings import Settings
from stacks.settings_base import PROJECT
from stacks.stack_file import SettingsError
from tests.stacks.conftest import PLANTED, AnyServer, reached, run_main, serving, write_kubeconfig
from tests.stacks.setting_changes import by_name, plan, secrets
from tests.stacks.test_program import objects, pods

Json = dict[str, Any]
TOLD: Json = {
    "delivery": "api",
    "rootUrl": "https://grafana.example.com/",
    "api": {"prometheusUrl": "https://prometheus.example.com/"},
}
OAUTH_LESS: Json = {"loginForm": True}
ACCOUNT: Json = {"accountId": "123456789012", "region": "eu-central-1", "eksCluster": "dubbing"}


def read(grafana: Json, **others: object) -> Settings:
    """The settings of dev with this Grafana."""
    values = stack_file.raw_values(stack_file.stack_file("dev"))
    groups: Json = {"grafana": grafana, **others}
    changes = {f"{PROJECT}:{key}": json.dumps(group) for key, group in groups.items()}
    return stack_file.parse({**values, **changes}, [], stack="dev")


def refusal(grafana: Json, **others: object) -> str:
    """What is said of a Grafana that cannot be."""
    with pytest.raises(SettingsError) as refused:
        read(grafana, **others)
    return str(refused.value)


def test_api_without_a_url_is_refused() -> None:
    report = refusal({key: value for key, value in TOLD.items() if key != "rootUrl"})
    assert "1 mistake" in report
    assert f"{PROJECT}:grafana.rootUrl" in report
    assert "must be the URL of the Grafana that exists" in report


@pytest.mark.parametrize("url", ["http://grafana.example.com/", "grafana.example.com", "/grafana"])
def test_the_token_is_sent_to_no_url_in_the_clear_and_to_none_that_is_not_whole(url: str) -> None:
    assert f"{PROJECT}:grafana.rootUrl" in refusal({**TOLD, "rootUrl": url})


def test_every_mistake_is_told_at_once() -> None:
    report = refusal(
        {
            "delivery": "api",
            "replicas": 2,
            "volume": "6Gi",
            "database": {"type": "postgres", "host": "db.example.com"},
            "auth": OAUTH_LESS,
            "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
            "ingress": {"className": "nginx", "tlsSecret": "tls", "cidrs": ["10.0.0.0/8"]},
        }
    )
    own = ("replicas", "volume", "database", "auth", "resources", "ingress")
    for setting in ("rootUrl", "api", *own):
        assert f"{PROJECT}:grafana.{setting}\n" in report
    assert report.count("whoever runs that Grafana decides this: remove it") == len(own)


def test_what_a_grafana_that_exists_is_told_is_refused_for_another() -> None:
    assert "remove it, or grafana.delivery: api" in refusal({"api": TOLD["api"]})


def test_its_data_comes_from_a_url_or_from_the_workspace() -> None:
    without = {key: value for key, value in TOLD.items() if key != "api"}
    assert "prometheusUrl must say where that Grafana reaches Prometheus" in refusal(without)
    assert "prometheusUrl must say" in refusal({**TOLD, "api": {"alertmanagerUrl": "https://a.example.com/"}})
    assert "prometheusUrl must say" in refusal(without, aws=ACCOUNT)
    assert read(without, aws={**ACCOUNT, "managedPrometheus": {}}).grafana.told.prometheus_url is None


def test_it_needs_the_token_and_no_secret_of_a_grafana_of_its_own() -> None:
    def needed(settings: Settings) -> set[str]:
        return {secret.key for secret in settings.secrets_needed() if secret.key.startswith("grafana")}

    assert needed(read(TOLD)) == {"grafanaToken"}
    assert needed(read({})) == {"grafanaAdminPassword", "grafanaSecretKey"}


def test_a_token_in_plain_text_is_refused() -> None:
    values = stack_file.raw_values(stack_file.stack_file("managed"))
    with pytest.raises(SettingsError, match="grafanaToken") as refused:
        stack_file.parse({**values, f"{PROJECT}:grafanaToken": PLANTED}, [], stack="managed")
    assert PLANTED not in str(refused.value)


class Strict(AnyServer):
    """A Grafana that knows no token."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        if self.path == "/api/folders":
            self.send_response(401)
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture
def managed_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """The managed stack's context leads to a server that answers."""
    write_kubeconfig(tmp_path / "config", {"dubbing-managed": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


def ended(url: str, caplog: pytest.LogCaptureFixture, registered: list[str]) -> str:
    """What the program says where it ends before anything is registered."""
    with pytest.raises(SystemExit):
        run_main("managed", reached("managed", url))
    assert registered == []
    assert "Nothing was created" in caplog.text
    assert PLANTED not in caplog.text
    return caplog.text


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks that the program went on to register."""
    found: list[str] = []

    def deploy(*_: object) -> None:
        found.append("deployed")

    monkeypatch.setattr("stacks.program.deploy", deploy)
    return found


@pytest.mark.usefixtures("managed_cluster")
def test_one_that_does_not_answer_ends_the_run(
    caplog: pytest.LogCaptureFixture, registered: list[str]
) -> None:
    with serving(AnyServer) as url:
        gone = url
    assert f"Grafana at {gone}/ does not answer" in ended(gone, caplog, registered)


@pytest.mark.usefixtures("managed_cluster")
def test_a_wrong_token_ends_the_run(caplog: pytest.LogCaptureFixture, registered: list[str]) -> None:
    with serving(Strict) as url:
        assert "refuses the token (HTTP 401)" in ended(url, caplog, registered)


@pytest.mark.usefixtures("managed_cluster")
def test_one_that_answers_does_not(server: str, registered: list[str]) -> None:
    run_main("managed", reached("managed", server))
    assert registered == ["deployed"]


def registrations(server: str, grafana: Json, secrets: dict[str, str] | None = None) -> list[Registration]:
    """What the managed stack registers with this Grafana."""
    group = {f"{PROJECT}:grafana": json.dumps({**TOLD, "rootUrl": f"{server}/", **grafana})}
    return run_main("managed", group, secrets)


@pytest.mark.usefixtures("managed_cluster")
def test_the_pods_of_that_grafana_may_ask_and_nobody_else(server: str) -> None:
    near = {"prometheusUrl": "http://prometheus.monitoring:9090"}
    asking = {"namespace": "grafana", "labels": {"app": "grafana"}}
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "grafana"}},
        "podSelector": {"matchLabels": {"app": "grafana"}},
    }

    def asked(api: Json) -> set[str]:
        policies = objects(registrations(server, {"api": api}), "NetworkPolicy")
        return {
            name
            for name, policy in policies.items()
            if [rule for rule in policy["spec"].get("ingress", ()) if peer in rule["from"]]
        }

    alertmanager = {"alertmanagerUrl": "http://alertmanager.monitoring:9093"}
    assert asked(near) == set()
    assert asked({**near, "pods": asking}) == {"monitoring/prometheus"}
    assert asked({**near, **alertmanager, "pods": asking}) == {
        "monitoring/prometheus",
        "monitoring/alertmanager",
    }


@pytest.mark.usefixtures("dev_cluster")
def test_another_delivery_takes_the_stacks_own_grafana_away_and_keeps_its_volume(server: str) -> None:
    told = {f"{PROJECT}:grafana": json.dumps({**TOLD, "rootUrl": f"{server}/"})}
    before = run_main("dev")
    found = plan("", {}, by_name(before), by_name(run_main("dev", told, secrets(told))))
    assert found.deleted == {
        "ConfigMap grafana-dashboards",
        "ConfigMap grafana-provisioning",
        "Deployment grafana",
        "NetworkPolicy monitoring-grafana-network-policy",
        "PersistentVolumeClaim grafana",
        "Secret grafana-secret",
        "Service grafana-service",
        "ServiceAccount grafana-account",
    }
    (claim,) = [one for one in before if one.name == "grafana" and "PersistentVolumeClaim" in one.type]
    assert claim.retain_on_delete
    assert found.created == set()
    assert found.rolled == {
        "Deployment postgres-exporter-main",
        "Deployment redis-exporter-main",
        "StatefulSet alertmanager",
    }
    assert found.in_place == {
        "ConfigMap alertmanager-config",
        "ConfigMap prometheus-config",
        "ConfigMap prometheus-rules",
        "NetworkPolicy monitoring-alertmanager-network-policy",
        "NetworkPolicy monitoring-monitoring-debug-network-policy",
        "NetworkPolicy monitoring-prometheus-network-policy",
    }


@pytest.mark.usefixtures("managed_cluster")
def test_the_workspace_may_be_asked_by_amazons_plugin(server: str) -> None:
    kind = "grafana-amazonprometheus-datasource"
    made = registrations(server, {"api": {"workspaceType": kind}})
    (source,) = [one.inputs for one in made if one.type.endswith(":DataSource")]
    assert (source["type"], source["uid"]) == (kind, "prometheus")


@pytest.mark.usefixtures("managed_cluster")
def test_checksums_of_passwords_are_keyed_with_the_token(server: str) -> None:
    def checksum(secrets: dict[str, str] | None) -> str:
        pod = pods(registrations(server, {}, secrets))["redis-exporter-main"]
        return pod["metadata"]["annotations"]["dubbing-monitoring/checksum"]

    first = checksum(None)
    assert first == checksum(None)
    assert first != checksum({f"{PROJECT}:redisPassword-main": "another"})
    assert first != checksum({f"{PROJECT}:grafanaToken": "another"})
