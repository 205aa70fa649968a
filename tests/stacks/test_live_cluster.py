"""What answers in the place of an API server is told as such."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from stacks.live_cluster import LiveCluster, NoAnswerError


@contextmanager
def answering(text: bytes) -> Generator[str]:
    """The URL of a server on loopback that answers everything with a text and the status 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def write(config: Path, url: str, **user: str) -> None:
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": user}],
    }
    config.write_text(yaml.safe_dump(document))


@pytest.mark.parametrize("text", [b"<html>It works!</html>", b"", b"[]", b"\xff\xfe"])
def test_a_server_of_another_kind(config: Path, text: bytes) -> None:
    with answering(text) as url:
        write(config, url)
        with LiveCluster.connect("here") as cluster, pytest.raises(NoAnswerError) as refused:
            cluster.get("/version")
    assert f"{url} answers, but not as a Kubernetes API server" in str(refused.value)


def test_an_api_server(config: Path) -> None:
    with answering(b'{"major": "1"}') as url:
        write(config, url)
        with LiveCluster.connect("here") as cluster:
            assert cluster.get("/version") == {"major": "1"}


def test_credentials_that_are_no_base64(config: Path) -> None:
    write(config, "https://127.0.0.1:1", **{"client-certificate-data": "a", "client-key-data": "a"})
    with pytest.raises(NoAnswerError, match="'here' cannot be used"), LiveCluster.connect("here"):
        pass
