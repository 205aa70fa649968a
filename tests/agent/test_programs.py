"""The real programs, started by the agent from the manifests as they are rendered."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from local import overlay
from local.agent.node_agent import Addresses, NodeAgent
from local.agent.runs import Run
from local.inventory import Inventory
from local.kubernetes_provider.api import Cluster
from local.processes import alive, end
from local.simulator.hands_on import ALERTMANAGER_GONE
from local.simulator.incidents import Schedule
from local.toolchain import binary
from stacks import render

Json = dict[str, Any]

pytestmark = pytest.mark.slow


class Recorded(Cluster):
    """A cluster whose Pods are those of the rendered manifests; it answers the agent's lists."""

    def __init__(self, manifests: Path) -> None:
        self.objects = [yaml.safe_load(path.read_text()) for path in sorted(manifests.glob("*.yaml"))]
        self.uid = "1"
        self.pods = [self._pod(one) for one in self.objects if "template" in one.get("spec", {})]

    def _pod(self, workload: Json) -> Json:
        template, name = workload["spec"]["template"], workload["metadata"]["name"]
        stateful = workload["kind"] == "StatefulSet"
        claims = [
            {"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"data-{name}-0"}}
            for one in workload["spec"].get("volumeClaimTemplates", ())
        ]
        spec = template["spec"]
        return {
            "metadata": {
                **template["metadata"],
                "name": f"{name}-0" if stateful else f"{name}-abcde",
                "namespace": workload["metadata"]["namespace"],
                "uid": name,
            },
            "spec": {**spec, "nodeName": "n1", "volumes": [*spec.get("volumes", ()), *claims]},
            "status": {"phase": "Running", "podIP": "10.244.1.9"},
        }

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 - as the class it stands for
        body: object = None,  # noqa: ARG002
        content_type: str = "application/json",  # noqa: ARG002
    ) -> Json:
        if method == "POST":
            return {"status": {"token": "t"}}
        plural = path.rpartition("/")[2]
        if plural == "pods":
            return {"items": self.pods}
        kinds = {"configmaps": "ConfigMap", "secrets": "Secret", "serviceaccounts": "ServiceAccount"}
        found = [one for one in self.objects if one["kind"] == kinds.get(plural)]
        for one in found:
            one["metadata"]["uid"] = self.uid
            if one["kind"] == "Secret":
                # Rendered without values; here only that they are files matters.
                one["data"] = {key: base64.b64encode(b"secret").decode() for key in one.get("stringData", {})}
        return {"items": found}

    def pod(self, name: str) -> Json:
        (found,) = [pod for pod in self.pods if pod["metadata"]["name"].startswith(name)]
        return found

    def only(self, name: str) -> Json:
        """Leave no Pod but this one."""
        self.pods = [self.pod(name)]
        return self.pods[0]["spec"]["containers"][0]


@pytest.fixture
def cluster(tmp_path: Path) -> Recorded:
    render.render("dev", tmp_path / "rendered")
    return Recorded(tmp_path / "rendered" / "manifests")


@pytest.fixture
def agent(tmp_path: Path, cluster: Recorded) -> Iterator[NodeAgent]:
    made = NodeAgent(
        state=tmp_path / "state",
        cluster=cluster,
        server="https://127.0.0.1:9",
        certificate=b"",
        programs={key: binary(key) for key in overlay.PROGRAMS},
        addresses=Addresses(proxy="http://127.0.0.1:9", receivers="http://127.0.0.1:9/receive"),
    )
    yield made
    for pid_file in (tmp_path / "state" / "pods").glob("*.pid"):
        end(pid_file)


def until(
    agent: NodeAgent, wanted: Callable[[tuple[Run, ...]], bool], seconds: float = 20
) -> tuple[Run, ...]:
    """Let the agent work until its runs are as wanted."""
    deadline = time.monotonic() + seconds
    while not wanted(runs := agent.reconcile().runs):
        assert time.monotonic() < deadline, runs
        time.sleep(0.1)
    return runs


def all_ready(runs: tuple[Run, ...]) -> bool:
    return all(run.ready for run in runs)


def test_every_program_that_is_built_here_runs_from_its_pod_and_passes_its_own_probe(
    agent: NodeAgent, cluster: Recorded, tmp_path: Path
) -> None:
    # kube-state-metrics is ready only with an API server: see the end-to-end tests.
    cluster.pods = [pod for pod in cluster.pods if not pod["metadata"]["name"].startswith("kube-state")]
    runs = until(agent, all_ready)
    assert {run.program for run in runs} == set(overlay.PROGRAMS) - {"kube-state-metrics"}
    seen = Inventory.read(tmp_path / "state" / "inventory.json")
    (prometheus,) = [run for run in runs if run.program == "prometheus"]
    assert seen.processes["10.244.1.9:9090"] == prometheus.addresses["web"]
    assert (tmp_path / "state" / "volumes" / "monitoring_data-prometheus-0" / "wal").exists()


def test_an_unknown_argument_makes_it_fail(agent: NodeAgent, cluster: Recorded, tmp_path: Path) -> None:
    cluster.only("blackbox-exporter")["args"].append("--no-such-flag")
    runs = until(agent, lambda runs: runs[0].restarts >= 1 and "ended by itself" in runs[0].trouble)
    assert not runs[0].ready
    log = tmp_path / "state" / "log" / f"{runs[0].pod}.log"
    assert "unknown long flag '--no-such-flag'" in log.read_text()


