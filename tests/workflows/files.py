"""The workflows and the actions that they share, as GitHub reads them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stacks.stack_file import ROOT

Json = dict[str, Any]
FOLDER = ROOT / ".github"


def read(path: Path) -> Json:
    """A workflow; its `on`, which YAML takes for true, under that name."""
    document = yaml.safe_load(path.read_text())
    if True in document:
        document["on"] = document.pop(True)
    return document


WORKFLOWS: Mapping[str, Json] = {path.name: read(path) for path in sorted(FOLDER.glob("workflows/*.yml"))}
ACTIONS: Mapping[str, Json] = {
    path.parent.name: read(path) for path in sorted(FOLDER.glob("actions/*/action.yml"))
}


def jobs(workflows: Mapping[str, Json]) -> Iterator[tuple[str, str, Json, Json]]:
    """Every job: its workflow's name, its own, the workflow and the job."""
    for name, workflow in workflows.items():
        for job_name, job in workflow["jobs"].items():
            yield name, job_name, workflow, job


def steps(workflows: Mapping[str, Json], actions: Mapping[str, Json]) -> Iterator[Json]:
    """Every step of jobs and shared actions."""
    for _, _, _, job in jobs(workflows):
        yield from job["steps"]
    for action in actions.values():
        yield from action["runs"]["steps"]


def triggers(workflow: Json) -> set[str]:
    """What starts a workflow."""
    return {workflow["on"]} if isinstance(workflow["on"], str) else set(workflow["on"])
