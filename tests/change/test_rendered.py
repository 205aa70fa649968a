"""What differs between two renderings, and what it is made from."""

from pathlib import Path
from typing import Any

import pytest

from dashboards.metrics import application
from dashboards.recordings import jobs
from tests.change.renderings import BOARD, add_rules, change, edit_board, twice


@pytest.fixture
def renderings(tmp_path: Path) -> tuple[Path, Path]:
    return twice(tmp_path)


def retitled(board: Any) -> None:  # noqa: ANN401 - a dashboard
    board["title"] = "Other"


def test_two_of_the_same_differ_in_nothing(renderings: tuple[Path, Path]) -> None:
    found = change(*renderings)
    assert (found.boards, found.added, found.removed) == ((), [], [])
    assert len(found.after.boards) == 5


def test_a_dashboard_that_differs_appears_or_goes_is_found(renderings: tuple[Path, Path]) -> None:
    before, after = renderings
    edit_board(after, BOARD, retitled)
    (before / "dashboards" / "user-activity.json").unlink()
    (after / "dashboards" / "cost-performance.json").unlink()
    assert change(before, after).boards == ("cost-performance", BOARD, "user-activity")


def test_a_rule_that_changes_is_told_as_it_was_and_as_it_is(renderings: tuple[Path, Path]) -> None:
    before, after = renderings
    add_rules(before, {"record": "a:b", "expr": "up"})
    add_rules(after, {"record": "a:b", "expr": "up == 1"}, {"alert": "C", "expr": "up == 0"})
    found = change(before, after)
    assert [rule["expr"] for rule in found.removed] == ["up"]
    assert [rule["expr"] for rule in found.added] == ["up == 1", "up == 0"]


def test_what_it_is_made_from_is_followed_through_the_rules(renderings: tuple[Path, Path]) -> None:
    before, after = renderings
    add_rules(after, {"alert": "Few", "expr": f"\n{jobs.JOBS.name} < 1"})
    found = change(before, after)
    assert {"up", jobs.JOBS.name, application.JOBS.name} <= found.names
    assert application.QUEUE_DEPTH.name not in found.names
    recorded = [rule["record"] for group in found.after.recording(found.names) for rule in group["rules"]]
    assert recorded == [jobs.JOBS.name]
    edit_board(after, BOARD, retitled)
    assert application.QUEUE_DEPTH.name in change(before, after).names


def test_only_what_something_looks_far_back_on_is_wanted_for_weeks(renderings: tuple[Path, Path]) -> None:
    before, after = renderings
    edit_board(after, BOARD, retitled)
    found = change(before, after)
    # Five minutes of a queue, a day of jobs, a week of a stage's mean time.
    assert application.QUEUE_DEPTH.name in found.shallow
    assert f"{application.STAGE_DURATION.name}_bucket" in found.shallow
    assert not {application.JOBS.name, jobs.STAGE_TIME_AVERAGE.name, jobs.STAGE_TIME.name} & found.shallow
    assert f"{application.STAGE_DURATION.name}_sum" not in found.shallow


def of_a_week(board: Any) -> None:  # noqa: ANN401 - a dashboard
    board["time"]["from"] = "now-7d"


def test_a_dashboard_of_a_week_is_wanted_whole(renderings: tuple[Path, Path]) -> None:
    before, after = renderings
    edit_board(after, BOARD, of_a_week)
    assert application.QUEUE_DEPTH.name not in change(before, after).shallow
