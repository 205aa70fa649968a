"""Remote write on real processes: two replicas on prod's configuration, a store that is away, and no loss."""

import json
import logging
import math
import operator
import time
import urllib.parse
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from local.overlay import Surroundings, hurried
from stacks.prometheus import scrape_config
from stacks.quantities import duration_seconds
from stacks.recording import Registration
from stacks.scrape import ScrapeJob
from tests.e2e.live import until
from tests.e2e.remote_store import RemoteStore
from tests.stacks.conftest import run_main, write_kubeconfig
from tests.stacks.conftest import server as server  # noqa: PLC0414 - a fixture
from tests.stacks.notified import free_address
from tests.stacks.prometheus_server import ask, prometheus
from tests.stacks.test_program import objects
from tests.stacks.test_traps import prometheus_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
REPLICAS = ("prometheus-0", "prometheus-1")
REGION = "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "no-secret-at-all"}
OTHER_SECRET = "another"  # noqa: S105 - of no use anywhere
#: How long the store is away, in seconds.
AWAY = 600
#: How many times sooner alerts fire and end: a quarter of an hour is a minute then.
HURRY = 15
SCRAPE_SECONDS = 5
GAUGE = "dubbing_websocket_connections"
RECORDED = "stage:dubbing_queue_depth:max"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, server: str) -> list[Registration]:
    """What prod registers: Amazon Managed Prometheus is its store."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {"dubbing-prod": server})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return run_main("prod")


@pytest.fixture(scope="module")
def application() -> Iterator[int]:
    """An application with a gauge that dashboards show, one that is recorded, and one that nobody reads."""
    registry = CollectorRegistry()
    names = ("namespace", "service")
    connections = Gauge(GAUGE, "Connections.", names, registry=registry).labels("dubbing", "api")
    connections.set_function(lambda: round(100 * math.sin(time.time())))
    Gauge("dubbing_queue_depth", "Jobs.", ("namespace", "stage"), registry=registry).labels(
        "dubbing", "lipsync"
    ).set(7)
    Gauge("go_goroutines", "Goroutines.", registry=registry).set(3)
    http, thread = start_http_server(0, "127.0.0.1", registry)
    yield http.server_port
    http.shutdown()
    thread.join()
    http.server_close()


def rules(deployed: list[Registration]) -> dict[str, str]:
    """The deployed recordings of jobs, and the alert on lag, in a hurry."""
    files = objects(deployed, "ConfigMap")["monitoring/prometheus-rules"]["data"]
    (group,) = yaml.safe_load(files["alerts-system-health.yaml"])["groups"]
    group["rules"] = [rule for rule in group["rules"] if rule["alert"] == "RemoteWriteBehind"]
    here = Surroundings(
        folders={},
        kubeconfig=Path(),
        resolve=lambda _: None,
        proxy="",
        authority=Path(),
        receivers="",
        time_scale=HURRY,
    )
    alert = hurried("alerts-system-health.yaml", json.dumps({"groups": [group]}), here)
    return {"jobs.yaml": files["jobs.yaml"], "alerts.yaml": alert}


@contextmanager
def replica(
    folder: Path, deployed: list[Registration], application: int, store: int, *, secret: str = ""
) -> Generator[str]:
    """The Prometheus that the folder names, which scrapes the application and itself; gives its address."""
    pod = folder.name
    config = json.loads(json.dumps(prometheus_config(deployed)))
    web = free_address()
    config["global"] |= {"scrape_interval": f"{SCRAPE_SECONDS}s"}
    config["alerting"]["alertmanagers"] = []
    (remote,) = config["remote_write"]
    remote["url"] = f"http://127.0.0.1:{store}{urllib.parse.urlsplit(remote['url']).path}"
    own = {"targets": [web], "labels": {"pod": pod}}
    config["scrape_configs"] = [
        scrape_config(ScrapeJob(name=name, config={"static_configs": [target]}, sample_limit=5000), "prod-1")
        for name, target in (
            ("application", {"targets": [f"127.0.0.1:{application}"]}),
            ("prometheus", own),
        )
    ]
    environment = {**CREDENTIALS, "POD_NAME": pod} | ({"AWS_SECRET_ACCESS_KEY": secret} if secret else {})
    # What nobody takes any more is not waited for at the end.
    quick = "--storage.remote.flush-deadline=1s"
    with prometheus(folder, config, rules(deployed), quick, environment=environment, web=web) as address:
        yield address


@contextmanager
def receiver(folder: Path) -> Generator[str]:
    """A Prometheus that scrapes nothing and takes what is written to it."""
    with prometheus(folder, {"global": {}}, None, "--web.enable-remote-write-receiver") as address:
        until(lambda: ask(f"http://{address}/-/ready"), lambda text: "Ready" in text, 30)
        yield address


def series(address: str, query: str, at: float | None = None) -> list[Json]:
    """What a query returns at a time."""
    parameters = {"query": query} | ({"time": str(at)} if at else {})
    answer = ask(f"http://{address}/api/v1/query?{urllib.parse.urlencode(parameters)}")
    return json.loads(answer)["data"]["result"] if answer else []


def samples(address: str, selector: str, start: float, end: float) -> list[tuple[float, str]]:
    """Every raw sample of the one series that is selected, from a time to another."""
    found = series(address, f"{selector}[{math.ceil(end - start)}s]", end)
    assert len(found) == 1, f"{selector}: {found}"
    return [(at, value) for at, value in found[0]["values"]]


def lag_fires(address: str) -> bool:
    return bool(series(address, 'ALERTS{alertname="RemoteWriteBehind",alertstate="firing"}'))


def test_a_store_that_was_away_for_ten_minutes_lacks_nothing(
    deployed: list[Registration], application: int, tmp_path: Path
) -> None:
    with ExitStack() as running:
        store = RemoteStore(
            receiver=running.enter_context(receiver(tmp_path / "receiver")),
            key=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            secret=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region=REGION,
        )
        with store.open() as port:
            replicas = {
                pod: running.enter_context(replica(tmp_path / pod, deployed, application, port))
                for pod in REPLICAS
            }
            both = f"{{__name__=~'{GAUGE}|{RECORDED}'}}"
            until(lambda: series(store.receiver, both), lambda found: len(found) == 4, 150)
            start = time.time()
        gone = time.monotonic()
        for address in replicas.values():
            until(lambda address=address: lag_fires(address), bool, 420)
        time.sleep(max(0, AWAY - (time.monotonic() - gone)))
        away = time.monotonic() - gone
        refused = len(store.refused)
        with store.open(port):
            behind = (
                "prometheus_remote_storage_queue_highest_timestamp_seconds"
                " - prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
            )
            back = time.monotonic()
            for address in replicas.values():

                def caught_up(address: str = address) -> bool:
                    found = series(address, behind)
                    return bool(found) and float(found[0]["value"][1]) < 2 * SCRAPE_SECONDS

                until(caught_up, bool, 120)
            caught = time.monotonic() - back
            for address in replicas.values():
                until(lambda address=address: lag_fires(address), operator.not_, 180)
            # What was scraped a moment ago may still be on its way.
            end = time.time() - 4 * SCRAPE_SECONDS
            time.sleep(2 * SCRAPE_SECONDS)
            counted = {
                f"{name} of {pod}": _compare({pod: address}, store.receiver, name, (start, end))
                for name in (GAUGE, 'up{job="application"}', RECORDED)
                for pod, address in replicas.items()
            }
            assert min(counted.values()) >= AWAY // 60
            assert store.refused[refused:] == []
            LOG.info("away for %.0f s, caught up in %.0f s, samples: %s", away, caught, counted)
            _joined_by_the_label(store.receiver, end)
            assert series(replicas[REPLICAS[0]], "go_goroutines{job='application'}")
            assert series(store.receiver, "go_goroutines") == []
            lag = duration_seconds("2m")
            assert series(replicas[REPLICAS[0]], f"max_over_time(({behind})[20m:5s]) > {lag}") or lag > AWAY


def _compare(replica: Json, store: str, name: str, window: tuple[float, float]) -> int:
    """The number of samples of a replica's series, each of which the store has, too."""
    metric, _, matchers = name.partition("{")
    inside = f"{matchers.removesuffix('}')}," if matchers else ""
    ((pod, address),) = replica.items()
    mine = samples(address, name, *window)
    theirs = samples(store, f'{metric}{{{inside}__replica__="{pod}"}}', *window)
    assert theirs == mine
    return len(mine)


