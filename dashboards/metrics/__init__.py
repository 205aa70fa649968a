"""The metric contract: every metric that a query of this project reads, declared once.

Queries are built from these declarations (see `dashboards.promql`), so a misspelt metric or label is an
error when the module is imported, never an empty panel.
"""

from collections.abc import Mapping

from dashboards.contract import Metric, MetricType
from dashboards.metrics import application, exporters, gpu, monitoring

CONTRACT: Mapping[str, Metric] = {
    value.name: value
    for module in (application, exporters, gpu, monitoring)
    for value in vars(module).values()
    if isinstance(value, Metric)
}


def labels_by_series() -> dict[str, frozenset[str]]:
    """Return the labels of each series of the contract by its name; a histogram is three."""
    found = dict[str, frozenset[str]]()
    for metric in CONTRACT.values():
        histogram = metric.type is MetricType.HISTOGRAM
        parts = (metric.buckets, metric.count, metric.sum) if histogram else (metric.series,)
        found.update({one.name: one.labels for one in parts})
    return found
