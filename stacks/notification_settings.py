"""The settings of notifications: which receivers there are, who gets what, and when."""

from collections.abc import Collection
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from stacks.quantities import Duration, duration_seconds
from stacks.settings_base import Host, Name, Port, Secret, SettingsModel, Text

ROOT = "slack"
"""The root receiver's name, as the specification has it."""

CRITICAL = "critical"
SMTP_PASSWORD = "smtpPassword"  # noqa: S105 - a key
DEAD_MANS_SWITCH = "deadMansSwitchUrl"

RETENTION = "120h"
"""How long Alertmanager remembers what it sent: a group that is repeated later would look new to it."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)

Address = Annotated[str, Field(pattern=r"^[^@\s{}]+@[^@\s{}]+$", description="a mail address")]


def _time_zone(name: str) -> str:
    # These two are whatever the machine says.
    if name not in available_timezones() - {"localtime", "Factory"}:
        msg = "is no time zone such as Europe/Berlin or UTC"
        raise ValueError(msg)
    return name


def _teams(info: ValidationInfo) -> Collection[str]:
    """The teams that alerts have; none where the reader of the stack file could not tell."""
    context: dict[str, Collection[str]] = info.context or {}
    return context.get("teams", ())


def _has_alerts(team: str, info: ValidationInfo) -> str:
    teams = _teams(info)
    if teams and team not in teams:
        msg = f"no alert is of team {team}; alerts.teams has {', '.join(sorted(teams))}"
        raise ValueError(msg)
    return team


Team = Annotated[Name, AfterValidator(_has_alerts)]


class Slack(SettingsModel):
    """A Slack channel, through an incoming webhook whose URL is a secret."""

    channel: str = Field(
        default="#alerts", pattern=r"^[#@][^\s{}]+$", description="a channel with # or a person with @"
    )
    username: Text = Field(default="Alertmanager", description="the name it writes under")


class PagerDuty(SettingsModel):
    """A PagerDuty service (Events API v2), whose routing key is a secret."""

    description: Text = Field(default="Dubbing platform", description="who calls, shown on the incident")


class Email(SettingsModel):
    """Mail to people, through the SMTP server of `notifications.smtp`."""

    to: tuple[Address, ...] = Field(min_length=1, description="a list of addresses")


class Webhook(SettingsModel):
    """An HTTP receiver of Alertmanager's own JSON, whose URL is a secret."""

    max_alerts: int = Field(default=20, ge=1, description="a number of alerts in one message")


class Sns(SettingsModel):
    """A topic of Amazon SNS; Alertmanager's account needs the right sns:Publish on it."""

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]+$",
        description="a topic's ARN, such as arn:aws:sns:eu-central-1:123456789012:alerts",
    )

    @property
    def region(self) -> str:
        """The region of the topic."""
        return self.topic_arn.split(":")[3]


class Receiver(SettingsModel):
    """Where a kind of alert goes; each channel that is set gets every one of them."""

    slack: Slack | None = Field(default=None, description="a Slack channel")
    pagerduty: PagerDuty | None = Field(default=None, description="a PagerDuty service")
    email: Email | None = Field(default=None, description="people's mail")
    webhook: Webhook | None = Field(default=None, description="an HTTP receiver")
    sns: Sns | None = Field(default=None, description="a topic of Amazon SNS")

    @property
    def is_set(self) -> bool:
        """Whether anybody hears of it."""
        return any(getattr(self, name) is not None for name in type(self).model_fields)

    def secrets(self, name: str) -> tuple[Secret, ...]:
        """The secrets of this receiver, which Alertmanager knows by a name."""
        return tuple(
            Secret(key=f"{key}-{name}", purpose=f"{purpose} of receiver {name}", is_url=key.endswith("Url"))
            for key, purpose, channel in (
                ("slackWebhookUrl", "incoming webhook", self.slack),
                ("pagerdutyRoutingKey", "routing key", self.pagerduty),
                ("webhookUrl", "URL", self.webhook),
            )
            if channel is not None
        )


def _has_a_channel(receiver: Receiver) -> Receiver:
    if not receiver.is_set:
        msg = "nobody would hear of this team's warnings: set slack, pagerduty, email, webhook or sns"
        raise ValueError(msg)
    return receiver


class Smtp(SettingsModel):
    """The mail server; its password is a secret."""

    host: Host
    port: Port = Field(default=587, description="a port, 1 to 65535")
    sender: Address = Field(description="the address it writes from")
    username: str = Field(min_length=1, description="the user it logs in as")


class Grouping(SettingsModel):
    """When alerts of one group are sent together; the defaults are the specification's."""

    wait: Duration = Field(default="10s", description="how long a new group waits for others")
    interval: Duration = Field(default="10s", description="how long until news of a group are sent")
    repeat: Duration = Field(
        default="12h",
        validate_default=True,
        description=f"how long until an unchanged group is sent again, from interval to {RETENTION}",
    )

    @field_validator("repeat")
    @classmethod
    def _is_noticed_and_remembered(cls, repeat: str, info: ValidationInfo) -> str:
        interval = info.data.get("interval")
        if interval is not None and duration_seconds(repeat) < duration_seconds(interval):
            msg = f"must not be below interval, {interval}: only then is a group looked at"
            raise ValueError(msg)
        if duration_seconds(repeat) > duration_seconds(RETENTION):
            msg = f"must not be above {RETENTION}: Alertmanager forgets by then that it was sent"
            raise ValueError(msg)
        return repeat


