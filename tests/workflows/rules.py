"""What no workflow of this project may do; each rule tells of what breaks it."""

import json
from collections.abc import Iterator, Mapping

from tests.workflows.files import Json, jobs, triggers

OWN_BRANCHES = "github.event.pull_request.head.repo.full_name == github.repository"
"""Without it a job of a pull request runs for forks, too."""

WRITES: Mapping[tuple[str, str], dict[str, str]] = {
    ("pull-request.yml", "cloud"): {"contents": "read", "id-token": "write"},
    ("post-comment.yml", "post"): {"contents": "read", "actions": "read", "pull-requests": "write"},
    ("deploy.yml", "dev"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "prod"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "look"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "tell"): {"contents": "read", "issues": "write"},
}
"""The jobs that may do more than read the repository, and what."""


def broken(workflows: Mapping[str, Json]) -> list[str]:
    """Every rule that a workflow breaks, with where."""
    return [
        *_triggers(workflows),
        *_permissions(workflows),
        *_forks(workflows),
        *_after_forks(workflows),
        *_deployments(workflows),
        *_expressions(workflows),
    ]


def _triggers(workflows: Mapping[str, Json]) -> Iterator[str]:
    for name, workflow in workflows.items():
        if "pull_request_target" in triggers(workflow):
            yield f"{name}: pull_request_target gives a fork's code a token that writes"
        for stranger in ("issue_comment", "issues", "discussion", "discussion_comment"):
            if stranger in triggers(workflow):
                yield f"{name}: {stranger} lets anybody start it"


def _permissions(workflows: Mapping[str, Json]) -> Iterator[str]:
    for name, job_name, workflow, job in jobs(workflows):
        if workflow.get("permissions") != {}:
            yield f"{name}: a job gets permissions that it does not ask for"
        wanted = WRITES.get((name, job_name), {"contents": "read"})
        if job.get("permissions") != wanted:
            yield f"{name} {job_name}: permissions are not {wanted}"


def _forks(workflows: Mapping[str, Json]) -> Iterator[str]:
    for name, job_name, workflow, job in jobs(workflows):
        if "pull_request" not in triggers(workflow):
            continue
        condition = str(job.get("if", ""))
        own = condition.startswith(OWN_BRANCHES) and "||" not in condition
        text = json.dumps(job)
        if not own and (
            "secrets." in text or "secrets[" in text or "secrets: " in text or "environment" in job
        ):
            yield f"{name} {job_name}: a fork's code gets a secret"
        if not own and "write" in json.dumps(job.get("permissions")):
            yield f"{name} {job_name}: a fork's code may write"


def _after_forks(workflows: Mapping[str, Json]) -> Iterator[str]:
    """What runs after a fork's run has a token that writes, so it takes nothing of the fork's but a file."""
    for name, job_name, workflow, job in jobs(workflows):
        if "workflow_run" not in triggers(workflow):
            continue
        for step in job["steps"]:
            uses = str(step.get("uses", ""))
            if uses.startswith("actions/checkout@"):
                ref = step.get("with", {}).get("ref")
                if ref != "${{ github.event.repository.default_branch }}":
                    yield f"{name} {job_name}: checks out {ref}, which may be a fork's"
                if "repository" in step.get("with", {}):
                    yield f"{name} {job_name}: checks out another repository"
            if uses.startswith("./"):
                yield f"{name} {job_name}: runs more than it needs, {uses}"
            if uses.startswith("actions/cache"):
                yield f"{name} {job_name}: takes a cache, which a fork's run may have filled"
            if "make " in str(step.get("run", "")):
                yield f"{name} {job_name}: installs packages where a token writes"


def _deployments(workflows: Mapping[str, Json]) -> Iterator[str]:
    for name, job_name, _, job in jobs(workflows):
        text = json.dumps(job["steps"])
        if "make deploy" not in text:
            continue
        stack = job.get("environment")
        concurrency = job.get("concurrency", {})
        if concurrency != {"group": f"stack-{stack}", "cancel-in-progress": False}:
            yield f"{name} {job_name}: two updates of a stack at once, or one cancelled half-way"
        if f"STACK={stack}" not in text:
            yield f"{name} {job_name}: deploys another stack than its environment approves"
        if stack == "prod" and job.get("needs") != "dev":
            yield f"{name} {job_name}: prod is not after dev"


def _expressions(workflows: Mapping[str, Json]) -> Iterator[str]:
    for name, job_name, _, job in jobs(workflows):
        for step in job["steps"]:
            if "${{" in str(step.get("run", "")):
                yield f"{name} {job_name}: a text of somebody else's becomes a command; hand it over in env"
            if str(step.get("uses", "")).startswith("actions/checkout@") and (
                step.get("with", {}).get("persist-credentials") is not False
            ):
                yield f"{name} {job_name}: what runs next could take the token out of .git/config"
            if str(step.get("uses", "")).startswith(("actions/cache@", "actions/cache/save@")) and (
                step.get("if") != "github.ref == 'refs/heads/main'" or name != "deploy.yml"
            ):
                yield f"{name} {job_name}: writes a cache outside of main"
