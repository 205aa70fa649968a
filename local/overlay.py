"""What must differ between a container that is deployed and the process that stands for it here.

| Deployed                           | Here                                | Why                           |
| ---------------------------------- | ----------------------------------- | ----------------------------- |
| files under container mounts       | the same files under `.local`       | no containers                 |
| listens on every address           | listens on a free loopback port     | loopback only                 |
| speaks to the API as its account   | a kubeconfig with its token         | no address inside the cluster |
| other pods by name                 | their addresses on loopback         | no cluster DNS                |
| scrapes and probes by address      | the same through a loopback proxy   | no pod network                |
| writes to a workspace of AWS       | in plain text, through that proxy   | a Prometheus here takes it    |
| writes to other remote stores      | through that proxy: nobody is there | nothing leaves this machine   |
| publishes to topics of AWS         | to the API of AWS on loopback       | nothing leaves this machine   |
| signs as its account's AWS role    | signs as nobody                     | no account of AWS             |
| scrapes kubelets by HTTPS          | by HTTP, through the same proxy     | the simulator is no kubelet   |
| trusts the web's authorities       | trusts the proxy's own, in probes   | the simulator is the API      |
| sends to the receivers' URLs       | sends to the local page of messages | nothing leaves this machine   |
| waits before it notifies at first  | notifies at once                    | waiting, it ignores SIGTERM   |
| alerts' times: `interval`, `for`,  | divided by the time scale, if one   | to see slow alerts soon       |
| `keep_firing_for`                  | is told (`make up TIME_SCALE=60`)   |                               |

Everything else is what is deployed: arguments, configuration, rules, secrets, rights.
"""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stacks.images import IMAGES
from stacks.quantities import duration_seconds
from stacks.remote_write_settings import MANAGED

#: Nobody listens there.
DISCARD = "http://127.0.0.1:9"
AUTHORITY = "authority.pem"
"""The file, in the folder of state, with the certificate of the proxy's authority."""

Json = dict[str, Any]
Folders = Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a process finds what its container finds elsewhere.

    Attributes:
        folders: The local folder of each mounted path.
        kubeconfig: A kubeconfig with the token of the pod's own account.
        resolve: The loopback address of `name:port` in the cluster; None where nothing runs here for it.
        proxy: URL of the proxy that stands for the pod network.
        authority: The certificate of the authority that HTTPS through the proxy is trusted by.
        receivers: URL under which the local page takes messages.
        aws: URL of the API of AWS; nobody listens there where the stack has none.
        time_scale: How many times sooner alerts fire and end.
    """

    folders: Folders
    kubeconfig: Path
    resolve: Callable[[str], str | None]
    proxy: str
    authority: Path
    receivers: str
    aws: str = DISCARD
    time_scale: float = 1


Change = Callable[[str, str, Surroundings], str]
"""Takes a deployed file, by name and text, to its text here."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that runs here, and how it is told where to listen.

    Attributes:
        listens: Arguments by the name of the container's port; `{host}` and `{port}` are filled in.
        left_out: Deployed arguments, by their beginning, that these replace or that must not be here.
        added: Further arguments; `{kubeconfig}` is filled in.
        files: What changes in the mounted files, by a pattern of their names; the first match counts.
        environment: Further variables, where the container has none of that name.
    """

    listens: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    files: Mapping[str, Change] = field(default_factory=dict[str, Change])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def relocate(value: Any, folders: Folders) -> Any:  # noqa: ANN401 - any YAML value
    """Return the YAML value with every path below a mounted folder put below its local folder."""
    if isinstance(value, Mapping):
        return {key: relocate(item, folders) for key, item in value.items()}
    if isinstance(value, list):
        return [relocate(item, folders) for item in value]
    if isinstance(value, str):
        return relocated(value, folders)
    return value


def relocated(text: str, folders: Folders) -> str:
    """Return a path, or a text that is one, put below its local folder; any other text as it is."""
    for mounted in sorted(folders, key=len, reverse=True):
        if text == mounted or text.startswith(f"{mounted}/"):
            return f"{str(folders[mounted]).rstrip('/')}{text.removeprefix(mounted)}" or "/"
    return text


def prometheus_config(_name: str, text: str, here: Surroundings) -> str:
    """Return the deployed `prometheus.yml` for a process outside the cluster."""
    config = relocate(yaml.safe_load(text), here.folders)
    for job in config.get("scrape_configs", ()):
        job["proxy_url"] = here.proxy
        for discovery in job.get("kubernetes_sd_configs", ()):
            discovery["kubeconfig_file"] = str(here.kubeconfig)
        if job.pop("scheme", "http") == "https":
            job.pop("authorization", None)
            job.pop("tls_config", None)
    for store in config.get("remote_write", ()):
        store["proxy_url"] = here.proxy
        if store["name"] == MANAGED:
            # The proxy cannot hand on what it cannot read.
            store["url"] = store["url"].replace("https://", "http://", 1)
    for group in config.get("alerting", {}).get("alertmanagers", ()):
        for static in group.get("static_configs", ()):
            static["targets"] = [here.resolve(target) or target for target in static["targets"]]
    return yaml.safe_dump(config, sort_keys=False)


def alertmanager_config(_name: str, text: str, here: Surroundings) -> str:
    """Return the deployed `alertmanager.yml` for a process outside the cluster."""
    config = relocate(yaml.safe_load(text), here.folders)
    for receiver in config["receivers"]:
        for pagerduty in receiver.get("pagerduty_configs", ()):
            pagerduty["url"] = f"{here.receivers}/{Path(pagerduty['routing_key_file']).name}"
        for topic in receiver.get("sns_configs", ()):
            topic["api_url"] = here.aws
    return yaml.safe_dump(config, sort_keys=False)


def blackbox_config(_name: str, text: str, here: Surroundings) -> str:
    """Return the deployed `blackbox.yml` with probes that go through the proxy."""
    config = yaml.safe_load(text)
    for module in config["modules"].values():
        # There is nobody to resolve names by.
        http = module.setdefault("http", {})
        http.update(proxy_url=here.proxy, skip_resolve_phase_with_proxy=True)
        http.setdefault("tls_config", {})["ca_file"] = str(here.authority)
    return yaml.safe_dump(config, sort_keys=False)


def hurried(_name: str, text: str, here: Surroundings) -> str:
    """Return alerting rules that are looked at, wait and fire on for a fraction of their time."""
    if here.time_scale == 1:
        return text
    rules = yaml.safe_load(text)
    for group in rules["groups"]:
        for timed in (group, *group["rules"]):
            for key in {"interval", "for", "keep_firing_for"} & timed.keys():
                if timed[key] != "0s":
                    timed[key] = f"{round(1000 * duration_seconds(timed[key]) / here.time_scale)}ms"
    return yaml.safe_dump(rules, sort_keys=False)


def receiver_url(name: str, _text: str, here: Surroundings) -> str:
    """Return the local URL that takes what would go to a receiver; its secret's name tells which."""
    return f"{here.receivers}/{name}"


