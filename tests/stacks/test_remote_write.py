"""Remote write: what Prometheus is told of each store, and what is refused."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import worth_keeping
from dashboards.metrics import CONTRACT
from dashboards.parameters import Parameters
from local.toolchain import binary
from stacks import stack_file
from stacks.recording import Registration
from stacks.remote_write import QUEUE, REPLICA_LABEL
from stacks.settings_base import PROJECT
from tests.stacks.conftest import PLANTED, STACKS, run_main, write_kubeconfig
from tests.stacks.test_program import objects, pods
from tests.stacks.test_traps import prometheus_config

Json = dict[str, Any]

AMP = {
    "name": "amp",
    "url": "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
    "auth": {"sigv4Region": "eu-central-1"},
}
MIMIR = {
    "name": "mimir",
    "url": "http://mimir-gateway.mimir:8080/api/v1/push",
    "auth": {"username": "dubbing"},
    "tenant": "dubbing",
    "also": ["node_.*", "process_resident_memory_bytes"],
}
THANOS = {
    "name": "thanos",
    "url": "https://thanos.example.com/api/v1/receive",
    "auth": {"bearer": True},
    "series": "all",
    "replicaLabel": REPLICA_LABEL,
}


def settings(*stores: Json) -> dict[str, str]:
    """Prod's settings of Prometheus with these stores."""
    key = f"{PROJECT}:prometheus"
    committed = json.loads(stack_file.raw_values(stack_file.stack_file("prod"))[key])
    return {key: json.dumps({**committed, "remoteWrite": list(stores)})}


