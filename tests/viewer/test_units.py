"""Values as text, and where an axis has its ticks."""

import math

import pytest

from local.viewer.dashboard import Folder
from local.viewer.units import UNITS, format_value, ticks
from stacks import render


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0, "short", None, "0"),
        (12.345, "short", None, "12.3"),
        (1234, "short", None, "1.23 K"),
        (999.7, "short", 0, "1 K"),
        (2_500_000, "short", None, "2.5 Mil"),
        (42, "none", 0, "42"),
        (0.99953, "percentunit", 2, "99.95%"),
        (0.5, "percentunit", None, "50%"),
        (0.25, "s", 2, "250.00 ms"),
        (0.0000021, "s", None, "2.1 µs"),
        (2, "s", 1, "2.0 s"),
        (90, "s", None, "1.5 mins"),
        (5400, "s", None, "1.5 hours"),
        (172800, "s", None, "2 days"),
        (14 * 86400, "s", None, "2 weeks"),
        (0, "s", 1, "0.0 s"),
        (1024, "bytes", None, "1 KiB"),
        (1.5 * 1024**3, "bytes", 1, "1.5 GiB"),
        (512, "bytes", 0, "512 B"),
        (0.0123, "currencyUSD", 3, "$0.012"),
        (15_320, "currencyUSD", 0, "$15.3K"),
        (-12, "currencyUSD", 0, "-$12"),
        (12, "reqps", None, "12 req/s"),
        (0.05, "ops", None, "0.05 ops/s"),
        (3, "opm", None, "3 ops/m"),
        (81.24, "celsius", None, "81.2 °C"),
        (1800, "watt", None, "1.8 kW"),
        (-0.0001, "short", 1, "0.0"),
        (7, "furlongs", None, "7 furlongs"),
        (math.nan, "short", None, "NaN"),
        (math.inf, "s", None, "+Inf"),
    ],
)
def test_a_value_is_written_with_its_unit(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert format_value(value, unit, decimals) == text


def test_every_unit_of_the_dashboards_is_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rendered")
    render.render("dev", folder)
    dashboards = Folder(folder / "dashboards").dashboards().values()
    units = {panel.field_config.defaults.unit for one in dashboards for panel in one.every_panel()}
    assert len(units) > 5
    assert {unit for unit in units if unit not in UNITS} == set()


def test_ticks_are_round_in_their_unit() -> None:
    assert ticks(0, 1, "percentunit").texts == ["0%", "20%", "40%", "60%", "80%", "100%"]
    assert ticks(0, 7200, "s").texts == ["0 s", "30 mins", "1 hour", "1.5 hours", "2 hours"]
    assert ticks(0, 4 * 1024**3, "bytes").texts == ["0 B", "1 GiB", "2 GiB", "3 GiB", "4 GiB"]
    assert ticks(3, 3, "short").values == [3]
