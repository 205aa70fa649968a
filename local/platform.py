"""Brings a stack up on the embedded cluster, or on a cluster of the user's own, and takes it down again."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kubernetes.config import new_client_from_config
from pulumi.automation import OutputMap

from local import deployer
from local.agent.runs import Run
from local.aws import AwsApi
from local.cluster import Cluster
from local.engine import Engine
from local.errors import PlatformError
from local.monitoring import Monitoring
from local.overlay import DISCARD
from local.processes import write
from local.progress import step
from local.simulator import gpu_operator
from local.simulator.platform import apply, manifests
from review.plan import Plan
from stacks import render
from stacks.program import REFUSALS, refuse_unreachable
from stacks.stack_file import ROOT, read_stack_file, stack_file

#: Where platforms of their own are compared; they take themselves down.
COMPARISONS = "comparisons"
#: The folder of a comparison's platform, in a folder named as the stack is.
COMPARED = "state"
_OWN_CONTEXTS = "contexts"
_LOCK = "lock"
_STACK = "stack"
# `down` deletes all else: what runs on the user's own clusters is still described by its state.
_KEPT = (_OWN_CONTEXTS, _LOCK, COMPARISONS)


_TRY = """Try: make incident NAME=gpu-overheat
  GPU Temperature on Model Performance rises to 91 °C with the next scrape; after about three minutes a
  critical alert is on every page and among the messages. make recover ends it; about six minutes later a
  message says so. make incident NAME=redis-dies turns a tile red; make incident lists all there are."""


_GRAFANA = """Docker is here: `make compose && docker compose up prometheus grafana` starts real Grafana on
  http://localhost:3000 with the same dashboards."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Where one stack of this checkout runs.

    Attributes:
        stack: The stack's name, `dev` or `prod`.
        own_context: A kube context of the user's own; None is the embedded cluster.
        state: The folder that all state of the embedded platform lies in.
        time_scale: How many times sooner alerts fire and end on the embedded platform.
    """

    stack: str
    own_context: str | None = None
    state: Path = ROOT / ".local"
    time_scale: float = 1

    def up(self) -> None:
        """Deploy the stack, then run Prometheus and Alertmanager on what is deployed.

        Raises:
            SettingsError: The stack file has mistakes; nothing was started.
            PlatformError: Another stack runs on the embedded platform, or a step failed.
            Interrupted: The engine was interrupted and has ended cleanly.
        """
        engine = self._engine()
        with self._alone():
            cluster = self._prepared(engine.context)
            outcome = engine.up()
            if cluster is None:
                _print_outputs(outcome.outputs)
            else:
                # The outputs name addresses inside a cluster whose network is not here.
                self._run_monitoring(cluster)

    def deploy(self) -> None:
        """Deploy the stack to the embedded cluster, and run nothing of what is deployed.

        Raises:
            SettingsError: The stack file has mistakes; nothing was started.
            PlatformError: Another stack runs on the embedded platform, or a step failed.
            Interrupted: The engine was interrupted and has ended cleanly.
        """
        self.prepare()
        with self._alone():
            self._engine().up()

    def prepare(self) -> None:
        """Start the embedded cluster with all that the stack expects there, its deployer's rights among it.

        Raises:
            SettingsError: The stack file has mistakes; nothing was started.
            PlatformError: Another stack runs on the embedded platform, or a step failed.
        """
        engine = self._engine()
        with self._alone():
            self._prepared(engine.context)

    def _prepared(self, context: str) -> Cluster | None:
        cluster = self._start_cluster(context)
        if cluster is not None:
            self._deploy_platform(cluster)
            self._let_deploy(cluster)
        return cluster

    def plan(self) -> Plan:
        """Return what `up` would change; the embedded cluster is started if it does not run.

        Raises:
            SettingsError: The stack file has mistakes; nothing was started.
            PlatformError: Another stack runs on the embedded platform, or a step failed.
            Interrupted: The engine was interrupted.
        """
        engine = self._engine()
        with self._alone():
            self._start_cluster(engine.context)
            return engine.plan()

    def preview(self) -> None:
        """Print what `up` would change; the embedded cluster is started if it does not run.

        Raises:
            SettingsError: The stack file has mistakes; nothing was started.
            PlatformError: Another stack runs on the embedded platform, or a step failed.
            Interrupted: The engine was interrupted.
        """
        engine = self._engine()
        with self._alone():
            self._start_cluster(engine.context)
            engine.preview()

    def down(self) -> None:
        """End every process of the embedded platform and delete its state; the tool cache stays.

        On a cluster of the user's own nothing is deleted: the command that would is printed.

        Raises:
            SettingsError: The stack file has mistakes.
            PlatformError: A process does not end; nothing is deleted then.
        """
        engine = self._engine()
        if self.own_context is not None:
            step(f"Context {self.own_context} is yours: nothing was deleted. To delete the stack, run:")
            print(f"  {engine.destroy_command()}")
            return
        with self._alone():
            engine.end_leftovers()
            cluster = Cluster(self.state, engine.context)
            Monitoring(state=self.state.resolve(), cluster=cluster).stop()
            AwsApi(state=self.state).stop()
            cluster.remove()
            for path in self.state.iterdir():
                if path.name in _KEPT:
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        self._end_comparisons()
        step("Down: no process of the embedded platform is left, its state is deleted (the tool cache stays)")

    def _end_comparisons(self) -> None:
        """End what is left of a comparison that was killed; one that goes on takes itself down."""
        for left in sorted(self.state.glob(f"{COMPARISONS}/*/{COMPARED}")):
            try:
                replace(self, stack=left.parent.name, state=left).down()
            except PlatformError as error:
                step(f"Comparison of {left.parent.name}: {error}")
            else:
                shutil.rmtree(left.parent)

    def _claim(self) -> None:
        """Write down which stack the embedded platform is for: there is room for one."""
        file = self.state / _STACK
        running = file.read_text() if file.exists() else self.stack
        if running != self.stack:
            raise PlatformError(
                f"The embedded platform runs stack {running} and has room for one. Nothing was changed. "
                f"Mend: make down STACK={running}, then make up STACK={self.stack}."
            )
        write(file, self.stack)

    def _engine(self) -> Engine:
        file = stack_file(self.stack)
        if file.parent != ROOT:
            raise PlatformError(
                f"{self.stack} is an example, {file.relative_to(ROOT)}. Nothing was changed. Mend: "
                f"make render STACK={self.stack} OUT=dir writes what it would deploy; to deploy it, copy it "
                "beside Pulumi.yaml and name your cluster, Grafana and account in it."
            )
        settings = read_stack_file(file)
        embedded = self.own_context is None
        return Engine(
            project=ROOT,
            stack=self.stack,
            # The state of what runs on another cluster must outlive `down` of the embedded one.
            state=self.state if embedded else self.state / _OWN_CONTEXTS / str(self.own_context),
            context=self.own_context or settings.kubernetes.context,
            kubeconfig=Cluster(self.state, "").deployer_kubeconfig if embedded else None,
            secrets=settings.secrets_needed(),
            # On a cluster of the user's own, AWS is the user's own, too.
            aws_account=settings.aws.account_id if embedded and settings.aws else None,
        )

    def _start_cluster(self, context: str) -> Cluster | None:
        if self.own_context is not None:
            step(f"Cluster: context {context} is yours, so nothing embedded is started")
            # The program asks this too, but secrets and state of a mistyped context would be left by then.
            refuse_unreachable(context)
            return None
        self._claim()
        cluster = Cluster(self.state, context)
        cluster.start()
        step(f"Cluster: ready, kubeconfig {cluster.kubeconfig}")
        return cluster

    def _deploy_platform(self, cluster: Cluster) -> None:
        settings = read_stack_file(stack_file(self.stack))
        with new_client_from_config(str(cluster.kubeconfig), cluster.context) as api:
            apply(api, (*manifests(), *gpu_operator.manifests(settings.gpu_metrics)))
        step("Platform: the services that are monitored are deployed; the simulator answers for them")

    def _let_deploy(self, cluster: Cluster) -> None:
        """As the administrator, make the namespaces and grant the rights that deploying takes."""
        try:
            registrations = render.registrations(self.stack)
        except REFUSALS:
            return  # The program will say so itself, before anything is created.
        with new_client_from_config(str(cluster.kubeconfig), cluster.context) as api:
            settings = read_stack_file(stack_file(self.stack))
            deployer.grant(api, registrations, settings.kubernetes.namespace)

    def _run_monitoring(self, cluster: Cluster) -> None:
        settings = read_stack_file(stack_file(self.stack))
        monitoring = Monitoring(state=self.state.resolve(), cluster=cluster)
        aws = AwsApi(state=self.state, account=settings.aws.account_id).start() if settings.aws else DISCARD
        workspace = settings.managed_prometheus is not None
        monitoring.start(settings.kubernetes.namespace, self.time_scale, aws=aws, workspace=workspace)
        endpoints = {
            "kubeconfig": str(cluster.kubeconfig),
            "prometheus": monitoring.url("prometheus"),
            "alertmanager": monitoring.url("alertmanager"),
            "grafana": None,
            "dashboards": monitoring.viewer,
            "messages": f"{monitoring.viewer}/messages",
        }
        if settings.aws:
            endpoints["aws"] = aws
        if workspace:
            endpoints["longTerm"] = monitoring.long_term
        write(self.state / "endpoints.json", json.dumps(endpoints, indent=2) + "\n")
        step("Monitoring: the programs of the deployed Pods run")
        for run in monitoring.runs().runs:
            print(mapping(run, self.state.resolve()))
        print(f"  all that differs from a cluster, arguments and credentials too: {self.state / 'pods.json'}")
        for name, value in endpoints.items():
            if value is not None:
                print(f"  {name + ':':14}{value}")
        if _docker_runs():
            print(_GRAFANA)
        print(_TRY)

    @contextmanager
    def _alone(self) -> Generator[None]:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.state / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlatformError(
                    f"Another make up, preview or down works in {self.state}: wait until it has ended."
                ) from None
            yield


def _docker_runs() -> bool:
    """Whether containers can be started here: the command, its compose, and an engine that answers."""
    if shutil.which("docker") is None:
        return False
    questions = (["docker", "compose", "version"], ["docker", "info"])
    try:
        return all(
            subprocess.run(question, check=False, capture_output=True, timeout=5).returncode == 0
            for question in questions
        )
    except subprocess.TimeoutExpired:
        return False


def mapping(run: Run, state: Path) -> str:
    """What a Pod's process has here in place of what it has in a cluster: addresses, its pid, folders."""
    listening = ", ".join(f"{name} on {address}" for name, address in run.addresses.items())
    listening += f", pid {run.pid}" if run.pid is not None else ""
    folders = [
        f"    {path + ' is':44} {_short(folder, state)}" for path, folder in sorted(run.folders.items())
    ]
    return "\n".join([f"  {run.pod + ':':38}{listening}", *folders])


def _short(folder: str, state: Path) -> str:
    path = Path(folder)
    return str(Path(".local") / path.relative_to(state)) if path.is_relative_to(state) else folder


def _print_outputs(outputs: OutputMap) -> None:
    for name, output in sorted(outputs.items()):
        print(f"  {name}: {'[secret]' if output.secret else output.value}")
