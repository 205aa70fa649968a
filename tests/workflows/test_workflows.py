"""What runs on GitHub gives a fork nothing, asks for least, and calls what exists."""

import copy
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.tool_recipes import TOOLS
from local.toolchain import binary
from review.seen import Seen, section
from stacks.images import IMAGES
from stacks.stack_file import ROOT
from tests.workflows.files import ACTIONS, FOLDER, WORKFLOWS, Json, jobs, steps
from tests.workflows.rules import WRITES, broken

CHECKOUT = {"uses": "actions/checkout@v6", "with": {"persist-credentials": False}}
MAKEFILE = (ROOT / "Makefile").read_text()
PINNED = re.compile(r"[\w-]+(?:/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def test_no_workflow_breaks_a_rule() -> None:
    assert broken(WORKFLOWS) == []
    assert {(name, job) for name, job, _, _ in jobs(WORKFLOWS)} >= WRITES.keys()


def edited(name: str, edit: Callable[[Json], None]) -> Mapping[str, Json]:
    workflows = copy.deepcopy(dict(WORKFLOWS))
    edit(workflows[name])
    return workflows


def job(workflow: Json, name: str) -> Any:  # noqa: ANN401 - a job
    return workflow["jobs"][name]


EDITS: Mapping[str, tuple[str, Callable[[Json], None], str]] = {
    "pull_request_target": (
        "pull-request.yml",
        lambda w: w.update(on={"pull_request_target": None}),
        "a fork's code a token that writes",
    ),
    "comments": ("drift.yml", lambda w: w["on"].update(issue_comment=None), "lets anybody start it"),
    "no permissions said": ("deploy.yml", lambda w: w.pop("permissions"), "does not ask for"),
    "one permission more": (
        "drift.yml",
        lambda w: job(w, "tell")["permissions"].update(contents="write"),
        "permissions are not",
    ),
    "a secret for forks": (
        "pull-request.yml",
        lambda w: job(w, "test")["steps"].append({"run": "x", "env": {"X": "${{ secrets.X }}"}}),
        "a fork's code gets a secret",
    ),
    "an environment for forks": (
        "pull-request.yml",
        lambda w: job(w, "embedded").update(environment="prod"),
        "a fork's code gets a secret",
    ),
    "a token that writes for forks": (
        "pull-request.yml",
        lambda w: job(w, "embedded")["permissions"].update({"pull-requests": "write"}),
        "a fork's code may write",
    ),
    "credentials with the condition gone": (
        "pull-request.yml",
        lambda w: job(w, "cloud").pop("if"),
        "a fork's code may write",
    ),
    "credentials with the condition widened": (
        "pull-request.yml",
        lambda w: job(w, "cloud").update({"if": job(w, "cloud")["if"] + " || always()"}),
        "a fork's code may write",
    ),
    "the fork checked out": (
        "post-comment.yml",
        lambda w: job(w, "post")["steps"][0]["with"].update(ref="${{ github.event.workflow_run.head_sha }}"),
        "which may be a fork's",
    ),
    "the fork's repository": (
        "post-comment.yml",
        lambda w: job(w, "post")["steps"][0]["with"].update(repository="somebody/else"),
        "another repository",
    ),
    "packages beside a token": (
        "post-comment.yml",
        lambda w: job(w, "post")["steps"].append({"run": "make test"}),
        "installs packages",
    ),
    "a shared action beside a token": (
        "post-comment.yml",
        lambda w: job(w, "post")["steps"].append({"uses": "./.github/actions/setup"}),
        "more than it needs",
    ),
    "a cache beside a token": (
        "post-comment.yml",
        lambda w: job(w, "post")["steps"].append({"uses": "actions/cache/restore@v5"}),
        "a fork's run may have filled",
    ),
    "an update cancelled": (
        "deploy.yml",
        lambda w: job(w, "prod")["concurrency"].update({"cancel-in-progress": True}),
        "cancelled half-way",
    ),
    "prod without its approval": (
        "deploy.yml",
        lambda w: job(w, "prod").update(environment="dev"),
        "another stack than its environment approves",
    ),
    "prod before dev": ("deploy.yml", lambda w: job(w, "prod").pop("needs"), "prod is not after dev"),
    "a branch's name as a command": (
        "pull-request.yml",
        lambda w: job(w, "test")["steps"].append({"run": "echo ${{ github.head_ref }}"}),
        "becomes a command",
    ),
    "a token left behind": (
        "pull-request.yml",
        lambda w: job(w, "test")["steps"][0].pop("with"),
        "out of .git/config",
    ),
    "a cache written elsewhere": (
        "pull-request.yml",
        lambda w: job(w, "test")["steps"].append({"uses": "actions/cache@v5"}),
        "writes a cache outside of main",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_rule_is_broken_by_what_it_is_for(name: str) -> None:
    file, edit, says = EDITS[name]
    found = broken(edited(file, edit))
    assert any(says in one for one in found), found


def unknown_targets(document: object) -> set[str]:
    called = set(re.findall(r"\bmake ([a-z][\w./-]*)", json.dumps(document)))
    known = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE)) | {".venv/installed"}
    return called - known


def test_every_target_of_make_that_is_called_exists() -> None:
    assert unknown_targets([WORKFLOWS, ACTIONS]) == set()
    assert unknown_targets([{"run": "make nonsense"}]) == {"nonsense"}


def unpinned(text: str) -> list[str]:
    """The actions of others that no commit pins with its tag beside it."""
    used = re.findall(r"^\s*-? ?uses: (.*)$", text, re.MULTILINE)
    return [one for one in used if not one.startswith("./") and not PINNED.fullmatch(one)]


def test_every_action_is_pinned_by_a_commit_with_its_tag() -> None:
    files = [*FOLDER.glob("workflows/*.yml"), *FOLDER.glob("actions/*/action.yml")]
    texts = [path.read_text() for path in files]
    assert [one for text in texts for one in unpinned(text)] == []
    assert unpinned("      - uses: actions/checkout@v6") == ["actions/checkout@v6"]
    pins: dict[str, set[str]] = {}
    for action, pin in re.findall(r"uses: ([\w/-]+)@(.*)", "\n".join(texts)):
        pins.setdefault(action.rpartition("/cache/")[0] or action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def uploads(job_name: str) -> list[Json]:
    """What a job of a pull request uploads."""
    made = WORKFLOWS["pull-request.yml"]["jobs"][job_name]["steps"]
    return [step["with"] for step in made if "upload-artifact" in step.get("uses", "")]


def test_what_a_fork_uploads_is_what_is_downloaded_after_it() -> None:
    comment, pictures = uploads("embedded")
    assert uploads("cloud") == [comment, pictures]
    post = WORKFLOWS["post-comment.yml"]
    downloads = [
        step for step in post["jobs"]["post"]["steps"] if "download-artifact" in step.get("uses", "")
    ]
    assert [step["with"]["name"] for step in downloads] == [comment["name"]]
    assert post["on"]["workflow_run"]["workflows"] == [WORKFLOWS["pull-request.yml"]["name"]]


def test_the_comment_names_the_pictures_by_what_they_are_uploaded_as() -> None:
    _, pictures = uploads("embedded")
    told = section(Seen(pictures={"Any": "after"}), "${{ matrix.stack }}", 1)
    assert f"`{pictures['name']}`" in told
    assert f"`{pictures['path']}`" in told
    assert pictures["if-no-files-found"] == "ignore"


def test_the_cache_is_saved_under_the_key_that_is_asked_for() -> None:
    keys = {
        str(step["with"]["key"])
        for step in steps(WORKFLOWS, ACTIONS)
        if str(step.get("uses", "")).startswith("actions/cache/")
    }
    (key,) = keys
    patterns = re.findall(r"'(local/[^']+)'", key)
    hashed = {path for pattern in patterns for path in ROOT.glob(pattern)}
    assert {ROOT / "local" / "tools" / tool.family / "go.sum" for tool in TOOLS.values()} <= hashed


def test_shared_actions_write_no_cache_and_take_no_text_for_a_command() -> None:
    shared = list(steps({}, ACTIONS))
    used = {str(step.get("uses", "")).partition("@")[0] for step in shared}
    assert {one for one in used if "cache" in one} == {"actions/cache/restore"}
    assert [step for step in shared if "${{" in str(step.get("run", ""))] == []


def test_every_stack_is_previewed_and_looked_after() -> None:
    stacks = {path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")}
    matrices = [one["strategy"]["matrix"]["stack"] for _, _, _, one in jobs(WORKFLOWS) if "strategy" in one]
    assert len(matrices) == 5
    assert all(set(matrix) == stacks for matrix in matrices)


def judged(*files: Path) -> str:
    """What actionlint says, with shellcheck for the shell in workflows."""
    shellcheck = ROOT / ".venv" / "bin" / "shellcheck"
    command = [binary("actionlint"), "-no-color", "-shellcheck", shellcheck, *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode == 0) == (not done.stdout), done.stderr
    return done.stdout


def test_actionlint_and_shellcheck_find_nothing(tmp_path: Path) -> None:
    assert judged(*sorted(FOLDER.glob("workflows/*.yml"))) == ""
    wrong = tmp_path / "wrong.yml"
    workflow = {"on": "push", "jobs": {"one": {"runs-on": "nowhere", "steps": [{"run": "cd $X"}]}}}
    wrong.write_text(yaml.safe_dump(workflow))
    found = judged(wrong)
    assert '"nowhere"' in found
    assert "SC2086" in found


def shell_findings(script: str) -> str:
    """What shellcheck says of a script that bash runs."""
    command = [ROOT / ".venv" / "bin" / "shellcheck", "--shell=bash", "-"]
    return subprocess.run(command, input=script, check=False, capture_output=True, text=True).stdout


def test_the_shell_of_shared_actions_passes_shellcheck() -> None:
    scripts = [str(step["run"]) for step in steps({}, ACTIONS) if "run" in step]
    assert scripts
    assert [found for script in scripts if (found := shell_findings(script))] == []
    assert "SC2086" in shell_findings("echo $X")


def test_renovate_finds_every_image_and_every_tool() -> None:
    renovate = json.loads((ROOT / "renovate.json").read_text())
    (manager,) = renovate["customManagers"]
    (pattern,) = manager["matchStrings"]
    text = (ROOT / "stacks" / "images.py").read_text()
    # JavaScript's named groups, as Python spells them.
    found = re.finditer(pattern.replace("(?<", "(?P<"), text)
    images = {
        (one["registry"], one["repository"], one["currentValue"], one["currentDigest"]) for one in found
    }
    assert images == {(one.registry, one.repository, one.tag, one.digest) for one in IMAGES.values()}
    (tools,) = [rule for rule in renovate["packageRules"] if rule.get("matchDepTypes") == ["indirect"]]
    assert tools["matchPackageNames"] == sorted({tool.module for tool in TOOLS.values()})
