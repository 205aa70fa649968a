"""What `make incident` and `make recover` do to the file of incidents that the simulator reads."""

import difflib
import re
import time
from pathlib import Path

from local.errors import PlatformError
from local.simulator.catalogue import EVERY, NOT_BEFORE_NOW
from local.simulator.incidents import Happening, Incident, Schedule

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def begin(file: Path, name: str, ago: str = "") -> Incident:
    """Begin an incident, now or as if it had begun some time ago such as `25h`; return it.

    Raises:
        PlatformError: There is no such incident, it lasts already, or it can't have begun before.
    """
    incident = _incident(name)
    if ago and name in NOT_BEFORE_NOW:
        raise PlatformError(f"{name} can only begin now.")
    now = time.time()
    schedule = Schedule.read(file)
    if schedule.lasts(name, now):
        raise PlatformError(f"{name} lasts already: make recover NAME={name} ends it.")
    happening = Happening(name=name, begins=now - _seconds(ago))
    Schedule(happenings=(*schedule.happenings, happening)).write(file)
    return incident


def end(file: Path, name: str = "") -> list[str]:
    """End an incident, or every one; return the names of those that lasted.

    Raises:
        PlatformError: There is no such incident.
    """
    if name:
        _incident(name)
    now = time.time()
    schedule = Schedule.read(file)
    ended = [one.name for one in schedule.happenings if one.ends is None and name in {"", one.name}]
    if ended:
        schedule.end(now, name or None).write(file)
    return ended


def known() -> str:
    """Return the names of all incidents with what each does, a line each."""
    width = max(map(len, EVERY))
    return "\n".join(f"  {name:{width}}  {incident.does}" for name, incident in EVERY.items())


def _incident(name: str) -> Incident:
    if name not in EVERY:
        close = difflib.get_close_matches(name, EVERY, n=3)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        raise PlatformError(f"There is no incident {name!r}.{meant} These are known:\n{known()}")
    return EVERY[name]


def _seconds(duration: str) -> float:
    if not duration:
        return 0
    found = re.fullmatch(r"(\d+)([smhd])", duration)
    if not found:
        raise PlatformError(f"{duration!r} is no duration such as 25h")
    return int(found[1]) * _UNITS[found[2]]
