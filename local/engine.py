"""Deploys the project through the real Pulumi engine.

With the official command line, its Python language host and the Kubernetes plugin on PATH, those run the
program. Else the engine is built from its Go module, the program runs in this process through the Automation
API, and `local.kubernetes_provider` stands in for the plugin. Both ways use the same state, the same project
copy and the same commands, and what a stack has in AWS goes to an API on loopback in both, through
`local.aws_provider`.
"""

import json
import os
import runpy
import secrets
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from kubernetes.config import new_client_from_config
from pulumi.automation import (
    CommandError,
    ConfigValue,
    Deployment,
    LocalWorkspaceOptions,
    OutputMap,
    Stack,
    create_or_select_stack,
)

from local import repair
from local.aws import PROVIDER, AwsApi, provider
from local.engine_command import EngineCommand
from local.engine_events import EngineEvents
from local.errors import PlatformError
from local.processes import Process, end
from local.progress import step
from local.project import ProjectCopy
from local.toolchain import binary
from review.plan import Plan, plan
from stacks.settings_base import Secret

_PROVIDER_SECONDS = 30.0
_KUBERNETES = "kubernetes-provider"
# What the engine is told when the program has said itself why it ends.
_REFUSED = "the program ended with an error of its own"
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an `up` did.

    Attributes:
        changes: How many resources got which operation (`create`, `update`, `same`, ...).
        outputs: The stack's outputs.
    """

    changes: Mapping[str, int]
    outputs: OutputMap


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine for one stack of a project.

    Attributes:
        project: Folder of the project: `Pulumi.yaml`, `Pulumi.<stack>.yaml` and `__main__.py`.
        stack: The stack's name.
        state: Folder for all that the engine keeps.
        context: The kube context to deploy to.
        kubeconfig: The kubeconfig with that context; None takes the one that kubectl would.
        secrets: The secrets that the stack needs; missing ones are generated.
        aws_account: The account that an API on loopback stands in for; None where the stack has none.
    """

    project: Path
    stack: str
    state: Path
    context: str
    kubeconfig: Path | None
    secrets: Sequence[Secret] = ()
    aws_account: str | None = None

    def up(self) -> Outcome:
        """Deploy, after mending what an update that did not end left behind.

        Raises:
            PlatformError: The deployment failed; the text has the engine's errors.
            Interrupted: It was interrupted and has ended cleanly.
        """
        with self._session() as (stack, command):
            events = EngineEvents()
            with command.interruptible(), _readable(events):
                self._repair(stack)
                step(f"Deploy: stack {self.stack} to context {self.context}")
                result = stack.up(on_event=events, color="never", show_secrets=False)
            step(f"Deploy: {events.summary()}")
            return Outcome(changes=dict(events.changes), outputs=result.outputs)

    def preview(self) -> Mapping[str, int]:
        """Print what `up` would change, in full, and return how many resources would get which operation.

        Raises:
            PlatformError: The preview failed; the text has the engine's errors.
            Interrupted: It was interrupted.
        """
        with self._session() as (stack, command):
            events = EngineEvents(planning=True)
            with command.interruptible(), _readable(events):
                result = stack.preview(diff=True, on_output=print, on_event=events, color="never")
            return {str(getattr(op, "value", op)): count for op, count in result.change_summary.items()}

    def plan(self) -> Plan:
        """Return what `up` would change, without a secret.

        Raises:
            PlatformError: The preview failed; the text has the engine's errors.
            Interrupted: It was interrupted.
        """
        with self._session() as (stack, command):
            events = EngineEvents(planning=True)
            with command.interruptible(), _readable(events):
                stack.preview(on_event=events, color="never")
            return plan(events.steps)

    def end_leftovers(self) -> None:
        """End an engine and a provider whose parent was killed; they would go on under a new command.

        Raises:
            PlatformError: One does not end.
        """
        end(self.state / "engine.pid")
        end(self.state / f"{_KUBERNETES}.pid")
        end(self.state / f"{PROVIDER}.pid")

    def destroy_command(self) -> str:
        """Return the command that deletes everything that this stack deployed."""
        variables = {
            "PULUMI_BACKEND_URL": self._backend,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._copy.passphrase_file),
        }
        settings = " ".join(f"{name}={value}" for name, value in variables.items())
        return f"{settings} pulumi destroy --cwd {self._copy.folder} --stack {self.stack}"

    @property
    def _aws(self) -> AwsApi | None:
        return AwsApi(state=self.state, account=self.aws_account) if self.aws_account is not None else None

    @property
    def _copy(self) -> ProjectCopy:
        folder = self.state / self.stack / "project"
        return ProjectCopy(source=self.project, folder=folder, stack=self.stack)

    @property
    def _backend(self) -> str:
        return f"file://{self.state / 'state'}"

    @contextmanager
    def _session(self) -> Generator[tuple[Stack, EngineCommand]]:
        self.end_leftovers()
        (self.state / "state").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._copy.refresh(self.context)
        built = not official()
        programs = [] if not built else [str(binary("pulumi").parent)]
        with _environment(self._variables(), programs), self._provider(built=built) as variables:
            command = EngineCommand(self.state / "engine.pid")
            try:
                stack = self._select(command, variables, built=built)
            except CommandError as error:
                raise PlatformError(f"The engine cannot open stack {self.stack}:\n{error}") from error
            yield stack, command

    def _variables(self) -> dict[str, str]:
        variables = {
            "PULUMI_BACKEND_URL": self._backend,
            "PULUMI_CONFIG_PASSPHRASE": self._copy.passphrase_file.read_text(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        if self.kubeconfig is not None:
            variables["KUBECONFIG"] = str(self.kubeconfig)
        return variables

    @contextmanager
    def _provider(self, *, built: bool) -> Generator[dict[str, str]]:
        """Run the providers' stand-ins beside the engine, and give the variables that attach them."""
        processes: dict[str, Process] = {}
        if built:
            processes["kubernetes"] = self._kubernetes_provider()
        # An official engine gets it too: its own plugin would go to AWS itself.
        if self._aws is not None:
            processes["aws"] = provider(self.state, self._aws.start())
        with ExitStack() as ends:
            for process in processes.values():
                ends.callback(end, process.pid_file)
                process.ensure()
            attached: list[str] = []
            for name, process in processes.items():
                process.wait_until(partial(_listens, process.log), _PROVIDER_SECONDS)
                attached.append(f"{name}:{_port(process.log)}")
            variables = {"PULUMI_DEBUG_PROVIDERS": ",".join(attached)} if attached else {}
            home = {"PULUMI_HOME": str(self.state / "pulumi")} if built else {}
            yield variables | home

    def _kubernetes_provider(self) -> Process:
        return Process(
            name=_KUBERNETES,
            command=(sys.executable, "-m", "local.kubernetes_provider"),
            folder=self.state,
            log=self.state / "log" / f"{_KUBERNETES}.log",
            environment={"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"},
        )

    def _select(self, command: EngineCommand, variables: Mapping[str, str], *, built: bool) -> Stack:
        options = LocalWorkspaceOptions(
            work_dir=str(self._copy.folder), pulumi_command=command, env_vars=dict(variables)
        )
        if built:
            name = self._copy.project_name()
            stack = create_or_select_stack(
                self.stack, project_name=name, program=self._run_program, opts=options
            )
        else:
            stack = create_or_select_stack(self.stack, work_dir=str(self._copy.folder), opts=options)
        absent = self._copy.missing([secret.key for secret in self.secrets])
        if absent:
            step(f"Secrets: {', '.join(absent)} generated for this machine")
            made = {secret.key: _made_up(secret) for secret in self.secrets if secret.key in absent}
            stack.set_all_config({key: ConfigValue(text, secret=True) for key, text in made.items()})
        return stack

    def _run_program(self) -> None:
        main = self.project / "__main__.py"
        if str(self.project) not in sys.path:
            sys.path.insert(0, str(self.project))
        try:
            runpy.run_path(str(main), run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise pulumi.RunError(_REFUSED) from ended

    def _repair(self, stack: Stack) -> None:
        if any((self.state / "state" / ".pulumi" / "locks").rglob("*.json")):
            step("Repair: an update did not end: releasing its lock (pulumi cancel)")
            stack.cancel()
        exported = stack.export_stack()
        state = dict(exported.deployment or {})
        if repair.pending(state):
            self._settle(stack, exported.version, state)
        if self._aws is not None and self._aws.anew:
            lost = [one["urn"] for one in state.get("resources") or () if one["type"].startswith("aws:")]
            if lost:
                step(f"Repair: the API of AWS began anew: looking for {len(lost)} resources (pulumi refresh)")
                stack.refresh(target=lost, color="never", show_secrets=False)
            self._aws.remember()

    def _settle(self, stack: Stack, version: int | None, state: dict[str, Any]) -> None:
        step(f"Repair: {len(repair.pending(state))} operations were under way (pulumi stack import, refresh)")
        with new_client_from_config(str(self.kubeconfig) if self.kubeconfig else None, self.context) as api:
            settled, adopted = repair.settle(state, repair.finder(api))
        for label in adopted:
            step(f"Repair: {label} was created: taken over")
        stack.import_stack(Deployment(version=version, deployment=settled))
        stack.refresh(color="never", show_secrets=False)


def official() -> bool:
    """Tell whether PATH has the official command line, its Python language host and the Kubernetes plugin."""
    program = shutil.which("pulumi")
    if program is None or shutil.which("pulumi-language-python") is None:
        return False
    listed = subprocess.run([program, "plugin", "ls", "--json"], check=False, capture_output=True, text=True)
    plugins: list[dict[str, Any]] = json.loads(listed.stdout) if listed.returncode == 0 else []
    return any((plugin["name"], plugin["kind"]) == ("kubernetes", "resource") for plugin in plugins)


def _port(log: Path) -> int | None:
    """Return the port that the provider printed, once it has."""
    numbers = (line for line in log.read_text().splitlines() if line.isdigit())
    return next((int(line) for line in numbers), None)


def _listens(log: Path) -> bool:
    return _port(log) is not None


@contextmanager
def _environment(variables: Mapping[str, str], programs: Sequence[str]) -> Generator[None]:
    """Set variables for this process too: the program runs in it, and reads KUBECONFIG."""
    before = dict(os.environ)
    os.environ.update(variables)
    os.environ["PATH"] = os.pathsep.join([*programs, os.environ["PATH"]])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _readable(events: EngineEvents) -> Generator[None]:
    """Turn the engine's failure into what it and the program said, without traceback."""
    try:
        yield
    except CommandError as error:
        said = "\n".join(line for line in events.errors if _REFUSED not in line) or str(error)
        raise PlatformError(f"The deployment failed:\n{said}") from error


def _made_up(secret: Secret) -> str:
    """A secret of no use elsewhere; a URL is one on this machine at which nobody listens."""
    text = secrets.token_urlsafe(24)
    return f"https://127.0.0.1:9/{text}" if secret.is_url else text
