"""The stack prod on a platform of its own: up, no secret anywhere, a drained node, and the way back.

Each test goes on from the state that the one before left.
"""

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sized
from contextlib import contextmanager

import pytest
import yaml

from local.processes import end
from local.simulator.hands_on import STORE_AWAY
from stacks.settings_base import PROJECT
from stacks.stack_file import read_stack_file, stack_file
from tests.aws_provider.conftest import Clients, open_clients
from tests.e2e import drain
from tests.e2e.checkout import Checkout, deployed, planned, ready_workloads
from tests.e2e.drain import NAMESPACE
from tests.e2e.leaks import leaks, secrets_of, written_by
from tests.e2e.live import Live, measured, of, until
from tests.stacks.notified import an_alert, send

pytestmark = [pytest.mark.e2e, pytest.mark.prod]

SETTINGS = read_stack_file(stack_file("prod"))
REPLICAS = {"alertmanager": SETTINGS.alertmanager.replicas, "prometheus": SETTINGS.prometheus.replicas}
EVENTS, PREVIEW = "events.jsonl", "preview.txt"


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The platform of prod, brought up once, with all events of the engine kept beside its logs."""
    live = Live(Checkout.make_at(tmp_path_factory.mktemp("prod") / "project", "prod"))
    try:
        with_events(live)
        yield live
    finally:
        live.checkout.restore()
        live.checkout.make("down")


def with_events(live: Live) -> str:
    """Run `make up`, with each event of the engine written down."""
    events = live.state / "log" / EVENTS
    events.parent.mkdir(parents=True, exist_ok=True)
    return live.checkout.succeed("up", f"RUN=.venv/bin/python -m tests.e2e.events {events}")


def test_prod_comes_up_with_every_workload_ready(prod: Live) -> None:
    states = ready_workloads(prod.checkout)
    assert {
        "prometheus",
        "alertmanager",
        "grafana",
        "opencost",
        "kube-state-metrics",
        "node-exporter",
    } <= set(states)
    assert all(states.values()), states
    with prod.checkout.api() as api:
        sets = api.apps.list_namespaced_stateful_set(NAMESPACE).items
        claims = api.core.list_namespaced_persistent_volume_claim(NAMESPACE).items
    assert {one.metadata.name: one.spec.replicas for one in sets} == REPLICAS
    assert {one.metadata.name: one.status.capacity["storage"] for one in claims} == {
        **{f"data-alertmanager-{n}": SETTINGS.alertmanager.volume for n in range(REPLICAS["alertmanager"])},
        **{f"data-prometheus-{n}": SETTINGS.prometheus.volume for n in range(REPLICAS["prometheus"])},
        "grafana": SETTINGS.grafana.volume,
    }
    assert all(run.ready for run in prod.runs()), prod.runs()


def test_a_second_up_changes_nothing(prod: Live) -> None:
    assert "Nothing changed." in prod.up()


@contextmanager
def aws_of(prod: Live) -> Generator[Clients]:
    """The API of AWS of the platform, as anybody has it."""
    yield from open_clients(prod.url("aws"))


def long_term(prod: Live, query: str) -> dict[str, float]:
    """What a query of the long-term store gives for each replica."""
    found = prod.get("/api/v1/query", "longTerm", query=query)["data"]["result"]
    return {one["metric"]["__replica__"]: float(one["value"][1]) for one in found}


def test_what_both_replicas_scrape_arrives_told_apart_by_the_label_alone(prod: Live) -> None:
    counted = f'count by (__replica__) (up{{cluster="{SETTINGS.cluster}"}})'
    pods = [f"prometheus-{number}" for number in range(REPLICAS["prometheus"])]
    # Targets come and go with the pods that were just made.
    until(
        lambda: (long_term(prod, counted), prod.value("count(up)")),
        lambda found: found[0] == dict.fromkeys(pods, found[1]),
        150,
    )
    one_series = f"count without (__replica__) (up) != {len(pods)}"
    until(
        lambda: prod.get("/api/v1/query", "longTerm", query=one_series)["data"]["result"],
        lambda found: found == [],
        150,
    )
    assert long_term(prod, 'count by (__replica__) ({prometheus_replica!=""})') == {}
    # It is scraped, and no dashboard reads it.
    assert prod.value("count(go_goroutines)")
    assert long_term(prod, "count by (__replica__) (go_goroutines)") == {}
    series = sum(long_term(prod, 'count by (__replica__) ({__name__!=""})').values())
    measured(f"prod's replicas write {series:.0f} series to the long-term store")


def test_a_critical_alert_arrives_at_the_topic_in_the_words_of_everywhere(prod: Live) -> None:
    with aws_of(prod) as client:
        sns, sqs = client("sns"), client("sqs")
        queue = sqs.create_queue(QueueName="on-call")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        (topic,) = sns.list_topics()["Topics"]
        sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)
        send(
            prod.url("alertmanager"),
            an_alert("Tried", "critical"),
            an_alert("TriedToo", "warning"),
        )
        (told,), _ = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages", []), bool, 120)
        body = json.loads(told["Body"])
        assert body["TopicArn"] == topic["TopicArn"]
        assert body["Subject"].startswith("CRITICAL: Tried in ")
        assert "Runbook: " in body["Message"]
        assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []) == []


def test_a_store_that_is_away_is_told_and_its_return_too(prod: Live) -> None:
    since, began = len(prod.messages()), time.monotonic()
    prod.incident(STORE_AWAY.name)
    prod.up(60)
    try:
        (fired,) = STORE_AWAY.fires
        until(prod.alerts, lambda firing: fired in firing, 420)
        took = time.monotonic() - began
        until(lambda: of(prod.messages()[since:], *fired), bool, 60)
    finally:
        prod.recover()
    until(prod.alerts, lambda firing: fired not in firing, 120)
    prod.up()
    measured(f"{fired[0]} of prod, 60 times sooner: fires after {took:.0f} s")


def test_an_api_of_aws_that_began_anew_gets_all_that_the_stack_has(prod: Live) -> None:
    with aws_of(prod) as client:
        (before,) = client("amp").list_workspaces()["workspaces"]
    assert end(prod.state / "aws.pid")
    output = prod.up()
    assert "Repair: the API of AWS began anew" in output
    with aws_of(prod) as client:
        (after,) = client("amp").list_workspaces()["workspaces"]
        assert len(client("sns").list_topics()["Topics"]) == 1
        assert len(client("iam").list_roles()["Roles"]) == 3
    assert after["workspaceId"] != before["workspaceId"]
    with prod.checkout.api() as api:
        config = api.core.read_namespaced_config_map("prometheus-config", NAMESPACE).data["prometheus.yml"]
    assert after["workspaceId"] in config
    assert "Nothing changed." in prod.up()


def test_no_secret_is_readable_in_what_the_engine_and_the_platform_wrote(prod: Live) -> None:
    secrets = secrets_of(prod.checkout)
    assert len(secrets) >= len(SETTINGS.secrets_needed())
    preview = preview_with_other_secrets(prod)
    assert planned(preview)["Secret alertmanager-secret"] == "update"
    assert planned(preview)["ConfigMap prometheus-config"] == "update"
    (prod.state / "log" / PREVIEW).write_text(preview)
    texts = dict(written_by(prod.checkout))
    backend = "state/.pulumi/"
    for place in (
        f"log/{EVENTS}",
        f"log/{PREVIEW}",
        f"{backend}stacks/",
        f"{backend}history/",
        f"{backend}backups/",
    ):
        assert any(b"prometheus-config" in text for name, text in texts.items() if name.startswith(place)), (
            place
        )
    assert leaks(texts.items(), secrets) == set()
    measured(f"{len(secrets)} secrets of prod, in none of {len(texts)} files")


def preview_with_other_secrets(prod: Live) -> str:
    """What the engine shows of a change to a Secret, and to a setting of nearly every object."""
    copy = prod.state / "prod" / "project" / "Pulumi.prod.yaml"
    before = copy.read_text()
    document = yaml.safe_load(before)
    one, other = (f"{PROJECT}:slackWebhookUrl-{receiver}" for receiver in ("slack", "owner-product"))
    config = document["config"]
    copy.write_text(
        yaml.safe_dump({**document, "config": {**config, one: config[other], other: config[one]}})
    )
    prod.checkout.edit("Pulumi.prod.yaml", f"{PROJECT}:cluster: dubbing-prod", f"{PROJECT}:cluster: another")
    try:
        return prod.checkout.succeed("preview")
    finally:
        prod.checkout.restore()
        copy.write_text(before)


def test_replicas_are_on_nodes_and_in_zones_of_their_own(prod: Live) -> None:
    with prod.checkout.api() as api:
        zones = {
            node.metadata.name: node.metadata.labels["topology.kubernetes.io/zone"]
            for node in api.core.list_node().items
        }
        found = drain.servers(api)
    assert {name: len(pods) for name, pods in found.items()} == {
        name: count for name, count in REPLICAS.items() if count > 1
    }
    for name, pods in found.items():
        assert len(set(pods.values())) == len(pods), name
        assert len({zones[node] for node in pods.values()}) == len(pods), name


def all_of(servers: Mapping[str, Sized]) -> dict[str, tuple[int, int]]:
    """A ready endpoint and a ready process of every Pod."""
    return {name: (len(pods), len(pods)) for name, pods in servers.items()}


def test_a_drained_node_takes_one_replica_and_the_service_stays(prod: Live) -> None:
    with prod.checkout.api() as api:
        before = drain.servers(api)
        node = before["alertmanager"]["alertmanager-0"]
        going = {name: [pod for pod, of in pods.items() if of == node] for name, pods in before.items()}
        staying = {name: [pod for pod, of in pods.items() if of != node] for name, pods in before.items()}
        with drain.cordoned(api, node), drain.watched(prod, before) as served:
            with drain.kubelets_paused(prod):
                for pod in [pod for pods in going.values() for pod in pods]:
                    assert drain.evict(api, pod) == 201
                until(lambda: served.newest(before), lambda newest: newest == all_of(staying), 60)
                for pods in staying.values():
                    assert [drain.evict(api, pod) for pod in pods] == [429] * len(pods)
            until(lambda: served.newest(before), lambda newest: newest == all_of(before), 90)
        after = drain.servers(api)
        # What was refused was refused for the one that was away.
        once_more = [pod for pods in staying.values() for pod in pods]
        until(
            lambda: {drain.evict(api, pod, dry=True) for pod in once_more},
            lambda answers: answers == {201},
            30,
        )
    for name in before:
        assert served.fewest(name) == (len(staying[name]), len(staying[name]))
        assert node not in after[name].values()
        measured(f"a drained node: {name} went on with {len(staying[name])} of {len(before[name])}")


def test_a_server_that_is_away_as_a_whole_would_be_seen(prod: Live) -> None:
    with prod.checkout.api() as api:
        found = {"alertmanager": drain.servers(api)["alertmanager"]}
        with drain.watched(prod, found) as served:
            with drain.kubelets_paused(prod):
                for pod in found["alertmanager"]:
                    api.core.delete_namespaced_pod(pod, NAMESPACE)
                until(lambda: served.fewest("alertmanager"), lambda fewest: fewest == (0, 0), 60)
            until(lambda: served.newest(found), lambda newest: newest == all_of(found), 90)


def test_a_secret_in_a_config_map_is_found_and_going_back_restores_what_was(prod: Live) -> None:
    secrets = secrets_of(prod.checkout)
    secret = max(secrets, key=lambda one: (not one.startswith("https:"), one))
    before = deployed(prod.checkout)
    with (prod.checkout.folder / "Pulumi.prod.yaml").open("a") as file:
        file.write(f'  {PROJECT}:alerts: {{runbookUrl: "https://example.com/{secret}/"}}\n')
    prod.checkout.commit("changed")
    try:
        with_events(prod)
        assert deployed(prod.checkout) != before
        found = leaks(written_by(prod.checkout), secrets)
    finally:
        prod.checkout.git("reset", "--quiet", "--hard", "HEAD~1")
    assert f"log/{EVENTS}" in found
    assert f"state/.pulumi/stacks/{PROJECT}/prod.json" in found
    prod.up()
    assert deployed(prod.checkout) == before
