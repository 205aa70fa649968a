"""The metric contract: every metric that a query of this project reads, declared once.

Queries are built from these declarations (see `dashboards.promql`), so a misspelt metric or label is an
error when the module is imported, never an empty panel.
"""

from collections.abc import Mapping

from dashboards.contract import Metric
from dashboards.metrics import application, exporters, gpu, monitoring

CONTRACT: Mapping[str, Metric] = {
    value.name: value
    for module in (application, exporters, gpu, monitoring)
    for value in vars(module).values()
    if isinstance(value, Metric)
}
