"""User Activity & Subscription: who uses the platform, for what, and do they stay."""

from dashboards.firing import firing
from dashboards.model import Dashboard, PieChart, Recording, Row, Stat, Target, TimeSeries
from dashboards.parameters import Parameters
from dashboards.promql import (
    Query,
    ago,
    divided,
    either,
    highest,
    positive,
    ratio,
    select,
    sum_by,
)
from dashboards.recordings import api, users
from dashboards.variables import CLUSTER, NAMESPACE, TIER, cluster, namespace, tier

UID = "user-activity"
SCOPE = {"cluster": CLUSTER, "namespace": NAMESPACE}
TIERS = {**SCOPE, "tier": TIER}
SECONDS_PER_MINUTE = 60
ENDPOINTS_SHOWN = 15

# Ids of the panels that tiles lead to.

ACTIVE, PROJECTS, PROCESSING, USERS_BY_TIER, API_USAGE = 201, 202, 204, 203, 208

# Ids of the panels that alerts lead to, besides.

CANCELLATIONS, NEW_SUBSCRIPTIONS = 206, 105


def total(recording: Recording) -> Query:
    """All chosen tiers together."""
    return sum_by(select(recording.series, **TIERS))


def by_tier(recording: Recording) -> tuple[Target, ...]:
    """A line for each tier."""
    return (Target(query=sum_by(select(recording.series, **TIERS), "tier"), legend="{{tier}}"),)


def key_metrics(parameters: Parameters) -> Row:
    """The first row: how today compares."""
    subscriptions = parameters.levels.new_subscriptions
    return Row(
        id=100,
        title="Key metrics",
        panels=(
            Stat(
                id=101,
                title="Active Users (24h)",
                description=(
                    "Distinct users who did something in the last 24 hours, counted in the database. A fall "
                    "against the same day of last week: look at Daily Active Users, then at System Health: "
                    "people who can't log in are no users."
                ),
                query=total(users.ACTIVE),
                unit="short",
                detail=ACTIVE,
                width=5,
            ),
            Stat(
                id=102,
                title="New Projects (24h)",
                description=(
                    "Projects created in the last 24 hours. Users active but no projects: uploading or the "
                    "project page is broken; look at Error Rate by Endpoint of System Health, then at "
                    "Projects Created per Day."
                ),
                query=total(users.PROJECTS),
                unit="short",
                detail=PROJECTS,
                width=5,
            ),
            Stat(
                id=103,
                title="Videos Processed (24h)",
                description=(
                    "Videos finished in the last 24 hours. Projects created but no videos finished: look at "
                    "Job Processing, where they wait or fail, and at Processing Minutes by Tier for whose "
                    "they are."
                ),
                query=total(users.VIDEOS),
                unit="short",
                detail=PROCESSING,
                width=5,
            ),
            Stat(
                id=104,
                title="Processing Minutes Used (24h)",
                description=(
                    "Length of the videos finished in the last 24 hours, in minutes: what subscriptions are "
                    "charged by, and what costs are divided by. A rise without more users is a few heavy "
                    "ones: look at Processing Minutes by Tier."
                ),
                query=divided(total(users.PROCESSING), SECONDS_PER_MINUTE),
                unit="short",
                detail=PROCESSING,
                width=5,
            ),
            Stat(
                id=NEW_SUBSCRIPTIONS,
                title="New Subscriptions (24h)",
                description=(
                    "Subscriptions that began in the last 24 hours, counted in the database. Below "
                    f"{subscriptions.warning:g} a day something keeps people from paying: try the payment "
                    "yourself, then look at Subscription Conversions and at what changed on the price page."
                ),
                query=total(users.SUBSCRIPTIONS),
                unit="short",
                thresholds=subscriptions,
                detail=USERS_BY_TIER,
                width=4,
            ),
            firing(UID),
        ),
    )


