"""A Prometheus on loopback that serves a folder of blocks."""

import http
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from local.processes import Process, end
from local.toolchain import binaries

NAME = "history-prometheus"
_READY_SECONDS = 30.0


@contextmanager
def prometheus(data: Path, *, folder: Path, config: str = "{}") -> Generator[str]:
    """Run it, and yield its base URL.

    Args:
        data: The folder of the blocks; its configuration and log lie beside it.
        folder: Where its pid file lies.
        config: Its configuration; without one it scrapes nothing.
    """
    file = data.with_name("prometheus.yml")
    file.write_text(config)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = Process(
        name=NAME,
        command=(
            str(binaries("prometheus")["prometheus"]),
            f"--config.file={file}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
        ),
        folder=folder,
        log=data.with_name("prometheus.log"),
    )

    def ready() -> bool:
        try:
            reply = urllib3.request("GET", f"http://{address}/-/ready", retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return reply.status == http.HTTPStatus.OK

    process.ensure()
    try:
        process.wait_until(ready, _READY_SECONDS)
        yield f"http://{address}"
    finally:
        end(process.pid_file)
