"""Two Prometheus servers: what is deployed of them, and that people hear of an alert once."""

import json
import time
import urllib.parse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.recording import Registration
from stacks.remote_write import REPLICA_LABEL
from tests.stacks.notified import QUICK, Json, alertmanager, http_receiver
from tests.stacks.prometheus_server import ask, prometheus
from tests.stacks.test_program import objects, pods
from tests.stacks.test_traps import prometheus_config

Recorded = dict[str, list[Registration]]
REPLICAS = ("prometheus-0", "prometheus-1")
#: It fires when Prometheus has found its Alertmanager: what is sent before that goes nowhere for a minute.
ALWAYS = {"alert": "Always", "expr": "vector(1)", "for": "10s"}
RULES = {"always.yaml": json.dumps({"groups": [{"name": "always", "rules": [ALWAYS]}]})}


def server(resources: list[Registration]) -> dict[str, Any]:
    return objects(resources, "StatefulSet")["monitoring/prometheus"]


def test_prod_has_two_each_with_a_claim_of_its_own_and_dev_has_one(recorded: Recorded) -> None:
    for stack, names in (("dev", REPLICAS[:1]), ("prod", REPLICAS)):
        assert server(recorded[stack])["spec"]["replicas"] == len(names)
        claims = {
            name for name in objects(recorded[stack], "PersistentVolumeClaim") if "data-prometheus" in name
        }
        assert claims == {f"monitoring/data-{name}" for name in names}


def test_two_are_kept_apart_and_go_one_at_a_time_and_one_is_not(recorded: Recorded) -> None:
    prod, dev = recorded["prod"], recorded["dev"]
    labels = pods(prod)["prometheus"]["metadata"]["labels"]
    budget = objects(prod, "PodDisruptionBudget")["monitoring/prometheus"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    spread = pods(prod)["prometheus"]["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"].split("/")[1] for one in spread} == {"zone", "hostname"}
    assert not objects(dev, "PodDisruptionBudget")
    assert "topologySpreadConstraints" not in pods(dev)["prometheus"]["spec"]


def test_grafana_stays_with_one_of_them(recorded: Recorded) -> None:
    assert (
        objects(recorded["prod"], "Service")["monitoring/prometheus"]["spec"]["sessionAffinity"] == "ClientIP"
    )


def test_what_tells_people_goes_before_others_and_nothing_else_does(resources: list[Registration]) -> None:
    (priority,) = objects(resources, "PriorityClass").values()
    assert 0 < priority["value"] < 1_000_000_000
    assert priority["metadata"]["name"] == "monitoring-critical"
    chosen = {
        name: pod["spec"].get("priorityClassName")
        for name, pod in pods(resources).items()
        if pod["spec"].get("priorityClassName")
    }
    assert chosen == {"prometheus": "monitoring-critical", "alertmanager": "monitoring-critical"}


def test_each_of_several_is_missed_by_name(recorded: Recorded) -> None:
    def missed(stack: str) -> set[str]:
        rules = objects(recorded[stack], "ConfigMap")["monitoring/prometheus-rules"]["data"]
        document = yaml.safe_load(rules["alerts-system-health.yaml"])
        return {
            name
            for group in document["groups"]
            for rule in group["rules"]
            if rule.get("alert") == "SourceAbsent"
            for name in (*REPLICAS, "alertmanager-0", "alertmanager-1")
            if f'pod="{name}"' in rule["expr"]
        }

    assert missed("prod") == {*REPLICAS, "alertmanager-0", "alertmanager-1"}
    assert missed("dev") == set()


def told(folder: Path, config: Json) -> tuple[list[Json], list[str]]:
    """What Alertmanager has of an alert that two fire, and how each names itself where samples go."""
    settings = {"criticalRequired": False, "slack": {}, "grouping": QUICK}
    with http_receiver() as (url, _), ExitStack() as stack:
        folder.mkdir()
        address = stack.enter_context(alertmanager(folder / "alertmanager", settings, url))
        config = json.loads(json.dumps(config))
        config["global"] |= {"evaluation_interval": "1s", "scrape_interval": "1s"}
        (target,) = config["alerting"]["alertmanagers"]
        target["static_configs"] = [{"targets": [address.removeprefix("http://")]}]
        config["scrape_configs"] = []
        # It is nobody to AWS, and would not start.
        config.pop("remote_write")
        webs = [
            stack.enter_context(prometheus(folder / pod, config, RULES, environment={"POD_NAME": pod}))
            for pod in REPLICAS
        ]
        match = urllib.parse.urlencode({"match[]": 'ALERTS{alertname="Always"}'})
        deadline = time.monotonic() + 100
        while True:
            names = [ask(f"http://{web}/federate?{match}") for web in webs]
            sent = [ask(f"http://{web}/metrics") for web in webs]
            if all("ALERTS{" in text for text in names) and all(
                "prometheus_notifications_sent_total" in text
                and f'prometheus_notifications_sent_total{{alertmanager="{address}/api/v2/alerts"}} 0'
                not in text
                for text in sent
            ):
                break
            assert time.monotonic() < deadline, names
            time.sleep(0.3)
        return json.loads(ask(f"{address}/api/v2/alerts")), names


@pytest.mark.slow
def test_both_fire_and_alertmanager_has_one_alert(recorded: Recorded, tmp_path: Path) -> None:
    config = prometheus_config(recorded["prod"])
    alerts, names = told(tmp_path / "as-deployed", config)
    assert [one["labels"] for one in alerts] == [{"alertname": "Always", "cluster": "dubbing-prod"}]
    for pod, text in zip(REPLICAS, names, strict=True):
        assert f'{REPLICA_LABEL}="{pod}"' in text


@pytest.mark.slow
def test_with_the_replicas_name_in_it_an_alert_would_be_two(recorded: Recorded, tmp_path: Path) -> None:
    config = prometheus_config(recorded["prod"])
    del config["alerting"]["alert_relabel_configs"]
    alerts, _ = told(tmp_path / "kept", config)
    assert {one["labels"][REPLICA_LABEL] for one in alerts} == set(REPLICAS)
