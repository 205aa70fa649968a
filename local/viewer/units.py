"""Values as text, by Grafana's ids of units."""

import math
from collections.abc import Callable
from dataclasses import dataclass

_SHORT = ("", " K", " Mil", " Bil", " Tri")
_IEC = (" B", " KiB", " MiB", " GiB", " TiB", " PiB")
_SI = ("", " K", " M", " G", " T")
_BELOW_A_SECOND = ((1e-6, 1e9, " ns"), (1e-3, 1e6, " µs"), (1.0, 1e3, " ms"))
_DURATIONS = (
    (60, 1, " s"),
    (3600, 60, " mins"),
    (86400, 3600, " hours"),
    (604800, 86400, " days"),
    (math.inf, 604800, " weeks"),
)
_PER_CENT = 100


def format_value(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a value as text with its unit.

    Args:
        value: The value.
        unit: Grafana's id of the unit; after an unknown one stands the id itself.
        decimals: Digits after the point; unless told, as many as tell something.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    shown = UNITS.get(unit)
    return _number(value, decimals) + f" {unit}" if shown is None else shown(value, decimals)


def _number(value: float, decimals: int | None) -> str:
    if decimals is None:
        # Three digits that count, as Grafana does.
        size = 0 if value == 0 else math.floor(math.log10(abs(value)))
        text = f"{value:.{min(max(2 - size, 0), 12)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def _scaled(value: float, decimals: int | None, base: int, suffixes: tuple[str, ...]) -> str:
    step = 0
    # What would be rounded up to a whole step belongs to the next.
    while abs(value) >= base - 0.5 and step < len(suffixes) - 1:
        value, step = value / base, step + 1
    # Few digits after the point tell nothing of a value that is scaled.
    kept = decimals if step == 0 or decimals else None
    return _number(value, kept) + suffixes[step]


def _seconds(value: float, decimals: int | None) -> str:
    size = abs(value)
    if size == 0:
        return _number(0, decimals) + " s"
    for limit, factor, suffix in _BELOW_A_SECOND:
        if size < limit:
            return _number(value * factor, decimals) + suffix
    divisor, suffix = next((divisor, suffix) for limit, divisor, suffix in _DURATIONS if size < limit)
    text = _number(value / divisor, decimals)
    return text + (suffix.removesuffix("s") if text == "1" and divisor > 1 else suffix)


def _dollars(value: float, decimals: int | None) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}${_scaled(abs(value), decimals, 1000, _SI).replace(' ', '')}"


def _with(suffix: str, scale: tuple[str, ...] = _SHORT) -> Callable[[float, int | None], str]:
    return lambda value, decimals: _scaled(value, decimals, 1000, scale) + suffix


UNITS: dict[str, Callable[[float, int | None], str]] = {
    "none": _number,
    "short": lambda value, decimals: _scaled(value, decimals, 1000, _SHORT),
    "percent": lambda value, decimals: _number(value, decimals) + "%",
    "percentunit": lambda value, decimals: _number(value * _PER_CENT, decimals) + "%",
    "s": _seconds,
    "bytes": lambda value, decimals: _scaled(value, decimals, 1024, _IEC),
    "currencyUSD": _dollars,
    "celsius": lambda value, decimals: _number(value, decimals) + " °C",
    "watt": _with("W", (" ", " k", " M", " G")),
    "reqps": _with(" req/s"),
    "ops": _with(" ops/s"),
    "opm": _with(" ops/m"),
}
"""How a value of each unit is written, by Grafana's id of the unit."""


@dataclass(frozen=True)
class Ticks:
    """Where an axis has its ticks, and their text."""

    values: list[float]
    texts: list[str]


_MANY = 6
_NICE = (1, 2, 2.5, 5, 10)
_NICE_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def ticks(low: float, high: float, unit: str) -> Ticks:
    """Return up to six ticks at round values of the unit, from low to high."""
    if not high > low:
        return Ticks([low], [format_value(low, unit)])
    step = _step((high - low) / (_MANY - 1), unit)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [round(number * step, 12) for number in range(first, last + 1)]
    return Ticks(values, [format_value(value, unit) for value in values])


def _step(least: float, unit: str) -> float:
    if unit == "s" and least >= 1:
        for nice in _NICE_TIMES:
            if nice >= least:
                return nice
        return math.ceil(least / 86400) * 86400
    if unit == "bytes":
        return 2.0 ** math.ceil(math.log2(least))
    size = 10.0 ** math.floor(math.log10(least))
    return size * next(nice for nice in _NICE if nice * size >= least * (1 - 1e-9))