#: Credentials of AWS that open nothing anywhere.
NOBODY = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody"}

#: The programs that run here, by the key of their image in `stacks.images`.
PROGRAMS: Mapping[str, Program] = {
    "prometheus": Program(
        listens={"web": ("--web.listen-address={host}:{port}",)},
        left_out=("--web.listen-address",),
        files={"prometheus.yml": prometheus_config, "alerts-*.yaml": hurried},
        # Without any it does not start where it is to sign.
        environment=NOBODY,
    ),
    "alertmanager": Program(
        listens={
            "web": ("--web.listen-address={host}:{port}",),
            "cluster": ("--cluster.listen-address={host}:{port}",),
        },
        left_out=("--web.listen-address", "--dispatch.start-delay"),
        files={"alertmanager.yml": alertmanager_config, "*Url*": receiver_url},
        environment=NOBODY,
    ),
    "kube-state-metrics": Program(
        listens={
            "metrics": ("--host={host}", "--port={port}"),
            "telemetry": ("--telemetry-host={host}", "--telemetry-port={port}"),
        },
        left_out=("--host", "--port", "--telemetry-host", "--telemetry-port"),
        added=("--kubeconfig={kubeconfig}",),
    ),
    "node-exporter": Program(
        listens={"metrics": ("--web.listen-address={host}:{port}",)}, left_out=("--web.listen-address",)
    ),
    "blackbox-exporter": Program(
        listens={"metrics": ("--web.listen-address={host}:{port}",)},
        left_out=("--web.listen-address",),
        files={"blackbox.yml": blackbox_config},
    ),
}


def program_of(image: str) -> str | None:
    """Return the key of the program behind an image's reference, whatever its registry; None of any other."""
    path = image.partition("@")[0].rpartition(":")[0]
    return next((key for key in PROGRAMS if path.endswith(f"/{IMAGES[key].repository}")), None)


def arguments(
    program: Program, deployed: Sequence[str], addresses: Mapping[str, tuple[str, int]], here: Surroundings
) -> tuple[str, ...]:
    """Return the container's arguments for a process.

    Args:
        program: What runs.
        deployed: The container's arguments.
        addresses: The host and port here of each of the container's named ports.
        here: Where the process finds things.
    """
    listening = [
        flag.format(host=host, port=port)
        for name, (host, port) in addresses.items()
        for flag in program.listens.get(name, ())
    ]
    # What a container is told of a port that it does not open (an empty address) stays.
    replaced = {flag.partition("=")[0] for flag in listening} | set(program.left_out)
    kept = [argument for argument in deployed if argument.partition("=")[0] not in replaced]
    split = (argument.partition("=") for argument in kept)
    moved = (f"{flag}{equals}{_here(value, here)}" for flag, equals, value in split)
    return (*moved, *listening, *(flag.format(kubeconfig=here.kubeconfig) for flag in program.added))


def _here(value: str, here: Surroundings) -> str:
    return here.resolve(value) or relocated(value, here.folders)


def file(program: Program, name: str, content: bytes, here: Surroundings) -> bytes:
    """Return a mounted file as the process here reads it."""
    for pattern, change in program.files.items():
        if fnmatch.fnmatch(name, pattern):
            return change(name, content.decode(), here).encode()
    return content
