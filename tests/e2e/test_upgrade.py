"""From what a release left, as `tests.e2e.record` recorded it, to the program as it is: no data is lost."""

import re
from collections.abc import Iterator

import pytest

from local.cluster import Cluster
from stacks.stack_file import read_stack_file, stack_file
from tests.e2e.checkout import Checkout, ready_workloads
from tests.e2e.leaks import secrets_of
from tests.e2e.live import measured, until
from tests.e2e.record import FOLDER, SECRET, restore

pytestmark = [pytest.mark.e2e, pytest.mark.prod]

RELEASE = FOLDER / "prod-b76bdc5.tar.xz"
CONTEXT = read_stack_file(stack_file("prod")).kubernetes.context

Uids = dict[str, str]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Today's program, on a machine and a cluster as the release left them."""
    checkout = Checkout.make_at(tmp_path_factory.mktemp("upgrade") / "project", "prod")
    try:
        restore(RELEASE, checkout)
        yield checkout
    finally:
        checkout.make("down")


def holding_data(checkout: Checkout) -> Uids:
    """All that data is lost with, by its uid: namespaces, claims, volumes."""
    with checkout.api() as api:
        found = [
            *api.core.list_namespace().items,
            *api.core.list_persistent_volume_claim_for_all_namespaces().items,
            *api.core.list_persistent_volume().items,
        ]
    return {f"{one.metadata.namespace or ''}/{one.metadata.name}": one.metadata.uid for one in found}


def test_an_upgrade_keeps_all_that_holds_data_and_ends_with_every_workload_ready(left: Checkout) -> None:
    Cluster(left.state, CONTEXT).start()
    before = holding_data(left)
    assert {"monitoring/data-prometheus-0", "monitoring/data-alertmanager-1", "monitoring/grafana"} <= set(
        before
    )
    assert secrets_of(left) == {SECRET}
    output = left.succeed("up")
    after = holding_data(left)
    assert before.items() <= after.items()
    assert secrets_of(left) == {SECRET}
    states = ready_workloads(left)
    assert all(states.values()), states
    (summary,) = re.findall(r"Deploy: (.*changed)\.?$", output, re.MULTILINE)
    measured(f"an upgrade of prod from {RELEASE.name.partition('.')[0]}: {summary}")


def test_an_up_after_the_upgrade_changes_nothing(left: Checkout) -> None:
    assert "Nothing changed." in left.succeed("up")


def test_what_is_made_anew_under_its_name_would_be_seen(left: Checkout) -> None:
    spare = {"metadata": {"name": "spare"}}
    with left.api() as api:
        api.core.create_namespace(spare)
        before = holding_data(left)
        api.core.delete_namespace("spare")
        until(lambda: "/spare" in holding_data(left), lambda there: not there, 60)
        api.core.create_namespace(spare)
    assert not before.items() <= holding_data(left).items()
