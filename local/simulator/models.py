"""What the servers of models expose: inferences, how long they took, and what they were about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboards.metrics import application
from local.simulator import catalogue
from local.simulator.figures import Rate, Spread, added, counter, histogram
from local.simulator.incidents import Schedule
from local.simulator.rhythm import Windows, during, rhythm
from local.simulator.series import Simulated
from local.simulator.services import JOBS_PER_SECOND, NLLB, WAV2LIP, WHISPER, XTTS

FAILURES = 0.003
FALTERING, FAILING = 0.025, 0.2
FAILING_MODEL, SLOW_MODEL = XTTS, WAV2LIP
SLOW = Spread(15, 0.3)


@dataclass(frozen=True)
class Work:
    """What a model does: requests for each job, seconds of one, items in a batch, bytes of an input."""

    requests: float
    seconds: Spread
    batch: Spread
    input_bytes: Spread


WORK: Mapping[str, Work] = {
    WHISPER: Work(12, Spread(1.1), Spread(6), Spread(4e6, 0.9)),
    NLLB: Work(12, Spread(0.35), Spread(14), Spread(30e3, 0.8)),
    XTTS: Work(12, Spread(2.2), Spread(5), Spread(60e3, 0.8)),
    WAV2LIP: Work(12, Spread(1.7, 0.4), Spread(12), Spread(30e6, 0.8)),
}


def model(schedule: Schedule, name: str, share: float) -> Iterator[Simulated]:
    """Yield the series of one server that answers a share of a model's requests."""
    work = WORK.get(name)
    if work is None:
        return
    here = {"model": name}
    usual = rhythm(f"model {name}")
    per_second = JOBS_PER_SECOND * work.requests * share
    every = Rate(per_second=per_second, rhythm=usual)
    slow = during(schedule, catalogue.INFERENCE_SLOW) if name == SLOW_MODEL else Windows(())
    yield counter(
        application.MODEL_INFERENCES,
        {**here, "outcome": "success"},
        Rate(per_second=per_second * (1 - FAILURES), rhythm=usual),
    )
    yield counter(
        application.MODEL_INFERENCES,
        {**here, "outcome": "failure"},
        Rate(per_second=per_second * FAILURES, rhythm=usual, changes=_failing(schedule, name)),
    )
    yield from histogram(
        application.MODEL_INFERENCE_DURATION,
        here,
        (Rate(per_second=per_second, rhythm=usual, changes=((-1, slow),)), work.seconds),
        (Rate(per_second=per_second, rhythm=usual, always=0, changes=((1, slow),)), SLOW),
    )
    yield counter(application.MODEL_ITEMS, here, Rate(per_second=per_second * work.batch.mean, rhythm=usual))
    yield from histogram(application.MODEL_BATCH_SIZE, here, (every, work.batch))
    yield from histogram(application.MODEL_INPUT_SIZE, here, (every, work.input_bytes))


def _failing(schedule: Schedule, name: str) -> tuple[tuple[float, Windows], ...]:
    if name != FAILING_MODEL:
        return ()
    shares = {catalogue.MODEL_FALTERS: FALTERING, catalogue.BAD_MODEL_RELEASE: FAILING}
    return tuple(
        (added(share, FAILURES, 1) / FAILURES, during(schedule, incident))
        for incident, share in shares.items()
    )