def test_a_wrong_probe_makes_it_fail(agent: NodeAgent, cluster: Recorded) -> None:
    # Not the blackbox exporter: it has an answer for every path.
    cluster.only("prometheus")["readinessProbe"]["httpGet"]["path"] = "/no/such/path"
    until(agent, lambda runs: alive(agent.state / "pods" / f"{runs[0].namespace}_{runs[0].pod}.pid"))
    time.sleep(1)
    (run,) = agent.reconcile().runs
    assert not run.ready
    assert "readiness" in run.trouble


def test_a_missing_mount_makes_it_fail(agent: NodeAgent, cluster: Recorded, tmp_path: Path) -> None:
    del cluster.only("blackbox-exporter")["volumeMounts"]
    (run,) = until(agent, lambda runs: runs[0].restarts >= 1 and "ended by itself" in runs[0].trouble)
    assert "no such file" in (tmp_path / "state" / "log" / f"{run.pod}.log").read_text()


def test_a_changed_config_map_reaches_the_process_without_a_restart(
    agent: NodeAgent, cluster: Recorded
) -> None:
    cluster.only("blackbox-exporter")
    (before,) = until(agent, all_ready)
    (config,) = [one for one in cluster.objects if one["metadata"]["name"] == "blackbox-exporter-config"]
    config["data"]["blackbox.yml"] = config["data"]["blackbox.yml"].replace("5s", "4s")
    pid_file = agent.state / "pods" / f"{before.namespace}_{before.pod}.pid"
    was = pid_file.read_text()
    agent.reconcile()
    mounted = Path(before.folders["/etc/blackbox-exporter"]) / "blackbox.yml"
    assert "timeout: 4s" in mounted.read_text()
    assert pid_file.read_text() == was


def test_a_replaced_pod_is_another_process_and_a_deleted_one_is_none(
    agent: NodeAgent, cluster: Recorded
) -> None:
    cluster.only("blackbox-exporter")
    (first,) = until(agent, all_ready)
    pid_file = agent.state / "pods" / f"{first.namespace}_{first.pod}.pid"
    was = pid_file.read_text()
    cluster.pods[0]["metadata"]["uid"] = "another"
    until(agent, all_ready)
    assert pid_file.read_text() != was
    cluster.pods = []
    agent.reconcile()
    assert not pid_file.exists()


def test_a_killed_process_is_started_again(agent: NodeAgent, cluster: Recorded) -> None:
    cluster.only("blackbox-exporter")
    (run,) = until(agent, all_ready)
    end(agent.state / "pods" / f"{run.namespace}_{run.pod}.pid")
    (again,) = until(agent, lambda runs: all_ready(runs) and runs[0].restarts == 1)
    assert again.addresses == run.addresses


def test_an_agent_that_starts_again_takes_over_what_runs(
    agent: NodeAgent, cluster: Recorded, tmp_path: Path
) -> None:
    cluster.only("blackbox-exporter")
    (run,) = until(agent, all_ready)
    pid_file = agent.state / "pods" / f"{run.namespace}_{run.pod}.pid"
    was = pid_file.read_text()
    other = NodeAgent(
        state=tmp_path / "state",
        cluster=cluster,
        server=agent.server,
        certificate=b"",
        programs=agent.programs,
        addresses=agent.addresses,
    )
    assert all_ready(other.reconcile().runs)
    assert pid_file.read_text() == was


def peers(alertmanager: Run) -> list[Json]:
    """Who is in its mesh, itself included."""
    status = urllib3.request("GET", f"http://{alertmanager.addresses['web']}/api/v2/status", retries=False)
    return status.json()["cluster"].get("peers", [])


def test_an_address_of_a_sibling_that_is_not_there_yet_is_the_one_that_it_will_have(
    agent: NodeAgent, cluster: Recorded
) -> None:
    first = cluster.only("alertmanager")
    first["ports"] += [
        {"name": "cluster", "containerPort": 9094},
        {"name": "cluster-udp", "containerPort": 9094, "protocol": "UDP"},
    ]
    first["args"] = [one for one in first["args"] if not one.startswith("--cluster.")] + [
        "--cluster.listen-address=[10.244.1.9]:9094",
        "--cluster.peer=alertmanager-1.alertmanager-headless:9094",
    ]
    (alone,) = until(agent, all_ready)
    pid = agent.state / "pods" / "monitoring_alertmanager-0.pid"
    was = pid.read_text()
    second = json.loads(json.dumps(cluster.pods[0]).replace("alertmanager-0", "alertmanager-1"))
    second["metadata"]["uid"] = "second"
    cluster.pods.append(second)
    _, other = until(agent, lambda runs: len(runs) == 2 and all_ready(runs))
    assert f"--cluster.peer={other.addresses['cluster']}" in alone.command
    # It tries every 15 seconds.
    deadline = time.monotonic() + 40
    while len(peers(other)) < 2:
        assert time.monotonic() < deadline, peers(other)
        time.sleep(0.5)
    assert pid.read_text() == was


def test_no_alertmanager_runs_while_the_incident_lasts(
    agent: NodeAgent, cluster: Recorded, tmp_path: Path
) -> None:
    cluster.only("alertmanager")
    until(agent, all_ready)
    incidents = tmp_path / "state" / "incidents.json"
    Schedule().begin(ALERTMANAGER_GONE.name, time.time()).write(incidents)
    (run,) = agent.reconcile().runs
    assert not run.ready
    assert not alive(agent.state / "pods" / f"{run.namespace}_{run.pod}.pid")
    Schedule().write(incidents)
    until(agent, all_ready)
