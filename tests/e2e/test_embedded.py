"""In this order: up, what is there, up again, plans, a killed engine, bad input, down.

Each test goes on from the state that the one before left; the first failure ends the run.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.config import load_kube_config

from local.toolchain import binary
from tests.e2e.checkout import Api, Checkout, planned, ready_workloads
from tests.e2e.leaks import leaks, secrets_of, written_by
from tests.stacks.conftest import write_kubeconfig

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The checkout that all tests of this file share; its platform is taken down whatever happens."""
    made = Checkout.make_at(tmp_path_factory.mktemp("checkout") / "project")
    yield made
    made.restore()
    made.make("down")


def test_up_from_a_clean_state_brings_every_workload_ready(checkout: Checkout) -> None:
    output = checkout.succeed("up")
    endpoints = checkout.endpoints
    assert set(endpoints) == {"kubeconfig", "prometheus", "alertmanager", "grafana", "dashboards", "messages"}
    for key in ("kubeconfig", "prometheus", "alertmanager"):
        assert endpoints[key] in output
    states = ready_workloads(checkout)
    assert {"prometheus", "alertmanager", "grafana", "dcgm-exporter", "node-exporter"} <= set(states)
    assert all(states.values()), states


def test_the_state_of_the_platform_stays_out_of_the_repository(checkout: Checkout) -> None:
    checkout.succeed("preview")
    assert checkout.git("status", "--porcelain") == ""


def test_pod_security_accepts_all_pods(checkout: Checkout) -> None:
    with checkout.api() as api:
        refusals = [
            event.message
            for event in api.core.list_event_for_all_namespaces().items
            if event.reason == "FailedCreate"
        ]
    assert refusals == []


def test_pod_security_would_refuse_a_pod_that_needs_the_host(checkout: Checkout) -> None:
    container = {"name": "shell", "image": "shell"}
    pod = {"metadata": {"name": "shell"}, "spec": {"hostNetwork": True, "containers": [container]}}
    with checkout.api() as api, pytest.raises(ApiException, match="violates PodSecurity"):
        api.core.create_namespaced_pod("monitoring", pod, dry_run="All")


def test_the_services_have_endpoints(checkout: Checkout) -> None:
    with checkout.api() as api:
        slices = api.discovery.list_namespaced_endpoint_slice("monitoring").items
        services = api.core.list_namespaced_service("monitoring").items
    ready = {
        item.metadata.labels["kubernetes.io/service-name"]
        for item in slices
        for endpoint in item.endpoints or ()
        if endpoint.conditions.ready
    }
    assert ready == {service.metadata.name for service in services}
    assert {"prometheus", "alertmanager", "grafana"} <= ready


def test_the_volumes_are_the_declared_claims(checkout: Checkout) -> None:
    with checkout.api() as api:
        claims = api.core.list_namespaced_persistent_volume_claim("monitoring").items
    sizes = {claim.metadata.name: claim.status.capacity["storage"] for claim in claims}
    assert sizes == {"data-prometheus-0": "20Gi", "data-alertmanager-0": "1Gi", "grafana": "5Gi"}


def test_prometheus_token_lists_what_it_discovers_and_reads_no_secret(checkout: Checkout) -> None:
    with checkout.api() as api:
        token = api.core.create_namespaced_service_account_token(
            "prometheus", "monitoring", {"spec": {}}
        ).status.token
        own = client.Configuration.get_default_copy()
        own.host, own.ssl_ca_cert = api.configuration.host, api.configuration.ssl_ca_cert
    own.api_key = {"authorization": f"Bearer {token}"}
    with client.ApiClient(own) as as_prometheus:
        prometheus = Api(as_prometheus)
        assert prometheus.core.list_pod_for_all_namespaces().items
        assert prometheus.core.list_node().items
        with pytest.raises(ApiException, match="Forbidden"):
            prometheus.core.list_secret_for_all_namespaces()
        review = prometheus.authorization.create_self_subject_access_review
        allowed = {
            subresource: review(
                {
                    "spec": {
                        "resourceAttributes": {"verb": "get", "resource": "nodes", "subresource": subresource}
                    }
                }
            ).status.allowed
            for subresource in ("metrics", "proxy")
        }
    assert allowed == {"metrics": True, "proxy": False}


def test_no_secret_is_readable_in_what_the_engine_and_the_platform_wrote(checkout: Checkout) -> None:
    texts = dict(written_by(checkout))
    assert any(name.startswith("state/.pulumi/stacks/") for name in texts)
    assert leaks(texts.items(), secrets_of(checkout)) == set()


