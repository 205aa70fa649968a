"""The table of the specification against its text, where that lies beside the checkout."""

import re
from pathlib import Path

import pytest

from tests.spec import SECTIONS, Section

TEXT = Path(__file__).parents[2] / "shared" / "spec" / "operational-dashboards.md"

pytestmark = pytest.mark.skipif(not TEXT.exists(), reason="the specification is not beside the checkout")


def part(section: str, heading: str) -> str:
    return re.split(r"^### ", section.split(f"### {heading}\n")[1], flags=re.MULTILINE)[0]


def bold(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^(?:-|\d+\.) \*\*(.+?)\*\*:", text, flags=re.MULTILINE))


@pytest.mark.parametrize("declared", SECTIONS, ids=lambda section: section.uid)
def test_the_table_says_what_the_text_says(declared: Section) -> None:
    text = TEXT.read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"## {declared.heading}\n")[1], flags=re.MULTILINE)[0]
    assert f"**Purpose**: {declared.purpose}\n" in section
    assert bold(part(section, "Key Metrics")) == declared.key_metrics
    assert bold(part(section, "Panels")) == declared.panels
    assert bold(part(section, "Use Cases")) == declared.use_cases
    lines = re.findall(r"^- (.+)$", part(section, "Alerts"), flags=re.MULTILINE)
    assert tuple(lines) == tuple(one.text for one in declared.alerts)
