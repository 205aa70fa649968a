"""Every recording rule by subject: a rule file each."""

from dashboards.model import Recording
from dashboards.parameters import Parameters
from dashboards.recordings import api, cost, gpu, jobs, models, presence, users, workloads

_MINUTES = {"m": 1, "h": 60}


def recordings(parameters: Parameters) -> dict[str, tuple[Recording, ...]]:
    """Return every recording rule by subject; one that reads another as often recorded comes later."""
    return {
        "workloads": workloads.RECORDINGS,
        "api": api.RECORDINGS,
        "jobs": jobs.RECORDINGS,
        "gpu": gpu.RECORDINGS,
        "models": models.RECORDINGS,
        "users": users.RECORDINGS,
        "cost": cost.recordings(parameters.budget),
        "presence": presence.RECORDINGS,
    }


def intervals(parameters: Parameters) -> dict[str, int]:
    """Return how often is recorded, each interval once, such as `4m`, with its minutes."""
    every = {one.every for rules in recordings(parameters).values() for one in rules}
    return {one: int(one[:-1]) * _MINUTES[one[-1]] for one in sorted(every)}


def group_name(subject: str, every: str) -> str:
    """Return the name of the rule group of a subject's recordings of one interval."""
    return f"{subject}-{every}"
