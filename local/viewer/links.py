"""Links in texts: those to a dashboard or a runbook lead to the viewer, for it may be all that is there."""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element

from local.viewer.html import element

_ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_DASHBOARD = re.compile(r"/d/([\w-]+)")
_RUNBOOK = re.compile(r"/docs/runbooks/(\w+)\.md$")
_SILENCE = "/alerting/silence/new"


def here(url: str, dashboards: Sequence[str]) -> str:
    """Return where a link leads: addresses of a known dashboard, and of a runbook, become the viewer's."""
    parts = urlsplit(url)
    # Grafana may live below a path, and may write the dashboard's name behind its uid.
    found = _DASHBOARD.search(parts.path)
    if found and found[1] in dashboards:
        return f"/d/{found[1]}?{parts.query}"
    runbook = _RUNBOOK.search(parts.path)
    return f"/runbooks/{runbook[1]}" if runbook else url


def text_link(url: str, text: str, dashboards: Sequence[str], label: str | None = None) -> Element | str:
    """Return a link with a text; the mere text where the address is not one of the web."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return text
    leads = here(url, dashboards)
    return element(
        "a", text, href=leads, aria_label=label, rel="noreferrer", title=url if leads != url else None
    )


def linked(text: str, dashboards: Sequence[str]) -> Iterator[Element | str]:
    """Yield a text in parts, its addresses as links."""
    done = 0
    for found in _ADDRESS.finditer(text):
        yield text[done : found.start()]
        yield text_link(found[0], found[0], dashboards)
        done = found.end()
    yield text[done:]


def silence_command(text: str, alertmanager: str) -> str | None:
    """Return what silences in a terminal as Grafana's page would behind a link in `text`; None without one.

    Args:
        text: A text with addresses.
        alertmanager: Alertmanager's address.
    """
    for found in _ADDRESS.finditer(text):
        parts = urlsplit(found[0])
        matchers = parse_qs(parts.query).get("matcher", [])
        if parts.path.endswith(_SILENCE) and matchers:
            named = (one.partition("=") for one in matchers)
            quoted = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, _, value in named)
            options = ("--duration=2h", "--comment=being mended", f"--alertmanager.url={alertmanager}")
            return shlex.join(["amtool", "silence", "add", *options, *quoted])
    return None
