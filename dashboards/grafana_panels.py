"""Turn a declared panel into Grafana's own type, with this project's habits of looks."""

from grafana_foundation_sdk.models import (
    bargauge,
    common,
    dashboard,
    heatmap,
    piechart,
    prometheus,
    stat,
    timeseries,
)

from dashboards.metrics import application
from dashboards.model import (
    BarGauge,
    Dashboard,
    Heatmap,
    Panel,
    PieChart,
    Place,
    Stat,
    Table,
    Target,
    Thresholds,
    TimeSeries,
)

OK, WARNING, CRITICAL, NEUTRAL, UNKNOWN = "green", "orange", "red", "blue", "#808080"
"""The colours of severity, on all dashboards; grey is what nothing is known about."""

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

_LAST_VALUE = common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False)


def build(declared: Dashboard, item: Panel, place: Place, switched_off: frozenset[str]) -> dashboard.Panel:
    """Build a panel at its place.

    Args:
        declared: The panel's dashboard.
        item: The panel.
        place: Where it stands.
        switched_off: Names of sources that the environment does without.

    Raises:
        TypeError: There is no way to draw a panel of this type.
    """
    off = sorted(item.sources & switched_off)
    panel = dashboard.Panel(
        id_val=item.id,
        title=item.title,
        description=_description(declared, item, off),
        datasource=DATASOURCE,
        grid_pos=dashboard.GridPos(x=place.x, y=place.y, w=place.width, h=place.height),
        targets=[
            _target(item, target, chr(ord("A") + position)) for position, target in enumerate(item.targets)
        ],
    )
    no_data = _no_data(item, off)
    match item:
        case Stat():
            _fill_stat(panel, item, no_data)
        case BarGauge():
            _fill_bar_gauge(panel, item, no_data)
        case PieChart():
            _fill_pie_chart(panel, item, no_data)
        case Table():
            _fill_table(panel, item, no_data)
        case Heatmap():
            _fill_heatmap(panel, item, no_data)
        case TimeSeries():
            _fill_timeseries(panel, item, no_data)
        case _:
            raise TypeError(f"panel {item.title}: no way to draw a {type(item).__name__}")
    return panel


def _description(declared: Dashboard, panel: Panel, off: list[str]) -> str:
    passed = [one.name for one in declared.variables if one.name not in panel.variables]
    text = panel.description
    if passed:
        text += f"\n\nGlobal: not filtered by {' or '.join(passed)}."
    if off:
        text += f"\n\nSwitched off in this environment's settings: {', '.join(off)}."
    return text


def _no_data(panel: Panel, off: list[str]) -> str:
    if off:
        return f"{' and '.join(off)} switched off"
    if panel.no_data:
        return panel.no_data
    if application.APPLICATION.name in panel.sources:
        return "Not instrumented"
    return f"No data from {' or '.join(sorted(panel.sources))}"


_FORMATS: dict[type[Panel], prometheus.PromQueryFormat] = {
    Heatmap: prometheus.PromQueryFormat.HEATMAP,
    Table: prometheus.PromQueryFormat.TABLE,
}


def _target(panel: Panel, target: Target, letter: str) -> prometheus.Dataquery:
    instant = isinstance(panel, Stat | BarGauge | PieChart | Table)
    return prometheus.Dataquery(
        ref_id=letter,
        expr=str(target.query),
        legend_format=target.legend,
        instant=instant,
        range_val=not instant,
        format_val=_FORMATS.get(type(panel)),
        editor_mode=prometheus.QueryEditorMode.CODE,
        datasource=DATASOURCE,
    )


def _fill_stat(panel: dashboard.Panel, item: Stat, no_data: str) -> None:
    panel.type_val = "stat"
    panel.options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND
        if item.thresholds or item.states
        else common.BigValueColorMode.VALUE,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if item.remark else common.BigValueTextMode.VALUE,
        reduce_options=_LAST_VALUE,
    )
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=item.unit,
            decimals=item.decimals,
            min_val=0,
            no_value=no_data,
            thresholds=_thresholds(item.thresholds),
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS),
            mappings=_mappings(item, no_data),
            links=[_link_to(item.detail)],
        ),
        overrides=[],
    )


def _link_to(panel: int) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Show the detail",
        url=f"/d/${{__dashboard.uid}}?${{__url_time_range}}&${{__all_variables}}&viewPanel=panel-{panel}",
    )