def _joined_by_the_label(store: str, at: float) -> None:
    """Without the replica's label what both scrape is one series, of both; with ours nothing has it."""
    of_both = f'{{__name__=~"{GAUGE}|{RECORDED}|up",job!="prometheus"}}'
    pairs = series(
        store, f"count without (__replica__) (label_replace({of_both}, 'n', '$1', '__name__', '(.+)'))", at
    )
    assert {one["metric"]["n"] for one in pairs} == {GAUGE, RECORDED, "up"}
    assert {one["value"][1] for one in pairs} == {"2"}
    assert {one["metric"]["__replica__"] for one in series(store, of_both, at)} == set(REPLICAS)
    assert series(store, '{prometheus_replica!=""}', at) == []


def test_what_is_signed_with_another_secret_is_refused(
    deployed: list[Registration], application: int, tmp_path: Path
) -> None:
    with receiver(tmp_path / "receiver") as address:
        store = RemoteStore(
            receiver=address,
            key=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            secret=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region=REGION,
        )
        with (
            store.open() as port,
            replica(tmp_path / REPLICAS[0], deployed, application, port, secret=OTHER_SECRET) as web,
        ):
            until(lambda: store.refused, bool, 60)
            failed = "prometheus_remote_storage_samples_failed_total > 0"
            until(lambda: series(web, failed), bool, 60)
        assert set(store.refused) == {"another signature"}
        assert store.taken == 0
        assert series(address, '{__name__=~".+"}') == []
