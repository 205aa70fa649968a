"""The stack prod on a platform of its own: up, no secret anywhere, a drained node, and the way back.

Each test goes on from the state that the one before left.
"""

from collections.abc import Iterator, Mapping, Sized

import pytest
import yaml

from stacks.settings_base import PROJECT
from stacks.stack_file import read_stack_file, stack_file
from tests.e2e import drain
from tests.e2e.checkout import Checkout, deployed, planned, ready_workloads
from tests.e2e.drain import NAMESPACE
from tests.e2e.leaks import leaks, secrets_of, written_by
from tests.e2e.live import Live, measured, until

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
