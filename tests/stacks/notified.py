"""A real Alertmanager on what the program renders, and a real HTTP receiver that keeps what it is sent."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dashboards.parameters import Parameters
from dashboards.render import alert_identity
from dashboards.yaml_text import to_yaml
from local.overlay import relocate
from local.toolchain import binary
from stacks.alertmanager_config import CONFIG_PATH, SECRETS_PATH, alertmanager_config, message_templates
from stacks.notification_settings import Notifications

Json = dict[str, Any]


class Messages:
    """What receivers got: a channel's or path's name, and the message."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Json]] = []

    def of(self, receiver: str) -> list[Json]:
        return [message for name, message in self.got if name == receiver]

    def wait(self, receiver: str, count: int, seconds: float = 15) -> list[Json]:
        """The receiver's messages, once there are so many of them."""
        deadline = time.monotonic() + seconds
        while len(self.of(receiver)) < count:
            assert time.monotonic() < deadline, f"{receiver} got {self.of(receiver)}, all: {self.got}"
            time.sleep(0.05)
        return self.of(receiver)


@contextmanager
def http_receiver() -> Generator[tuple[str, Messages]]:
    """A real HTTP receiver on loopback; the path of its URL names the receiver."""
    messages = Messages()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.got.append((self.path.strip("/"), json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", messages
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def alertmanager(folder: Path, settings: Mapping[str, Any], url: str) -> Generator[str]:
    """A real Alertmanager with what the program renders of these settings; its secrets lead to loopback."""
    write_configuration(folder, settings, url)
    web = free_address()
    arguments = [
        f"--config.file={folder / 'config' / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={web}",
        "--cluster.listen-address=",
    ]
    with running(arguments, web, folder / "log"):
        yield f"http://{web}"


def write_configuration(folder: Path, settings: Mapping[str, Any], url: str) -> dict[str, Path]:
    """The files of an Alertmanager, under `folder`; returns where each mounted folder lies."""
    notifications = Notifications.model_validate({"criticalRequired": False, **settings})
    folders = {CONFIG_PATH: folder / "config", SECRETS_PATH: folder / "secrets"}
    for path in folders.values():
        path.mkdir(parents=True)
    config = relocate(alertmanager_config(notifications, alert_identity(Parameters())), folders)
    # PagerDuty's address is no secret, so it is none of the files.
    config.setdefault("global", {})["pagerduty_url"] = f"{url}/pagerduty"
    (folder / "config" / "alertmanager.yml").write_text(to_yaml(config))
    (folder / "config" / "messages.tmpl").write_text(message_templates("https://grafana.example.com/"))
    for secret in notifications.secrets_needed():
        (folder / "secrets" / secret.key).write_text(f"{url}/{secret.key}")
    return folders


def free_address() -> str:
    """A free address on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def running(arguments: Sequence[str], web: str, log: Path) -> Generator[subprocess.Popen[bytes]]:
    """An Alertmanager process that is ready at its address `web`."""
    with log.open("a") as output:
        process = subprocess.Popen(
            [binary("alertmanager"), *arguments], stdout=subprocess.DEVNULL, stderr=output
        )
        try:
            _wait_until_ready(f"http://{web}/-/ready", log)
            yield process
        finally:
            process.terminate()
            # It takes its leave only when it has begun to send, a minute after its start as deployed.
            process.wait(timeout=80)


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def send(address: str, *sent: Json) -> None:
    """Post alerts as Prometheus does."""
    request = urllib.request.Request(
        f"{address}/api/v2/alerts",
        data=json.dumps(sent).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def an_alert(name: str, severity: str, *, over: bool = False, **labels: str) -> Json:
    now = datetime.now(UTC)
    alert: Json = {
        "labels": {"alertname": name, "severity": severity, "cluster": "dev", "team": "platform", **labels},
        "annotations": {
            "summary": f"{labels.get('instance', name)} is 91% full, above 80%.",
            "description": "A full node evicts its pods.",
            "dashboard_url": "https://grafana.example.com/d/system-health?viewPanel=panel-403",
            "runbook_url": f"https://git.example.com/runbooks/{name}.md",
        },
        # A group whose alerts are older than its wait is sent at once, before the rest of it came.
        "startsAt": (now - timedelta(minutes=3) if over else now).isoformat(),
    }
    if over:
        alert["endsAt"] = (now - timedelta(seconds=1)).isoformat()
    return alert


QUICK = {"wait": "1s", "interval": "1s", "repeat": "12h"}
