"""What was seen of a change on the simulated platform: pictures, series, and alerts that are active."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from review.markdown import code

BOTH = "before and after"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen.

    Attributes:
        pictures: The dashboards' titles, each with which pictures there are: `before`, `after` or both.
        series: The names of what is recorded that differs, each with its series before and after.
        active: The alerts that are new or differ, and are active though nothing is wrong there.
    """

    pictures: Mapping[str, str] = field(default_factory=dict[str, str])
    series: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    active: tuple[str, ...] = ()

    @staticmethod
    def read(text: str) -> "Seen":
        """Read it as it was written.

        Raises:
            ValueError: It is no JSON.
        """
        found = json.loads(text)
        return Seen(
            pictures=found["pictures"],
            series={name: (before, after) for name, (before, after) in found["series"].items()},
            active=tuple(found["active"]),
        )

    def write(self) -> str:
        """Return it as JSON."""
        return json.dumps({"pictures": self.pictures, "series": self.series, "active": self.active}) + "\n"


def section(seen: Seen, stack: str, most: int) -> str:
    """What a comment says of it; nothing where nothing was seen.

    Args:
        seen: What was seen.
        stack: The stack's name.
        most: How many names a list may have before the rest is counted.
    """
    lines = [
        line for line in (_pictures(seen, stack, most), _series(seen, most), _active(seen, most)) if line
    ]
    return "\n".join(["**On the simulated platform, with nothing wrong there**\n", *lines]) if lines else ""


def _pictures(seen: Seen, stack: str, most: int) -> str:
    by_side = {
        side: [code(title) for title, taken in seen.pictures.items() if taken == side]
        for side in (BOTH, "after", "before")
    }
    told = "; ".join(f"{side} of {_listed(titles, most)}" for side, titles in by_side.items() if titles)
    where = f"the run has them as artefact {code(f'pictures-{stack}')}"
    return (
        f"- Pictures {told}: {where}, by hand they are in {code(f'rendered/pictures/{stack}')}."
        if told
        else ""
    )


def _series(seen: Seen, most: int) -> str:
    if not seen.series:
        return ""
    more = {name: after - before for name, (before, after) in sorted(seen.series.items()) if after != before}
    each = _listed([f"{code(name)} {count:+}" for name, count in more.items()], most)
    told = f"{sum(more.values()):+} ({each})" if more else "as many as before"
    return f"- Recorded series: {told}. What is scraped is not counted."


def _active(seen: Seen, most: int) -> str:
    names = _listed([code(name) for name in seen.active], most)
    return f"- **Active there, of the alerts that are added or changed:** {names}" if names else ""


def _listed(texts: list[str], most: int) -> str:
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
