"""What was deployed, running: targets, probes, pods that come and go, changed settings, taken ports."""

import json
import os
import signal
import socket
import time
from itertools import pairwise
from typing import Any

import pytest
import urllib3
import yaml

from local.inventory import Inventory
from local.overlay import PROGRAMS
from tests.e2e.live import Live, measured, until

pytestmark = pytest.mark.e2e

#: Prometheus discovers with a pause of 5 s, and scrapes every 30 s.
DISCOVERED_WITHIN = 60


def test_every_target_that_the_configuration_expects_is_discovered_and_up(live: Live) -> None:
    targets, took = until(
        live.targets, lambda found: bool(found) and all(one["health"] == "up" for one in found), 90
    )
    config = yaml.safe_load(live.get("/api/v1/status/config")["data"]["yaml"])
    assert {one["scrapePool"] for one in targets} == {job["job_name"] for job in config["scrape_configs"]}
    seen = Inventory.read(live.state / "inventory.json")
    opted_in = {pod.name for pod in seen.pods if pod.annotations.get("prometheus.io/scrape") == "true"}
    assert {one["labels"]["pod"] for one in targets if one["scrapePool"] == "applications"} == opted_in
    nodes = {node.name for node in seen.nodes}
    for pool in ("node-exporter", "kubelet", "kubelet-cadvisor"):
        assert {one["labels"]["node"] for one in targets if one["scrapePool"] == pool} == nodes
    measured(f"{len(targets)} targets up after {took:.0f} s")


def test_every_program_that_is_built_here_runs_from_its_pod_and_all_of_its_probes_pass(live: Live) -> None:
    runs = live.runs()
    assert {run.program for run in runs} == set(PROGRAMS)
    for run in runs:
        assert run.probes, run.pod
        for kind, url in run.probes.items():
            reply = urllib3.request("GET", url, retries=False, timeout=5)
            assert 200 <= reply.status < 400, f"{run.pod}: {kind} {url}: {reply.status}"


def test_nothing_is_wrong_while_all_is_well(live: Live) -> None:
    assert live.alerts() == set()
    # A target may have been scraped before its program was ready.
    until(lambda: live.alerts("pending"), lambda waiting: not waiting, 150)


def test_the_exporters_themselves_answer(live: Live) -> None:
    assert live.query("node_uname_info")
    assert live.value("max(probe_http_status_code)") == 200
    assert live.value("sum(kube_state_metrics_list_total{result='error'})") in {None, 0}
    assert live.value("count(kube_node_info)") == len(Inventory.read(live.state / "inventory.json").nodes)


def test_a_pod_that_opts_in_is_scraped_and_one_that_opts_out_is_not_any_more(live: Live) -> None:
    def scraped() -> bool:
        return any(one["labels"].get("pod") == "newcomer" for one in live.targets())

    with live.checkout.api() as api:
        (like, *_) = api.core.list_namespaced_pod(
            "dubbing", label_selector="app.kubernetes.io/name=worker-translation"
        ).items
        newcomer: dict[str, Any] = {
            "metadata": {
                "name": "newcomer",
                # Of a service that is there: a new one would be offered as a choice for ever after.
                "labels": {"app.kubernetes.io/name": "worker-translation"},
                "annotations": {"prometheus.io/scrape": "true"},
            },
            "spec": {
                "automountServiceAccountToken": False,
                "securityContext": like.spec.security_context,
                "containers": [
                    {
                        "name": like.spec.containers[0].name,
                        "image": like.spec.containers[0].image,
                        "ports": [{"name": "metrics", "containerPort": 8000}],
                        "securityContext": like.spec.containers[0].security_context,
                    }
                ],
            },
        }
        api.core.create_namespaced_pod("dubbing", newcomer)
        try:
            _, seen = until(scraped, bool, DISCOVERED_WITHIN)
            until(lambda: live.value('up{pod="newcomer"}'), lambda value: value == 1, DISCOVERED_WITHIN)
            leave = {"metadata": {"annotations": {"prometheus.io/scrape": None}}}
            api.core.patch_namespaced_pod("newcomer", "dubbing", leave)
            _, gone = until(lambda: not scraped(), bool, DISCOVERED_WITHIN)
        finally:
            api.core.delete_namespaced_pod("newcomer", "dubbing")
    measured(f"a new pod was discovered after {seen:.0f} s, and gone after {gone:.0f} s")


def test_an_edited_threshold_is_in_the_running_prometheus_with_no_restart_and_no_sample_lost(
    live: Live,
) -> None:
    def thresholds() -> set[str]:
        groups = live.get("/api/v1/rules")["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"] if rule["name"] == "QueueDepthHigh"]
        return {rule["query"].rpartition(" ")[2] for rule in rules}

    before = {run.pod: live.pid(run.pod) for run in live.runs()}
    assert thresholds() == {"100", "200"}
    began = time.time()
    with (live.checkout.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write("  dubbing-monitoring:thresholds: {queueDepth: {warning: 90, critical: 200}}\n")
    try:
        output = live.up()
        assert " updated" in output, output
        _, took = until(thresholds, lambda found: found == {"90", "200"}, 90)
    finally:
        live.checkout.restore()
    assert {run.pod: live.pid(run.pod) for run in live.runs()} == before
    # Two more scrapes at least.
    time.sleep(max(0, began + 65 - time.time()))
    (up,) = live.query('up{job="kube-state-metrics"}[4m]')
    moments = [moment for moment, _ in up["values"] if moment > began]
    assert len(moments) > 1
    assert max(later - earlier for earlier, later in pairwise(moments)) < 31
    measured(f"an edited threshold was in Prometheus {took:.0f} s after the end of make up")
    live.up()
    until(thresholds, lambda found: found == {"100", "200"}, 90)


def test_a_taken_port_gives_way_to_another(live: Live) -> None:
    before = live.url("dashboards")
    os.kill(json.loads((live.state / "viewer.pid").read_text())["pid"], signal.SIGKILL)
    port = int(before.rpartition(":")[2])
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + 20
        while True:
            try:
                taken.bind(("127.0.0.1", port))
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        taken.listen()
        output = live.up()
    after = live.url("dashboards")
    assert after != before
    assert after in output
    assert urllib3.request("GET", f"{after}/-/ready", retries=False, timeout=5).status == 200


def test_make_up_ends_by_saying_where_everything_is_and_what_to_try(live: Live) -> None:
    output = live.up()
    for key in ("kubeconfig", "prometheus", "alertmanager", "dashboards", "messages"):
        assert live.url(key) in output
    assert "make incident NAME=gpu-overheat" in output
    for run in live.runs():
        for address in run.addresses.values():
            assert address in output


def test_no_series_of_the_simulator_takes_the_name_of_a_target_label(live: Live) -> None:
    # An exposed label that the target has, too, comes as exported_*, and every join on it breaks.
    clashing = live.query('count by (__name__, job) ({job=~".+", exported_job=~".+"})')
    assert [one["metric"] for one in clashing] == []
