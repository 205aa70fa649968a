"""The table of docs/secrets.md: each secret that a stack can have, and what is rolled when it changes."""

import json
from pathlib import Path

import pytest

from stacks import stack_file
from stacks.grafana_settings import TOKEN
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from stacks.stack_file import ROOT
from tests.stacks.conftest import run_main, write_kubeconfig
from tests.stacks.setting_changes import by_name, plan, secrets
from tests.stacks.test_switches import EVERY_CHANNEL, SEVERAL, SLOWLY, SMTP

PROMETHEUS = f"{PROJECT}:prometheus"
STORES = [
    {"name": "mimir", "url": "https://mimir.example.com/push", "auth": {"username": "dubbing"}},
    {"name": "thanos", "url": "https://thanos.example.com/push", "auth": {"bearer": True}},
]
#: Dev with everything that needs a secret.
VALUES = {
    PROMETHEUS: json.dumps(
        {**json.loads(stack_file.raw_values(stack_file.stack_file("dev"))[PROMETHEUS]), "remoteWrite": STORES}
    ),
    f"{PROJECT}:grafana": json.dumps(SEVERAL),
    f"{PROJECT}:notifications": json.dumps(
        {
            "critical": EVERY_CHANNEL,
            "slack": {},
            "owners": {"product": EVERY_CHANNEL},
            "smtp": SMTP,
            "deadMansSwitch": True,
            "grouping": SLOWLY,
        }
    ),
}
SECRETS = secrets(VALUES)
#: What each row says is rolled, by the secret's key.
TABLE = {
    cells[0].strip("`"): frozenset(name.strip() for name in cells[2].split(",") if name.strip())
    for line in (ROOT / "docs" / "secrets.md").read_text().splitlines()
    if line.startswith("| `") and len(cells := [cell.strip() for cell in line[1:-1].split("|")]) == 3
}


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """Dev's context leads to a server that answers."""
    write_kubeconfig(tmp_path / "config", {"dubbing-dev": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


def rolled(before: list[Registration], key: str) -> frozenset[str]:
    """What a changed secret rolls."""
    full = f"{PROJECT}:{key}"
    after = run_main("dev", VALUES, {**SECRETS, full: f"{SECRETS[full]}-2"})
    return plan(key, {}, by_name(before), by_name(after)).rolled


def test_each_secret_that_a_stack_can_have_has_its_row() -> None:
    # Whoever has a Grafana of its own has no token.
    assert {f"{PROJECT}:{key}" for key in TABLE} == SECRETS.keys() | {f"{PROJECT}:{TOKEN}"}


@pytest.mark.slow
def test_a_changed_secret_rolls_what_its_row_says() -> None:
    before = run_main("dev", VALUES, SECRETS)
    assert {key: rolled(before, key) for key in TABLE.keys() - {TOKEN}} | {TOKEN: TABLE[TOKEN]} == TABLE


def test_a_changed_token_rolls_what_its_row_says(server: str) -> None:
    told = {"delivery": "api", "rootUrl": f"{server}/", "api": {"prometheusUrl": "https://example.com/"}}
    values = {**VALUES, f"{PROJECT}:grafana": json.dumps(told)}
    given = secrets(values)
    before, after = (
        by_name(run_main("dev", values, {**given, f"{PROJECT}:{TOKEN}": token})) for token in ("one", "two")
    )
    assert plan(TOKEN, {}, before, after).rolled == TABLE[TOKEN]


def test_a_stores_password_is_written_anew_and_nothing_is_rolled() -> None:
    key = f"{PROJECT}:remoteWritePassword-mimir"
    before, after = (
        by_name(run_main("dev", VALUES, {**SECRETS, key: password})) for password in ("one", "two")
    )
    found = plan(key, {}, before, after)
    assert (found.in_place, found.rolled) == ({"Secret prometheus-secret"}, frozenset())


def test_a_row_that_says_something_else_would_be_seen() -> None:
    before = run_main("dev", VALUES, SECRETS)
    assert rolled(before, "redisPassword-main") not in (TABLE["smtpPassword"], TABLE["grafanaAdminPassword"])
