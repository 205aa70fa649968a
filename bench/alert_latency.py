"""From a fault to its message, beside the floor that scraping, evaluating, `for` and `group_wait` set.

`python -m bench.alert_latency` runs a real Prometheus and Alertmanager with the rules, the route and the
arguments that `stacks.render` writes for dev, at their true times. Targets of its own turn bad one after the
other, each in a cluster of its own, since a message is about an alert in a cluster; a receiver notes when the
message of each comes. It writes bench/alert_latency.json. With `--check` it writes nothing, and ends with
status 1 where a ratio is more than a quarter above the one that is written there. About eleven minutes.
"""

import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import typer
import urllib3
import yaml

from bench.results import finish
from local import overlay
from local.processes import Ports, Process, end
from local.toolchain import binary
from stacks import alertmanager_config, prometheus, render
from stacks.quantities import duration_seconds


def _disk(left: int) -> str:
    of = '{fstype="ext4",mountpoint="/"}'
    return f"node_filesystem_size_bytes{of} 100\nnode_filesystem_avail_bytes{of} {left}"


RESULTS = Path(__file__).with_suffix(".json")
STACK = "dev"
GOAL = 1.2
SEVERITY = "critical"
#: What a target exposes while all is well, and from its fault on.
SOURCES: Mapping[str, tuple[str, str]] = {
    "NotificationsFailing": (
        'alertmanager_notifications_failed_total{integration="slack"} 0',
        'alertmanager_notifications_failed_total{integration="slack"} 5',
    ),
    "DatabaseDown": ("pg_up 1", "pg_up 0"),
    "GpuTemperatureHigh": (
        'DCGM_FI_DEV_GPU_TEMP{node="n",gpu="0",UUID="u"} 60',
        'DCGM_FI_DEV_GPU_TEMP{node="n",gpu="0",UUID="u"} 91',
    ),
    "NodeDiskUsageHigh": (_disk(50), _disk(6)),
    "QueueDepthHigh": (
        'dubbing_queue_depth{namespace="dubbing",stage="voice-synthesis"} 3',
        'dubbing_queue_depth{namespace="dubbing",stage="voice-synthesis"} 300',
    ),
}
EACH = 40
"""How many faults of each alert there are."""

WARM_UP_SECONDS = 90.0
"""Until the first: what counts up has been scraped more than once by then, and every rule evaluated."""

SPREAD_SECONDS = 120.0
"""From the first fault to the last: whole intervals of scraping and evaluating, so that each phase is met."""

GRACE_SECONDS = 120.0
_READY_SECONDS = 30.0
_POLL_SECONDS = 0.5
_TITLE = re.compile(rf"{SEVERITY.upper()}: (\w+) in (\S+)")


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What no message can be faster than, in seconds.

    Attributes:
        scrape: From scrape to scrape.
        evaluation: From evaluation to evaluation of the alert's group.
        lasts: The rule's `for`.
        group_wait: For how long a new group waits.
    """

    scrape: float
    evaluation: float
    lasts: float
    group_wait: float

    @property
    def mean(self) -> float:
        """Of faults at any moment: half an interval each, and `for` in whole evaluations."""
        return self.scrape / 2 + self.evaluation / 2 + self._held + self.group_wait

    @property
    def worst(self) -> float:
        """Of a fault that is just too late for both."""
        return self.scrape + self.evaluation + self._held + self.group_wait

    @property
    def _held(self) -> float:
        return ceil(self.lasts / self.evaluation) * self.evaluation


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An alert's floor and how long each of its faults took, in seconds, the shortest first."""

    floor: Floor
    seconds: tuple[float, ...]

    @property
    def mean(self) -> float:
        """What one fault took on average."""
        return statistics.mean(self.seconds)

    @property
    def ratio(self) -> float:
        """How many times the floor's mean that is."""
        return round(self.mean / self.floor.mean, 3)


@dataclass(frozen=True)
class Fault:
    """Which one of an alert's faults, and so in which cluster."""

    alert: str
    cluster: str


