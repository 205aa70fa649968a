"""Which commit a checkout is compared with."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from local import comparison
from local.comparison import Comparison, fork_point
from local.engine_command import Interrupted
from local.errors import PlatformError
from review.seen import Seen


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, text: str) -> str:
    (folder / "file").write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    return tmp_path


def test_what_others_changed_since_is_no_part_of_it(repository: Path) -> None:
    left = commit(repository, "one")
    git(repository, "switch", "--quiet", "--create", "mine")
    commit(repository, "mine")
    git(repository, "switch", "--quiet", "main")
    tip = commit(repository, "others'")
    assert fork_point(repository, "HEAD") == tip
    git(repository, "switch", "--quiet", "mine")
    assert fork_point(repository, "main") == left


def test_a_commit_that_is_not_there_is_named_before_anything_starts(repository: Path) -> None:
    commit(repository, "one")
    with pytest.raises(PlatformError, match="no commit nowhere here"):
        Comparison(stack="dev", base="nowhere", root=repository).comment()
    assert not (repository / ".local").exists()


def test_what_cannot_be_looked_at_stops_nothing_and_leaves_no_older_pictures(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository, "one")
    picture = repository / "rendered" / "pictures" / "dev" / "after" / "job-processing.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    assert Comparison(stack="dev", base="HEAD", root=repository).look() == Seen()
    # The commit has no program that could be rendered.
    assert "Change: not looked at. HEAD cannot be rendered" in capsys.readouterr().out
    assert not picture.exists()
    assert list((repository / ".local" / "comparisons").iterdir()) == []


#: Ends a while after it was told to, and writes down how often that was.
SLOW_TO_END = """
import pathlib, signal, sys, time
told = []
signal.signal(signal.SIGINT, lambda *_: told.append(1))
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
pathlib.Path("begun").touch()
while not told:
    time.sleep(0.01)
time.sleep(0.5)
pathlib.Path("ended").write_text(str(len(told)))
"""


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_the_base_that_is_being_deployed_is_told_of_a_signal_once_and_waited_for(
    tmp_path: Path, kind: signal.Signals
) -> None:
    def interrupt() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), kind)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        comparison._run_to_its_end([sys.executable, "-c", SLOW_TO_END], tmp_path)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    thread.join()
    assert (tmp_path / "ended").read_text() == "1"