def planted(*names: str) -> dict[str, str]:
    return {f"{PROJECT}:{name}": PLANTED + name for name in names}


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[list[Registration]]:
    """What prod registers with three stores."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {"dubbing-prod": server})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        yield run_main(
            "prod",
            settings(AMP, MIMIR, THANOS),
            planted("remoteWritePassword-mimir", "remoteWriteToken-thanos"),
        )


@pytest.fixture(scope="module")
def config(registered: list[Registration]) -> Json:
    return prometheus_config(registered)


def store(config: Json, name: str) -> Json:
    (found,) = [one for one in config["remote_write"] if one["name"] == name]
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_without_a_store_nothing_is_written_and_nothing_mounted(resources: list[Registration]) -> None:
    assert "remote_write" not in prometheus_config(resources)
    assert "monitoring/prometheus" not in objects(resources, "Secret")


def test_each_store_is_written_to_as_it_asks(config: Json) -> None:
    assert store(config, "amp")["sigv4"] == {"region": "eu-central-1"}
    assert store(config, "mimir")["basic_auth"] == {
        "username": "dubbing",
        "password_file": "/etc/prometheus/secrets/remoteWritePassword-mimir",
    }
    assert store(config, "mimir")["headers"] == {"X-Scope-OrgID": "dubbing"}
    assert store(config, "thanos")["authorization"] == {
        "credentials_file": "/etc/prometheus/secrets/remoteWriteToken-thanos"
    }
    assert all(one["queue_config"] == QUEUE for one in config["remote_write"])


def test_amp_gets_its_replica_label_and_thanos_ours(config: Json) -> None:
    relabel = store(config, "amp")["write_relabel_configs"]
    assert relabel[1:] == [
        {"source_labels": [REPLICA_LABEL], "target_label": "__replica__"},
        {"regex": REPLICA_LABEL, "action": "labeldrop"},
    ]
    assert store(config, "thanos")["write_relabel_configs"] == []
    assert config["global"]["external_labels"] == {"cluster": "dubbing-prod", REPLICA_LABEL: "${POD_NAME}"}


def test_what_dashboards_read_is_kept_and_the_rest_is_not(config: Json) -> None:
    (keep, *_) = store(config, "amp")["write_relabel_configs"]
    kept = re.compile(f"^(?:{keep['regex']})$")
    assert keep["action"] == "keep"
    assert all(kept.match(name) for name in ("up", "ALERTS", "api:requests:rate5m"))
    assert not [
        name
        for name in ("go_goroutines", "kube_pod_tolerations", "node_cpu_guest_seconds_total")
        if kept.match(name)
    ]
    (keep, *_) = store(config, "mimir")["write_relabel_configs"]
    more = re.compile(f"^(?:{keep['regex']})$")
    assert more.match("node_cpu_guest_seconds_total")
    assert more.match("process_resident_memory_bytes")
    assert not more.match("go_goroutines")


def test_every_name_that_is_kept_is_of_the_contract() -> None:
    first, *names = worth_keeping.patterns(Parameters())
    known = {f"{name}{suffix}" for name in CONTRACT for suffix in ("", "_bucket", "_count", "_sum")}
    assert first == worth_keeping.RECORDED
    assert set(names) <= known
    assert len(names) > 10


def test_a_password_is_only_in_its_secret(registered: list[Registration], config: Json) -> None:
    secret = objects(registered, "Secret")["monitoring/prometheus"]
    assert secret["stringData"] == {
        name: PLANTED + name for name in ("remoteWritePassword-mimir", "remoteWriteToken-thanos")
    }
    assert PLANTED not in json.dumps(config)
    (volume,) = [one for one in pods(registered)["prometheus"]["spec"]["volumes"] if "secret" in one]
    assert volume["secret"]["secretName"] == "prometheus"


def test_prometheus_may_reach_each_store_and_its_credentials(registered: list[Registration]) -> None:
    egress = objects(registered, "NetworkPolicy")["monitoring/prometheus"]["spec"]["egress"]
    text = json.dumps(egress)
    assert "169.254.170.23/32" in text
    assert '"kubernetes.io/metadata.name": "mimir"' in text
    assert any(
        {"protocol": "TCP", "port": 443} in rule.get("ports", ()) and "0.0.0.0/0" in json.dumps(rule)
        for rule in egress
    )


def test_promtool_accepts_it_and_refuses_two_ways_at_once(config: Json, tmp_path: Path) -> None:
    config = json.loads(json.dumps(config))
    for one in config["remote_write"]:
        for way in ("basic_auth", "authorization"):
            for key in ("password_file", "credentials_file"):
                if key in one.get(way, {}):
                    (tmp_path / "secret").write_text("secret")
                    one[way][key] = str(tmp_path / "secret")
    config["rule_files"] = []
    for job in config["scrape_configs"]:
        job.pop("authorization", None)
        job.pop("tls_config", None)

    def check() -> subprocess.CompletedProcess[str]:
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        return subprocess.run(
            [binary("promtool"), "check", "config", str(tmp_path / "prometheus.yml")],
            capture_output=True,
            text=True,
            check=False,
        )

    accepted = check()
    assert accepted.returncode == 0, accepted.stderr
    store(config, "amp")["authorization"] = {"credentials": "x"}
    assert check().returncode != 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"auth": {}}, "one of username, bearer: true and sigv4Region"),
        ({"auth": {"bearer": True, "username": "a"}}, "one of username, bearer: true and sigv4Region"),
        ({"auth": {"sigv4Region": "Frankfurt"}}, "an AWS region such as eu-central-1"),
        ({"series": "all", "also": ["up"]}, "leave it out"),
        ({"also": ["a|b"]}, "also"),
        ({"url": "mimir:8080"}, "url"),
        ({"replicaLabel": "my-label"}, "replicaLabel"),
    ],
)
def test_a_store_that_cannot_work_is_refused(changes: Json, told: str) -> None:
    values = {**stack_file.raw_values(stack_file.stack_file("prod")), **settings({**MIMIR, **changes})}
    with pytest.raises(stack_file.SettingsError, match=re.escape(told)):
        stack_file.parse(values, [], stack="prod")


def test_two_stores_of_one_name_are_refused() -> None:
    values = {**stack_file.raw_values(stack_file.stack_file("prod")), **settings(MIMIR, MIMIR)}
    with pytest.raises(stack_file.SettingsError, match="mimir stands there more than once"):
        stack_file.parse(values, [], stack="prod")