@dataclass(frozen=True)
class Scene:
    """When each fault happens, in seconds since 1970, and when its message came."""

    faults: Mapping[Fault, float]
    messages: dict[Fault, float]

    def exposed(self, path: str, now: float) -> str:
        """What the target at a path, `/ALERT/CLUSTER`, exposes."""
        _, alert, cluster = path.split("/")
        return SOURCES[alert][now >= self.faults[Fault(alert, cluster)]] + "\n"

    def receive(self, body: str, now: float) -> None:
        """Note the first message about each fault; what is no alert that is waited for is no matter."""
        for attachment in json.loads(body)["attachments"]:
            if found := _TITLE.match(attachment["title"]):
                self.messages.setdefault(Fault(found[1], found[2]), now)

    @property
    def missing(self) -> set[Fault]:
        """Those without a message yet."""
        return set(self.faults) - set(self.messages)

    def seconds(self, alert: str) -> tuple[float, ...]:
        """How long each of an alert's faults took."""
        took = (
            self.messages[fault] - begins for fault, begins in self.faults.items() if fault.alert == alert
        )
        return tuple(sorted(round(one, 2) for one in took))


def schedule(begins: float) -> dict[Fault, float]:
    """Faults of every alert, evenly over the spread."""
    return {
        Fault(alert, f"bench-{number}"): begins + SPREAD_SECONDS * (number + 0.5) / EACH
        for alert in SOURCES
        for number in range(EACH)
    }


def floor(alert: str, rendered: Path) -> Floor:
    """The floor of a critical alert, by the files that are deployed.

    Args:
        alert: Its name.
        rendered: The folder that `stacks.render` wrote to.
    """
    ((group, rule),) = (
        (group, rule)
        for file in (rendered / "rules").glob("alerts-*.yaml")
        for group in _yaml(file)["groups"]
        for rule in group["rules"]
        if (rule["alert"], rule["labels"]["severity"]) == (alert, SEVERITY)
    )
    return Floor(
        scrape=_seconds(_yaml(rendered / "prometheus.yml")["global"]["scrape_interval"]),
        evaluation=_seconds(group["interval"]),
        lasts=_seconds(rule["for"]),
        group_wait=_seconds(_yaml(rendered / "alertmanager.yml")["route"]["group_wait"]),
    )


def _seconds(text: str) -> float:
    return 0 if text == "0s" else duration_seconds(text)


def _yaml(path: Path) -> Any:  # noqa: ANN401 - any YAML value
    return yaml.safe_load(path.read_text())


def measure(folder: Path) -> dict[str, Measured]:
    """Let everything go wrong, in a folder that can be deleted afterwards.

    Raises:
        PlatformError: A server does not come up.
        TimeoutError: Messages did not come.
    """
    rendered = folder / "rendered"
    render.render(STACK, rendered)
    floors = {alert: floor(alert, rendered) for alert in SOURCES}
    with _running(folder, rendered, schedule(time.time() + WARM_UP_SECONDS)) as scene:
        deadline = max(scene.faults.values()) + max(one.worst for one in floors.values()) + GRACE_SECONDS
        while scene.missing:
            if time.time() > deadline:
                message = f"no message came of {len(scene.missing)} of {len(scene.faults)} faults"
                raise TimeoutError(message)
            time.sleep(_POLL_SECONDS)
    return {alert: Measured(floor=one, seconds=scene.seconds(alert)) for alert, one in floors.items()}


class _Server(ThreadingHTTPServer):
    # What fires at one evaluation is sent at once: with the five of the default some would be tried later.
    request_queue_size = 256


