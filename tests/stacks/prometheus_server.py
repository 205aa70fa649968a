"""A real Prometheus on a configuration, as one of the deployed replicas."""

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local.toolchain import binary
from tests.stacks.notified import free_address


@contextmanager
def prometheus(
    folder: Path,
    config: Mapping[str, Any],
    rules: Mapping[str, str] | None = None,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    web: str | None = None,
) -> Generator[str]:
    """A Prometheus with these rule files, texts by name, until the end; gives its address, host:port."""
    folder.mkdir()
    (folder / "rules").mkdir()
    for name, text in (rules or {}).items():
        (folder / "rules" / name).write_text(text)
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({**config, "rule_files": [str(folder / "rules" / "*")]})
    )
    web = web or free_address()
    command = [
        binary("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={web}",
        *arguments,
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=log, stderr=log)
        try:
            yield web
        finally:
            process.terminate()
            process.wait(timeout=60)


def ask(url: str) -> str:
    """What is answered; nothing while nobody does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return ""
