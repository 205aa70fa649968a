"""What is written to a remote store gets to the receiver of this machine, until an incident keeps it away."""

from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.simulator.conftest import Client, asked, running
from tests.simulator.sample import inventory

WORKSPACE = "http://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"


class Receiver(BaseHTTPRequestHandler):
    """Takes what is written, and refuses what it cannot read."""

    protocol_version = "HTTP/1.1"
    taken: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"bad":
            self.send_response(HTTPStatus.BAD_REQUEST)
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"not that\n")
            return
        self.taken.append((self.path, self.headers["Content-Encoding"], body))
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Keep silent."""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Client]:
    Receiver.taken = []
    inventory().write(tmp_path / "inventory.json")
    with (
        running(ThreadingHTTPServer(("127.0.0.1", 0), Receiver)) as receiver,
        asked(tmp_path, receiver) as client,
    ):
        yield client


def test_it_gets_to_the_receiver_as_it_was_written(writer: Client) -> None:
    assert [writer.post(WORKSPACE, body)[0] for body in (b"one", b"two")] == [204, 204]
    assert Receiver.taken == [("/api/v1/write", "snappy", body) for body in (b"one", b"two")]


def test_what_the_receiver_refuses_is_refused(writer: Client) -> None:
    assert writer.post(WORKSPACE, b"bad") == (400, "not that\n")


def test_while_the_store_is_away_nothing_gets_there(writer: Client) -> None:
    writer.happens("remote-store-away")
    assert writer.post(WORKSPACE, b"one")[0] == 503
    writer.happens()
    assert writer.post(WORKSPACE, b"one")[0] == 204
    assert len(Receiver.taken) == 1


def test_nothing_else_is_taken(writer: Client, tmp_path: Path) -> None:
    assert writer.post(WORKSPACE.replace("remote_write", "query"), b"query=up")[0] == 502
    assert Receiver.taken == []
    with asked(tmp_path) as without:
        assert without.post(WORKSPACE, b"one")[0] == 502