def test_a_right_that_is_missing_ends_an_up_before_anything_changes(checkout: Checkout) -> None:
    """The control of every other `up` here: each deploys with the generated rights, and no more."""
    rule = (
        "if one.is_kubernetes_object",
        'if one.is_kubernetes_object and one.inputs["kind"] != "ConfigMap"',
    )
    checkout.edit("local/deployer.py", *rule)
    checkout.edit("local/deployer.py", 'before = _rules(resource, item["metadata"])', "before = []")
    run = checkout.make("up")
    checkout.edit("stacks/program.py", "if not pulumi.runtime.is_dry_run():", "if False:")
    checkout.edit("dashboards/system_health.py", "Browsers that follow", "People who follow")
    unasked = checkout.make("up")
    checkout.restore()
    assert run.returncode != 0
    assert "patch configmaps in namespace monitoring" in run.stdout
    assert "Nothing was created" in run.stdout
    assert "Traceback" not in run.stdout
    assert unasked.returncode != 0
    assert 'User "deployer" cannot patch resource "configmaps"' in unasked.stdout
    checkout.succeed("up")


def test_a_second_up_changes_nothing_and_says_so(checkout: Checkout) -> None:
    assert "Nothing changed." in checkout.succeed("up")


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "dashboards/recordings/api.py",
            'select(exporters.PROBE_SUCCESS), "24h")',
            'select(exporters.PROBE_SUCCESS), "12h")',
            {"ConfigMap prometheus-rules": "update"},
        ),
        (
            "dashboards/system_health.py",
            "Browsers that follow their jobs live.",
            "People who follow their jobs live.",
            {"ConfigMap grafana-dashboards": "update"},
        ),
        (
            "stacks/exporters/node_exporter.py",
            "identity=NODE_IDENTITY)",
            "identity=NODE_IDENTITY, sample_limit=9_000)",
            {"ConfigMap prometheus-config": "update"},
        ),
        (
            "stacks/images.py",
            'repository="prometheus/blackbox-exporter", tag="v0.28.0"',
            'repository="prometheus/blackbox-exporter", tag="v0.29.0"',
            {"Deployment blackbox-exporter": "update"},
        ),
        (
            "Pulumi.dev.yaml",
            "volume: 20Gi",
            "volume: 30Gi",
            {"PersistentVolumeClaim data-prometheus-0": "update"},
        ),
    ],
    ids=["a rule", "a dashboard", "a scrape job", "an image tag", "a volume's size"],
)
def test_an_edit_plans_exactly_its_own_update(
    checkout: Checkout, file: str, old: str, new: str, expected: dict[str, str]
) -> None:
    checkout.edit(file, old, new)
    try:
        steps = planned(checkout.succeed("preview"))
    finally:
        checkout.restore()
    assert {key: value for key, value in steps.items() if not key.startswith("Stack ")} == expected


def test_a_replacement_would_be_seen_in_the_plan(checkout: Checkout) -> None:
    checkout.edit("stacks/program.py", "enable_config_map_mutable=True", "enable_config_map_mutable=False")
    checkout.edit("dashboards/system_health.py", "Browsers that follow", "People who follow")
    try:
        steps = planned(checkout.succeed("preview"))
    finally:
        checkout.restore()
    assert steps["ConfigMap grafana-dashboards"] == "replace"


def test_an_edited_dashboard_is_deployed(checkout: Checkout) -> None:
    checkout.edit("dashboards/system_health.py", "Browsers that follow", "People who follow")
    output = checkout.succeed("up")
    checkout.restore()
    assert "1 updated" in output
    with checkout.api() as api:
        deployed = api.core.read_namespaced_config_map("grafana-dashboards", "monitoring").data
    assert "People who follow" in deployed["system-health.json"]
    assert "1 updated" in checkout.succeed("up")


def test_a_rendered_dashboards_folder_makes_the_config_map_by_hand(checkout: Checkout) -> None:
    checkout.succeed("render", "STACK=dev", "OUT=rendered/dev")
    created = subprocess.run(
        [
            str(binary("kubectl")),
            f"--kubeconfig={checkout.endpoints['kubeconfig']}",
            *("create", "configmap", "grafana-dashboards-by-hand", "--from-file=rendered/dev/dashboards/"),
            *("--namespace=monitoring", "--dry-run=server", "--output=json"),
        ],
        cwd=checkout.folder,
        check=True,
        capture_output=True,
        text=True,
    )
    with checkout.api() as api:
        deployed = api.core.read_namespaced_config_map("grafana-dashboards", "monitoring").data
    assert json.loads(created.stdout)["data"] == deployed
    assert checkout.git("status", "--porcelain") == ""


