"""The door for dashboards that people export from Grafana and drop into a folder."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dashboards.parameters import Parameters
from dashboards.render import declared

FOLDER = Path(__file__).parent / "custom"


class CustomDashboardError(ValueError):
    """Files that can't be deployed; its text names every mistake of every file."""


@dataclass(frozen=True)
class _Identity:
    owner: str
    title: str
    uid: str


def custom_dashboards(folder: Path = FOLDER) -> dict[str, str]:
    """Read every `*.json` of the folder.

    Returns:
        File name to text, as it is.

    Raises:
        CustomDashboardError: A file does not parse, or has no title or uid of its own.
    """
    files = sorted(folder.glob("*.json"))
    refuse_mistaken(files)
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def refuse_mistaken(files: Iterable[Path]) -> None:
    """Refuse files that can't be deployed beside the project's own dashboards and each other.

    Raises:
        CustomDashboardError: With all mistakes of all files.
    """
    taken = [_Identity("the built-in dashboard", one.title, one.uid) for one in declared(Parameters())]
    mistakes = list[str]()
    for path in files:
        try:
            found = _identity(path)
        except CustomDashboardError as error:
            mistakes.append(str(error))
            continue
        mistakes.extend(_clashes(found, taken))
        taken.append(found)
    if mistakes:
        raise CustomDashboardError("\n".join(mistakes))


def _identity(path: Path) -> _Identity:
    content = _parsed(path)
    if not isinstance(content, dict):
        raise CustomDashboardError(
            f"{path}: holds a {type(content).__name__}, not a JSON object: export the whole dashboard again"
        )
    fields = cast("dict[str, object]", content)
    mistakes = list[str]()
    for key, cure in (("title", "name the dashboard"), ("uid", "give it a short name of its own for links")):
        value = fields.get(key)
        if not isinstance(value, str) or not value.strip():
            mistakes.append(f'{path}: "{key}" is {json.dumps(value)[:40]}, not a text: {cure}')
    if mistakes:
        raise CustomDashboardError("\n".join(mistakes))
    return _Identity(str(path), str(fields["title"]), str(fields["uid"]))


def _parsed(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CustomDashboardError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CustomDashboardError(f"{path}: is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise CustomDashboardError(
            f"{path}: line {error.lineno}, column {error.colno}: {error.msg}: "
            "mend it there, or export the dashboard again"
        ) from error


def _clashes(found: _Identity, taken: Iterable[_Identity]) -> Iterator[str]:
    for other in taken:
        for key, mine, theirs in (("title", found.title, other.title), ("uid", found.uid, other.uid)):
            if mine == theirs:
                yield f'{found.owner}: "{key}" is "{mine}", which {other.owner} has, too: choose another'
