"""The settings of notifications: which receivers there are, who gets what, and when."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from stacks.quantities import Duration
from stacks.settings_base import Name, Secret, SettingsModel

ROOT = "slack"
"""The root receiver's name, as the specification has it."""

CRITICAL = "critical"
SMTP_PASSWORD = "smtpPassword"  # noqa: S105 - a key
DEAD_MANS_SWITCH = "deadMansSwitchUrl"

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        msg = "is no time zone such as Europe/Berlin or UTC"
        raise ValueError(msg) from None
    return name


class Slack(SettingsModel):
    """A Slack channel, through an incoming webhook whose URL is a secret."""

    channel: str = Field(
        default="#alerts", pattern=r"^[#@]\S+$", description="a channel with # or a person with @"
    )
    username: str = Field(default="Alertmanager", min_length=1, description="the name it writes under")


class PagerDuty(SettingsModel):
    """A PagerDuty service (Events API v2), whose routing key is a secret."""

    description: str = Field(default="Dubbing platform", description="who calls, shown on the incident")


class Email(SettingsModel):
    """Mail to people, through the SMTP server of `notifications.smtp`."""

    to: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = Field(
        min_length=1, description="a list of addresses"
    )


class Webhook(SettingsModel):
    """An HTTP receiver of Alertmanager's own JSON, whose URL is a secret."""

    max_alerts: int = Field(default=20, ge=1, description="a number of alerts in one message")


class Sns(SettingsModel):
    """A topic of Amazon SNS; Alertmanager's account needs the right sns:Publish on it."""

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:\S+$",
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


class Smtp(SettingsModel):
    """The mail server; its password is a secret."""

    host: str = Field(min_length=1, description="a host name")
    port: int = Field(default=587, ge=1, le=65535)
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="the address it writes from")
    username: str = Field(min_length=1, description="the user it logs in as")


class Grouping(SettingsModel):
    """When alerts of one group are sent together; the defaults are the specification's."""

    wait: Duration = Field(default="10s", description="how long a new group waits for others")
    interval: Duration = Field(default="10s", description="how long until news of a group are sent")
    repeat: Duration = Field(default="12h", description="how long until an unchanged group is sent again")


class WorkingHours(SettingsModel):
    """When owners are written to."""

    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="the name of a time zone, such as Europe/Berlin"
    )
    start: str = Field(default="09:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="a time of day")
    end: str = Field(default="17:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="a time of day")
    first_day: Weekday = Field(default="monday", description="a weekday")
    last_day: Weekday = Field(default="friday", description="a weekday")

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> "WorkingHours":
        if self.start >= self.end:
            msg = f"start {self.start} must be before end {self.end}"
            raise ValueError(msg)
        return self


class Notifications(SettingsModel):
    """Who hears of alerts.

    Critical alerts go to `critical`, and everything to the root receiver `slack`, but for the warnings of
    teams that have a receiver of their own: those get them in working hours.
    """

    slack: Slack | None = Field(default=None, description="the channel of the root receiver")
    critical: Receiver = Receiver()
    critical_required: bool = Field(
        default=True, description="false to do without a receiver for critical alerts"
    )
    owners: dict[Name, Receiver] = Field(default={}, description="the receivers of teams, by the team's name")
    working_hours: WorkingHours = WorkingHours()
    smtp: Smtp | None = Field(default=None, description="the mail server: host, sender and username")
    grouping: Grouping = Grouping()
    dead_mans_switch: bool = Field(
        default=False, description="true to call a URL (a secret) as long as alerts can be sent"
    )

    @model_validator(mode="after")
    def _somebody_hears_what_is_critical(self) -> "Notifications":
        if self.critical_required and not self.critical.is_set:
            msg = (
                "nobody would hear of critical alerts: set critical.pagerduty, .slack, .email, .webhook or "
                ".sns, or criticalRequired: false where that is meant"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> "Notifications":
        if self.smtp is None and any(receiver.email for receiver in self.receivers().values()):
            msg = "there are receivers by mail, so smtp must say through which server: host, sender, username"
            raise ValueError(msg)
        return self

    def receivers(self) -> dict[str, Receiver]:
        """Every receiver by the name that Alertmanager knows it by; the root one first."""
        named = {ROOT: Receiver(slack=self.slack)}
        if self.critical.is_set:
            named[CRITICAL] = self.critical
        return named | {f"owner-{team}": receiver for team, receiver in self.owners.items()}

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
