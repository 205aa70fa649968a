"""docs/settings.md: what the models say, with every setting on it."""

import pytest
from pydantic import Field

from stacks import settings_table
from stacks.settings import Settings
from stacks.settings_table import page
from stacks.stack_file import ROOT
from tests.stacks.setting_changes import leaves

PAGE = ROOT / "docs" / "settings.md"


def row(text: str, key: str) -> list[str]:
    """The cells of a setting's row behind its key."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"| `{key}` |")]
    return [cell.strip() for cell in found.strip("|").split(" | ")[1:]]


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m stacks.settings_table > docs/settings.md"
    )


def without_row(text: str) -> set[str]:
    """The settings that the page leaves out: neither they nor a group as theirs has a row."""
    keys = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert len(keys) == len(set(keys))
    alike = {key for key in keys if " as `" in row(text, key)[0]}
    named = {leaf: f"{leaf.replace('[0]', '[]')}." for leaf in leaves()}
    return {
        leaf
        for leaf, name in named.items()
        if not any(f"{key}.".startswith(name) for key in keys) and leaf.rpartition(".")[0] not in alike
    }


def test_each_setting_has_its_row() -> None:
    assert without_row(page()) == set()
    lines = [line for line in page().splitlines() if not line.startswith("| `grafana.volume` |")]
    assert without_row("\n".join(lines)) == {"grafana.volume"}


def test_rows_say_what_a_field_takes_and_its_default() -> None:
    text = page()
    assert row(text, "cluster")[:2] == ["text", "*required*"]
    assert row(text, "prometheus.replicas")[:2] == ["a number from 1 to 2", "`1`"]
    assert row(text, "prometheus.resources.requests.memory")[:2] == ["text", "`1Gi`"]
    assert row(text, "grafana.database")[:2] == ["a group", "not set"]
    assert row(text, "grafana.database.type")[:2] == ["`postgres` or `mysql`", "*required*"]
    assert row(text, "thresholds.monthlyCost")[1] == '`{"warning": 15000, "critical": 20000}`'
    assert row(text, "alerts.apiErrorBudget")[0] == "a number from 0.0001 to 0.05"
    assert row(text, "notifications.owners")[0] == "a mapping of groups as `notifications.critical`"
    assert row(text, "redis.servers[].tls")[:2] == ["`true` or `false`", "`true`"]


def test_a_setting_that_is_added_changes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class More(Settings):
        """With one more."""

        extra: int = Field(default=3, ge=1, description="one more")

    before = page()
    monkeypatch.setattr(settings_table, "Settings", More)
    assert row(page(), "extra") == ["a number from 1", "`3`", "one more"]
    assert page() != before
