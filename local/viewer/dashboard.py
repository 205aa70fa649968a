"""What the viewer reads of the dashboard JSON that Grafana gets; the rest of it is passed over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

ALL = "$__all"
"""Grafana's name for the choice of all values."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Step(_Model):
    """From `value` on (None: from the lowest) a value has this colour."""

    value: float | None = None
    color: str


class Thresholds(_Model):
    """Where a value changes its colour."""

    steps: tuple[Step, ...] = ()


class Mapping(_Model):
    """A text and a colour for certain values; `options` differ by `type`."""

    type: str
    options: dict[str, Any]


class Link(_Model):
    """Where a tile leads."""

    title: str
    url: str


class Defaults(_Model):
    """How a panel's values look. `custom` has what only lines have."""

    unit: str = "none"
    decimals: int | None = None
    min: float | None = None
    max: float | None = None
    no_value: str = "No data"
    thresholds: Thresholds = Thresholds()
    mappings: tuple[Mapping, ...] = ()
    links: tuple[Link, ...] = ()
    custom: dict[str, Any] = {}


class Matcher(_Model):
    """Which series an override is for."""

    id: str
    options: Any = None


class Property(_Model):
    """What an override sets."""

    id: str
    value: Any = None


class Override(_Model):
    """What is different for some series."""

    matcher: Matcher
    properties: tuple[Property, ...]


class FieldConfig(_Model):
    """The looks of all series, and of some."""

    defaults: Defaults = Defaults()
    overrides: tuple[Override, ...] = ()


class Target(_Model):
    """A query."""

    ref_id: str
    expr: str = ""
    legend_format: str = ""
    instant: bool = False
    interval: str | None = None
    hide: bool = False


class GridPos(_Model):
    """A place in the grid of 24 columns."""

    x: int
    y: int
    w: int
    h: int


class Transformation(_Model):
    """A change to the answer before it is shown."""

    id: str
    options: dict[str, Any] = {}


class Panel(_Model):
    """A panel, or the heading of a row."""

    id: int
    type: str
    title: str = ""
    description: str = ""
    grid_pos: GridPos
    targets: tuple[Target, ...] = ()
    field_config: FieldConfig = FieldConfig()
    options: dict[str, Any] = {}
    transformations: tuple[Transformation, ...] = ()
    interval: str | None = None
    max_data_points: int | None = None
    panels: tuple["Panel", ...] = ()


class Current(_Model):
    """What is chosen unless told."""

    value: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()


class Variable(_Model):
    """A choice at the top; `query` differs by `type`."""

    name: str
    type: str
    label: str | None = None
    query: Any = None
    multi: bool = False
    include_all: bool = False
    all_value: str | None = None
    hide: int = 0
    sort: int = 0
    regex: str = ""
    current: Current | None = None


class Templating(_Model):
    """The choices."""

    list: tuple[Variable, ...] = ()


class Time(_Model):
    """The time that is shown unless told."""

    from_: str = "now-6h"
    to: str = "now"

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))


class Dashboard(_Model):
    """A dashboard."""

    uid: str
    title: str
    description: str = ""
    time: Time = Time()
    timezone: str = "browser"
    refresh: str | bool = ""
    templating: Templating = Templating()
    panels: tuple[Panel, ...] = ()

    def every_panel(self) -> Iterator[Panel]:
        """Yield its panels and row headings in reading order, those of a collapsed row, too."""
        for panel in sorted(self.panels, key=lambda one: (one.grid_pos.y, one.grid_pos.x)):
            yield panel
            yield from panel.panels

    def panel(self, number: int) -> Panel | None:
        """Return the panel with this id."""
        return next((one for one in self.every_panel() if one.id == number and one.type != "row"), None)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Its choices but that of the data source: there is one Prometheus here."""
        return tuple(one for one in self.templating.list if one.type != "datasource")


class Folder:
    """A folder of dashboards, read again when a file changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[Path, tuple[tuple[int, int], Dashboard]] = {}

    def dashboards(self) -> dict[str, Dashboard]:
        """Return the dashboards by uid, in the order of their titles.

        Raises:
            pydantic.ValidationError: A file is no dashboard.
        """
        read: dict[Path, tuple[tuple[int, int], Dashboard]] = {}
        for path in self._path.glob("*.json"):
            status = path.stat()
            # A kubelet or a mirror replaces the file: a new one may have the old one's time.
            state = status.st_mtime_ns, status.st_ino
            known = self._read.get(path)
            if known is not None and known[0] == state:
                read[path] = known
            else:
                read[path] = state, Dashboard.model_validate_json(path.read_bytes())
        self._read = read
        found = sorted((one for _, one in read.values()), key=lambda one: one.title)
        return {one.uid: one for one in found}
