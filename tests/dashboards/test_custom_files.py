"""The door for custom dashboards, and the command that checks them by hand."""

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dashboards.__main__
from dashboards.__main__ import main
from dashboards.custom_files import (
    CustomDashboardError,
    CustomDashboards,
    adopted,
    custom_dashboards,
)

GOOD: dict[str, object] = {"title": "Codecs", "uid": "codecs", "panels": []}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "name", "title", "datasource", "expr", "query", "targets", "panels", "list"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = (
    "panels",
    "templating",
    "annotations",
    "__inputs",
    "rows",
    "spec",
    "elements",
    "apiVersion",
    "dashboard",
)


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(CustomDashboardError) as caught:
        custom_dashboards(folder)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_a_good_file_passes(tmp_path: Path) -> None:
    write(tmp_path, "codecs.json", GOOD)
    write(tmp_path, "README.md", "not a dashboard")
    found = custom_dashboards(tmp_path)
    assert {name: json.loads(text) for name, text in found.files.items()} == {"codecs.json": GOOD}
    assert found.warnings == ()


def test_a_missing_folder_is_named_where_it_would_delete_what_is_deployed(tmp_path: Path) -> None:
    with pytest.raises(CustomDashboardError, match="nowhere: there is no such folder") as missing:
        custom_dashboards(tmp_path / "nowhere")
    assert "Mend: make it" in str(missing.value)
    with pytest.raises(CustomDashboardError, match="shelf: there is no such folder"):
        custom_dashboards(tmp_path, tmp_path / "shelf")
    assert custom_dashboards(tmp_path, tmp_path).all == {}


def test_a_file_that_was_moved_is_retired_with_its_uid(tmp_path: Path) -> None:
    custom, archive = tmp_path / "custom", tmp_path / "archive"
    for folder in (custom, archive):
        folder.mkdir()
    path = write(custom, "codecs.json", GOOD)
    before = custom_dashboards(custom, archive)
    path.rename(archive / path.name)
    after = custom_dashboards(custom, archive)
    assert (before.archived, after.files) == ({}, {})
    assert before.files == after.archived == after.all
    assert json.loads(after.archived["codecs.json"])["uid"] == "codecs"


def test_a_file_that_was_copied_is_refused(tmp_path: Path) -> None:
    custom, archive = tmp_path / "custom", tmp_path / "archive"
    for folder, uid in ((custom, "codecs"), (archive, "other")):
        folder.mkdir()
        write(folder, "codecs.json", GOOD | {"title": uid, "uid": uid})
    with pytest.raises(CustomDashboardError) as caught:
        custom_dashboards(custom, archive)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{archive / 'codecs.json'}: {custom / 'codecs.json'} has its name")


def test_a_retired_one_is_judged_as_others_are(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    write(tmp_path, "a.json", GOOD)
    write(archive, "b.json", GOOD | {"title": "Other"})
    write(archive, "c.json", "{")
    with pytest.raises(CustomDashboardError) as caught:
        custom_dashboards(tmp_path, archive)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        str(archive / "b.json"),
        str(archive / "c.json"),
    ]


def test_a_file_that_does_not_parse_is_told_by_line_and_column(tmp_path: Path) -> None:
    write(tmp_path, "broken.json", '{\n  "title": "A",\n  "uid" "a"\n}')
    assert mistakes(tmp_path) == [
        "broken.json: line 3, column 9: Expecting ':' delimiter: mend it there, or export the dashboard again"
    ]


