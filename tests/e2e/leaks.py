"""Looks for secrets where there must be none, in every form in which a text is written down."""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from tests.e2e.checkout import Checkout

#: Where secrets have to be: the cluster's store, and the files that the processes of Pods mount.
_HOLDERS = (("cluster", "etcd"), ("pods",))


def secrets_of(checkout: Checkout) -> set[str]:
    """Every secret text that is deployed: the values of Secrets, and where one is JSON, the values in it."""
    with checkout.api() as api:
        deployed = api.core.list_namespaced_secret("monitoring").items
    texts = [base64.b64decode(value).decode() for one in deployed for value in (one.data or {}).values()]
    return {value for text in texts for value in _values(text)}


def written_by(checkout: Checkout) -> Iterator[tuple[str, bytes]]:
    """Every file of the platform's state but those that have to hold secrets; what is gzip'd, unpacked."""
    for path in sorted(checkout.state.rglob("*")):
        parts = path.relative_to(checkout.state).parts
        if path.is_file() and not any(parts[: len(holder)] == holder for holder in _HOLDERS):
            yield "/".join(parts), plain(path)


def plain(path: Path) -> bytes:
    """A file's content; that of a gzip'd one unpacked."""
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def leaks(texts: Iterable[tuple[str, bytes]], secrets: Iterable[str]) -> set[str]:
    """The names of the texts that hold a secret in any form."""
    needles = {form for secret in secrets for form in forms(secret)}
    return {name for name, text in texts if any(needle in text for needle in needles)}


def forms(secret: str) -> set[bytes]:
    """How a secret may be written: plain, in JSON, in a URL, in base64 at any place of what is coded."""
    raw = secret.encode()
    plainly = {raw, json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode()}
    return plainly | {coded for before in range(3) for coded in _coded(before, raw)}


def _coded(before: int, raw: bytes) -> Iterator[bytes]:
    """The base64 digits that tell of nothing but `raw`, after so many other bytes."""
    first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
    for coder in (base64.b64encode, base64.urlsafe_b64encode):
        yield coder(bytes(before) + raw)[first:last]


def _values(text: str) -> list[str]:
    try:
        held = json.loads(text)
    except ValueError:
        return [text]
    return [str(value) for value in held.values()] if isinstance(held, Mapping) else [text]
