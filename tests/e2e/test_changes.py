"""What the real engine plans for a changed setting, what it refuses, and that the way back is open."""

from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from kubernetes.config import new_client_from_config

from local.deployer import grant
from stacks import stack_file
from stacks.render import registrations
from stacks.settings_base import PROJECT
from stacks.stack_file import SettingsError
from tests.e2e.checkout import deployed, planned
from tests.e2e.live import Live
from tests.stacks.setting_changes import Document, Row, changed, configuration, document
from tests.stacks.test_setting_changes import TABLE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

#: What stands for its parts in a plan, and is no object of the cluster.
COMPONENTS = (
    "Stack ",
    "MonitoringStack ",
    "GpuMetrics ",
    "KubeStateMetrics ",
    "NodeExporter ",
    "OpenCost ",
    "PostgresExporter ",
    "RedisExporter ",
    "BlackboxExporter ",
    "NetworkPolicies ",
)


def accepted(changes: Document) -> bool:
    """Whether dev with these changes is a stack."""
    committed = stack_file.raw_values(stack_file.stack_file("dev"))
    try:
        stack_file.parse({**committed, **configuration(changed(document(), changes))}, [], stack="dev")
    except SettingsError:
        return False
    return True


def together(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows in as few groups as can be planned at once: none overwrites or deletes what others change."""
    groups: list[list[Row]] = []

    def fits(row: Row, group: list[Row]) -> bool:
        merged: Document = {}
        for one in [*group, row]:
            for path, value in one.changes.items():
                clash = [p for p in merged if p.startswith(f"{path}.") or path.startswith(f"{p}.")]
                if clash or merged.get(path, value) != value:
                    return False
                merged[path] = value
        deleted = frozenset[str]().union(*(one.deleted for one in group))
        if deleted & row.deleted:
            return False
        deleted |= row.deleted
        touched = frozenset[str]().union(*(one.in_place | one.rolled for one in [*group, row]))
        return not deleted & touched and accepted(merged)

    for row in rows:
        for group in groups:
            if fits(row, group):
                group.append(row)
                break
        else:
            groups.append([row])
    return groups


def write(live: Live, changes: Document) -> None:
    """Change dev's stack file."""
    path = live.checkout.folder / "Pulumi.dev.yaml"
    config: dict[str, Any] = {
        key: value
        for key, value in yaml.safe_load(path.read_text())["config"].items()
        if not key.startswith(f"{PROJECT}:")
    }
    config |= {f"{PROJECT}:{key}": value for key, value in changed(document(), changes).items()}
    path.write_text(yaml.safe_dump({"config": config}))


def objects(preview: str) -> dict[str, str]:
    """The steps of a preview that concern objects of the cluster."""
    return {name: step for name, step in planned(preview).items() if not name.startswith(COMPONENTS)}


GROUPS = together(TABLE.values())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].setting)
def test_the_engine_plans_what_the_table_says_and_replaces_nothing(live: Live, group: list[Row]) -> None:
    changes = {path: value for row in group for path, value in row.changes.items()}
    write(live, changes)
    try:
        steps = objects(live.checkout.succeed("preview"))
    finally:
        live.checkout.restore()
    expected = {
        step: frozenset[str]().union(*(getattr(row, name) for row in group for name in names))
        for step, names in {
            "update": ("in_place", "rolled"),
            "create": ("created",),
            "delete": ("deleted",),
        }.items()
    }
    assert {step: {name for name in steps if steps[name] == step} for step in set(steps.values())} == {
        step: names for step, names in expected.items() if names
    }


def test_another_storage_class_is_for_new_volumes_only(live: Live) -> None:
    write(live, {"kubernetes.storageClass": "gp2"})
    try:
        assert objects(live.checkout.succeed("preview")) == {}
    finally:
        live.checkout.restore()


def test_a_smaller_volume_is_refused_by_name_and_the_way_back_is_open(live: Live) -> None:
    write(live, {"prometheus.volume": "16Gi"})
    try:
        run = live.checkout.make("up")
    finally:
        live.checkout.restore()
    assert run.returncode != 0
    assert "data-prometheus-0" in run.stdout
    assert "can not be less than" in run.stdout
    live.up()
    assert "Nothing changed." in live.up()


def let_deploy(live: Live, namespace: str) -> None:
    """As the administrator, grant what it takes to deploy the stack file as it is."""
    path = live.checkout.folder / "Pulumi.dev.yaml"
    with new_client_from_config(config_file=live.url("kubeconfig")) as api:
        grant(api, registrations("dev", path), namespace)


def test_a_protected_stack_is_not_moved_and_an_unprotected_one_is_seen_to_be_replaced(live: Live) -> None:
    moved = {"kubernetes.namespace": "elsewhere"}
    write(live, moved)
    let_deploy(live, "elsewhere")
    assert "replace" in objects(live.checkout.succeed("preview")).values()
    write(live, {"kubernetes.protect": True})
    live.up()
    try:
        write(live, {**moved, "kubernetes.protect": True})
        run = live.checkout.make("preview")
        assert run.returncode != 0
        assert "protected" in run.stdout
        assert "data-prometheus-0" in run.stdout
    finally:
        live.checkout.restore()
        live.up()


def test_going_back_to_the_commit_before_restores_what_was(live: Live) -> None:
    before = deployed(live.checkout)
    # Volumes never shrink again, and a claim that left the stack is still there: no part of what can be taken
    # back by a commit.
    changes = {
        path: value
        for row in GROUPS[0]
        if not row.deleted
        for path, value in row.changes.items()
        if not path.endswith(".volume") and not path.startswith(("images.", "cluster"))
    }
    write(live, changes)
    live.checkout.commit("changed")
    try:
        live.up()
        assert deployed(live.checkout) != before
    finally:
        live.checkout.git("reset", "--quiet", "--hard", "HEAD~1")
    live.up()
    assert deployed(live.checkout) == before
    assert "Nothing changed." in live.up()