def test_all_mistakes_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a.json", GOOD)
    write(tmp_path, "b.json", GOOD | {"title": "Other"})
    write(tmp_path, "c.json", [GOOD])
    write(tmp_path, "d.json", {"uid": 7})
    write(tmp_path, "e.json", {"title": "System Health", "uid": "system-health"})
    (tmp_path / "f.json").write_bytes(b'{"title": "\xff"}')
    found = mistakes(tmp_path)
    assert [line.split(":")[0] for line in found] == [
        "b.json",
        "c.json",
        "d.json",
        "d.json",
        "e.json",
        "e.json",
        "f.json",
    ]
    assert '"uid" is "codecs", which' in found[0]
    assert "holds a list, not a JSON object" in found[1]
    assert '"title" is null' in found[2]
    assert '"uid" is 7' in found[3]
    assert "which the built-in dashboard has, too: choose another" in found[4]
    assert "is not UTF-8 at byte 11" in found[6]


@pytest.mark.parametrize("name", ["My Dashboard.json", "my_dashboard.json", "-a.json", f"{'a' * 80}.json"])
def test_a_name_that_a_config_map_can_not_have_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, GOOD)
    assert ["rename it to small letters" in line for line in mistakes(tmp_path)] == [True]


def test_a_uid_that_grafana_does_not_take_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.json", GOOD | {"uid": "a b"})
    write(tmp_path, "b.json", GOOD | {"title": "B", "uid": "b" * 41})
    assert ["Grafana takes up to 40 letters" in line for line in mistakes(tmp_path)] == [True, True]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    content=JSON | st.fixed_dictionaries({"title": JSON, "uid": JSON}, optional=dict.fromkeys(FIELDS, JSON))
)
def test_any_json_is_taken_or_refused_never_a_traceback(tmp_path: Path, content: object) -> None:
    path = write(tmp_path, "any.json", json.dumps(content))
    with contextlib.suppress(CustomDashboardError):
        (text,) = adopted([path]).files.values()
        assert json.loads(text)["title"]


def test_check_warns_of_what_works_and_should_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The specification's own example of a custom panel.
    panel = {
        "title": "Custom Metric",
        "type": "graph",
        "targets": [{"expr": "your_custom_metric", "legendFormat": "{{label}}"}],
        "yaxes": [{"format": "short", "label": "Value"}],
    }
    path = write(tmp_path, "codecs.json", GOOD | {"panels": [panel]})
    assert main(["check", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "1 file: no mistakes\n"
    assert 'panel "Custom Metric": the panel type graph is gone' in captured.err
    assert "export it as timeseries" in captured.err


def test_check_says_what_is_wrong_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write(tmp_path, "good.json", GOOD), write(tmp_path, "bad.json", "{")
    assert main(["check", str(good)]) == 0
    assert main(["check", str(bad)]) == 1
    assert main(["check", str(tmp_path / "none.json")]) == 1
    captured = capsys.readouterr()
    assert captured.out == "1 file: no mistakes\n"
    assert "bad.json: line 1, column 2" in captured.err
    assert "none.json: can't be read: No such file" in captured.err


def test_check_alone_checks_what_would_be_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert re.fullmatch(
        r"5 built-in, \d+ custom and \d+ archived dashboards: no mistakes\n", capsys.readouterr().out
    )


def test_list_and_check_have_dropped_in_and_retired_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [json.dumps({"title": uid.title(), "uid": uid}) for uid in ("codecs", "old")]
    found = CustomDashboards(files={"c.json": texts[0]}, archived={"o.json": texts[1]}, warnings=())
    monkeypatch.setattr(dashboards.__main__, "custom_dashboards", lambda: found)
    assert main(["list"]) == 0
    assert "\nCustom: Codecs (codecs), c.json\nArchived: Old (old), o.json\n" in capsys.readouterr().out
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "5 built-in, 1 custom and 1 archived dashboards: no mistakes\n"


def test_list_prints_every_panel_with_what_it_reads() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dashboards", "list"], capture_output=True, text=True, check=True
    )
    assert "  Redis Memory Usage\n" in done.stdout
    assert "reads redis_memory_max_bytes, redis_memory_used_bytes, redis_total" in done.stdout
    assert "  probe:probe_success:avg24h = avg by (cluster, probe)" in done.stdout
    assert done.stderr == ""
