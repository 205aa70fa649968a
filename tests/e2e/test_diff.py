"""What a reviewer reads of a change: the base deployed on a cluster of its own, the change over it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from review.limits import marker
from review.post import validated
from stacks.images import IMAGES
from stacks.settings_base import PROJECT
from tests.e2e.checkout import Checkout, planned

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

OTHER_TAG = "0.0.1"


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout with a threshold and an image changed and an exporter switched off, none of it committed."""
    checkout = Checkout.make_at(tmp_path_factory.mktemp("diff") / "project")
    with (checkout.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"  {PROJECT}:thresholds: {{queueDepth: {{warning: 90, critical: 200}}}}\n")
    checkout.edit(
        "Pulumi.dev.yaml", f"{PROJECT}:redis:\n    mode: deploy", f"{PROJECT}:redis:\n    mode: 'off'"
    )
    checkout.edit("stacks/images.py", IMAGES["grafana"].tag, OTHER_TAG)
    yield checkout
    left = [path for path in checkout.folder.rglob("*.pid") if ".venv" not in path.parts]
    assert left == [], "processes of the comparison are left"


@pytest.fixture(scope="module")
def output(changed: Checkout) -> str:
    return changed.succeed("diff", "BASE=HEAD")


@pytest.fixture(scope="module")
def text(changed: Checkout, output: str) -> str:
    written = (changed.folder / "rendered" / "dev.md").read_text()
    assert written in output
    return written


def test_it_begins_with_the_marker_and_the_counts(text: str) -> None:
    lines = text.splitlines()
    assert lines[0] == marker("dev")
    assert re.fullmatch(r"### Preview of `dev`: [3-9] deleted, \d+ changed", lines[2]), lines[2]


def test_what_is_deleted_is_loud(text: str) -> None:
    caution = text.partition("> [!CAUTION]")[2].partition("\n\n")[0]
    assert "> - Deployment `redis-exporter-main`" in caution
    assert text.index("[!CAUTION]") < text.index("**Alerts**")


def test_the_threshold_is_told_old_and_new(text: str) -> None:
    (row,) = [line for line in text.splitlines() if line.startswith("| `QueueDepthHigh` `warning` |")]
    old, new = row.split("→")
    assert "> 100`" in old
    assert "> 90`" in new
    assert "`QueueDepthHigh` `critical`" not in text


def test_the_alert_that_goes_is_told(text: str) -> None:
    (row,) = [line for line in text.splitlines() if line.startswith("| `SourceAbsent` `warning` |")]
    assert "**removed**" in row
    assert 'job="redis-exporter"' in row


def test_the_image_is_told_with_the_pods_that_restart(text: str) -> None:
    was = IMAGES["grafana"].reference()
    assert f"| `grafana/grafana` | `{was}` → `{was.replace(IMAGES['grafana'].tag, OTHER_TAG)}` |" in text
    assert "Deployment `grafana`" in text.partition("**Pods that restart:**")[2].splitlines()[0]


def test_there_are_pictures_of_what_changes_and_of_nothing_else(changed: Checkout, text: str) -> None:
    pictures = changed.folder / "rendered" / "pictures" / "dev"
    found = {str(path.relative_to(pictures)) for path in pictures.rglob("*.png")}
    boards = ("job-processing", "system-health")
    assert found == {f"{side}/{board}.png" for side in ("before", "after") for board in boards}
    assert "- Pictures before and after of `Job Processing`, `System Health`: " in text
    assert validated(text.encode(), "dev") == text


def test_no_secret_made_for_the_comparison_is_in_it(output: str) -> None:
    assert "generated for this machine" in output
    # What a made-up secret begins with where it is a URL.
    assert "https://127.0.0.1:9/" not in output


def test_the_engine_previews_the_same_over_the_same_base(changed: Checkout, text: str) -> None:
    steps = planned(changed.succeed("preview", "BASE=HEAD"))
    objects = [step for name, step in steps.items() if name.split()[0] not in ("Stack", "RedisExporter")]
    told = re.search(r"(\d+) deleted, (\d+) changed", text)
    assert told
    assert [objects.count("delete"), objects.count("update")] == [int(told[1]), int(told[2])]


def test_the_platform_of_make_up_was_left_alone(changed: Checkout, text: str) -> None:
    assert text
    assert not (changed.state / "stack").exists()
    assert not (changed.state / "cluster").exists()


def test_interrupted_while_the_base_is_deployed_nothing_is_left(tmp_path: Path) -> None:
    checkout = Checkout.make_at(tmp_path / "project")
    command = ["make", "diff", "STACK=dev", "BASE=HEAD"]
    with subprocess.Popen(
        command, cwd=checkout.folder, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        created = next(line for line in running.stdout if " created " in line)
        # As the terminal does: all of make's processes get it.
        os.killpg(running.pid, signal.SIGINT)
        rest = running.stdout.read()
    assert running.returncode != 0, created
    assert "Interrupted: nothing of it is left" in rest
    assert not list((checkout.state / "comparisons").iterdir())
    listed = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    assert str(checkout.folder) not in listed
