"""The command that workflows pipe a preview into."""

import io
import json
from pathlib import Path

import pytest

from review.__main__ import main
from review.limits import marker
from review.seen import Seen
from tests.review import plans


def run(monkeypatch: pytest.MonkeyPatch, preview: object, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["review", "dev", *arguments])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(preview)))
    return main()


def test_it_prints_the_comment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [plans.step("create", "Service", "fresh")]
    assert run(monkeypatch, {"steps": steps}, "--source", "of today") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{marker('dev')}\n")
    assert "1 created" in printed
    assert "of today" in printed


def test_it_tells_what_was_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "dev.seen.json"
    file.write_text(Seen(pictures={"Job Processing": "after"}).write())
    assert run(monkeypatch, {"steps": []}, "--seen", str(file)) == 0
    assert "- Pictures after of `Job Processing`: " in capsys.readouterr().out


def test_without_drift_it_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"steps": [plans.step("same", "Service", "old")]}, "--drift") == 0
    assert capsys.readouterr().out == ""
    assert run(monkeypatch, {"steps": [plans.step("update", "Service", "old")]}, "--drift") == 0
    assert "1 changed" in capsys.readouterr().out


def test_a_preview_that_failed_makes_no_comment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"steps": [], "diagnostics": [{"severity": "error", "message": "why"}]}) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "why\n")


def test_an_engine_that_said_nothing_makes_no_comment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["review", "dev"])
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("No preview of dev to read:")


def test_a_preview_of_which_nothing_came_is_told_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["review", "dev"])
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main() == 1
    assert capsys.readouterr().err == "No preview of dev to read: nothing came in; why stands above\n"
