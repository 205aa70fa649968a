"""One operation of the real engine as a process: `python -m bench.engine_operation WORK OPERATION`."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from local.engine import Engine
from stacks.stack_file import read_stack_file, stack_file

FLOOR = "floor"
PEER = "peer"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is deployed: a stack of this project, the floor or a peer beside it.

    Attributes:
        project: The folder of the Pulumi project.
        stack: The stack's name.
        state: The folder of everything that the engine keeps.
        kubeconfig: The cluster's kubeconfig, of its administrator.
        context: The context in it.
    """

    project: str
    stack: str
    state: str
    kubeconfig: str
    context: str

    def written(self) -> str:
        """This as one argument of a command."""
        return json.dumps(asdict(self))

    def engine(self) -> Engine:
        """The engine for it."""
        settings = None if self.stack in (FLOOR, PEER) else read_stack_file(stack_file(self.stack))
        return Engine(
            project=Path(self.project),
            stack=self.stack,
            state=Path(self.state),
            context=self.context,
            kubeconfig=Path(self.kubeconfig),
            secrets=settings.secrets_needed() if settings else (),
            aws_account=settings.aws.account_id if settings and settings.aws else None,
        )


def destroy(engine: Engine) -> None:
    """Delete everything, what is protected too; nobody but a benchmark wants that."""
    with engine._session() as (stack, command):  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        command.run(
            ["state", "unprotect", "--all", "--yes", "--stack", engine.stack], stack.workspace.work_dir, {}
        )
        stack.destroy(color="never")


OPERATIONS: dict[str, Callable[[Engine], object]] = {
    "up": Engine.up,
    "preview": Engine.preview,
    "destroy": destroy,
}

if __name__ == "__main__":
    OPERATIONS[sys.argv[2]](Work(**json.loads(sys.argv[1])).engine())
