"""Turn a declared dashboard into Grafana's own types (classic schema), with this project's habits."""

from grafana_foundation_sdk.models import common, dashboard, prometheus, stat, timeseries

from dashboards import metrics
from dashboards.model import Dashboard, Panel, Place, Row, Stat, Target, Thresholds, TimeSeries, Variable
from dashboards.promql import Query, select, times, variable

TAG = "dubbing-operations"
"""The tag by which the dashboards link to each other."""

OK, WARNING, CRITICAL, NEUTRAL, UNKNOWN = "green", "orange", "red", "blue", "#808080"
"""The colours of severity, on all dashboards; grey is what nothing is known about."""

_DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
# The SDK's defaults for interval variables, which Grafana's own types refuse on others.
_NOT_AN_INTERVAL = {"auto": None, "auto_min": None, "auto_count": None}
_ALL = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])


def build(declared: Dashboard) -> dashboard.Dashboard:
    """Build the dashboard that Grafana loads."""
    return dashboard.Dashboard(
        uid=declared.uid,
        title=declared.title,
        description=_text(declared),
        tags=[TAG],
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=f"now-{declared.default_range}", to="now"),
        refresh=declared.refresh,
        timezone="browser",
        links=[_links_to_the_others()],
        annotations=dashboard.AnnotationContainer(list_val=_annotations(declared)),
        templating=dashboard.DashboardDashboardTemplating(
            list_val=[_datasource_variable(), *(_variable(one) for one in declared.variables)]
        ),
        panels=[_placed(declared, item, place) for item, place in declared.places()],
    )


def _text(declared: Dashboard) -> str:
    cases = "\n".join(f"- {name}: {explanation}" for name, explanation in declared.use_cases)
    return f"{declared.purpose}\n\n{cases}"


def _placed(declared: Dashboard, item: Row | Panel, place: Place) -> dashboard.Panel | dashboard.RowPanel:
    grid = dashboard.GridPos(x=place.x, y=place.y, w=place.width, h=place.height)
    if isinstance(item, Row):
        return dashboard.RowPanel(id_val=item.id, title=item.title, grid_pos=grid)
    panel = dashboard.Panel(
        id_val=item.id,
        title=item.title,
        description=_description(declared, item),
        datasource=_DATASOURCE,
        grid_pos=grid,
        targets=[
            _target(target, chr(ord("A") + position), instant=isinstance(item, Stat))
            for position, target in enumerate(item.targets)
        ],
    )
    if isinstance(item, Stat):
        _fill_stat(panel, item)
    elif isinstance(item, TimeSeries):
        _fill_timeseries(panel, item)
    else:
        raise TypeError(f"panel {item.title}: no way to draw a {type(item).__name__}")
    return panel


def _description(declared: Dashboard, panel: Panel) -> str:
    passed = [one.name for one in declared.variables if one.name not in panel.variables]
    return panel.description + (f"\n\nGlobal: not filtered by {' or '.join(passed)}." if passed else "")


def _no_data(panel: Panel) -> str:
    if panel.no_data:
        return panel.no_data
    if metrics.APPLICATION.name in panel.sources:
        return "Not instrumented"
    return f"No data from {' or '.join(sorted(panel.sources))}"


def _target(target: Target, letter: str, *, instant: bool) -> prometheus.Dataquery:
    return prometheus.Dataquery(
        ref_id=letter,
        expr=str(target.query),
        legend_format=target.legend,
        instant=instant,
        range_val=not instant,
        editor_mode=prometheus.QueryEditorMode.CODE,
        datasource=_DATASOURCE,
    )


def _fill_stat(panel: dashboard.Panel, item: Stat) -> None:
    panel.type_val = "stat"
    panel.options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND
        if item.thresholds or item.states
        else common.BigValueColorMode.VALUE,
        reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False),
    )
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=item.unit,
            decimals=item.decimals,
            min_val=0,
            no_value=_no_data(item),
            thresholds=_thresholds(item.thresholds),
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS),
            mappings=_mappings(item),
            links=[
                dashboard.DashboardLink(
                    title="Show the detail",
                    url=f"/d/${{__dashboard.uid}}?${{__url_time_range}}&${{__all_variables}}&viewPanel=panel-{item.detail}",
                )
            ],
        ),
        overrides=[],
    )


def _mappings(
    item: Stat,
) -> list[dashboard.ValueMap | dashboard.RangeMap | dashboard.RegexMap | dashboard.SpecialValueMap]:
    # Without this one, Grafana paints a missing value in the lowest threshold's colour.
    nothing = dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NULL_AND_NAN,
            result=dashboard.ValueMappingResult(text=_no_data(item), color=UNKNOWN, index=0),
        )
    )
    if not item.states:
        return [nothing]
    states = {
        str(value): dashboard.ValueMappingResult(
            text=state.text, color=OK if state.good else CRITICAL, index=position
        )
        for position, (value, state) in enumerate(item.states.items(), start=1)
    }
    return [nothing, dashboard.ValueMap(options=states)]


def _fill_timeseries(panel: dashboard.Panel, item: TimeSeries) -> None:
    panel.type_val = "timeseries"
    panel.options = timeseries.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.TABLE,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=["lastNotNull", "max"],
            sort_by="Max",
            sort_desc=True,
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
        ),
    )
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=item.unit,
            min_val=0,
            max_val=item.highest,
            no_value=_no_data(item),
            thresholds=_thresholds(item.thresholds),
            # By name, so that a series keeps its colour when another appears.
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME),
            custom=common.GraphFieldConfig(
                draw_style=common.GraphDrawStyle.LINE,
                line_width=1,
                fill_opacity=30 if item.stacked else 10,
                show_points=common.VisibilityMode.NEVER,
                span_nulls=False,
                axis_label=item.axis,
                stacking=common.StackingConfig(
                    mode=common.StackingMode.NORMAL if item.stacked else common.StackingMode.NONE, group="A"
                ),
                thresholds_style=common.GraphThresholdsStyleConfig(
                    mode=common.GraphThresholdsStyleMode.LINE
                    if item.thresholds
                    else common.GraphThresholdsStyleMode.OFF
                ),
            ),
        ),
        overrides=[
            _limit_line(chr(ord("A") + position)) for position, line in enumerate(item.lines) if line.limit
        ],
    )


def _limit_line(letter: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    look: dict[str, object] = {
        "color": {"mode": "fixed", "fixedColor": CRITICAL},
        "custom.fillOpacity": 0,
        "custom.lineStyle": {"fill": "dash", "dash": [10, 10]},
    }
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byFrameRefID", options=letter),
        properties=[dashboard.DynamicConfigValue(id_val=name, value=value) for name, value in look.items()],
    )


def _thresholds(declared: Thresholds | None) -> dashboard.ThresholdsConfig:
    if declared is None:
        steps = [(None, NEUTRAL)]
    elif declared.high_is_bad:
        steps = [(None, OK), (declared.warning, WARNING), (declared.critical, CRITICAL)]
    else:
        steps = [(None, CRITICAL), (declared.critical, WARNING), (declared.warning, OK)]
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value=value, color=colour) for value, colour in steps],
    )


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
        datasource=_DATASOURCE,
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
    firing = select(metrics.ALERTS, alertstate="firing", cluster=scope["cluster"])
    rollouts = times(select(metrics.KUBE_REPLICASET_CREATED, **scope), 1000)
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
        datasource=_DATASOURCE,
        icon_color=colour,
        title_format=title,
        tag_keys=tags,
        step="60s",
        use_value_for_time=at_value,
    )
