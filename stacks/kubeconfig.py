"""The kubeconfig, where kubectl would look for it: its contexts and the servers that they lead to."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stacks.stack_file import SettingsError


class _Model(BaseModel):
    # YAML reads the name 123 as a number; kubectl's own reader does not mind.
    model_config = ConfigDict(coerce_numbers_to_str=True)


class _Context(_Model):
    cluster: str | None = None


class _Cluster(_Model):
    server: str | None = None
    proxy_url: str | None = Field(default=None, alias="proxy-url")


class _NamedContext(_Model):
    name: str
    context: _Context | None = None


class _NamedCluster(_Model):
    name: str
    cluster: _Cluster | None = None


class _NamedUser(_Model):
    name: str
    user: dict[str, Any] | None = None


class _Document(_Model):
    """What is read of one file, and what must have a shape so that its other readers do not break."""

    contexts: list[_NamedContext] | None = None
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a context leads."""

    url: SplitResult
    behind_proxy: bool
    """Whether the kubeconfig itself names a proxy to it."""


@dataclass(frozen=True, kw_only=True)
class Kubeconfig:
    """What kubectl would know."""

    contexts: Mapping[str, str]
    """The cluster of each context."""
    clusters: Mapping[str, tuple[Path, _Cluster]]
    """Each cluster, and the file that names it."""

    def server(self, context: str) -> Server:
        """Where a context leads; the URL is empty where the kubeconfig does not say.

        Raises:
            SettingsError: the server is named by what is no URL.
        """
        path, cluster = self.clusters.get(self.contexts[context], (Path(), _Cluster()))
        try:
            url = urlsplit(cluster.server or "")
            _ = url.port  # it is read, and judged, only when it is asked for
        except ValueError as error:
            raise _unusable(path, [f"the server {cluster.server!r} is no URL: {error}"]) from None
        return Server(url=url, behind_proxy=bool(cluster.proxy_url))


def paths() -> list[Path]:
    """Where kubectl would look."""
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path.home() / ".kube" / "config"]


def read() -> Kubeconfig:
    """All files together; the first one that names a context or a cluster wins, as with kubectl.

    Raises:
        SettingsError: a file cannot be read, or is no kubeconfig.
    """
    contexts: dict[str, str] = {}
    clusters: dict[str, tuple[Path, _Cluster]] = {}
    for path in paths():
        document = _read(path)
        for one in document.contexts or ():
            contexts.setdefault(one.name, (one.context or _Context()).cluster or "")
        for one in document.clusters or ():
            clusters.setdefault(one.name, (path, one.cluster or _Cluster()))
    return Kubeconfig(contexts=contexts, clusters=clusters)


def _read(path: Path) -> _Document:
    """One file; none is as good as an empty one, as with kubectl."""
    # The file holds credentials, so what is told is where it is wrong, and never what stands there.
    try:
        content = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        return _Document()
    except OSError as error:
        raise _unusable(path, [f"it cannot be read: {error.strerror}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = cast("yaml.Mark | None", getattr(error, "problem_mark", None))
        raise _unusable(path, [f"it is no YAML{f', see line {mark.line + 1}' if mark else ''}"]) from None
    try:
        return _Document.model_validate({} if content is None else content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise _unusable(path, [_in_words(detail["loc"], detail["msg"]) for detail in details]) from None


def _in_words(location: Iterable[str | int], message: str) -> str:
    where = ".".join(map(str, location)) or "the whole file"
    # Such as `Input should be a valid list`; what pydantic calls a dictionary, YAML calls a mapping.
    said = message.partition(" or instance of ")[0].replace("dictionary", "mapping")
    return f"{where}: {said[:1].lower()}{said[1:]}"


def _unusable(path: Path, mistakes: list[str]) -> SettingsError:
    lines = "\n".join(f"  {mistake}" for mistake in mistakes)
    view = f"KUBECONFIG={shlex.quote(str(path))} kubectl config view"
    return SettingsError(
        f"The kubeconfig {path} cannot be used. Nothing was created.\n{lines}\n"
        f"Mend the file (`{view}` tells more), or have KUBECONFIG name another."
    )