class WorkingHours(SettingsModel):
    """When owners are written to."""

    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="the name of a time zone, such as Europe/Berlin"
    )
    start: str = Field(default="09:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="a time of day")
    end: str = Field(
        default="17:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        validate_default=True,
        description="a time of day",
    )
    first_day: Weekday = Field(default="monday", description="a weekday")
    last_day: Weekday = Field(default="friday", description="a weekday")

    @field_validator("end")
    @classmethod
    def _is_after_the_start(cls, end: str, info: ValidationInfo) -> str:
        start = info.data.get("start")
        if start is not None and start >= end:
            msg = f"must be after start, {start}"
            raise ValueError(msg)
        return end

    @property
    def days(self) -> tuple[Weekday, ...]:
        """The weekdays from the first to the last, over the week's end where the last comes before."""
        first, last = WEEK.index(self.first_day), WEEK.index(self.last_day)
        return WEEK[first : last + 1] if first <= last else (*WEEK[first:], *WEEK[: last + 1])


class Notifications(SettingsModel):
    """Who hears of alerts.

    Critical alerts go to `critical`, and everything to the root receiver `slack`, but for the warnings of
    teams that have a receiver of their own: those get them in working hours.
    """

    critical_required: bool = Field(
        default=True,
        description="false where alerts need to reach nobody",
    )
    critical: Receiver = Field(
        default=Receiver(), validate_default=True, description="who is woken up: a group with a channel"
    )
    owners: dict[Team, Annotated[Receiver, AfterValidator(_has_a_channel)]] = Field(
        default={}, description="the receivers of teams, by the team's name"
    )
    slack: Slack | None = Field(
        default=None, validate_default=True, description="the channel of the root receiver"
    )
    smtp: Smtp | None = Field(
        default=None, validate_default=True, description="the mail server: host, sender and username"
    )
    working_hours: WorkingHours = WorkingHours()
    grouping: Grouping = Grouping()
    dead_mans_switch: bool = Field(
        default=False, description="true to call a URL (a secret) as long as alerts can be sent"
    )

    # Each is a field's own: a mistake in another field must not hide it.
    @field_validator("critical")
    @classmethod
    def _somebody_hears_what_is_critical(cls, critical: Receiver, info: ValidationInfo) -> Receiver:
        if info.data.get("critical_required") and not critical.is_set:
            msg = (
                "nobody would hear of critical alerts: set critical.pagerduty, .slack, .email, .webhook or "
                ".sns, or criticalRequired: false where that is meant"
            )
            raise ValueError(msg)
        return critical

    @field_validator("slack")
    @classmethod
    def _somebody_hears_warnings(cls, slack: Slack | None, info: ValidationInfo) -> Slack | None:
        owners = info.data.get("owners")
        if slack is None and owners is not None and info.data.get("critical_required"):
            unheard = sorted(set(_teams(info)) - set(owners))
            if unheard:
                msg = (
                    f"nobody would hear of warnings of team {', '.join(unheard)}: set slack, or a receiver "
                    "for each in owners, or criticalRequired: false where that is meant"
                )
                raise ValueError(msg)
        return slack

    @field_validator("smtp")
    @classmethod
    def _mail_has_a_server(cls, smtp: Smtp | None, info: ValidationInfo) -> Smtp | None:
        receivers = (info.data.get("critical"), *info.data.get("owners", {}).values())
        if smtp is None and any(receiver and receiver.email for receiver in receivers):
            msg = "there are receivers by mail, so smtp must say through which server: host, sender, username"
            raise ValueError(msg)
        return smtp

    def receivers(self) -> dict[str, Receiver]:
        """Every receiver by the name that Alertmanager knows it by; the root one first."""
        named = {ROOT: Receiver(slack=self.slack)}
        if self.critical.is_set:
            named[CRITICAL] = self.critical
        return named | {f"owner-{team}": receiver for team, receiver in self.owners.items()}

    @property
    def calls_the_internet(self) -> bool:
        """Whether anything is sent over HTTPS: all but mail is."""
        return self.dead_mans_switch or any(
            receiver.slack or receiver.pagerduty or receiver.webhook or receiver.sns
            for receiver in self.receivers().values()
        )

    def secrets_needed(self) -> tuple[Secret, ...]:
        """The secrets that receivers need."""
        found = [secret for name, receiver in self.receivers().items() for secret in receiver.secrets(name)]
        if self.smtp:
            found.append(
                Secret(key=SMTP_PASSWORD, purpose=f"password of {self.smtp.username} on {self.smtp.host}")
            )
        if self.dead_mans_switch:
            found.append(
                Secret(
                    key=DEAD_MANS_SWITCH,
                    purpose="URL of the dead man's switch outside the cluster",
                    is_url=True,
                )
            )
        return tuple(found)
