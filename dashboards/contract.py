"""What a declaration in the metric contract consists of; the metrics are in `dashboards.metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MetricType(StrEnum):
    """How Prometheus counts a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Who emits a group of metrics.

    Attributes:
        name: The application or exporter; for an exporter also its scrape job's name.
        version: The version whose metric names were read, or where the names are specified.
        labels: Labels that scraping adds to each of its series, with an example value. Labels of the
            exporter's own pod are left out: they say nothing about what is measured.
    """

    name: str
    version: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Series:
    """What a selector can select: a name in Prometheus, with the labels that its series carry.

    Attributes:
        name: The name in Prometheus.
        labels: Every label that its series may carry.
        sources: Names of the sources without which it has no data.
        counter: True where only its increase means something.
    """

    name: str
    labels: frozenset[str]
    sources: frozenset[str]
    counter: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """A declared metric.

    Attributes:
        name: The name as it is exposed (a histogram without `_bucket`, `_sum` and `_count`).
        type: Counter, gauge or histogram.
        unit: Base unit of its value.
        labels: Its own labels with an example value each.
        source: Who emits it.
        meaning: What it tells.
        boundaries: Of a histogram of the application: its buckets' upper ends.
    """

    name: str
    type: MetricType
    unit: str
    source: Source
    meaning: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    boundaries: tuple[float, ...] = ()

    @property
    def series(self) -> Series:
        """The series of a counter or gauge.

        Raises:
            TypeError: It is a histogram.
        """
        if self.type is MetricType.HISTOGRAM:
            raise TypeError(f"{self.name} is a histogram: select its .buckets, .count or .sum")
        return self._series("", counter=self.type is MetricType.COUNTER)

    @property
    def buckets(self) -> Series:
        """The cumulative buckets of a histogram.

        Raises:
            TypeError: It is not a histogram.
        """
        return self._part("_bucket", "le")

    @property
    def count(self) -> Series:
        """The number of observations of a histogram.

        Raises:
            TypeError: It is not a histogram.
        """
        return self._part("_count")

    @property
    def sum(self) -> Series:
        """The sum of the observations of a histogram.

        Raises:
            TypeError: It is not a histogram.
        """
        return self._part("_sum")

    def _part(self, suffix: str, *labels: str) -> Series:
        if self.type is not MetricType.HISTOGRAM:
            raise TypeError(f"{self.name} is a {self.type}, only a histogram has {suffix} series")
        return self._series(suffix, *labels, counter=True)

    def _series(self, suffix: str, *labels: str, counter: bool) -> Series:
        return Series(
            name=self.name + suffix,
            labels=frozenset({*self.labels, *self.source.labels, *labels}),
            sources=frozenset({self.source.name}),
            counter=counter,
        )
