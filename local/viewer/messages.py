"""The notifications that the local Alertmanager sends: taken in, kept in a file, read again."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Severity = Literal["critical", "warning", "none", "resolved"]
Kind = Literal["slack", "pagerduty", "webhook", "dead-mans-switch"]

_SWITCH = "Watchdog"
_OF_COLOURS: Mapping[str, Severity] = {"danger": "critical", "warning": "warning", "good": "resolved"}


class Message(BaseModel):
    """What a person, or a pager, got.

    Attributes:
        received: When it came.
        receiver: The last part of the address that it was sent to.
        kind: How it was sent; the pings of the dead man's switch are webhooks too, but nobody reads them.
        channel: Where it is shown, if the receiver has channels.
        sender: Under which name it is shown.
        key: What tells whether two messages are about the same thing, where the receiver has such a key.
        links: Addresses that come beside the text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    received: datetime
    receiver: str
    kind: Kind
    severity: Severity
    title: str
    text: str = ""
    channel: str = ""
    sender: str = ""
    key: str = ""
    links: tuple[str, ...] = ()


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Attachment(BaseModel):
    color: str = ""
    title: str = ""
    title_link: str = ""
    text: str = ""


class _Slack(BaseModel):
    channel: str = ""
    username: str = ""
    attachments: list[_Attachment] = Field(min_length=1)


class _PagerDutyPayload(BaseModel):
    summary: str
    severity: Severity | Literal["error", "info"] = "none"
    custom_details: dict[str, Any] = {}


class _PagerDutyLink(BaseModel):
    href: str


class _PagerDuty(BaseModel):
    """An event, version 2. Its routing key is a secret, and is not read."""

    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: str
    payload: _PagerDutyPayload
    client: str = ""
    client_url: str = ""
    links: list[_PagerDutyLink] | None = None


class _Alert(_Body):
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    status: str


class _Webhook(_Body):
    status: Literal["firing", "resolved"]
    group_key: str
    group_labels: dict[str, str]
    common_annotations: dict[str, str] = {}
    alerts: list[_Alert]


def read(receiver: str, body: bytes, received: datetime) -> Message:
    """Read what Alertmanager sends to Slack, PagerDuty or a webhook, told apart by what is in it.

    Raises:
        pydantic.ValidationError: It is none of them, or incomplete.
    """
    if b'"attachments"' in body:
        return _slack(_Slack.model_validate_json(body), receiver, received)
    if b'"event_action"' in body:
        return _pagerduty(_PagerDuty.model_validate_json(body), receiver, received)
    return _webhook(_Webhook.model_validate_json(body), receiver, received)


def _slack(sent: _Slack, receiver: str, received: datetime) -> Message:
    attachment = sent.attachments[0]
    return Message(
        received=received,
        receiver=receiver,
        kind="slack",
        severity=_OF_COLOURS.get(attachment.color, "none"),
        title=attachment.title,
        text=attachment.text.strip(),
        channel=sent.channel,
        sender=sent.username,
        links=(attachment.title_link,) if attachment.title_link else (),
    )


def _pagerduty(sent: _PagerDuty, receiver: str, received: datetime) -> Message:
    told = sent.payload.severity
    severity: Severity = "resolved" if sent.event_action == "resolve" else "none"
    if severity == "none" and told in {"critical", "warning"}:
        severity = "critical" if told == "critical" else "warning"
    addresses = [sent.client_url, *(one.href for one in sent.links or ())]
    return Message(
        received=received,
        receiver=receiver,
        kind="pagerduty",
        severity=severity,
        title=sent.payload.summary,
        text=str(sent.payload.custom_details.get("text", "")).strip(),
        sender=sent.client,
        key=sent.dedup_key,
        links=tuple(one for one in addresses if one),
    )


def _webhook(sent: _Webhook, receiver: str, received: datetime) -> Message:
    name = sent.group_labels.get("alertname", "")
    firing = [one for one in sent.alerts if one.status == "firing"]
    found = {one.labels.get("severity") for one in firing}
    severity: Severity = "resolved" if sent.status == "resolved" else "none"
    if severity == "none" and found & {"critical", "warning"}:
        severity = "critical" if "critical" in found else "warning"
    summaries = (one.annotations.get("summary", "") for one in firing or sent.alerts)
    annotations = sent.common_annotations
    return Message(
        received=received,
        receiver=receiver,
        kind="dead-mans-switch" if name == _SWITCH else "webhook",
        severity=severity,
        title=f"{severity.upper()}: {name}",
        text="\n".join(filter(None, summaries)),
        key=sent.group_key,
        links=tuple(annotations[key] for key in ("dashboard_url", "runbook_url") if key in annotations),
    )


class Messages:
    """The messages in their file, one a line as JSON."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, message: Message) -> None:
        """Append one in a single write, so that a reader never meets half of it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        line = message.model_dump_json().encode() + b"\n"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def all(self) -> list[Message]:
        """Return all of them, in the order in which they came."""
        if not self._file.exists():
            return []
        return [Message.model_validate_json(line) for line in self._file.read_bytes().splitlines()]


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