@contextmanager
def _running(folder: Path, rendered: Path, faults: Mapping[Fault, float]) -> Generator[Scene]:
    """Targets, Prometheus, Alertmanager and the receiver."""
    scene = Scene(faults, {})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(scene.exposed(self.path, time.time()))

        def do_POST(self) -> None:
            now = time.time()
            scene.receive(self.rfile.read(int(self.headers["Content-Length"])).decode(), now)
            # As Slack does; Alertmanager tries again where it reads anything else.
            self._answer("ok")

        def _answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing of each scrape."""

    ports = Ports(folder / "ports.json")
    addresses = {
        name: ("127.0.0.1", ports.port(name, in_use=False)) for name in ("prometheus", "alertmanager")
    }
    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"127.0.0.1:{server.server_port}"
        processes = (
            _alertmanager(folder, rendered, addresses["alertmanager"], f"http://{here}"),
            _prometheus(folder, rendered, addresses, _scraped(here, list(faults))),
        )
        try:
            for process in processes:
                process.ensure()
                host, port = addresses[process.name]
                process.wait_until(lambda url=f"http://{host}:{port}/-/ready": _answers(url), _READY_SECONDS)
            yield scene
        finally:
            for process in reversed(processes):
                end(process.pid_file)
            server.shutdown()


def _scraped(here: str, faults: Sequence[Fault]) -> list[dict[str, object]]:
    targets = [
        {
            "targets": [here],
            "labels": {"__metrics_path__": f"/{one.alert}/{one.cluster}", "cluster": one.cluster},
        }
        for one in faults
    ]
    return [{"job_name": "bench", "static_configs": targets}]


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=2).status == 200  # noqa: PLR2004 - OK
    except urllib3.exceptions.HTTPError:
        return False


def _alertmanager(folder: Path, rendered: Path, address: tuple[str, int], receivers: str) -> Process:
    name = "alertmanager"
    here = _surroundings(
        {
            alertmanager_config.CONFIG_PATH: rendered,
            alertmanager_config.SECRETS_PATH: folder / "secrets",
            "/alertmanager": folder / name,
        },
        receivers,
    )
    program = overlay.PROGRAMS[name]
    config = rendered / "alertmanager.yml"
    (folder / "secrets").mkdir()
    for key in _yaml(rendered / "manifests" / "monitoring-secret-alertmanager.yaml")["stringData"]:
        (folder / "secrets" / key).write_bytes(overlay.file(program, key, b"", here))
    config.write_bytes(overlay.file(program, config.name, config.read_bytes(), here))
    return _process(folder, name, _arguments(rendered, name, {"web": address}, here))


def _prometheus(
    folder: Path,
    rendered: Path,
    addresses: Mapping[str, tuple[str, int]],
    scraped: list[dict[str, object]],
) -> Process:
    name = "prometheus"
    host, port = addresses["alertmanager"]
    folders = {"/etc/prometheus/config": rendered, prometheus.DATA_PATH: folder / name}
    config = _yaml(rendered / "prometheus.yml") | {"scrape_configs": scraped}
    for group in config["alerting"]["alertmanagers"]:
        group["static_configs"] = [{"targets": [f"{host}:{port}"]}]
    (rendered / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    arguments = _arguments(rendered, name, {"web": addresses[name]}, _surroundings(folders, ""))
    # When in its interval a group is evaluated, Prometheus takes from the path of its file: it must be the
    # deployed one. Nobody sees this /etc but this process.
    mounts = (
        'mount -t tmpfs none /etc && mkdir -p "$2" && mount --bind "$1" "$2" && shift 2 && exec "$@"',
        "sh",
        str(rendered / "rules"),
        prometheus.RULES_PATH,
    )
    return _process(folder, name, arguments, ("unshare", "--map-root-user", "--mount", "sh", "-c", *mounts))


def _surroundings(folders: Mapping[str, Path], receivers: str) -> overlay.Surroundings:
    nowhere = Path("none")
    return overlay.Surroundings(
        folders=folders,
        kubeconfig=nowhere,
        resolve=lambda _: None,
        proxy="",
        authority=nowhere,
        receivers=receivers,
    )


def _arguments(
    rendered: Path, name: str, addresses: Mapping[str, tuple[str, int]], here: overlay.Surroundings
) -> tuple[str, ...]:
    """The deployed arguments, for a process here."""
    manifest = _yaml(rendered / "manifests" / f"monitoring-statefulset-{name}.yaml")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    return overlay.arguments(overlay.PROGRAMS[name], container["args"], addresses, here)


def _process(folder: Path, name: str, arguments: Sequence[str], within: Sequence[str] = ()) -> Process:
    return Process(
        name=name,
        command=(*within, str(binary(name)), *arguments),
        folder=folder,
        log=folder / f"{name}.log",
        environment={"POD_NAME": f"{name}-0"},
    )


def main(
    *,
    check: Annotated[bool, typer.Option(help="compare with bench/alert_latency.json, write nothing")] = False,
) -> None:
    """Measure how long alerts take, about eleven minutes."""
    with tempfile.TemporaryDirectory(prefix="alerts-") as folder:
        found = measure(Path(folder).resolve())
    for alert, one in found.items():
        print(
            f"{alert}: {one.mean:.1f} s on average, {one.seconds[-1]:.1f} s at most; the floor is "
            f"{one.floor.mean:.1f} and {one.floor.worst:.1f}. {one.ratio} times; the goal is {GOAL}"
        )
    ratios = {STACK: {alert: one.ratio for alert, one in found.items()}}
    figures = {"alerts": {alert: asdict(one) for alert, one in found.items()}}
    finish(RESULTS, ratios, figures, check=check)


if __name__ == "__main__":
    typer.run(main)
