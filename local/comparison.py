"""What this checkout changes of what another commit deploys, on an embedded cluster of its own.

The base is a copy of its commit, which deploys itself with its own code; then this checkout is previewed
over it. Both use one state folder, so neither path nor secret differs. No program of the Pods runs, no
credential is needed, and the platform of `make up` is left alone. What the change looks like is looked at on
simulated data, without the cluster.
"""

import io
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from local.change.look import look, tidy
from local.change.rendered import Change, Rendered
from local.engine_command import Interrupted
from local.errors import PlatformError
from local.platform import COMPARED, COMPARISONS, Platform
from local.progress import step
from local.viewer.errors import ViewerError
from review.comment import comment
from review.seen import Seen
from stacks.render import render
from stacks.stack_file import ROOT, read_stack_file, stack_file


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A stack of this checkout over that of a commit.

    Attributes:
        stack: The stack's name.
        base: The commit, as git takes it. Compared is where this checkout left it, so that what others
            changed there since is not told as taken back.
        root: The checkout.
    """

    stack: str
    base: str
    root: Path = ROOT

    def comment(self) -> str:
        """Return the comment for a review.

        Raises:
            PlatformError: There is no such commit, it does not deploy, or this checkout cannot be previewed.
            SettingsError: The stack file has mistakes.
            Interrupted: The engine was interrupted.
        """
        with self._deployed() as (platform, source):
            plan = platform.plan()
        # The cluster is gone by now: two cores have enough to do.
        return comment(plan, self.stack, source=source, seen=self.look())

    def look(self) -> Seen:
        """Return what is seen of the change on the simulated platform, with pictures in `rendered`.

        Nothing depends on it: where it cannot be looked at, why is printed, and nothing was seen.

        Raises:
            SettingsError: The stack file has mistakes.
        """
        work = self.root / ".local" / COMPARISONS / f"{self.stack}-look"
        out = self.root / "rendered" / "pictures" / self.stack
        shutil.rmtree(out, ignore_errors=True)
        try:
            tidy(work)
            change = Change(before=self._rendered_base(work), after=self._rendered_head(work))
            return look(change, read_stack_file(stack_file(self.stack)).gpu_metrics, work=work, out=out)
        except (PlatformError, ViewerError) as error:
            step(f"Change: not looked at. {error}")
            return Seen()
        finally:
            tidy(work)

    def _rendered_base(self, work: Path) -> Rendered:
        checkout = self._checked_out(fork_point(self.root, self.base), work / "base")
        out = work / "rendered-before"
        command = [sys.executable, "-m", "stacks.render", self.stack, str(out.resolve())]
        done = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise PlatformError(f"{self.base} cannot be rendered: {done.stderr.strip()}")
        return Rendered(out)

    def _rendered_head(self, work: Path) -> Rendered:
        out = work / "rendered-after"
        render(self.stack, out)
        return Rendered(out)

    def preview(self) -> None:
        """Print the engine's own diff.

        Raises:
            PlatformError: There is no such commit, it does not deploy, or this checkout cannot be previewed.
            SettingsError: The stack file has mistakes.
            Interrupted: The engine was interrupted.
        """
        with self._deployed() as (platform, _):
            platform.preview()

    @contextmanager
    def _deployed(self) -> Generator[tuple[Platform, str]]:
        commit = fork_point(self.root, self.base)
        folder = self.root / ".local" / COMPARISONS / self.stack
        platform = Platform(stack=self.stack, state=folder / COMPARED)
        # One that was killed may have left its processes.
        platform.down()
        try:
            step(f"Base: {self.base} is {commit[:12]}, deployed to a cluster of its own")
            self._deploy(self._checked_out(commit, folder / "base"), platform.state)
            step("Head: this checkout is previewed over it")
            platform.prepare()
            yield platform, self._source(commit)
        finally:
            platform.down()
            shutil.rmtree(folder, ignore_errors=True)

    def _checked_out(self, commit: str, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        archive = _git(self.root, "archive", commit)
        if archive.returncode != 0:
            raise PlatformError(f"git archive {commit} failed: {archive.stderr.decode().strip()}")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        return folder

    def _deploy(self, checkout: Path, state: Path) -> None:
        command = [sys.executable, "-m", "local", "deploy", str(state.resolve()), "--stack", self.stack]
        if _run_to_its_end(command, checkout) != 0:
            raise PlatformError(
                f"{self.base} did not deploy; why stands above. A commit older than `make diff` never does."
            )

    def _source(self, commit: str) -> str:
        head = _git(self.root, "rev-parse", "HEAD").stdout.decode().strip()
        edits = " with edits" if _git(self.root, "status", "--porcelain").stdout else ""
        return (
            f"`{commit[:12]}` deployed on an embedded cluster, `{head[:12]}`{edits} previewed over it; "
            "no cloud account was asked."
        )


def fork_point(root: Path, base: str) -> str:
    """Return the commit at which a checkout left `base`, or `base` where they have none in common.

    Raises:
        PlatformError: There is no such commit.
    """
    for question in (("merge-base", base, "HEAD"), ("rev-parse", "--verify", f"{base}^{{commit}}")):
        answer = _git(root, *question)
        if answer.returncode == 0:
            return answer.stdout.decode().strip()
    raise PlatformError(f"There is no commit {base} here. Mend: git fetch origin, or name another BASE.")


def _run_to_its_end(command: Sequence[str], folder: Path) -> int:
    """Run a command, and return its status.

    SIGINT and SIGTERM go to the command, which is then waited for: killed, it would go on starting processes
    of a cluster that is being taken down.

    Raises:
        Interrupted: There was a signal.
    """
    signals = list[int]()
    running = list[subprocess.Popen[bytes]]()

    def tell(number: int, _: FrameType | None) -> None:
        signals.append(number)
        for process in running:
            process.send_signal(number)

    before = {kind: signal.signal(kind, tell) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        # In a session of its own the terminal's Ctrl-C does not reach it a second time.
        with subprocess.Popen(command, cwd=folder, start_new_session=True) as process:
            running.append(process)
            if signals:
                process.send_signal(signals[0])
            process.wait()
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
    if signals:
        raise Interrupted
    return process.returncode


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True)
