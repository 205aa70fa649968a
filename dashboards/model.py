"""What a dashboard module declares: dashboards, rows and panels; and what rules record for them.

Ids are declared, not counted: a panel keeps its id, and the links to it, when another is inserted before it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from dashboards.contract import Series
from dashboards.promql import Query

SPARSE = "5m"
"""How often is recorded what only baselines of a week read: their windows stay small."""

SLOW = "4m"
"""How often windows of a day and longer are recorded, see `Recording.every`."""

GRID_COLUMNS = 24
MOST_QUERIES = 3
"""More queries than this make a panel slow, and hard to read."""

_RECORD_NAME = re.compile(r"[a-z_]+:[a-zA-Z_0-9]+:[a-z0-9_]+")


class DeclarationError(ValueError):
    """A declaration that contradicts itself or another one."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where a value becomes a warning and where critical.

    Attributes:
        warning: From here on it is a warning.
        critical: From here on it is critical; None where nothing worse than a warning is told.
        low_is_bad: Whether the value gets worse as it falls.
    """

    warning: float
    critical: float | None = None
    low_is_bad: bool = False

    def __post_init__(self) -> None:
        if self.critical is None:
            return
        if self.critical == self.warning or (self.critical < self.warning) != self.low_is_bad:
            raise DeclarationError(
                f"warning {self.warning:g}, critical {self.critical:g}: critical must be "
                + ("below warning, since low is bad" if self.low_is_bad else "above warning")
            )

    @property
    def complement(self) -> "Thresholds":
        """The same thresholds for what is left of 1."""
        return Thresholds(
            warning=round(1 - self.warning, 9),
            critical=None if self.critical is None else round(1 - self.critical, 9),
            low_is_bad=not self.low_is_bad,
        )


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording rule.

    Attributes:
        name: `level:metric:operations`, see Prometheus' practice for recording rules.
        query: What is recorded.
        meaning: What one value of it tells.
        every: How often. Windows of a day are read every 4 minutes, for they cost more and change slowly:
            less than the 5 minutes after which a series counts as gone. What is recorded less often than that
            has gaps between its samples, and is read by windows only.
    """

    name: str
    query: Query
    meaning: str
    every: str = "1m"

    def __post_init__(self) -> None:
        if not _RECORD_NAME.fullmatch(self.name):
            raise DeclarationError(f"recording {self.name!r}: name it level:metric:operations")
        if self.query.variables:
            raise DeclarationError(f"recording {self.name}: a rule has no dashboard variables")
        if "cluster" not in self.query.labels:
            raise DeclarationError(f"recording {self.name}: keep the label cluster, variables filter by it")

    @property
    def series(self) -> Series:
        """The recorded series, to select from."""
        return Series(name=self.name, labels=self.query.labels, sources=self.query.sources)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One query of a panel.

    Attributes:
        query: The query.
        legend: The name of each series, with labels as `{{label}}`.
        limit: Drawn as a dashed line that the other targets must stay below.
    """

    query: Query
    legend: str
    limit: bool = False

    def __post_init__(self) -> None:
        unknown = set(re.findall(r"{{(\w+)}}", self.legend)) - self.query.labels
        if unknown:
            raise DeclarationError(
                f"legend {self.legend!r}: {self.query} has no {', '.join(sorted(unknown))}"
            )


@dataclass(frozen=True, kw_only=True)
class State:
    """What one value of a status means.

    Attributes:
        text: Shown in place of the value.
        good: Whether it is the state that one wants.
    """

    text: str
    good: bool


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What all panels have.

    Attributes:
        id: Fixed number, unique in the dashboard: links and alerts name it.
        title: The specification's title.
        description: What a bad value means and what to look at next.
        unit: Grafana's id of the unit.
        width: Columns of 24 in the grid.
        height: Grid rows.
        no_data: Shown where the queries return nothing; by default the sources that are silent.
    """

    id: int
    title: str
    description: str
    unit: str
    width: int = 12
    height: int = 8
    no_data: str | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's queries."""
        raise NotImplementedError

    @property
    def variables(self) -> frozenset[str]:
        """The dashboard variables that filter every one of its queries."""
        return frozenset[str].intersection(*(target.query.variables for target in self.targets))

    @property
    def sources(self) -> frozenset[str]:
        """The names of all sources that it draws from."""
        return frozenset[str]().union(*(target.query.sources for target in self.targets))


@dataclass(frozen=True, kw_only=True)
class Stat(Panel):
    """A key metric: one number or state, coloured.

    Attributes:
        query: The query; its result is one value.
        detail: Id of the panel that a click leads to.
        decimals: Digits after the point.
        thresholds: Where it changes colour.
        states: What each value means, where the value is a state.
        remark: Shown beside the value, with labels as `{{label}}`.
    """

    query: Query
    detail: int
    decimals: int = 0
    thresholds: Thresholds | None = None
    states: dict[int, State] = field(default_factory=dict[int, State])
    remark: str | None = None
    height: int = 4

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's one query."""
        return (Target(query=self.query, legend=self.remark or self.title),)


