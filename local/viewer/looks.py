"""Colours: of states, of series, and of the page where a figure must match it."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

TONES = ("green", "yellow", "orange", "red", "blue", "purple")
"""The colours that states have. What is written in any shade of one gets that one; the rest is grey."""


def tone(colour: str) -> str:
    """Return the tone of one of Grafana's colours: `green` of `semi-dark-green`, `grey` of `#808080`."""
    return next((name for name in TONES if colour.endswith(name)), "grey")


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a figure: of its text, its grid, its states and its scale from little to much."""

    text: str
    grid: str
    surface: str
    tones: dict[str, str]
    scale: tuple[str, str]


LIGHT = Theme(
    text="#4a5261",
    grid="#e3e6ec",
    surface="#ffffff",
    tones={
        "green": "#1f8a4c",
        "yellow": "#a67c00",
        "orange": "#c8620b",
        "red": "#c8303c",
        "blue": "#2f6fd0",
        "purple": "#8250c4",
        "grey": "#6d7585",
    },
    scale=("#e4eefb", "#0b3d91"),
)
DARK = Theme(
    text="#a9b2c3",
    grid="#2a303c",
    surface="#181c24",
    tones={
        "green": "#4cb97a",
        "yellow": "#d9b23d",
        "orange": "#f0913e",
        "red": "#f2636d",
        "blue": "#6ea4f4",
        "purple": "#b48cec",
        "grey": "#8b93a3",
    },
    scale=("#1d2b45", "#a8cbff"),
)

# Mid tones, told apart on light and on dark; red and orange are left to thresholds.
_SERIES = (
    "#3d7fd9",
    "#2a9d6e",
    "#9a6bd8",
    "#1c98ac",
    "#c95fa0",
    "#86902a",
    "#6b7fd0",
    "#b07a3c",
    "#4f9a3f",
    "#a65fc0",
    "#5b8aa6",
    "#c07388",
)


def series_colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name: of the name alone, so that it stays when other series come and go.

    Only where two names of one panel would get the same does the later one move on to the next free colour.
    """
    chosen: dict[str, str] = {}
    for name in sorted(set(names)):
        first = zlib.crc32(name.encode()) % len(_SERIES)
        turns = [_SERIES[(first + turn) % len(_SERIES)] for turn in range(len(_SERIES))]
        chosen[name] = next((colour for colour in turns if colour not in chosen.values()), turns[0])
    return chosen
