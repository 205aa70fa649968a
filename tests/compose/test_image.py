"""The image of simulator and viewer has what they import, and only they write where it may be written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.compose import incident
from local.simulator.incidents import Schedule
from stacks.stack_file import ROOT
from tests.viewer.running import viewer

HERE = ROOT / "local" / "compose"
IMPORTED = """
import importlib.metadata, sys
before = set(sys.modules)
import local.simulator.__main__, local.viewer.__main__, local.compose.incident
tops = {name.partition(".")[0] for name in sys.modules.keys() - before}
packages = importlib.metadata.packages_distributions()
print(*sorted({one for top in tops for one in packages.get(top, ())}))
print(*sorted({top for top in tops if (__import__("pathlib").Path(top) / "__init__.py").exists()}))
"""


def locked(file: Path) -> dict[str, list[str]]:
    """The versions that a lock file has of each package."""
    found = dict[str, list[str]]()
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", file.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


@pytest.fixture(scope="module")
def imported() -> tuple[set[str], set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, check=True, capture_output=True, text=True
    )
    packages, folders = done.stdout.splitlines()
    return {name.lower().replace("_", "-") for name in packages.split()}, set(folders.split())


def test_every_package_that_they_import_is_locked_for_the_image(
    imported: tuple[set[str], set[str]],
) -> None:
    packages, _ = imported
    assert {"numpy", "starlette"} <= packages <= locked(HERE / "requirements.txt").keys()


def test_every_folder_that_they_import_is_copied_and_sent_to_the_builder(
    imported: tuple[set[str], set[str]],
) -> None:
    _, folders = imported
    copied = set(re.findall(r"^COPY (\w+) \./\1$", (HERE / "Dockerfile").read_text(), re.MULTILINE))
    sent = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert folders == copied == sent
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_its_versions_are_those_that_the_tests_run_with() -> None:
    tested, image = locked(ROOT / "requirements-dev.txt"), locked(HERE / "requirements.txt")
    assert {name: tested.get(name) for name in image} == image


def test_an_incident_begins_and_all_end(tmp_path: Path) -> None:
    file = tmp_path / "incidents.json"
    assert run("gpu-overheat", "--file", str(file)).startswith("The GPU of xtts-v2 has 91")
    (begun,) = Schedule.read(file).happenings
    assert (begun.name, begun.ends) == ("gpu-overheat", None)
    assert run("recover", "--file", str(file)) == "Over: gpu-overheat\n"
    assert Schedule.read(file).happenings[0].ends is not None


def test_an_incident_that_lasts_already_is_not_begun_again(tmp_path: Path) -> None:
    file = tmp_path / "incidents.json"
    run("gpu-overheat", "--file", str(file))
    run("gpu-overheat", "--file", str(file), status=1)
    assert len(Schedule.read(file).happenings) == 1


def test_an_incident_that_takes_hands_on_a_cluster_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "incidents.json"
    assert "needs no cluster" in run("rights-withdrawn", "--file", str(file), status=2)
    assert not file.exists()
    assert "rights-withdrawn" not in run()


def run(*arguments: str, status: int = 0) -> str:
    application = incident.typer.Typer()
    application.command()(incident.main)
    done = CliRunner().invoke(application, arguments)
    assert done.exit_code == status, done.output
    return done.output


def test_the_viewer_answers_to_its_containers_name_where_it_is_told_one(tmp_path: Path) -> None:
    with viewer(tmp_path) as alone:
        assert alone.ask("/messages.json", Host="viewer:3001").status == 400
    with viewer(tmp_path, container="viewer") as contained:
        assert contained.ask("/messages.json", Host="viewer:3001").status == 200
        assert contained.ask("/messages.json", Host="localhost:3001").status == 200
        assert contained.ask("/messages.json", Host="example.com").status == 400