@dataclass(frozen=True, kw_only=True)
class BarGauge(Panel):
    """A key metric that has one value for each of a few things.

    Attributes:
        query: The query.
        legend: The name of each value, with labels as `{{label}}`.
        detail: Id of the panel that a click leads to.
        decimals: Digits after the point.
        highest: Upper end of the bars, where the value has one.
        thresholds: Where a bar changes colour.
    """

    query: Query
    legend: str
    detail: int
    decimals: int = 0
    highest: float | None = None
    thresholds: Thresholds | None = None
    height: int = 4

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's one query."""
        return (Target(query=self.query, legend=self.legend),)


@dataclass(frozen=True, kw_only=True)
class PieChart(Panel):
    """How a whole is shared out.

    Attributes:
        query: The query; its values add up to the whole.
        legend: The name of each slice, with labels as `{{label}}`.
    """

    query: Query
    legend: str

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's one query."""
        return (Target(query=self.query, legend=self.legend),)


@dataclass(frozen=True, kw_only=True)
class Heatmap(Panel):
    """How a histogram's observations are distributed, over time.

    Attributes:
        query: One series for each cumulative bucket, with the label `le`; `unit` is that of the buckets.
        count_unit: Grafana's id of the unit of a cell's value.
    """

    query: Query
    count_unit: str

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's one query."""
        return (Target(query=self.query, legend="{{le}}"),)


@dataclass(frozen=True, kw_only=True)
class TimeSeries(Panel):
    """Lines over time.

    Attributes:
        lines: Its queries.
        axis: Label of the axis, where the unit does not say it.
        highest: Upper end of the axis, where the value has one.
        thresholds: Drawn as lines.
        stacked: Whether the lines add up to a total.
    """

    lines: tuple[Target, ...]
    axis: str | None = None
    highest: float | None = None
    thresholds: Thresholds | None = None
    stacked: bool = False

    def __post_init__(self) -> None:
        if not 0 < len(self.lines) <= MOST_QUERIES:
            raise DeclarationError(
                f"panel {self.title}: {len(self.lines)} queries, takes 1 to {MOST_QUERIES}"
            )

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's queries."""
        return self.lines


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """One line for each series, with its labels as columns.

    Attributes:
        query: The query; only its labels are shown.
        columns: The labels in order, with each one's heading.
    """

    query: Query
    columns: dict[str, str]
    height: int = 5

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.columns) - self.query.labels):
            raise DeclarationError(f"table {self.title}: {self.query} has no {', '.join(unknown)}")

    @property
    def targets(self) -> tuple[Target, ...]:
        """The panel's one query."""
        return (Target(query=self.query, legend=""),)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels that belong together, under a heading."""

    id: int
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice at the top of a dashboard.

    Attributes:
        name: Its name in queries.
        query: The series whose label values are offered.
        label: That label.
    """

    name: str
    query: Query
    label: str

    def __post_init__(self) -> None:
        if self.label not in self.query.labels:
            raise DeclarationError(f"variable {self.name}: {self.query} has no label {self.label}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a row or panel stands in the grid."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard.

    Attributes:
        uid: Fixed name in links; also the name of its files.
        title: The specification's title.
        purpose: Its purpose in one sentence.
        use_cases: Name and explanation of each.
        variables: Choices at its top, besides the datasource.
        rows: Rows of panels, key metrics first.
        default_range: How far it looks back unless told, such as `6h`.
        refresh: How often it reloads, such as `1m`.
        time_zone: `browser`, or `utc` where days and months are counted.
    """

    uid: str
    title: str
    purpose: str
    use_cases: tuple[tuple[str, str], ...]
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    default_range: str = "6h"
    refresh: str = "1m"
    time_zone: str = "browser"

    row_height: ClassVar[int] = 1

    def __post_init__(self) -> None:
        ids = Counter([row.id for row in self.rows] + [panel.id for panel in self.panels])
        if twice := sorted(number for number, uses in ids.items() if uses > 1):
            raise DeclarationError(f"dashboard {self.title}: ids used twice: {twice}; give each its own")
        known = {variable.name for variable in self.variables}
        for panel in self.panels:
            if isinstance(panel, Stat | BarGauge) and panel.detail not in {other.id for other in self.panels}:
                raise DeclarationError(f"tile {panel.title}: its detail panel {panel.detail} does not exist")
            used = frozenset[str]().union(*(target.query.variables for target in panel.targets))
            if unknown := sorted(used - known):
                raise DeclarationError(f"panel {panel.title}: the dashboard has no variable {unknown}")

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Its panels in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)

    def places(self) -> Iterator[tuple[Row | Panel, Place]]:
        """Yield each row and panel with its place: left to right, wrapping at the grid's edge."""
        y = 0
        for row in self.rows:
            yield row, Place(x=0, y=y, width=GRID_COLUMNS, height=self.row_height)
            x, y, tallest = 0, y + self.row_height, 0
            for panel in row.panels:
                if x + panel.width > GRID_COLUMNS:
                    x, y, tallest = 0, y + tallest, 0
                yield panel, Place(x=x, y=y, width=panel.width, height=panel.height)
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest
