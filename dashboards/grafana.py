"""Turn a declared dashboard into Grafana's own types (classic schema), with this project's habits."""

from grafana_foundation_sdk.models import common, dashboard

from dashboards import grafana_panels
from dashboards.grafana_panels import CRITICAL, DATASOURCE, NEUTRAL
from dashboards.metrics import exporters
from dashboards.model import Dashboard, Place, Row, Variable
from dashboards.promql import Query, select, times, variable

TAG = "dubbing-operations"
"""The tag by which the dashboards link to each other."""

# The SDK's defaults for interval variables, which Grafana's own types refuse on others.
_NOT_AN_INTERVAL = {"auto": None, "auto_min": None, "auto_count": None}
_ALL = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])


def build(declared: Dashboard, switched_off: frozenset[str]) -> dashboard.Dashboard:
    """Build the dashboard that Grafana loads.

    Args:
        declared: The dashboard.
        switched_off: Names of sources that the environment does without; panels say so.
    """
    return dashboard.Dashboard(
        uid=declared.uid,
        title=declared.title,
        description=_text(declared),
        tags=[TAG],
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=f"now-{declared.default_range}", to="now"),
        refresh=declared.refresh,
        timezone=declared.time_zone,
        links=[_links_to_the_others()],
        annotations=dashboard.AnnotationContainer(list_val=_annotations(declared)),
        templating=dashboard.DashboardDashboardTemplating(
            list_val=[_datasource_variable(), *(_variable(one) for one in declared.variables)]
        ),
        panels=[
            _row(item, place)
            if isinstance(item, Row)
            else grafana_panels.build(declared, item, place, switched_off)
            for item, place in declared.places()
        ],
    )


def _text(declared: Dashboard) -> str:
    cases = "\n".join(f"- {name}: {explanation}" for name, explanation in declared.use_cases)
    return f"{declared.purpose}\n\n{cases}"


def _row(row: Row, place: Place) -> dashboard.RowPanel:
    grid = dashboard.GridPos(x=place.x, y=place.y, w=place.width, h=place.height)
    return dashboard.RowPanel(id_val=row.id, title=row.title, grid_pos=grid)


def _links_to_the_others() -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Operations",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="The other dashboards, at the same time and with the same choices",
        tags=[TAG],
        keep_time=True,
        include_vars=True,
    )


def _datasource_variable() -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        **_NOT_AN_INTERVAL,
    )


def _variable(declared: Variable) -> dashboard.VariableModel:
    query = f"label_values({declared.query}, {declared.label})"
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=declared.name,
        label=declared.name.capitalize(),
        datasource=DATASOURCE,
        query={"qryType": 1, "query": query, "refId": f"{declared.name}-values"},
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
        multi=True,
        include_all=True,
        # Unlike Grafana's own list of all values, this also matches series without the label.
        all_value=".*",
        current=_ALL,
        **_NOT_AN_INTERVAL,
    )


def _annotations(declared: Dashboard) -> list[dashboard.AnnotationQuery]:
    names = {one.name for one in declared.variables}
    scope = {name: variable(name) for name in ("cluster", "namespace") if name in names}
    firing = select(exporters.ALERTS, alertstate="firing", cluster=scope["cluster"])
    rollouts = times(select(exporters.KUBE_REPLICASET_CREATED, **scope), 1000)
    return [
        dashboard.AnnotationQuery(
            name="Annotations & Alerts",
            built_in=1,
            type_val="dashboard",
            datasource=common.DataSourceRef(type_val="grafana", uid="-- Grafana --"),
            hide=True,
            icon_color=NEUTRAL,
        ),
        _annotation("Alerts", firing, CRITICAL, title="{{alertname}}", tags="severity,cluster"),
        _annotation("Deploys", rollouts, NEUTRAL, title="{{replicaset}}", tags="namespace", at_value=True),
    ]


def _annotation(
    name: str, query: Query, colour: str, *, title: str, tags: str, at_value: bool = False
) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=name,
        expr=str(query),
        datasource=DATASOURCE,
        icon_color=colour,
        title_format=title,
        tag_keys=tags,
        step="60s",
        use_value_for_time=at_value,
    )
