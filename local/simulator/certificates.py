"""The certificates of addresses that are asked by HTTPS: when they end, and what is shown to a client."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import trustme

from local.processes import write
from local.simulator import catalogue
from local.simulator.incidents import Schedule
from local.simulator.rhythm import DAY, during
from local.simulator.series import Moments

DAYS = 60
DAYS_LEFT = {catalogue.CERTIFICATE_EXPIRES_SOON: 10, catalogue.CERTIFICATE_EXPIRES: 2}
"""For how many days a certificate that is issued at midnight is good: always, and during incidents."""


def ends(schedule: Schedule) -> Callable[[Moments], Moments]:
    """Return when the certificate that is served at each moment ends."""

    def value(moments: Moments) -> Moments:
        days = np.full(moments.shape, float(DAYS))
        for incident, left in DAYS_LEFT.items():
            days = np.where(during(schedule, incident).last(moments), np.minimum(days, left), days)
        return (np.floor(moments / DAY) + days) * DAY

    return value


class Authority:
    """An authority of its own, which a client has to be told to trust."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    def write(self, path: Path) -> None:
        """Write its own certificate, as PEM, in one step."""
        write(path, self._authority.cert_pem.bytes().decode())

    def server(self, host: str, end: float) -> ssl.SSLContext:
        """Return what serves a host with a certificate that ends at a moment."""
        certificate = self._authority.issue_cert(host, not_after=datetime.fromtimestamp(end, UTC))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
