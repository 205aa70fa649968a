"""Findings of checkers, and those that stay, each with its reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """What a check says of an object, by the object's name."""

    check: str
    says: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A finding that stays, and why."""

    check: str
    says: str
    about: tuple[str, ...] = ()
    """The objects; none of them for every workload."""
    why: str

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this finding."""
        return (finding.check, finding.says) == (self.check, self.says) and (
            not self.about or finding.about in self.about
        )


def unexplained(found: Iterable[Finding], accepted: Sequence[Accepted]) -> list[Finding]:
    """The findings that have no reason."""
    return [finding for finding in found if not any(one.covers(finding) for one in accepted)]


def out_of_date(found: Sequence[Finding], accepted: Iterable[Accepted]) -> list[Accepted]:
    """The reasons for what is not found any more, of an object that they name or at all."""
    stale: list[Accepted] = []
    for one in accepted:
        covered = {finding.about for finding in found if one.covers(finding)}
        if not covered or not set(one.about) <= covered:
            stale.append(one)
    return stale