def engagement() -> Row:
    """What people do, and whether they come back."""
    requests = sum_by(select(api.REQUESTS_BY_ROUTE.series, **SCOPE), "job", "http_route")
    return Row(
        id=200,
        title="Engagement",
        panels=(
            TimeSeries(
                id=ACTIVE,
                title="Daily Active Users",
                description=(
                    "Distinct users of the last 24 hours, and the same a week before, since weekends differ "
                    "from weekdays. A gap below last week's line is lost use: an outage, a broken login or "
                    "a competitor. In the first week there is nothing to compare with."
                ),
                unit="short",
                axis="users",
                lines=(
                    Target(query=total(users.ACTIVE), legend="now"),
                    Target(
                        query=sum_by(ago(select(users.ACTIVE.series, **TIERS), "7d")), legend="a week before"
                    ),
                ),
                width=8,
            ),
            TimeSeries(
                id=PROJECTS,
                title="Projects Created per Day",
                description=(
                    "Projects created in the last 24 hours, at each moment. It falls before revenue does: "
                    "compare with Daily Active Users. Fewer projects by as many users: look at API Usage by "
                    "Endpoint for the step at which they stop."
                ),
                unit="short",
                axis="projects per day",
                lines=by_tier(users.PROJECTS),
                stacked=True,
                width=8,
            ),
            TimeSeries(
                id=PROCESSING,
                title="Processing Minutes by Tier",
                description=(
                    "Minutes of video finished in the last 24 hours, by subscription tier. A free tier that "
                    "grows alone is cost without income: look at its limits, and at Cost per Processing "
                    "Minute of Cost & Performance."
                ),
                unit="short",
                axis="minutes per day",
                lines=(
                    Target(
                        query=divided(
                            sum_by(select(users.PROCESSING.series, **TIERS), "tier"), SECONDS_PER_MINUTE
                        ),
                        legend="{{tier}}",
                    ),
                ),
                stacked=True,
                width=8,
            ),
            TimeSeries(
                id=207,
                title="Voice Clones Created",
                description=(
                    "Voice clones created in the last 24 hours, by tier. A fall to zero is a broken model "
                    "or consent dialogue: look at Model Performance. A wave from one tier may be abuse: "
                    "look at who, in the application's own log."
                ),
                unit="short",
                axis="clones per day",
                lines=by_tier(users.VOICE_CLONES),
                width=8,
            ),
            TimeSeries(
                id=API_USAGE,
                title="API Usage by Endpoint",
                description=(
                    f"Requests per second of the {ENDPOINTS_SHOWN} most used endpoints, mean of an hour. An "
                    "endpoint that drops out lost its page or its client; one that shoots up has a loop "
                    "calling it: look at API Request Rate of System Health."
                ),
                unit="reqps",
                lines=(Target(query=highest(ENDPOINTS_SHOWN, requests), legend="{{job}} {{http_route}}"),),
                width=8,
            ),
            TimeSeries(
                id=210,
                title="Average Project Completion Time",
                description=(
                    "Mean time from a project's creation to its first finished video, of those finished in "
                    "the last 24 hours. It holds people's own time, too. A rise with level processing times "
                    "is a step that they don't find; else look at Average Processing Time of Job Processing."
                ),
                unit="s",
                lines=(
                    Target(
                        query=ratio(
                            sum_by(select(users.COMPLETION_SUM.series, **TIERS), "tier"),
                            positive(sum_by(select(users.COMPLETION_COUNT.series, **TIERS), "tier")),
                        ),
                        legend="{{tier}}",
                    ),
                ),
                width=8,
            ),
        ),
    )


def subscriptions() -> Row:
    """Who pays, who changes, who leaves."""
    changes = ("from_tier", "to_tier")
    flows = either(
        select(users.CHANGES.series, **SCOPE, from_tier=TIER),
        select(users.CHANGES.series, **SCOPE, to_tier=TIER),
    )
    return Row(
        id=300,
        title="Subscriptions",
        panels=(
            PieChart(
                id=USERS_BY_TIER,
                title="Users by Subscription Tier",
                description=(
                    "Users by the tier that they have now. A shrinking paid share with level conversions is "
                    "free sign-ups growing, or paying users leaving: look at Subscription Cancellations."
                ),
                unit="short",
                query=sum_by(select(users.USERS.series, **TIERS), "tier"),
                legend="{{tier}}",
            ),
            TimeSeries(
                id=205,
                title="Subscription Conversions",
                description=(
                    "Changes from one tier to another in the last 24 hours, upgrades and downgrades. "
                    "Downgrades above upgrades for days: look at what the higher tier lost, its processing "
                    "times first."
                ),
                unit="short",
                axis="changes per day",
                lines=(
                    Target(
                        query=sum_by(flows, "direction", *changes),
                        legend="{{direction}}: {{from_tier}} to {{to_tier}}",
                    ),
                ),
            ),
            TimeSeries(
                id=CANCELLATIONS,
                title="Subscription Cancellations",
                description=(
                    "Subscriptions cancelled in the last 24 hours, by the tier that was left. A wave after "
                    "an incident is its price; one without is a price change or an expired card: look at "
                    "the payment provider's own figures."
                ),
                unit="short",
                axis="cancellations per day",
                lines=by_tier(users.CANCELLATIONS),
            ),
            TimeSeries(
                id=209,
                title="User Retention (7-day)",
                description=(
                    "Of the users who were new on a day, the share that was active again seven days later. "
                    "It tells of a week ago: a fall is what new users met then. No data: nobody was new "
                    "that day, or the platform is younger than a week."
                ),
                unit="percentunit",
                highest=1,
                lines=(
                    Target(
                        query=ratio(
                            sum_by(select(users.RETAINED.series, **TIERS), "tier"),
                            positive(sum_by(select(users.COHORT.series, **TIERS), "tier")),
                        ),
                        legend="{{tier}}",
                    ),
                ),
            ),
        ),
    )


def dashboard(parameters: Parameters) -> Dashboard:
    """The User Activity & Subscription dashboard."""
    return Dashboard(
        uid=UID,
        title="User Activity & Subscription",
        purpose="Monitor user engagement, subscription metrics, and business KPIs.",
        use_cases=(
            ("Business Metrics", "track key business KPIs"),
            ("User Engagement", "monitor user activity trends"),
            ("Revenue Optimization", "analyze subscription patterns"),
        ),
        variables=(cluster(), namespace(), tier()),
        rows=(key_metrics(parameters), engagement(), subscriptions()),
        default_range="30d",
        refresh="5m",
        time_zone="utc",
    )
