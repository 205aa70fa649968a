"""The alerts that fire as HTML: the worst in a strip on each page, all of them on a page of their own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element

from local.viewer.html import element
from local.viewer.links import text_link
from local.viewer.servers import FiringAlert

_IN_STRIP = 3
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def strip(alerts: Sequence[FiringAlert], now: datetime, dashboards: Sequence[str]) -> Element:
    """The worst of the alerts that somebody is told of.

    Args:
        alerts: All that fire, the worst first.
        now: The time.
        dashboards: The uids of the dashboards that can be linked to.
    """
    told = [one for one in alerts if is_told(one)]
    if not told:
        return element("p", "No alert fires", class_="calm")
    more = len(told) - _IN_STRIP
    link = element("a", f"and {more} more" if more > 0 else "All alerts", href="/alerts")
    items = [_item(one, now, dashboards) for one in told[:_IN_STRIP]]
    return element("div", element("ul", *items, class_="alerts"), element("p", link), class_="strip")


def is_told(alert: FiringAlert) -> bool:
    """Tell whether an alert asks something of somebody: no sign of life, not silenced, not inhibited."""
    return alert.severity != "none" and alert.status.state == "active"


def listed(alerts: Sequence[FiringAlert], now: datetime, dashboards: Sequence[str]) -> Element:
    """All alerts: those that somebody is told of, then those that are silenced or inhibited."""
    told = [one for one in alerts if is_told(one)]
    quiet = [one for one in alerts if one.severity != "none" and one.status.state != "active"]
    lives = any(one.name == "Watchdog" for one in alerts)
    sign = "The Watchdog fires, as it always should: alerts reach Alertmanager."
    silence = "The Watchdog does not fire: no alert reaches Alertmanager."
    return element(
        "div",
        element("p", sign if lives else silence, class_="calm" if lives else "problem"),
        element("ul", *(_item(one, now, dashboards) for one in told), class_="alerts")
        if told
        else element("p", "No alert fires.", class_="calm"),
        element("h2", "Silenced, or inhibited by a worse one") if quiet else None,
        element("ul", *(_item(one, now, dashboards) for one in quiet), class_="alerts") if quiet else None,
    )


def _item(alert: FiringAlert, now: datetime, dashboards: Sequence[str]) -> Element:
    summary = alert.annotations.get("summary", "")
    links = (("Panel", "dashboard_url"), ("Runbook", "runbook_url"))
    anchors = [
        element("span", text_link(alert.annotations[name], text, dashboards, f"{text} of {alert.name}"))
        for text, name in links
        if name in alert.annotations
    ]
    since = element(
        "time",
        age(now - alert.starts_at),
        datetime=alert.starts_at.isoformat(),
        title=_moment(alert.starts_at),
    )
    return element(
        "li",
        element("strong", alert.severity, class_=f"severity {alert.severity}"),
        element("span", alert.name, class_="alertname"),
        element("span", summary, class_="summary"),
        element("span", "for ", since, class_="since"),
        element("span", *anchors, class_="links"),
    )


def _moment(moment: datetime) -> str:
    return f"since {moment.astimezone(UTC):%-d %b %H:%M} UTC"


def age(time: timedelta) -> str:
    """Return a time in the largest unit of which it has one."""
    seconds = max(int(time.total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"
