"""docs/how-to.md and the page after it: each example, applied to a copy, gives what it promises."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.stack_file import ROOT

PAGE = "".join((ROOT / "docs" / name).read_text() for name in ("how-to.md", "how-to-exporter.md"))
LEFT_OUT = (".git", ".venv", ".local", "__pycache__", ".pytest_cache", ".ruff_cache", "rendered")
BLOCK_OR_HEADING = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^`\n]+)\n(?P<text>.*?)^(?P=fence)\n|^## (?P<title>[^\n]+)$",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r'(?P<language>\w+) title="(?P<path>[^"]+)"')

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def examples() -> dict[str, list[tuple[str, str]]]:
    """The fenced blocks under each heading: what stands behind the fence, and the text."""
    found: dict[str, list[tuple[str, str]]] = {"": []}
    for match in BLOCK_OR_HEADING.finditer(PAGE):
        if match["title"]:
            found[match["title"]] = []
        else:
            list(found.values())[-1].append((match["info"], match["text"]))
    return found


def edited(text: str, diff: str) -> str:
    """The text with a diff applied: what it shows as there must be there, once."""
    lines = diff.splitlines()
    old = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    new = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert text.count(old) == 1, f"there {text.count(old)} times:\n{old}"
    return text.replace(old, new)


def run(project: Path, commands: str) -> str:
    """What the commands print; each must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def follow(project: Path, title: str) -> str:
    """Do what the example says; return what its commands print."""
    changed, printed = [], ""
    for info, text in examples()[title]:
        if info == "sh":
            if changed:
                run(project, f".venv/bin/ruff check {' '.join(changed)}")
                run(project, f".venv/bin/ruff format --diff {' '.join(changed)}")
            printed += run(project, text)
            continue
        if info == "sh needs a cluster":
            continue
        named = FILE.fullmatch(info)
        assert named, info
        path = project / named["path"]
        if named["language"] == "diff":
            path.write_text(edited(path.read_text(), text))
        else:
            assert not path.exists()
            path.write_text(text)
        if path.suffix == ".py":
            changed.append(named["path"])
    return printed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project; the installed packages are shared."""
    copy = tmp_path / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def rendered(project: Path, stack: str, kind: str) -> dict[str, Any]:
    """The rendered objects of a kind, by name."""
    documents = [
        yaml.safe_load(path.read_text())
        for path in (project / "rendered" / stack / "manifests").glob("*.yaml")
    ]
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


def test_a_panel(project: Path) -> None:
    printed = follow(project, "Add a panel")
    assert "sum by (job) (dubbing_websocket_connections{" in printed
    assert "reads dubbing_websocket_connections" in printed


def test_an_alert(project: Path) -> None:
    printed = follow(project, "Add an alert")
    assert "min by (cluster, namespace, backend) (dubbing_storage_up) == 0" in printed
    assert re.search(r"\b[1-9]\d* passed", printed)


def test_a_dashboard(project: Path) -> None:
    assert "6 built-in" in follow(project, "Add a dashboard")
    made = json.loads((project / "rendered/dev/dashboards/storage.json").read_text())
    assert made["uid"] == "storage"
    assert [panel["title"] for panel in made["panels"] if panel["type"] == "timeseries"] == [
        "Storage Status by Service",
        "Volume Usage",
    ]
    assert "`alerts.teams.storage`" in (project / "docs/settings.md").read_text()


def test_an_exporter(project: Path) -> None:
    follow(project, "Add an exporter")
    (container,) = rendered(project, "dev", "Deployment")["memcached-exporter"]["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["args"] == ["--memcached.address=memcached.dubbing:11211"]
    jobs = {
        stack: [
            job["job_name"]
            for job in yaml.safe_load((project / f"rendered/{stack}/prometheus.yml").read_text())[
                "scrape_configs"
            ]
        ]
        for stack in ("dev", "prod")
    }
    assert "memcached-exporter" in jobs["dev"]
    assert "memcached-exporter" not in jobs["prod"]
    assert "memcached-exporter" in rendered(project, "dev", "NetworkPolicy")
    assert "memcached-exporter" not in rendered(project, "prod", "Deployment")


def test_an_environment(project: Path) -> None:
    printed = follow(project, "Add an environment")
    assert "Pulumi.staging.yaml: no mistake found" in printed
    assert "--stack staging dubbing-monitoring:postgresPassword-main" in printed
    config = yaml.safe_load((project / "rendered/staging/prometheus.yml").read_text())
    assert config["global"]["external_labels"]["cluster"] == "dubbing-staging"


def test_every_example_is_followed() -> None:
    followed = {"Add a panel", "Add an alert", "Add a dashboard", "Add an exporter", "Add an environment"}
    assert {title for title, found in examples().items() if found} == followed


def test_an_example_that_does_not_fit_any_more_is_noticed(project: Path) -> None:
    with pytest.raises(AssertionError, match="there 0 times"):
        edited("a = 1\n", " b = 2\n+c = 3\n")
    with pytest.raises(AssertionError, match="No module named"):
        run(project, ".venv/bin/python -m dashboards.nothing")
