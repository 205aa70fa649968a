"""A checkout of its own to run the README's commands in, and questions to its cluster."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.config import new_client_from_config

from stacks.stack_file import ROOT

_LEFT_OUT = (".git", ".venv", ".local", "__pycache__", ".pytest_cache", ".ruff_cache", "rendered")
_OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "STACK")
_STEP = re.compile(
    r"^\s*(?P<mark>[-+~]{1,2}) ?(?P<type>\S+:\S+): \((?P<operation>[\w-]+)(\[retain\])?\)", re.MULTILINE
)
_URN = re.compile(r"\[urn=(?P<urn>[^\]]+)\]")


class Api:
    """The API groups that the tests ask; untyped, since the client calls every attribute optional."""

    def __init__(self, connection: client.ApiClient) -> None:
        self.configuration: Any = connection.configuration
        self.core: Any = client.CoreV1Api(connection)
        self.apps: Any = client.AppsV1Api(connection)
        self.discovery: Any = client.DiscoveryV1Api(connection)
        self.policy: Any = client.PolicyV1Api(connection)
        self.authorization: Any = client.AuthorizationV1Api(connection)


@dataclass(frozen=True)
class Checkout:
    """A clean copy of the project's files, in a repository of its own, and the stack that it is for."""

    folder: Path
    stack: str = "dev"

    @staticmethod
    def make_at(folder: Path, stack: str = "dev") -> "Checkout":
        """Copy the project; the installed packages are shared."""
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        (folder / ".venv").symlink_to(ROOT / ".venv")
        checkout = Checkout(folder, stack)
        checkout.git("init", "--quiet")
        checkout.git("add", "--all")
        checkout.commit("as it is")
        return checkout

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str) -> None:
        """Commit all edits of known files."""
        identity = ("-c", "user.name=e2e", "-c", "user.email=e2e@localhost")
        self.git(*identity, "commit", "--quiet", "--all", "--message", message)

    def make(
        self, *arguments: str, environment: dict[str, str] | None = None, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run make, and return its output whole, both streams as one."""
        # The variables of a make that runs these tests are not meant for this one.
        inherited = {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
        return subprocess.run(
            ["make", f"STACK={self.stack}", *arguments],
            cwd=self.folder,
            env={**inherited, **(environment or {})},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )

    def succeed(self, *arguments: str) -> str:
        """Run make, which must succeed, and return its output."""
        run = self.make(*arguments)
        assert run.returncode == 0, run.stdout
        return run.stdout

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that occurs in the file."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def skip_history(self) -> None:
        """Let the first `make up` take the past for filled in, which takes a minute and nobody here reads."""
        marker = self.state / "volumes" / "monitoring_data-prometheus-0" / "history.json"
        marker.parent.mkdir(parents=True)
        marker.write_text("{}")

    def restore(self) -> None:
        """Undo all edits."""
        self.git("checkout", "--quiet", "--", ".")
        self.git("clean", "--quiet", "--force", "-d")

    @property
    def endpoints(self) -> dict[str, Any]:
        """What `make up` wrote down."""
        return json.loads((self.folder / ".local" / "endpoints.json").read_text())

    @property
    def state(self) -> Path:
        """Where its platform keeps everything."""
        return self.folder / ".local"

    @contextmanager
    def api(self) -> Generator["Api"]:
        """The cluster, as its administrator."""
        with new_client_from_config(config_file=str(self.state / "cluster" / "kubeconfig")) as made:
            yield Api(made)


def ready_workloads(checkout: Checkout) -> dict[str, bool]:
    """Every workload of the cluster, and whether all of its pods are Ready."""
    with checkout.api() as api:
        replicated = [
            *api.apps.list_deployment_for_all_namespaces().items,
            *api.apps.list_stateful_set_for_all_namespaces().items,
        ]
        states = {
            w.metadata.name: w.status.ready_replicas == w.spec.replicas and w.spec.replicas > 0
            for w in replicated
        }
        for agent in api.apps.list_daemon_set_for_all_namespaces().items:
            wanted = agent.status.desired_number_scheduled
            states[agent.metadata.name] = wanted > 0 and agent.status.number_ready == wanted
        return states


def deployed(checkout: Checkout) -> dict[str, Any]:
    """What decides how the stack runs: the content of every ConfigMap, the template of every workload."""
    with checkout.api() as api:
        files = api.core.list_namespaced_config_map("monitoring").items
        workloads = [
            *api.apps.list_namespaced_stateful_set("monitoring").items,
            *api.apps.list_namespaced_deployment("monitoring").items,
            *api.apps.list_namespaced_daemon_set("monitoring-node").items,
        ]
    return {f"ConfigMap {one.metadata.name}": one.data for one in files} | {
        one.metadata.name: one.spec.template.to_dict() for one in workloads
    }


def planned(preview: str) -> dict[str, str]:
    """The steps of a preview's diff: `Kind name` to operation."""
    steps: dict[str, str] = {}
    for match in _STEP.finditer(preview):
        urn = _URN.search(preview, match.end())
        assert urn, preview
        name = urn["urn"].rpartition("::")[2]
        steps[f"{match['type'].rpartition(':')[2]} {name}"] = match["operation"]
    return steps
