"""A Grafana that cannot be used is refused by a text that mends it, and tells no token."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from stacks.grafana_reach import refuse_unusable
from stacks.stack_file import SettingsError

TOKEN = "right-token"  # noqa: S105 - of the server below


class FakeGrafana(BaseHTTPRequestHandler):
    """Answers as Grafana does, under the path /grafana; under /other as anything else."""

    def do_GET(self) -> None:
        answers = {
            "/grafana/api/health": (200, b'{"database": "ok"}'),
            "/other/api/health": (200, b"<html>"),
        }
        status, text = answers.get(self.path, (404, b""))
        if self.path == "/grafana/api/folders":
            right = self.headers["Authorization"] == f"Bearer {TOKEN}"
            status, text = (200, b"[]") if right else (401, b"{}")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@pytest.fixture(scope="module")
def grafana() -> Iterator[str]:
    """The URL of a server on loopback."""
    with HTTPServer(("127.0.0.1", 0), FakeGrafana) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_one_that_knows_the_token_is_fine(grafana: str) -> None:
    refuse_unusable(f"{grafana}/grafana/", TOKEN)


@pytest.mark.parametrize(
    ("path", "token", "says"),
    [
        ("/grafana/", "wrong-token", "refuses the token"),
        ("/other/", TOKEN, "is no Grafana"),
        ("/nothing/", TOKEN, "is no Grafana"),
        ("/grafana/", "two-parts\nof-it", "is not one line"),
    ],
)
def test_others_are_refused(grafana: str, path: str, token: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        refuse_unusable(grafana + path, token)
    assert "Mend: " in str(caught.value)
    assert grafana + path in str(caught.value)
    assert not any(part in str(caught.value) for part in token.splitlines())


def test_one_that_does_not_answer_is_refused() -> None:
    with HTTPServer(("127.0.0.1", 0), FakeGrafana) as http:
        gone = f"http://127.0.0.1:{http.server_port}/"
    with pytest.raises(SettingsError, match="does not answer") as caught:
        refuse_unusable(gone, TOKEN)
    assert gone in str(caught.value)
    assert TOKEN not in str(caught.value)
