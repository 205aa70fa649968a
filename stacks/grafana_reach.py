"""Asks a Grafana that exists whether it is one, and whether its token is let in, before anything is made."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import cast
from urllib.parse import urlsplit

from stacks.grafana_settings import TOKEN
from stacks.settings_base import PROJECT
from stacks.stack_file import SettingsError

#: How long it may take to accept a connection, and to answer, in seconds.
ANSWER_SECONDS = 5
KEY = f"{PROJECT}:grafana.rootUrl"
TOKEN_KEY = f"{PROJECT}:{TOKEN}"


def refuse_unusable(root_url: str, token: str) -> None:
    """Refuse a URL where no Grafana answers, or whose Grafana does not know the token.

    Raises:
        SettingsError: saying what, where and how to mend it; the token is in none of it.
    """
    # The error of a header that cannot be sent would quote it.
    if not (token.isascii() and token.isprintable()) or not token.strip():
        msg = (
            f"{TOKEN_KEY}: the token for Grafana at {root_url} is not one line of plain text. Nothing was "
            f"created. Mend: pulumi config set --secret {TOKEN_KEY}"
        )
        raise SettingsError(msg)
    try:
        health, text = _get(root_url, "api/health")
        is_grafana = health == 200 and "database" in _object(text)  # noqa: PLR2004 - HTTP's OK
        status = _get(root_url, "api/folders", token)[0] if is_grafana else 0
    except (OSError, HTTPException, UnicodeError, ValueError) as error:
        msg = (
            f"{KEY}: Grafana at {root_url} does not answer: {error}. Nothing was created. "
            "Mend: is it running, and reachable from here (VPN)?"
        )
        raise SettingsError(msg) from None
    if not is_grafana:
        msg = (
            f"{KEY}: what answers at {root_url} is no Grafana: api/health gave HTTP {health}. Nothing was "
            f"created. Mend: pulumi config set --path '{KEY}' URL"
        )
        raise SettingsError(msg)
    if status in (401, 403):
        msg = (
            f"{TOKEN_KEY}: Grafana at {root_url} refuses the token (HTTP {status}). Nothing was created. "
            "Mend: make a token of a service account with the role Admin there, and "
            f"pulumi config set --secret {TOKEN_KEY}"
        )
        raise SettingsError(msg)
    if status != 200:  # noqa: PLR2004 - HTTP's OK
        msg = (
            f"{KEY}: Grafana at {root_url} answers HTTP {status} when asked for its folders. Nothing was "
            "created. Mend: what its log says"
        )
        raise SettingsError(msg)


def _get(root_url: str, path: str, token: str | None = None) -> tuple[int, bytes]:
    """One request; no redirection is followed, which could take the token elsewhere."""
    url = urlsplit(root_url)
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=ANSWER_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", f"{url.path.rstrip('/')}/{path}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _object(text: bytes) -> dict[str, object]:
    try:
        value: object = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
