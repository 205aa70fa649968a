"""How a benchmark judges its ratios."""

import json
from pathlib import Path

import pytest
import typer

from bench.results import finish, regressions


@pytest.mark.parametrize(("ratio", "worse"), [(1.0, []), (1.25, []), (1.26, ["dev, preview"])])
def test_what_is_more_than_a_quarter_above_what_is_written_is_a_regression(
    ratio: float, worse: list[str]
) -> None:
    lines = regressions({"dev": {"preview": ratio}}, {"dev": {"preview": 1.0}})
    assert [line.partition(":")[0] for line in lines] == worse


@pytest.mark.parametrize(("ratio", "status"), [(1.2, 0), (1.3, 1)])
def test_a_check_writes_nothing_and_fails_where_a_ratio_is_worse(
    tmp_path: Path, ratio: float, status: int
) -> None:
    file = tmp_path / "figures.json"
    finish(file, {"dev": {"preview": 1.0}}, {"more": 1}, check=False)
    text = file.read_text()
    assert json.loads(text)["ratios"] == {"dev": {"preview": 1.0}}
    with pytest.raises(typer.Exit) as ended:
        finish(file, {"dev": {"preview": ratio}}, {}, check=True)
    assert ended.value.exit_code == status
    assert file.read_text() == text
