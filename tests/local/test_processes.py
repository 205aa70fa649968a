"""Background processes: found again, told from strangers, and ended whole."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from local.errors import PlatformError
from local.processes import Ports, Process, alive, end, remember, started


@pytest.fixture
def process(tmp_path: Path) -> Generator[Process]:
    process = Process(name="sleeper", command=("sleep", "60"), folder=tmp_path, log=tmp_path / "log")
    yield process
    end(process.pid_file)


def test_a_process_is_started_once_and_ended_whole(process: Process) -> None:
    assert process.pid is None
    assert process.ensure()
    assert not process.ensure()
    assert process.running()
    pid = json.loads(process.pid_file.read_text())["pid"]
    assert process.pid == pid
    assert end(process.pid_file)
    assert process.pid is None
    assert started(pid) is None
    assert not process.pid_file.exists()
    assert not end(process.pid_file)


def test_another_command_replaces_the_running_one(process: Process, tmp_path: Path) -> None:
    process.ensure()
    first = json.loads(process.pid_file.read_text())["pid"]
    other = Process(name="sleeper", command=("sleep", "61"), folder=tmp_path, log=tmp_path / "log")
    assert other.ensure()
    assert started(first) is None


def test_a_stranger_with_a_reused_pid_is_neither_taken_nor_killed(process: Process) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        remember(process.pid_file, stranger.pid, process.command)
        assert process.running(), "the positive control: with its start time it is taken for ours"
        record = json.loads(process.pid_file.read_text())
        process.pid_file.write_text(json.dumps({**record, "started": "another boot 1"}))
        assert not process.running()
        assert not end(process.pid_file)
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_ignores_termination_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.processes._TERMINATION_SECONDS", 0.5)
    marker = tmp_path / "marker"
    script = f"trap '' TERM; touch {marker}; while :; do sleep 1; done"
    process = Process(name="stubborn", command=("sh", "-c", script), folder=tmp_path, log=tmp_path / "log")
    process.ensure()
    process.wait_until(marker.exists, 10)
    assert end(process.pid_file)
    assert not alive(process.pid_file)


def test_a_killed_process_is_seen_as_gone_and_started_again(process: Process) -> None:
    process.ensure()
    os.kill(json.loads(process.pid_file.read_text())["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process.running()
    assert process.ensure()


def test_a_process_that_ends_at_its_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    command = ("sh", "-c", "echo address already in use; exit 1")
    process = Process(name="server", command=command, folder=tmp_path, log=tmp_path / "log")
    process.ensure()
    with pytest.raises(PlatformError, match=r"server ended at its start(.|\n)*address already in use"):
        process.wait_until(lambda: False, 10)


def test_a_port_is_remembered_until_someone_else_takes_it(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    first = ports.port("api", in_use=False)
    assert Ports(tmp_path / "ports.json").port("api", in_use=False) == first
    assert ports.port("metrics", in_use=False) != first
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first))
        stranger.listen()
        assert ports.port("api", in_use=True) == first
        assert ports.port("api", in_use=False) != first


def test_a_port_that_comes_free_in_a_moment_stays_the_same(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    first = ports.port("api", in_use=False)
    dying = socket.socket()
    dying.bind(("127.0.0.1", first))
    dying.listen()
    threading.Timer(0.3, dying.close).start()
    assert ports.port("api", in_use=False) == first
