"""The AWS of the embedded platform: a server of its API on loopback, and the stand-in that applies to it.

The server is moto's. It keeps everything in its memory, so it runs on from one `make up` to the next.
"""

import http
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import urllib3

from local.processes import Ports, Process, alive, end, write

SERVER: Final = "aws"
PROVIDER: Final = "aws-provider"
ACCOUNT: Final = "123456789012"
_READY_SECONDS: Final = 30.0
_ROOT: Final = Path(__file__).resolve().parent.parent
# Whatever asks the server is let in; a user's own must not reach it.
_CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_SESSION_TOKEN": "",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, kw_only=True)
class AwsApi:
    """The server of AWS' API of one platform.

    Attributes:
        state: The folder that its files lie in.
        account: The account that it is.
    """

    state: Path
    account: str = ACCOUNT

    def start(self) -> str:
        """Start it unless it runs, and return its endpoint.

        Raises:
            PlatformError: It is not ready in time; the end of its log is told.
        """
        port = Ports(self.state / "ports.json").port(SERVER, in_use=alive(self._pid_file))
        endpoint = f"http://127.0.0.1:{port}"
        process = Process(
            name=SERVER,
            # The variable stands in the command, so that a server of another account is replaced.
            command=(
                *("env", f"MOTO_ACCOUNT_ID={self.account}"),
                *(sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)),
            ),
            folder=self.state,
            log=self.state / "log" / f"{SERVER}.log",
            environment=_CREDENTIALS,
        )
        process.ensure()
        process.wait_until(_answering(f"{endpoint}/moto-api/data.json"), _READY_SECONDS)
        return endpoint

    @property
    def anew(self) -> bool:
        """Whether it began anew, and so with nothing in its memory, since `remember` was called."""
        return not self._known.exists() or self._known.read_bytes() != self._pid_file.read_bytes()

    def remember(self) -> None:
        """Write down that the engine has seen what this process has."""
        write(self._known, self._pid_file.read_text())

    def stop(self) -> None:
        """End it; all that it kept is gone.

        Raises:
            PlatformError: It does not end.
        """
        end(self._pid_file)

    @property
    def _pid_file(self) -> Path:
        return self.state / f"{SERVER}.pid"

    @property
    def _known(self) -> Path:
        return self.state / f"{SERVER}.known"


def provider(state: Path, endpoint: str) -> Process:
    """Return the stand-in of the AWS provider, which applies to the API at `endpoint`."""
    return Process(
        name=PROVIDER,
        command=(sys.executable, "-m", "local.aws_provider"),
        folder=state,
        log=state / "log" / f"{PROVIDER}.log",
        environment={
            **_CREDENTIALS,
            "AWS_ENDPOINT_URL": endpoint,
            "PYTHONPATH": str(_ROOT),
            "PYTHONUNBUFFERED": "1",
        },
    )


def _answering(url: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return urllib3.request("GET", url, retries=False, timeout=2).status == http.HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False

    return answers