def _nothing_known(no_data: str) -> dashboard.SpecialValueMap:
    # Without it, Grafana paints a missing value in the lowest threshold's colour.
    return dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NULL_AND_NAN,
            result=dashboard.ValueMappingResult(text=no_data, color=UNKNOWN, index=0),
        )
    )


def _mappings(
    item: Stat, no_data: str
) -> list[dashboard.ValueMap | dashboard.RangeMap | dashboard.RegexMap | dashboard.SpecialValueMap]:
    if not item.states:
        return [_nothing_known(no_data)]
    states = {
        str(value): dashboard.ValueMappingResult(
            text=state.text, color=OK if state.good else CRITICAL, index=position
        )
        for position, (value, state) in enumerate(item.states.items(), start=1)
    }
    return [_nothing_known(no_data), dashboard.ValueMap(options=states)]


def _fill_bar_gauge(panel: dashboard.Panel, item: BarGauge, no_data: str) -> None:
    panel.type_val = "bargauge"
    panel.options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        orientation=common.VizOrientation.HORIZONTAL,
        value_mode=common.BarGaugeValueMode.COLOR,
        name_placement=common.BarGaugeNamePlacement.LEFT,
        sizing=common.BarGaugeSizing.AUTO,
        reduce_options=_LAST_VALUE,
    )
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=item.unit,
            decimals=item.decimals,
            min_val=0,
            max_val=item.highest,
            no_value=no_data,
            thresholds=_thresholds(item.thresholds),
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS),
            mappings=[_nothing_known(no_data)],
            links=[_link_to(item.detail)],
        ),
        overrides=[],
    )


def _fill_pie_chart(panel: dashboard.Panel, item: PieChart, no_data: str) -> None:
    panel.type_val = "piechart"
    panel.options = piechart.Options(
        pie_type=piechart.PieChartType.DONUT,
        display_labels=[piechart.PieChartLabels.PERCENT],
        legend=piechart.PieChartLegendOptions(
            display_mode=common.LegendDisplayMode.TABLE,
            placement=common.LegendPlacement.RIGHT,
            show_legend=True,
            values=[piechart.PieChartLegendValues.VALUE, piechart.PieChartLegendValues.PERCENT],
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
        ),
        reduce_options=_LAST_VALUE,
    )
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=item.unit,
            no_value=no_data,
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME),
        ),
        overrides=[],
    )


def _fill_table(panel: dashboard.Panel, item: Table, no_data: str) -> None:
    panel.type_val = "table"
    # The SDK's type has a footer by default, which this Grafana does not know any more.
    panel.options = {"showHeader": True, "cellHeight": "sm", "frameIndex": 0}
    panel.transformations = [
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True, "Value": True},
                "indexByName": {label: position for position, label in enumerate(item.columns)},
                "renameByName": item.columns,
            },
        )
    ]
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(unit=item.unit, no_value=no_data), overrides=[]
    )


def _fill_heatmap(panel: dashboard.Panel, item: Heatmap, no_data: str) -> None:
    panel.type_val = "heatmap"
    panel.options = heatmap.Options(
        calculate=False,
        # One colour from faint to strong is legible on dark and light, and with any eyes.
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME,
            scheme="Blues",
            fill="dark-blue",
            scale=heatmap.HeatmapColorScale.EXPONENTIAL,
            exponent=0.5,
            steps=64,
        ),
        cell_gap=1,
        cell_values=heatmap.CellValues(unit=item.count_unit),
        # Empty cells stay empty.
        filter_values=heatmap.FilterValueRange(le=1e-9),
        y_axis=heatmap.YAxisConfig(unit=item.unit, axis_placement=common.AxisPlacement.LEFT),
        rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
        show_value=common.VisibilityMode.NEVER,
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(
            mode=common.TooltipDisplayMode.SINGLE, y_histogram=True, show_color_scale=True
        ),
        exemplars=heatmap.ExemplarConfig(color=WARNING),
    )
    panel.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(unit=item.unit, no_value=no_data), overrides=[]
    )


def _fill_timeseries(panel: dashboard.Panel, item: TimeSeries, no_data: str) -> None:
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
            no_value=no_data,
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
        steps: list[tuple[float | None, str]] = [(None, NEUTRAL)]
    elif not declared.low_is_bad:
        steps = [(None, OK), (declared.warning, WARNING)]
        steps += [] if declared.critical is None else [(declared.critical, CRITICAL)]
    else:
        steps = [(None, WARNING), (declared.warning, OK)]
        if declared.critical is not None:
            steps = [(None, CRITICAL), (declared.critical, WARNING), (declared.warning, OK)]
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value=value, color=colour) for value, colour in steps],
    )
