"""Small mistakes that an alert's expression could have, made from the expression itself."""

import re
from collections.abc import Callable, Iterator

FACTORS = (0.9, 1.1)


def _twice(found: re.Match[str]) -> list[str]:
    return [f"{found[1]}{2 * int(found[2])}{found[3]}"]


def _off_by_a_tenth(found: re.Match[str]) -> list[str]:
    return [f"{found[1]}{float(found[2]) * factor:.15g}" for factor in FACTORS]


def _maximum(_: re.Match[str]) -> list[str]:
    return ["max by"]


def _dropped(_: re.Match[str]) -> list[str]:
    return [""]


MISTAKES: dict[str, tuple[str, Callable[[re.Match[str]], list[str]]]] = {
    "a window or an offset": (r"(\[|offset )(\d+)([mhd])", _twice),
    "a number compared with": (r"([<>]=? )(\d[\d.e+]*)(?<!^0)", _off_by_a_tenth),
    "seconds ahead": (r"(, )(\d+)(?=\))", _off_by_a_tenth),
    "the largest for the sum": (r"sum by", _maximum),
    "a label not matched": (r"""\w+=~?"[^"]*"(, )?""", _dropped),
}


def mutants(expression: str) -> Iterator[tuple[str, str]]:
    """Yield each mistake with the expression that has it, and nothing else wrong."""
    for what, (pattern, change) in MISTAKES.items():
        for found in re.finditer(pattern, expression):
            for text in change(found):
                if text != found[0]:
                    yield (
                        f"{what}: {found[0]} at {found.start()} is {text}",
                        (expression[: found.start()] + text + expression[found.end() :]),
                    )
