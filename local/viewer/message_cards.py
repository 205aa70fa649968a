"""The messages as HTML: as a person would get them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from local.viewer.html import element
from local.viewer.links import linked, silence_command, text_link
from local.viewer.messages import Message

_SHOWN = 200
_KINDS = {"slack": "Slack", "pagerduty": "PagerDuty", "webhook": "Webhook"}


def cards(messages: Sequence[Message], dashboards: Sequence[str], alertmanager: str) -> Element:
    """The messages, the newest first; of the dead man's switch only how often it called.

    Args:
        messages: In the order in which they came.
        dashboards: The uids of the dashboards that can be linked to.
        alertmanager: Alertmanager's address.
    """
    pings = [one for one in messages if one.kind == "dead-mans-switch"]
    read = [one for one in messages if one.kind != "dead-mans-switch"]
    last = f", the last at {_moment(pings[-1].received)}" if pings else ""
    switch = f"Dead man's switch: called {len(pings)} time{'' if len(pings) == 1 else 's'}{last}."
    items = [element("li", _card(one, dashboards, alertmanager)) for one in reversed(read[-_SHOWN:])]
    hidden = len(read) - _SHOWN
    return element(
        "div",
        element("p", switch, class_="calm", id="switch") if pings else None,
        element("ol", *items, class_="cards") if items else element("p", "No message was sent yet."),
        element("p", f"{hidden} older ones are in the file.") if hidden > 0 else None,
    )


def _card(message: Message, dashboards: Sequence[str], alertmanager: str) -> Element:
    to = message.channel or message.receiver
    sender = message.sender or "Alertmanager"
    received = element("time", _moment(message.received), datetime=message.received.isoformat())
    title, *more = message.links or ("",)
    extra = [element("li", text_link(url, url, dashboards)) for url in more]
    silence = silence_command(" ".join((message.text, *message.links)), alertmanager)
    head = element(
        "p",
        element("span", _KINDS[message.kind], class_="kind"),
        element("strong", sender),
        element("span", f"to {to}", class_="channel"),
        received,
        class_="from",
    )
    body = element(
        "div",
        element("h2", text_link(title, message.title, dashboards)),
        element("p", *linked(message.text, dashboards), class_="text") if message.text else None,
        element("ul", *extra) if extra else None,
        element("p", f"key {message.key}", class_="key") if message.key else None,
        element("p", "Silence without Grafana: ", element("code", silence), class_="silence")
        if silence
        else None,
        class_="message",
        data_severity=message.severity,
    )
    return element("article", head, body, class_=f"card {message.kind}", aria_label=message.title)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%-d %b %H:%M:%S} UTC"
