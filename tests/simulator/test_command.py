"""`make incident` and `make recover`: what they write, and what they refuse."""

import time
from pathlib import Path

import pytest

from local.errors import PlatformError
from local.simulator import command
from local.simulator.catalogue import INCIDENTS
from local.simulator.incidents import Happening, Schedule


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "incidents.json"


def test_an_incident_begins_and_ends(file: Path) -> None:
    assert command.begin(file, "gpu-warm").name == "gpu-warm"
    assert Schedule.read(file).lasts("gpu-warm", time.time())
    assert command.end(file, "gpu-warm") == ["gpu-warm"]
    assert not Schedule.read(file).lasts("gpu-warm", time.time())
    assert command.end(file) == []


def test_recovery_without_a_name_ends_all(file: Path) -> None:
    for name in ("gpu-warm", "redis-dies"):
        command.begin(file, name)
    assert command.end(file) == ["gpu-warm", "redis-dies"]


def test_recovery_with_a_name_leaves_the_others(file: Path) -> None:
    for name in ("gpu-warm", "redis-dies"):
        command.begin(file, name)
    command.end(file, "gpu-warm")
    assert Schedule.read(file).lasts("redis-dies", time.time())


@pytest.mark.parametrize(("ago", "seconds"), [("90s", 90), ("5m", 300), ("25h", 90_000), ("2d", 172_800)])
def test_an_incident_may_have_begun_some_time_ago(file: Path, ago: str, seconds: float) -> None:
    command.begin(file, "payments-fail", ago)
    (happening,) = Schedule.read(file).happenings
    assert happening.begins == pytest.approx(time.time() - seconds, abs=5)


def test_it_begins_though_it_happened_at_that_time_before(file: Path) -> None:
    now = time.time()
    Schedule(happenings=(Happening(name="gpu-warm", begins=now - 7200, ends=now - 60),)).write(file)
    command.begin(file, "gpu-warm", "1h")
    assert Schedule.read(file).lasts("gpu-warm", now)


def test_an_unknown_name_lists_all_with_what_they_do(file: Path) -> None:
    for ask in (lambda: command.begin(file, "gpu-melts"), lambda: command.end(file, "gpu-melts")):
        with pytest.raises(PlatformError) as refused:
            ask()
        assert "gpu-melts" in str(refused.value)
        assert all(
            name in str(refused.value) and one.does in str(refused.value) for name, one in INCIDENTS.items()
        )
    assert not file.exists()


def test_what_lasts_does_not_begin_again(file: Path) -> None:
    command.begin(file, "gpu-warm")
    with pytest.raises(PlatformError, match="lasts already"):
        command.begin(file, "gpu-warm")


def test_an_incident_that_would_take_back_what_was_counted_begins_now_or_not(file: Path) -> None:
    with pytest.raises(PlatformError, match="can only begin now"):
        command.begin(file, "stage-slow", "1h")
    command.begin(file, "stage-slow")


def test_a_time_that_is_no_duration_is_refused(file: Path) -> None:
    with pytest.raises(PlatformError, match="25 hours"):
        command.begin(file, "gpu-warm", "25 hours")


def test_a_misspelt_incident_names_the_one_that_is_meant(file: Path) -> None:
    with pytest.raises(PlatformError, match=r"no incident 'redis-die'\. Did you mean redis-dies"):
        command.begin(file, "redis-die")
    with pytest.raises(PlatformError, match=r"no incident 'zzz'\. These are known"):
        command.end(file, "zzz")
