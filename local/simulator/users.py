"""Users and subscriptions, counted in the database and so the same from every pod; and what users do."""

from collections.abc import Iterator

import numpy as np

from dashboards.metrics import application
from local.simulator import catalogue
from local.simulator.figures import Rate, Spread, amount, counter, gauge, histogram, steady
from local.simulator.incidents import Schedule
from local.simulator.rhythm import DAY, EPOCH, Rhythm, during, rhythm
from local.simulator.series import Moments, Simulated
from local.simulator.services import JOBS_PER_SECOND, TIERS

USERS = {"free": 3900, "pro": 950, "enterprise": 150}
ACTIVE_SHARE = {"free": 0.25, "pro": 0.45, "enterprise": 0.60}
NEW_IN_A_DAY = {"free": 40, "pro": 11, "enterprise": 3}
RETAINED_SHARE = {"free": 0.35, "pro": 0.6, "enterprise": 0.8}
SUBSCRIPTIONS_IN_A_DAY = {"free": 0.0, "pro": 18, "enterprise": 4}
GROWTH_IN_A_DAY = 0.0002

PROJECTS_PER_JOB = 0.6
VIDEO_SECONDS = 240
VOICE_CLONES_IN_A_DAY = 60
PROJECT_SECONDS = Spread(5400, 1.4)

CHANGES_IN_A_DAY = {
    ("free", "pro", "upgrade"): 15,
    ("pro", "enterprise", "upgrade"): 3,
    ("enterprise", "pro", "downgrade"): 1,
    ("pro", "free", "downgrade"): 4,
}
CANCELLATIONS_IN_A_DAY = {"pro": 5, "enterprise": 0.5}
CANCELLED_SHARE, CANCELLED_IN_WAVE = 0.045, 0.14

STAYING_SHARE = 0.1
"""Of the users, the ones that still come while signing in is broken."""


def users(schedule: Schedule) -> Iterator[Simulated]:
    """Yield what is counted in the database."""
    leaving = catalogue.USERS_LEAVE
    for tier, number in USERS.items():
        here = {"tier": tier}
        day = {"window": "1d", **here}
        yield gauge(application.USERS, here, _Grown(number))
        coming = Rate(
            per_second=number * ACTIVE_SHARE[tier] / DAY,
            rhythm=rhythm(f"active {tier}"),
            changes=((STAYING_SHARE - 1, during(schedule, leaving)),),
        )
        yield gauge(application.ACTIVE_USERS, day, _OfTheDay(coming))
        new = Rate(per_second=NEW_IN_A_DAY[tier] / DAY, rhythm=rhythm(f"new {tier}"))
        staying = Rate(per_second=new.per_second * RETAINED_SHARE[tier], rhythm=new.rhythm)
        week = {"window": "7d", **here}
        yield gauge(application.COHORT_USERS, week, _OfTheDay(new))
        yield gauge(application.COHORT_RETAINED, week, _OfTheDay(staying))
        beginning = Rate(
            per_second=SUBSCRIPTIONS_IN_A_DAY[tier] / DAY,
            rhythm=rhythm(f"subscriptions {tier}"),
            changes=((-1, during(schedule, catalogue.PAYMENTS_FAIL)),),
        )
        yield gauge(application.SUBSCRIPTIONS_STARTED, day, _OfTheDay(beginning))
    wave = during(schedule, catalogue.SUBSCRIBERS_LEAVE)
    hovering = Rhythm((0.05, 9 * DAY, 0))
    yield gauge(
        application.SUBSCRIPTIONS_CANCELLED,
        {"window": "30d"},
        lambda moments: np.where(
            wave.last(moments), CANCELLED_IN_WAVE, CANCELLED_SHARE * hovering.at(moments)
        ),
    )


class _Grown:
    """A number of people that grows a little every day."""

    def __init__(self, number: float) -> None:
        self._number = number

    def __call__(self, moments: Moments) -> Moments:
        return (self._number * (1 + GROWTH_IN_A_DAY * (moments - EPOCH) / DAY)).round()


class _OfTheDay:
    """How often something happened in the 24 hours before a moment."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate

    def __call__(self, moments: Moments) -> Moments:
        return (self._rate.total(moments) - self._rate.total(moments - DAY)).round()


def usage(schedule: Schedule, share: float) -> Iterator[Simulated]:
    """Yield what users did, as one pod counts it, of a share of all."""
    wave = during(schedule, catalogue.SUBSCRIBERS_LEAVE)
    for tier, part in TIERS.items():
        here = {"tier": tier}
        usual = rhythm(f"jobs {tier}")
        videos = Rate(per_second=JOBS_PER_SECOND * part * share, rhythm=usual)
        projects = Rate(per_second=videos.per_second * PROJECTS_PER_JOB, rhythm=usual)
        length = Rate(per_second=videos.per_second * VIDEO_SECONDS, rhythm=usual)
        clones = Rate(per_second=VOICE_CLONES_IN_A_DAY / DAY * part * share, rhythm=usual)
        yield counter(application.PROJECTS_CREATED, here, projects)
        yield counter(application.VIDEOS_PROCESSED, here, videos)
        yield amount(application.PROCESSING_SECONDS, here, length)
        yield counter(application.VOICE_CLONES_CREATED, here, clones)
        yield from histogram(application.PROJECT_COMPLETION, here, (projects, PROJECT_SECONDS))
    for (before, after, direction), number in CHANGES_IN_A_DAY.items():
        yield counter(
            application.SUBSCRIPTION_CHANGES,
            {"from_tier": before, "to_tier": after, "direction": direction},
            Rate(per_second=number / DAY * share, rhythm=rhythm(f"{before} to {after}")),
        )
    for tier, number in CANCELLATIONS_IN_A_DAY.items():
        yield counter(
            application.SUBSCRIPTION_CANCELLATIONS,
            {"tier": tier},
            Rate(per_second=number / DAY * share, rhythm=rhythm(f"cancelled {tier}"), changes=((20, wave),)),
        )


EXTERNAL_DOLLARS = {
    ("storage", "s3"): 0.9,
    ("storage", "transfer"): 0.6,
    ("database", "rds"): 0.75,
    ("queue", "elasticache"): 0.35,
}
"""What the cloud's bill holds besides the cluster, in dollars per hour."""

RUN_AWAY_RESOURCE, RUN_AWAY_DOLLARS = "transfer", 600


def bill(schedule: Schedule) -> Iterator[Simulated]:
    """Yield what the cloud's billing export says, the same from every pod."""
    loop = during(schedule, catalogue.COST_RUN_AWAY)
    for (service, resource), dollars in EXTERNAL_DOLLARS.items():
        labels = {"service": service, "resource": resource}
        if resource != RUN_AWAY_RESOURCE:
            yield steady(application.EXTERNAL_COST, labels, dollars)
    usual = EXTERNAL_DOLLARS["storage", RUN_AWAY_RESOURCE]
    yield gauge(
        application.EXTERNAL_COST,
        {"service": "storage", "resource": RUN_AWAY_RESOURCE},
        lambda moments: np.where(loop.last(moments), RUN_AWAY_DOLLARS, usual),
    )
