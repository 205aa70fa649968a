"""The forward proxy on loopback: what answers for pods, nodes and services, and how targets fail."""

import http.client
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dashboards.metrics import CONTRACT
from local.inventory import Inventory
from local.simulator import exposition
from local.simulator.incidents import Happening, Schedule
from local.simulator.server import Network, Proxy
from local.simulator.targets import exposed
from stacks.scrape import application_job
from tests.simulator.conftest import Client, running
from tests.simulator.sample import GENERAL, GPUS, address, inventory
from tests.simulator.test_figures import NOW

#: What the real programs of the tests answer with, by path.
PAGES = {
    "/metrics": (
        "# HELP node_filesystem_avail_bytes Free.\n"
        "# TYPE node_filesystem_avail_bytes gauge\n"
        'node_filesystem_avail_bytes{mountpoint="/mine"} 1\n'
        'node_filesystem_avail_bytes_of_another_name{mountpoint="/mine"} 1\n'
        'node_filesystem_size_bytes{mountpoint="/mine"} 2\n'
        "node_load1 0.5\n"
    ),
    "/metrics?name=up": "asked with a query\n",
}


class Program(BaseHTTPRequestHandler):
    """A program that really runs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = PAGES.get(self.path, "").encode()
        self.send_response(HTTPStatus.OK if body else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        if self.headers["Accept-Encoding"] == "without a length":
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Keep silent."""


@pytest.fixture
def program() -> Iterator[str]:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Program)) as host:
        yield host


def url(name: str, *, number: int = 0) -> str:
    return f"http://{address(inventory(), name, number=number)}/metrics"


def run_really(client: Client, name: str, process: str, *, number: int = 0) -> None:
    place = address(inventory(), name, number=number)
    inventory().model_copy(update={"processes": {place: process}}).write(client.inventory)


def test_it_says_that_it_is_ready(client: Client) -> None:
    assert client.get("/-/ready") == (200, "ready\n")
    assert client.get("/metrics")[0] == 404


def test_it_exposes_what_a_pod_would_with_types_and_help_of_the_contract(client: Client) -> None:
    status, page = client.get(url("api"))
    assert status == 200
    families = {one.name: one for one in text_string_to_metric_families(page)}
    series = exposed(inventory(), address(inventory(), "api"), "/metrics", Schedule())
    assert series is not None
    assert sum(len(family.samples) for family in families.values()) == len(series)
    for metric in {one.metric for one in series}:
        family = families[metric.name.removesuffix("_total")]
        assert (family.documentation, family.type) == (metric.meaning, metric.type)
    samples = {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in families.values()
        for one in family.samples
    }
    for one in series:
        shown = samples[one.name, tuple(sorted(one.labels.items()))]
        now = one.value(np.array([time.time()]))[0]
        assert now == pytest.approx(shown, rel=1e-3, abs=5), one.name


def test_every_name_that_it_exposes_is_of_the_contract(client: Client) -> None:
    for pod in inventory().pods:
        for port in pod.containers[0].ports.values():
            _, page = client.get(f"http://{pod.address}:{port}/metrics")
            for family in text_string_to_metric_families(page if "# " in page else ""):
                assert {family.name, f"{family.name}_total"} & CONTRACT.keys(), family.name


def test_where_nothing_listens_it_is_a_bad_gateway(client: Client) -> None:
    for nowhere in ("10.9.9.9:8000", "10.244.1.2:8001", "10.244.1.2", "10.0.1.10:10255"):
        assert client.get(f"http://{nowhere}/metrics")[0] == 502
    assert client.get(url("api").replace("/metrics", "/other"))[0] == 502


def test_what_runs_itself_is_not_stood_in_for(client: Client) -> None:
    assert client.get(url("prometheus"))[0] == 502
    assert client.get(url("alertmanager"))[0] == 502


def test_a_node_answers_on_the_kubelets_port_only_for_its_own_pods(client: Client) -> None:
    (node,) = [one for one in inventory().nodes if one.name == GENERAL]
    _, page = client.get(f"http://{node.address}:10250/metrics/cadvisor")
    shown = {
        sample.labels["pod"] for family in text_string_to_metric_families(page) for sample in family.samples
    }
    assert shown == {pod.name for pod in inventory().pods if pod.node == GENERAL}


def test_each_dcgm_exporter_has_the_gpus_of_its_node(client: Client) -> None:
    pages = [client.get(url("dcgm-exporter", number=number))[1] for number in (0, 1)]
    assert [page.count("DCGM_FI_DEV_GPU_TEMP{") for page in pages] == [1, 4]
    assert GPUS in pages[1]


