"""The images are pinned in one place, and the command that resolves digests asks a real registry protocol."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import cast

import pytest

from stacks.images import IMAGES, Image, resolve_digest, without_digest

DIGEST = "sha256:" + "ab" * 32


class Registry(BaseHTTPRequestHandler):
    """A registry with one image, which answers only to the token that it gives out."""

    def do_HEAD(self) -> None:
        port = cast("tuple[str, int]", self.server.server_address)[1]
        if self.headers.get("Authorization") != "Bearer the-token":
            self.send_response(401)
            challenge = f'Bearer realm="http://127.0.0.1:{port}/token",service="reg",scope="pull"'
            self.send_header("WWW-Authenticate", challenge)
        elif self.path == "/v2/team/app/manifests/v1":
            self.send_response(200)
            self.send_header("Docker-Content-Digest", DIGEST)
        else:
            self.send_response(404)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"token": "the-token"}' if self.path == "/token?service=reg&scope=pull" else b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@pytest.fixture
def registry() -> Iterator[str]:
    """The address of a registry on loopback."""
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_digest_is_resolved_through_the_registrys_token(registry: str) -> None:
    image = Image(registry=registry, repository="team/app", tag="v1")
    assert resolve_digest(image, scheme="http") == DIGEST


def test_a_tag_that_the_registry_does_not_know_is_an_error(registry: str) -> None:
    image = Image(registry=registry, repository="team/app", tag="v2")
    with pytest.raises(OSError, match="404"):
        resolve_digest(image, scheme="http")


def test_every_image_is_pinned_by_a_version_and_every_digest_is_one() -> None:
    for image in IMAGES.values():
        assert re.match(r"v?\d+\.\d+", image.tag)
        assert image.digest is None or re.fullmatch(r"sha256:[0-9a-f]{64}", image.digest)
    assert "opencost" not in without_digest()


def test_a_mirror_keeps_path_tag_and_digest() -> None:
    image = Image(registry="quay.io", repository="team/app", tag="v1.2", digest=DIGEST)
    assert image.reference() == f"quay.io/team/app:v1.2@{DIGEST}"
    assert image.reference("mirror.example.com/all") == f"mirror.example.com/all/team/app:v1.2@{DIGEST}"
    assert image.version == "1.2"
