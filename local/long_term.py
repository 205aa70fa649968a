"""What stands for Amazon Managed Prometheus: a Prometheus that scrapes nothing and takes what is written.

The simulator hands to it what Prometheus writes to the workspace (`local.simulator.server`). Other than the
managed one it checks no signature, and keeps both replicas of a pair.
"""

from pathlib import Path
from typing import Final

from local.processes import Process, write

NAME: Final = "long-term"
WRITE_PATH: Final = "/api/v1/write"
_RETENTION: Final = "1d"


def receiver(state: Path, program: Path, address: str) -> Process:
    """Return its process.

    Args:
        state: The folder that all state of the platform lies in.
        program: The executable of Prometheus.
        address: Where it listens, host:port.
    """
    folder = state / NAME
    config = folder / "prometheus.yml"
    write(config, "global: {}\n")
    return Process(
        name=NAME,
        command=(
            str(program),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            f"--web.listen-address={address}",
            "--web.enable-remote-write-receiver",
        ),
        folder=state,
        log=state / "log" / f"{NAME}.log",
    )
