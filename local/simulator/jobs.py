"""Dubbing jobs, the stages that they pass through, and the queues before them."""

from collections.abc import Iterator, Mapping

import numpy as np

from dashboards.metrics import application
from local.simulator import catalogue
from local.simulator.figures import Rate, Spread, added, counter, gauge, histogram, steady
from local.simulator.incidents import Schedule
from local.simulator.rhythm import Windows, during, rhythm
from local.simulator.series import Moments, Simulated
from local.simulator.services import JOBS_PER_SECOND, STAGES, TIERS

SUCCESS, FAILURE, CANCELLED = "success", "failure", "cancelled"
OUTCOMES = {SUCCESS: 0.965, FAILURE: 0.015, CANCELLED: 0.02}
"""How jobs end, with their shares."""

DAY_SWING = 0.4
"""How far jobs rise and fall within a day: at night there are still some 50 an hour."""

JOB_SECONDS = {SUCCESS: Spread(380, 0.6), FAILURE: Spread(140, 0.7), CANCELLED: Spread(60, 0.7)}

ERROR_TYPES = {
    "timeout": 0.35,
    "out_of_memory": 0.15,
    "invalid_input": 0.25,
    "model_error": 0.15,
    "other": 0.10,
}
"""Why an attempt of a stage fails, with their shares."""

FAILED_ATTEMPTS = 0.012
STAGE_SECONDS: Mapping[str, Spread] = dict(
    zip(STAGES, (Spread(40), Spread(12), Spread(75), Spread(120, 0.6)), strict=True)
)
SLOW_TIMES = 6

SLOTS: Mapping[str, int] = dict(zip(STAGES, (3, 2, 4, 12), strict=True))
"""Jobs that a worker of each stage takes at once."""

WAITING: Mapping[str, int] = dict(zip(STAGES, (4, 2, 7, 9), strict=True))
"""Jobs that wait for each stage on average."""

GROWING_STAGE, FAILING_STAGE, SLOW_STAGE = "voice-synthesis", "lip-sync", "voice-synthesis"


def _failing(schedule: Schedule) -> tuple[tuple[float, Windows], ...]:
    """What the incidents add to the failures, as multiples of the usual ones."""
    decided = OUTCOMES[SUCCESS] + OUTCOMES[FAILURE]
    shares = {catalogue.JOBS_FALTER: 0.08, catalogue.JOBS_FAIL: 0.25}
    return tuple(
        (added(share, OUTCOMES[FAILURE], decided) / OUTCOMES[FAILURE], during(schedule, incident))
        for incident, share in shares.items()
    )


def jobs(schedule: Schedule, share: float) -> Iterator[Simulated]:
    """Yield the series of the jobs' ends that one pod counts, of a share of all jobs."""
    failing = _failing(schedule)
    usual = rhythm("jobs", day=DAY_SWING)
    for outcome, part in OUTCOMES.items():
        changes = failing if outcome == FAILURE else ()
        for number, (tier, of_tier) in enumerate(TIERS.items()):
            labels = {"outcome": outcome, "tier": tier}
            ended = JOBS_PER_SECOND * part * share
            if outcome == FAILURE:
                # The tiers in turn: at night three failures within an hour would be a share to alert on.
                rate = Rate(per_second=ended / len(TIERS), rhythm=usual, changes=changes)
                yield counter(application.JOBS, labels, rate, ahead=number / len(TIERS))
            else:
                rate = Rate(per_second=ended * of_tier, rhythm=rhythm(f"jobs {tier}", day=DAY_SWING))
                yield counter(application.JOBS, labels, rate)
        yield from histogram(
            application.JOB_DURATION,
            {"outcome": outcome},
            (
                Rate(per_second=JOBS_PER_SECOND * part * share, rhythm=usual, changes=changes),
                JOB_SECONDS[outcome],
            ),
        )


def queues(schedule: Schedule) -> Iterator[Simulated]:
    """Yield the depth of each stage's queue, the same from every pod."""
    for stage in STAGES:
        yield gauge(application.QUEUE_DEPTH, {"stage": stage}, _Waiting(schedule, stage))


class _Waiting:
    """Jobs that wait for a stage at any moment."""

    def __init__(self, schedule: Schedule, stage: str) -> None:
        self._usual = WAITING[stage]
        self._rhythm = rhythm(f"queue {stage}", ripple=0.3, day=0.4)
        more = {catalogue.QUEUE_GROWS: 140, catalogue.QUEUE_BACKS_UP: 260} if stage == GROWING_STAGE else {}
        self._more = [(during(schedule, incident), jobs) for incident, jobs in more.items()]

    def __call__(self, moments: Moments) -> Moments:
        waiting = self._usual * self._rhythm.at(moments)
        for windows, more in self._more:
            waiting = np.where(windows.last(moments), np.maximum(waiting, more + self._usual), waiting)
        return waiting.round()


def worker(schedule: Schedule, stage: str, share: float) -> Iterator[Simulated]:
    """Yield the series of one worker that does a share of a stage's work."""
    here = {"stage": stage}
    usual = rhythm(f"stage {stage}")
    failing = _failing(schedule) if stage == FAILING_STAGE else ()
    slow = during(schedule, catalogue.STAGE_SLOW) if stage == SLOW_STAGE else Windows(())
    runs = JOBS_PER_SECOND * share
    spread = STAGE_SECONDS[stage]
    yield counter(application.STAGE_RUNS, {**here, "outcome": SUCCESS}, Rate(per_second=runs, rhythm=usual))
    failed = Rate(per_second=runs * FAILED_ATTEMPTS, rhythm=usual, changes=failing)
    yield counter(application.STAGE_RUNS, {**here, "outcome": FAILURE}, failed)
    for error_type, part in ERROR_TYPES.items():
        rate = Rate(per_second=failed.per_second * part, rhythm=usual, changes=failing)
        yield counter(application.STAGE_FAILURES, {**here, "error_type": error_type}, rate)
    yield from histogram(
        application.STAGE_DURATION,
        here,
        (Rate(per_second=runs, rhythm=usual, changes=((-1, slow),)), spread),
        (
            Rate(per_second=runs, rhythm=usual, always=0, changes=((1, slow),)),
            Spread(spread.median * SLOW_TIMES, spread.sigma),
        ),
    )
    slots = SLOTS[stage]
    yield steady(application.WORKER_SLOTS, here, slots)
    held = runs * spread.mean
    yield gauge(
        application.WORKER_SLOTS_BUSY,
        here,
        lambda moments: np.where(
            slow.last(moments), slots, np.minimum(slots, held * usual.at(moments)).round()
        ),
    )
