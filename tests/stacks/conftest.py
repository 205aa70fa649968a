"""The real `__main__.py`, run without an engine for each committed stack file."""

import contextlib
import json
import runpy
import threading
from collections.abc import Collection, Generator, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from stacks import recording, stack_file
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from stacks.stack_file import ROOT

STACKS = ("dev", "prod")
#: And the documented example, whose Grafana is somebody else's.
EVERY_STACK = (*STACKS, "managed")
#: For a test of the Grafana that a stack deploys.
own_grafana = pytest.mark.parametrize("stack", STACKS)
PLANTED = "planted-secret-of-"


class AnyServer(BaseHTTPRequestHandler):
    """Answers as an API server answers a stranger, and as a Grafana answers whoever has a token."""

    def do_GET(self) -> None:
        answers = {"/api/health": b'{"database": "ok"}', "/api/folders": b"[]"}
        self.send_response(200 if self.path in answers else 401)
        self.end_headers()
        self.wfile.write(answers.get(self.path, b""))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """The URL of a server on loopback, for as long as it is needed."""
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server on loopback that answers as a cluster's API server would."""
    with serving(AnyServer) as url:
        yield url


def write_kubeconfig(path: Path, contexts: Mapping[str, str]) -> None:
    """A kubeconfig of these contexts, each with its server's URL."""
    path.write_text(
        yaml.safe_dump(
            {
                "contexts": [{"name": name, "context": {"cluster": name}} for name in contexts],
                "clusters": [{"name": name, "cluster": {"server": url}} for name, url in contexts.items()],
            }
        )
    )


def run_main(
    stack: str,
    changes: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    without: Collection[str] = (),
) -> list[Registration]:
    """Run `__main__.py` with the stack's committed configuration.

    `changes` are to settings by full key, `secrets` to the planted values of all needed secrets; an empty
    mapping leaves all secrets out. Settings in `without` are as if they were not in the file.
    """
    path = stack_file.stack_file(stack)
    needed = stack_file.read_stack_file(path).secrets_needed()
    planted = {
        f"{PROJECT}:{secret.key}": ("https://" if secret.is_url else "") + PLANTED + secret.key
        for secret in needed
    }
    given = planted if secrets is None else planted | dict(secrets) if secrets else {}
    return recording.record(
        lambda: runpy.run_path(str(ROOT / "__main__.py")),
        stack=stack,
        config={
            key: value
            for key, value in {**stack_file.raw_values(path), **(changes or {}), **given}.items()
            if key not in without
        },
        secret_keys=list(given),
    ).registrations


def reached(stack: str, server: str) -> dict[str, str]:
    """The change that leads a stack whose Grafana is somebody else's to this server."""
    key = f"{PROJECT}:grafana"
    grafana = json.loads(stack_file.raw_values(stack_file.stack_file(stack)).get(key, "{}"))
    return {key: json.dumps({**grafana, "rootUrl": f"{server}/"})} if "delivery" in grafana else {}


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, server: str) -> dict[str, list[Registration]]:
    """What `__main__.py` registers for each committed stack, and for the documented example."""
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(kubeconfig, {f"dubbing-{stack}": server for stack in EVERY_STACK})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return {stack: run_main(stack, reached(stack, server)) for stack in EVERY_STACK}


@pytest.fixture(params=EVERY_STACK)
def stack(request: pytest.FixtureRequest) -> str:
    """Each stack in turn."""
    return str(request.param)


@pytest.fixture
def resources(recorded: dict[str, list[Registration]], stack: str) -> list[Registration]:
    """What the stack registers."""
    return recorded[stack]


@pytest.fixture
def dev_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """A kubeconfig in which dev's context leads to a server that answers."""
    write_kubeconfig(tmp_path / "config", {"dubbing-dev": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
