"""The table of docs/changes.md, row by row: which objects a changed setting touches."""

from pathlib import Path

import pytest

from stacks.stack_file import ROOT
from tests.stacks.conftest import run_main, write_kubeconfig
from tests.stacks.setting_changes import (
    ByName,
    Document,
    by_name,
    changed,
    configuration,
    document,
    leaves,
    plan,
    secrets,
    table,
)

TABLE = table((ROOT / "docs" / "changes.md").read_text())
#: Told in words below the table, since they concern all objects or none, or what is in AWS or a Grafana.
IN_WORDS = {
    "aws.accountId",
    "aws.alertTopic",
    "aws.budget",
    "aws.eksCluster",
    "aws.identity",
    "aws.managedPrometheus.retentionDays",
    "aws.oidcIssuer",
    "aws.region",
    "aws.tags",
    "grafana.api.alertmanagerUrl",
    "grafana.api.notificationPolicy",
    "grafana.api.pods",
    "grafana.api.prometheusUrl",
    "grafana.api.workspaceType",
    "grafana.delivery",
    "images.requireDigest",
    "kubernetes.context",
    "kubernetes.namespace",
    "kubernetes.nodeNamespace",
    "kubernetes.protect",
    "kubernetes.storageClass",
    "prometheus.expectedSeries",
}


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory, server: str) -> ByName:
    """What dev registers as it is committed."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {"dubbing-dev": server})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return run({})


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """Dev's context leads to a server that answers."""
    write_kubeconfig(tmp_path / "config", {"dubbing-dev": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


def run(changes: Document) -> ByName:
    values = configuration(changed(document(), changes))
    return by_name(run_main("dev", values, secrets(values)))


def test_every_setting_has_a_row_or_is_told_in_words() -> None:
    assert TABLE.keys() | IN_WORDS == set(leaves())
    assert not TABLE.keys() & IN_WORDS
    text = (ROOT / "docs" / "changes.md").read_text()
    assert [setting for setting in IN_WORDS if f"`{setting}`" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("setting", TABLE)
def test_a_changed_setting_touches_what_its_row_says(registered: ByName, setting: str) -> None:
    row = TABLE[setting]
    assert str(plan(setting, row.changes, registered, run(row.changes))) == str(row)
    assert row.in_place | row.rolled | row.created | row.deleted


@pytest.mark.slow
def test_a_row_that_says_something_else_would_be_seen(registered: ByName) -> None:
    row = TABLE["prometheus.volume"]
    assert str(plan(row.setting, row.changes, registered, run({"prometheus.retention.time": "20d"}))) != str(
        row
    )
