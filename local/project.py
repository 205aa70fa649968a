"""The copy of the Pulumi project that the embedded platform works on.

Secrets and the salt that encrypts them belong to one machine here, and the committed stack file must stay as
it is. So the engine gets a folder of its own: the committed files, and on top of them what the engine wrote
into its copy before.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.errors import PlatformError
from local.processes import write

StackFile = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProjectCopy:
    """A project folder for one stack that the engine may write to.

    Attributes:
        source: The folder with the committed `Pulumi.yaml`, stack files and `__main__.py`.
        folder: The copy's folder.
        stack: The stack's name.
    """

    source: Path
    folder: Path
    stack: str

    @property
    def passphrase_file(self) -> Path:
        """The file with the passphrase that encrypts this copy's secrets."""
        return self.folder.parent / "passphrase"

    def refresh(self, context: str | None) -> None:
        """Bring the copy up to date with the committed files; its secrets stay.

        Args:
            context: The kube context to deploy to; None leaves the committed one.

        Raises:
            PlatformError: The stack has no file.
        """
        name = f"Pulumi.{self.stack}.yaml"
        committed, copy = self.source / name, self.folder / name
        if not committed.exists():
            known = ", ".join(sorted(path.name for path in self.source.glob("Pulumi.*.yaml")))
            raise PlatformError(f"There is no {committed}. The stacks of this project: {known}")
        project = _read(self.source / "Pulumi.yaml")
        merged = merge(_read(committed), _read(copy) if copy.exists() else {}, project["name"], context)
        write(copy, yaml.safe_dump(merged, sort_keys=False))
        write(self.folder / "Pulumi.yaml", yaml.safe_dump(relocate(project, self.source), sort_keys=False))
        if not self.passphrase_file.exists():
            write(self.passphrase_file, secrets.token_urlsafe(32))

    def project_name(self) -> str:
        """Return the project's name, as its `Pulumi.yaml` says it."""
        return _read(self.source / "Pulumi.yaml")["name"]

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Return those of the secret `keys` (without the project's name) that the copy does not hold."""
        project = self.project_name()
        config = _read(self.folder / f"Pulumi.{self.stack}.yaml").get("config", {})
        return [key for key in keys if f"{project}:{key}" not in config]


def merge(committed: StackFile, copy: StackFile, project: str, context: str | None) -> StackFile:
    """Return the committed stack file with the copy's salt and secrets, and `context` if one is given."""
    config = dict(committed.get("config", {}))
    for key, value in copy.get("config", {}).items():
        if isinstance(value, Mapping) and "secure" in value:
            config.setdefault(key, value)
    if context is not None:
        key = f"{project}:kubernetes"
        config[key] = {**config.get(key, {}), "context": context}
    salt = {key: copy[key] for key in ("encryptionsalt",) if key in copy}
    return {**committed, **salt, "config": config}


def relocate(project: StackFile, source: Path) -> StackFile:
    """Return the project file for a folder elsewhere: its program and packages are found in `source`."""
    runtime = project.get("runtime", "python")
    if isinstance(runtime, Mapping):
        options = dict(runtime.get("options", {}))
        if "virtualenv" in options:
            options["virtualenv"] = str(source / options["virtualenv"])
        runtime = {**runtime, "options": options}
    return {**project, "runtime": runtime, "main": str(source)}


def _read(path: Path) -> StackFile:
    return yaml.safe_load(path.read_text()) or {}
