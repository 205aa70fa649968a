"""What can go wrong, by name, and when it does: incidents that somebody told to happen."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from local.processes import write


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One thing that can go wrong.

    Attributes:
        name: As in `make incident NAME=…`.
        does: What happens, in one sentence.
        fires: The alerts that it is made for: name and severity.
        seen: What to look at, and after how long, in one sentence.
    """

    name: str
    does: str
    fires: tuple[tuple[str, str], ...]
    seen: str


class Happening(BaseModel):
    """An incident at a time, in seconds since 1970; `ends` is None while it lasts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    begins: float
    ends: float | None = None


class Schedule(BaseModel):
    """Everything that happened or happens, in the order it was told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    happenings: tuple[Happening, ...] = ()

    def of(self, name: str) -> tuple[Happening, ...]:
        """Return when an incident happened."""
        return tuple(one for one in self.happenings if one.name == name)

    def lasts(self, name: str, at: float) -> bool:
        """Tell whether an incident happens at a moment."""
        return any(one.begins <= at and (one.ends is None or at < one.ends) for one in self.of(name))

    def begin(self, name: str, at: float) -> "Schedule":
        """Return the schedule with an incident that begins, unless it lasts already."""
        if self.lasts(name, at):
            return self
        return Schedule(happenings=(*self.happenings, Happening(name=name, begins=at)))

    def end(self, at: float, name: str | None = None) -> "Schedule":
        """Return the schedule in which an incident, or every one, is over."""
        return Schedule(
            happenings=tuple(
                one.model_copy(update={"ends": at}) if one.ends is None and name in {None, one.name} else one
                for one in self.happenings
            )
        )

    @staticmethod
    def read(path: Path) -> "Schedule":
        """Read it from its file; empty where there is none yet."""
        return Schedule.model_validate_json(path.read_text()) if path.exists() else Schedule()

    def write(self, path: Path) -> None:
        """Write it in one step."""
        write(path, self.model_dump_json(indent=1) + "\n")