def test_the_deployed_prometheus_and_alertmanager_run(checkout: Checkout) -> None:
    api = json.loads(get(f"{checkout.endpoints['prometheus']}/api/v1/status/config"))["data"]["yaml"]
    assert "job_name: dcgm-exporter" in api
    rules = json.loads(get(f"{checkout.endpoints['prometheus']}/api/v1/rules"))["data"]["groups"]
    assert [group["name"] for group in rules]
    jobs = json.loads(get(f"{checkout.endpoints['prometheus']}/api/v1/targets?state=any"))["data"]
    discovered = {target["scrapePool"] for target in jobs["activeTargets"]}
    assert {"prometheus", "grafana", "dcgm-exporter", "kubelet", "probe-api"} <= discovered
    assert all(target["labels"]["cluster"] == "dubbing-dev" for target in jobs["activeTargets"])
    status = json.loads(get(f"{checkout.endpoints['alertmanager']}/api/v2/status"))
    assert "receiver: slack" in status["config"]["original"]


def get(url: str) -> bytes:
    """What a local address answers."""
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        return pool.request("GET", url).data


def test_bad_settings_end_an_up_with_all_mistakes_and_nothing_created(checkout: Checkout) -> None:
    checkout.edit("Pulumi.dev.yaml", "volume: 20Gi", "volume: 20Gi\n    volum: 1Gi")
    checkout.edit("Pulumi.dev.yaml", "size: 12GB", "size: 120GB")
    run = checkout.make("up")
    checkout.restore()
    assert run.returncode != 0
    assert "prometheus.volum\n" in run.stdout
    assert "Traceback" not in run.stdout
    assert "Nothing changed." in checkout.succeed("up")


def test_a_dashboard_that_does_not_parse_is_named(checkout: Checkout) -> None:
    (checkout.folder / "dashboards" / "custom" / "mine.json").write_text('{"title": "Mine",')
    run = checkout.make("up")
    checkout.restore()
    assert run.returncode != 0
    assert "mine.json: line " in run.stdout
    assert "unhandled" not in run.stdout
    assert "Traceback" not in run.stdout


def test_a_context_that_does_not_exist_is_named_and_nothing_starts(checkout: Checkout) -> None:
    run = checkout.make("up", "CONTEXT=not-there")
    assert run.returncode != 0
    assert "not-there" in run.stdout
    assert "Traceback" not in run.stdout


def test_a_cluster_that_does_not_answer_is_given_up_within_15_seconds(
    checkout: Checkout, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        write_kubeconfig(tmp_path / "config", {"silent": f"https://127.0.0.1:{silent.getsockname()[1]}"})
        started = time.monotonic()
        run = checkout.make("up", "CONTEXT=silent", environment={"KUBECONFIG": str(tmp_path / "config")})
        took = time.monotonic() - started
    assert run.returncode != 0
    assert "does not answer" in run.stdout
    assert took < 15, run.stdout


def test_an_engine_killed_in_mid_up_is_repaired_by_the_next_up(checkout: Checkout) -> None:
    checkout.succeed("down")
    checkout.skip_history()
    up = subprocess.Popen(
        ["make", "up"],
        cwd=checkout.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while count_pods(checkout) < 4:
        assert up.poll() is None, "up ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(up.pid, signal.SIGKILL)
    up.communicate()
    kill_engines(checkout)
    output = checkout.succeed("up")
    assert "Repair" in output
    states = ready_workloads(checkout)
    assert all(states.values()), states
    assert "Nothing changed." in checkout.succeed("up")


def count_pods(checkout: Checkout) -> int:
    """The pods of a cluster that may not be there yet."""
    kubeconfig = checkout.folder / ".local" / "cluster" / "kubeconfig"
    try:
        with client.ApiClient(kube_configuration(kubeconfig)) as made:
            return len(Api(made).core.list_namespaced_pod("monitoring", _request_timeout=5).items)
    except Exception:  # noqa: BLE001 - whatever is missing while it starts
        return 0


def kube_configuration(kubeconfig: Path) -> client.Configuration:
    """The configuration of a kubeconfig."""
    configuration: Any = client.Configuration()
    load_kube_config(str(kubeconfig), client_configuration=configuration)
    return configuration


def kill_engines(checkout: Checkout) -> None:
    """Kill every engine that works in this checkout, as a power cut would."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
                working = (folder / "cwd").readlink()
            except OSError:
                continue
            if b"pulumi" in command.split(b"\0")[0] and working.is_relative_to(checkout.folder):
                os.kill(int(folder.name), signal.SIGKILL)


def test_down_leaves_no_process_no_port_and_no_state(checkout: Checkout) -> None:
    endpoints = checkout.endpoints
    checkout.succeed("down")
    assert [path.name for path in (checkout.folder / ".local").iterdir()] == ["lock"]
    left = [
        folder.name
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and str(checkout.folder).encode() in read(folder / "cmdline")
    ]
    assert left == []
    for url in (endpoints["prometheus"], endpoints["alertmanager"]):
        port = int(url.rpartition(":")[2])
        with socket.socket() as connection:
            assert connection.connect_ex(("127.0.0.1", port)) != 0
    checkout.succeed("down")


def read(path: Path) -> bytes:
    """A process's file, empty when the process is gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