def test_the_api_answers_its_health_check_until_it_is_out(client: Client) -> None:
    for host in ("api.dubbing", "api.dubbing.svc", "api.dubbing.svc.cluster.local"):
        assert client.get(f"http://{host}/health") == (200, "ok\n")
    client.happens("api-outage")
    assert client.get("http://api.dubbing/health")[0] == 503


def test_a_name_that_is_no_service_is_a_bad_gateway(client: Client) -> None:
    assert client.get("http://other.dubbing/health")[0] == 502
    assert client.get("http://api.dubbing/other")[0] == 502


def test_a_program_that_really_runs_answers_itself_query_and_status_included(
    client: Client, program: str
) -> None:
    run_really(client, "kube-state-metrics", program)
    place = address(inventory(), "kube-state-metrics")
    assert client.get(f"http://{place}/metrics") == (200, PAGES["/metrics"])
    assert client.get(f"http://{place}/metrics?name=up") == (200, "asked with a query\n")
    assert client.get(f"http://{place}/nothing")[0] == 404


def test_an_answer_without_a_length_arrives_whole(client: Client, program: str) -> None:
    run_really(client, "kube-state-metrics", program)
    answer = client.get(url("kube-state-metrics"), **{"Accept-Encoding": "without a length"})
    assert answer == (200, PAGES["/metrics"])


def test_a_program_that_does_not_run_any_more_is_a_bad_gateway(client: Client) -> None:
    run_really(client, "kube-state-metrics", "127.0.0.1:1")
    status, why = client.get(url("kube-state-metrics"))
    assert status == 502
    assert "127.0.0.1:1" in why


def test_node_exporters_page_passes_but_for_the_disks_which_are_the_simulated_nodes(
    client: Client, program: str
) -> None:
    run_really(client, "node-exporter", program, number=1)
    _, page = client.get(url("node-exporter", number=1), **{"Accept-Encoding": "gzip"})
    assert "node_load1 0.5\n" in page
    assert 'node_filesystem_avail_bytes_of_another_name{mountpoint="/mine"} 1\n' in page
    disks = {
        sample.labels["mountpoint"]
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if family.name in {"node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
    }
    assert disks == {"/", "/var/lib/containerd"}
    assert page.count("# TYPE node_filesystem_avail_bytes gauge") == 1


def test_files_are_read_again_when_they_were_written(client: Client) -> None:
    assert "redis_up 1.0" in client.get(url("redis-exporter"))[1]
    client.happens("redis-dies")
    page = client.get(url("redis-exporter"))[1]
    assert "redis_up 0.0" in page
    assert "redis_memory_used_bytes" not in page
    client.happens()
    assert "redis_up 1.0" in client.get(url("redis-exporter"))[1]
    Inventory().write(client.inventory)
    assert client.get(url("redis-exporter"))[0] == 502


def test_without_its_files_it_waits_for_them(tmp_path: Path) -> None:
    proxy = Proxy(("127.0.0.1", 0), Network(tmp_path / "inventory.json", tmp_path / "incidents.json"))
    with running(proxy) as host:
        client = Client(host, tmp_path)
        assert client.get(url("api"))[0] == 502
        inventory().write(client.inventory)
        assert client.get(url("api"))[0] == 200
        client.connection.close()


def test_an_exporter_that_is_gone_refuses(client: Client) -> None:
    client.happens("exporter-gone")
    assert client.get(url("postgres-exporter"))[0] == 502


def test_a_target_that_hangs_says_nothing_while_the_others_answer(client: Client) -> None:
    client.happens("target-hangs")
    waiting = http.client.HTTPConnection(client.connection.host, client.connection.port, timeout=0.3)
    waiting.request("GET", url("worker-voice-synthesis"))
    with pytest.raises(TimeoutError):
        waiting.getresponse()
    waiting.close()
    assert client.get(url("worker-voice-synthesis", number=1))[0] == 200


def test_a_label_explosion_is_ten_times_what_the_job_takes(client: Client) -> None:
    client.happens("label-explosion")
    status, page = client.get(url("worker-translation"))
    assert status == 200
    samples = sum(not line.startswith("#") for line in page.splitlines())
    assert samples == 10 * application_job().sample_limit


def test_what_has_no_sample_is_left_out_with_its_help() -> None:
    place = address(inventory(), "redis-exporter")
    series = exposed(
        inventory(), place, "/metrics", Schedule(happenings=(Happening(name="redis-dies", begins=0),))
    )
    assert series is not None
    assert exposition.text(series, NOW).decode().splitlines()[2:] == ["redis_up 0.0"]
