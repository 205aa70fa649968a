"""The door for dashboards that people export from Grafana and drop into a folder, and to retire them."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dashboards.exported import Exported, adopt
from dashboards.parameters import Parameters
from dashboards.render import declared

FOLDER = Path(__file__).parent / "custom"
ARCHIVE = Path(__file__).parent / "archive"

_FILE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?\.json")
"""Names that a ConfigMap can have, after a prefix."""


class CustomDashboardError(ValueError):
    """Files that can't be deployed; its text names every mistake of every file."""


@dataclass(frozen=True, kw_only=True)
class CustomDashboards:
    """Dashboards that people dropped in, made to fit this stack's Grafana.

    Attributes:
        files: File name to JSON.
        archived: The same of those that were retired.
        warnings: What works, and should be changed all the same.
    """

    files: dict[str, str]
    archived: dict[str, str] = field(default_factory=dict[str, str])
    warnings: tuple[str, ...]

    @property
    def all(self) -> dict[str, str]:
        """What is deployed: no name is in both."""
        return self.files | self.archived


@dataclass(frozen=True)
class _Identity:
    owner: str
    title: str
    uid: str


def custom_dashboards(folder: Path = FOLDER, archive: Path = ARCHIVE) -> CustomDashboards:
    """Read every `*.json` of the folder, and of that of retired ones.

    Raises:
        CustomDashboardError: There is no such folder, or a file can't be deployed beside the project's own
            dashboards and the others.
    """
    for one in (folder, archive):
        if not one.is_dir():
            raise CustomDashboardError(
                f"{one}: there is no such folder of custom dashboards, and without it those that are "
                "deployed would be deleted. Nothing was created. Mend: make it, empty if there are none"
            )
    files, retired = sorted(folder.glob("*.json")), sorted(archive.glob("*.json"))
    found = adopted([*files, *retired])
    return CustomDashboards(
        files={path.name: found.files[path.name] for path in files},
        archived={path.name: found.files[path.name] for path in retired},
        warnings=found.warnings,
    )


def adopted(files: Iterable[Path]) -> CustomDashboards:
    """Make exported dashboards fit.

    Raises:
        CustomDashboardError: With all mistakes of all files.
    """
    taken = [_Identity("the built-in dashboard", one.title, one.uid) for one in declared(Parameters())]
    texts, warnings, mistakes = dict[str, str](), list[str](), list[str]()
    names = dict[str, Path]()
    for path in files:
        if (same := names.setdefault(path.name, path)) != path:
            mistakes.append(f"{path}: {same} has its name, and so would their ConfigMaps: keep one of them")
        exported = _read(path)
        warnings += [f"{path}: {warning}" for warning in exported.warnings]
        mistakes += [f"{path}: {mistake}" for mistake in exported.mistakes]
        if exported.dashboard is None:
            continue
        title, uid = (exported.dashboard.get(key) for key in ("title", "uid"))
        if isinstance(title, str) and isinstance(uid, str):
            found = _Identity(str(path), title, uid)
            mistakes.extend(_clashes(found, taken))
            taken.append(found)
        texts[path.name] = json.dumps(exported.dashboard, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    if mistakes:
        raise CustomDashboardError("\n".join(mistakes))
    return CustomDashboards(files=texts, warnings=tuple(warnings))


def _read(path: Path) -> Exported:
    try:
        exported = adopt(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        return Exported(mistakes=[f"can't be read: {error.strerror}"])
    except UnicodeDecodeError as error:
        return Exported(mistakes=[f"is not UTF-8 at byte {error.start}: save it as UTF-8"])
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return Exported(mistakes=[f"{place}: {error.msg}: mend it there, or export the dashboard again"])
    except RecursionError:
        return Exported(mistakes=["is nested too deeply to be a dashboard: export it again"])
    if not _FILE_NAME.fullmatch(path.name):
        exported.mistakes.append(
            "its name becomes that of a ConfigMap: rename it to small letters, digits and -, such as "
            "my-dashboard.json"
        )
    if exported.dashboard is not None:
        exported.mistakes += _unnamed(exported.dashboard)
    return exported


def _unnamed(dashboard: dict[str, object]) -> Iterator[str]:
    for key, cure in (("title", "name the dashboard"), ("uid", "give it a short name of its own for links")):
        value = dashboard.get(key)
        if not isinstance(value, str) or not value.strip():
            yield f'"{key}" is {json.dumps(value)[:40]}, not a text: {cure}'
        elif key == "uid" and not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", value):
            yield f'"uid" is {json.dumps(value)[:60]}: Grafana takes up to 40 letters, digits, - and _'


def _clashes(found: _Identity, taken: Iterable[_Identity]) -> Iterator[str]:
    for other in taken:
        for key, mine, theirs in (("title", found.title, other.title), ("uid", found.uid, other.uid)):
            if mine == theirs:
                yield f'{found.owner}: "{key}" is "{mine}", which {other.owner} has, too: choose another'
