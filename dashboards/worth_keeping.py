"""What of the series is worth keeping for longer, and elsewhere: just what a dashboard shows of the past."""

from dashboards.parameters import Parameters
from dashboards.recordings.subjects import recordings
from dashboards.render import declared

RECORDED = ".+:.+"
"""A pattern of the names of recorded series: no scraped one has a colon."""


def patterns(parameters: Parameters) -> tuple[str, ...]:
    """Return patterns of the names of the series that panels and variables read, in alphabetical order.

    What only rules read is left out: they are evaluated where the samples are scraped.
    """
    queries = [
        query
        for dashboard in declared(parameters)
        for query in (
            *(target.query for panel in dashboard.panels for target in panel.targets),
            *(variable.query for variable in dashboard.variables),
        )
    ]
    read = frozenset[str]().union(*(query.series for query in queries))
    recorded = {one.name for rules in recordings(parameters).values() for one in rules}
    return (RECORDED, *sorted(read - recorded))
