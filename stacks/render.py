"""Writes what a stack would deploy as plain files: no cluster, no engine, no credentials needed.

`python -m stacks.render STACK OUT` writes `OUT/manifests/*.yaml`, `OUT/dashboards/*.json`,
`OUT/rules/*.yaml`, `OUT/prometheus.yml` and `OUT/alertmanager.yml`. Secrets are marked placeholders.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from dashboards.yaml_text import to_yaml
from stacks import program, recording, stack_file
from stacks.recording import Registration
from stacks.settings import Settings
from stacks.settings_base import PROJECT, Secret

#: ConfigMaps whose files are written out beside the manifests, and where to.
UNPACKED = {
    "grafana-dashboards": "dashboards",
    "prometheus-rules": "rules",
    "prometheus-config": ".",
    "alertmanager-config": ".",
}

#: What a Grafana that exists is told has no manifest.
DASHBOARD = "grafana:oss/dashboard:Dashboard"

#: What the placeholder of a URL begins with.
SECRET_URL = "https://secret.invalid"  # noqa: S105 - there is no such host


def placeholder(secret: Secret) -> str:
    """What stands for a secret in rendered files."""
    return f"{SECRET_URL}/{secret.key}" if secret.is_url else f"<secret {secret.key}>"


def registrations(stack: str, path: Path | None = None) -> list[Registration]:
    """Every resource that the stack of a stack file would register, secrets replaced by placeholders.

    Raises:
        SettingsError: the stack file has mistakes.
    """
    path = path or stack_file.stack_file(stack)
    return planned(stack_file.read_stack_file(path), stack_file.raw_values(path), stack)


def planned(settings: Settings, values: Mapping[str, str], stack: str) -> list[Registration]:
    """Every resource that a configuration would register, secrets replaced by placeholders.

    Nothing of it shows outside, though the program that asks be one that an engine runs: all that the SDK
    keeps belongs to a thread's context.

    Args:
        settings: what `values` were read into.
        values: the configuration, as the engine hands it to a program.
        stack: the stack's name.
    """
    config = {f"{PROJECT}:{secret.key}": placeholder(secret) for secret in settings.secrets_needed()}

    def run() -> None:
        _, secrets = program.read_configuration()
        program.deploy(settings, secrets)

    with ThreadPoolExecutor(1) as apart:
        recorder = apart.submit(
            recording.record, run, stack=stack, config={**values, **config}, secret_keys=list(config)
        ).result()
    return recorder.registrations


def render(stack: str, out: Path, path: Path | None = None) -> int:
    """Write the files, in place of those of an earlier rendering, and return how many manifests there are.

    Raises:
        SettingsError: the stack file has mistakes.
        OSError: the folder cannot be written.
    """
    everything = registrations(stack, path)
    objects = [r for r in everything if r.is_kubernetes_object]
    for folder, pattern in (("manifests", "*.yaml"), ("dashboards", "*.json"), ("rules", "*.yaml")):
        (out / folder).mkdir(parents=True, exist_ok=True)
        for old in (out / folder).glob(pattern):
            old.unlink()
    for item in objects:
        manifest = dict(item.inputs)
        name, kind = manifest["metadata"]["name"], manifest["kind"]
        namespace = manifest["metadata"].get("namespace")
        file = "-".join(part for part in (namespace, kind.lower(), name) if part)
        (out / "manifests" / f"{file}.yaml").write_text(to_yaml(_ordered(manifest)))
        if kind == "ConfigMap" and name in UNPACKED:
            for key, text in manifest["data"].items():
                (out / UNPACKED[name] / key).write_text(text)
    for item in everything:
        if item.type == DASHBOARD:
            text = item.inputs["configJson"]
            (out / "dashboards" / f"{json.loads(text)['uid']}.json").write_text(text)
    return len(objects)


#: The keys that a reader of a manifest looks for first.
_FIRST = ("apiVersion", "kind", "name", "namespace", "metadata")


def _ordered(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """The manifest sorted, so that two renderings differ only where they do, with its identity first."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return {key: _ordered(items[key]) for key in sorted(items, key=_rank)}
    if isinstance(value, list):
        return [_ordered(item) for item in cast("list[Any]", value)]
    return value


def _rank(key: str) -> tuple[int, str]:
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


def main() -> int:
    """The command line: 0 when all was written, 1 with what to mend otherwise."""
    parser = argparse.ArgumentParser(prog="python -m stacks.render", description=__doc__)
    parser.add_argument("stack", help="the stack's name, such as dev")
    parser.add_argument("out", type=Path, help="the folder to write to")
    arguments = parser.parse_args()
    try:
        count = render(arguments.stack, arguments.out)
    except (*program.REFUSALS, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"Stack {arguments.stack}: {count} manifests, dashboards, rules and configuration in {arguments.out}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
