"""A machine that lacks something is told what, and where to have it."""

from pathlib import Path

import pytest

from tests.docker.needs import WHERE, missing


def test_what_is_not_there_is_named_with_where_to_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = missing(list(WHERE), [("docker", "info")])
    assert lines == [f"{program} is not on PATH: {where}" for program, where in WHERE.items()]


def test_what_is_there_and_fails_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n[ $1 = version ] || { echo no engine >&2; exit 1; }\n")
    docker.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing(["docker"], [("docker", "version")]) == []
    assert missing(["docker"], [("docker", "info")]) == ["`docker info` fails: no engine"]
