"""A remote store: a verifier of AWS' signature before a real Prometheus that takes remote write."""

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, ?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(kw_only=True)
class RemoteStore:
    """What writes are checked against, and how many were taken and refused."""

    receiver: str
    """Where what is signed well goes, host:port."""
    key: str
    secret: str
    region: str
    taken: int = 0
    refused: list[str] = field(default_factory=list[str])

    def refusal(self, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
        """Why a request is refused, by botocore's own reckoning of the signature; nothing where it is not."""
        match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if match is None:
            return "no signature"
        if (match["key"], match["region"], match["service"]) != (self.key, self.region, "aps"):
            return f"signed by {match['key']} for {match['service']} in {match['region']}"
        signed = {name: headers[name] for name in match["headers"].split(";")}
        if not {"host", "x-amz-date"} <= signed.keys():
            return "host and date are not signed"
        request = AWSRequest(method, f"http://{headers['host']}{path}", headers=signed, data=body)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = SigV4Auth(Credentials(self.key, self.secret), "aps", self.region)
        expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        return "" if expected == match["signature"] else "another signature"

    @contextmanager
    def open(self, port: int = 0) -> Generator[int]:
        """Take writes on a port of loopback; outside of it nobody listens there."""
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if reason := store.refusal("POST", self.path, headers, body):
                    store.refused.append(reason)
                    self.send_response(403)
                else:
                    self.send_response(store.forward(headers, body))
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Keep quiet."""

        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join()

    def forward(self, headers: dict[str, str], body: bytes) -> int:
        """Write to the receiver, and give its status."""
        kept = {
            name: value
            for name, value in headers.items()
            if name.startswith(("content-", "x-prometheus-")) and name != "content-length"
        }
        request = urllib.request.Request(f"http://{self.receiver}/api/v1/write", data=body, headers=kept)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                self.taken += 1
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                self.refused.append(f"{error.code} {error.read().decode()[:200]}")
                return error.code
