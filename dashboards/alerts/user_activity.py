"""Alerts of User Activity & Subscription: users who stay away, leave or do not come."""

from dashboards.alert import Alert
from dashboards.parameters import Parameters
from dashboards.promql import ago, complement, ratio, select, sum_by, where
from dashboards.promql_conditions import above
from dashboards.recordings import users
from dashboards.user_activity import ACTIVE, CANCELLATIONS, NEW_SUBSCRIPTIONS

SCOPE = ("cluster", "namespace")

ENOUGH_USERS = 50
"""Users a week ago below which a fifth is a handful of people."""


def alerts(parameters: Parameters) -> tuple[Alert, ...]:
    """All of them."""
    levels = parameters.levels
    today = sum_by(select(users.ACTIVE.series), *SCOPE)
    a_week_ago = above(sum_by(ago(select(users.ACTIVE.series), "7d"), *SCOPE), ENOUGH_USERS)
    began = sum_by(select(users.SUBSCRIPTIONS.series), *SCOPE)
    # A platform that was not there a day ago has no whole day to be judged by.
    a_day_ago = sum_by(ago(select(users.SUBSCRIPTIONS.series), "1d"), *SCOPE)
    return (
        Alert(
            name="DailyActiveUsersFalling",
            panel=ACTIVE,
            query=complement(ratio(today, a_week_ago)),
            thresholds=levels.active_users_decrease,
            lasts="1h",
            keeps_firing="1h",
            because="the figure is of a whole day: an hour more or less changes nothing but the noise",
            summary="<value> fewer users were active today than a week before, more than <threshold>.",
            shown="humanizePercentage",
            description=(
                "Weekdays are compared with the same weekday; holidays show, too. Look at System Health for "
                "an outage or a broken login, then at API Usage by Endpoint for the step where people stop."
            ),
        ),
        Alert(
            name="SubscriptionCancellationRateHigh",
            panel=CANCELLATIONS,
            query=select(users.CANCELLED.series),
            thresholds=levels.cancellation_rate,
            lasts="1h",
            keeps_firing="6h",
            because="a share of 30 days moves slowly, and hovers",
            summary="<value> of the subscriptions were cancelled within 30 days, more than <threshold>.",
            shown="humanizePercentage",
            description=(
                "Paying users leave. Look at Subscription Cancellations for the tier and the day on which it "
                "began: a price change, an outage, or cards that expired."
            ),
        ),
        Alert(
            name="NewSubscriptionsLow",
            panel=NEW_SUBSCRIPTIONS,
            query=where(began, a_day_ago, *SCOPE),
            thresholds=levels.new_subscriptions,
            lasts="1h",
            keeps_firing="6h",
            because="the figure is of a whole day: an hour more or less changes nothing but the noise",
            summary="<value> subscriptions began in the last 24 h, fewer than <threshold>.",
            description=(
                "Something may keep people from paying. Try the payment yourself, then look at Subscription "
                "Conversions and at what changed on the price page."
            ),
        ),
    )
