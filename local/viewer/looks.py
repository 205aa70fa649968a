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
    """The colours of the page and its figures, dark or light.

    Attributes:
        page: Behind everything.
        surface: Of a panel.
        line: Of borders, and of the grid of a figure.
        hover: Under the pointer; also of what is chosen.
        text: Of text.
        soft: Of text that is read second, such as that of an axis.
        link: Of links, and of the frame around what the keyboard is on.
        on_tone: Of text on a tone.
        tones: Of states.
        scale: From little to much.
    """

    page: str
    surface: str
    line: str
    hover: str
    text: str
    soft: str
    link: str
    on_tone: str
    tones: dict[str, str]
    scale: tuple[str, str]


LIGHT = Theme(
    page="#f4f5f8",
    surface="#ffffff",
    line="#dfe3ea",
    hover="#eef1f6",
    text="#1d2330",
    soft="#566070",
    link="#1f5fbf",
    on_tone="#ffffff",
    tones={
        "green": "#1a7a42",
        "yellow": "#866400",
        "orange": "#b45309",
        "red": "#c02733",
        "blue": "#2a63bd",
        "purple": "#7a48c0",
        "grey": "#626b7b",
    },
    scale=("#e4eefb", "#0b3d91"),
)
DARK = Theme(
    page="#0f1218",
    surface="#181c24",
    line="#2a303c",
    hover="#222834",
    text="#e4e8ef",
    soft="#9aa4b5",
    link="#8ab8ff",
    on_tone="#10141b",
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


def theme_styles() -> str:
    """Return the style sheet that has the colours: the variables that the page's own one reads."""

    def variables(theme: Theme) -> str:
        plain = ("page", "surface", "line", "hover", "text", "soft", "link", "on_tone")
        named = {name.replace("_", "-"): getattr(theme, name) for name in plain} | theme.tones
        return ":root { " + " ".join(f"--{name}: {colour};" for name, colour in named.items()) + " }"

    tones = "\n".join(f'[data-tone="{name}"] {{ --tone: var(--{name}); }}' for name in LIGHT.tones)
    dark = f"@media (prefers-color-scheme: dark) {{ {variables(DARK)} }}"
    return f"{variables(LIGHT)}\n{dark}\n{tones}\n"


# Mid tones, told apart on light and on dark; red and orange are left to thresholds.
_SERIES = (
    "#3d7fd9",
    "#2a9d6e",
    "#9a6bd8",
    "#1c98ac",
    "#d0578f",
    "#86902a",
    "#b07a3c",
    "#6f86a0",
    "#4169e4",
    "#36a248",
    "#ac41cf",
    "#08998d",
    "#cc66bb",
    "#769716",
    "#ab8718",
    "#9981e0",
    "#2696e7",
    "#078350",
    "#d4257d",
    "#438117",
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
