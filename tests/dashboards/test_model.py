"""Declarations that contradict themselves are refused; ids and text stay put."""

import dataclasses
import difflib

import pytest

from dashboards.metrics import exporters
from dashboards.model import (
    Dashboard,
    DeclarationError,
    Recording,
    Row,
    Target,
    Thresholds,
    TimeSeries,
    Variable,
)
from dashboards.parameters import Parameters
from dashboards.promql import min_by, select, variable
from dashboards.render import dashboard_json, declared

UP = select(exporters.PG_UP)
SYSTEM_HEALTH = declared(Parameters())[0]


def panel(number: int, *lines: Target) -> TimeSeries:
    shown = lines or (Target(query=UP, legend="{{instance}}"),)
    return TimeSeries(id=number, title=f"Panel {number}", description="", unit="none", lines=shown)


def with_panels(*panels: TimeSeries) -> Dashboard:
    """System Health, with another row at its end."""
    row = Row(id=900, title="More", panels=panels)
    return dataclasses.replace(SYSTEM_HEALTH, rows=(*SYSTEM_HEALTH.rows, row))


def changed_lines(before: Dashboard, after: Dashboard) -> list[str]:
    lines = difflib.unified_diff(
        dashboard_json(before).splitlines(), dashboard_json(after).splitlines(), lineterm="", n=0
    )
    return [line for line in lines if line[0] in "+-" and line[:3] not in {"+++", "---"}]


def test_a_changed_query_changes_one_line() -> None:
    other = panel(901, Target(query=select(exporters.PG_UP, instance="a"), legend="{{instance}}"))
    removed, added = changed_lines(with_panels(panel(901)), with_panels(other))
    assert '"expr": "pg_up"' in removed
    assert '"expr": "pg_up{instance=\\"a\\"}"' in added


def test_a_panel_inserted_in_a_row_changes_no_other_panels_id() -> None:
    removed = [
        line
        for line in changed_lines(with_panels(panel(901)), with_panels(panel(902), panel(901)))
        if line.startswith("-")
    ]
    assert not any('"id"' in line for line in removed)


def test_panels_that_do_not_fit_beside_each_other_wrap() -> None:
    places = [
        (place.x, place.y)
        for item, place in with_panels(panel(901), panel(902), panel(903)).places()
        if item.id > 900
    ]
    (x, y), *rest = places
    assert (x, rest) == (0, [(12, y), (0, y + 8)])


def test_an_id_used_twice_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"ids used twice: \[101\]"):
        with_panels(panel(101))


def test_a_tile_without_its_detail_panel_is_refused() -> None:
    with pytest.raises(DeclarationError, match="tile API Uptime: its detail panel 203 does not exist"):
        dataclasses.replace(SYSTEM_HEALTH, rows=SYSTEM_HEALTH.rows[:1])


def test_a_query_with_a_variable_that_the_dashboard_lacks_is_refused() -> None:
    other = Target(query=select(exporters.PG_UP, instance=variable("server")), legend="")
    with pytest.raises(DeclarationError, match=r"no variable \['server'\]"):
        with_panels(panel(901, other))


def test_a_legend_or_variable_with_an_unknown_label_is_refused() -> None:
    with pytest.raises(DeclarationError, match="pg_up has no pod"):
        Target(query=UP, legend="{{pod}}")
    with pytest.raises(DeclarationError, match="pg_up has no label pod"):
        Variable(name="pod", query=UP, label="pod")


def test_a_panel_has_one_to_three_queries() -> None:
    with pytest.raises(DeclarationError, match="4 queries, takes 1 to 3"):
        panel(901, *[Target(query=UP, legend="")] * 4)
    with pytest.raises(DeclarationError, match="0 queries"):
        TimeSeries(id=901, title="Empty", description="", unit="none", lines=())


@pytest.mark.parametrize(
    ("warning", "critical", "low_is_bad"), [(0.9, 0.9, False), (0.9, 0.8, False), (0.9, 0.95, True)]
)
def test_thresholds_the_wrong_way_round_are_refused(
    warning: float, critical: float, *, low_is_bad: bool
) -> None:
    with pytest.raises(DeclarationError, match=r"critical must be (above|below) warning"):
        Thresholds(warning=warning, critical=critical, low_is_bad=low_is_bad)


def test_the_complement_of_thresholds_is_bad_on_the_other_side() -> None:
    assert Thresholds(warning=0.05, critical=0.1).complement == Thresholds(
        warning=0.95, critical=0.9, low_is_bad=True
    )


def test_a_recording_has_a_proper_name_no_variables_and_keeps_its_cluster() -> None:
    with pytest.raises(DeclarationError, match="name it level:metric:operations"):
        Recording(name="uptime", query=UP, meaning="")
    with pytest.raises(DeclarationError, match="no dashboard variables"):
        Recording(name="a:b:c", query=select(exporters.PG_UP, cluster=variable("cluster")), meaning="")
    with pytest.raises(DeclarationError, match="keep the label cluster"):
        Recording(name="a:b:c", query=min_by(UP), meaning="")
