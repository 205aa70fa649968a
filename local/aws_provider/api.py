"""Calls to an API of AWS on loopback, and what the server there lacks."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import boto3.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.provider_wire import JsonObject

GAPS: Final = frozenset(
    {
        ("amp", "DescribeWorkspaceConfiguration"),
        ("amp", "UpdateWorkspaceConfiguration"),
        ("budgets", "DescribeSubscribersForNotification"),
        ("budgets", "ListTagsForResource"),
        ("budgets", "TagResource"),
        ("budgets", "UntagResource"),
        ("budgets", "UpdateBudget"),
        ("eks", "CreatePodIdentityAssociation"),
        ("eks", "DeletePodIdentityAssociation"),
        ("eks", "DescribePodIdentityAssociation"),
        ("eks", "UpdatePodIdentityAssociation"),
    }
)
"""The calls that moto may lack. Each is made all the same, and its answer decides."""

# moto's server knows no such path, or no such action (500: it raises NotImplementedError).
_LACKING: Final = ("404", "500", "501")
_NOT_FOUND: Final = ("NoSuchEntity", "NotFound", "NotFoundException", "ResourceNotFoundException")
_SECONDS: Final = 20


class AwsError(Exception):
    """The API refused a call, or does not answer."""


class GoneError(Exception):
    """The object does not exist."""


class LackingError(Exception):
    """The server has no such call."""


class EndpointError(Exception):
    """The endpoint is not one of this machine."""


def loopback(endpoint: str) -> str:
    """Return the endpoint.

    Raises:
        EndpointError: it is not an address of the loopback interface.
    """
    parts = urlsplit(endpoint)
    try:
        inside = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        inside = parts.hostname == "localhost"
    if parts.scheme not in ("http", "https") or not inside:
        raise EndpointError(
            f'AWS_ENDPOINT_URL is "{endpoint}": the stand-in applies to an API on loopback only, never to AWS'
        )
    return endpoint


@dataclass(frozen=True, kw_only=True)
class Aws:
    """The API, as one provider resource is set to use it.

    Attributes:
        endpoint: Its address, on loopback.
        region: The region that objects are made in.
        warn: Tells a person something.
    """

    endpoint: str
    region: str
    warn: Callable[[str], None] = print
    _clients: dict[str, Any] = field(default_factory=dict[str, Any])
    _lock: Lock = field(default_factory=Lock)

    def call(self, service: str, operation: str, **parameters: object) -> JsonObject:
        """Call an operation and return its answer.

        Raises:
            GoneError: the object that the call is about does not exist.
            LackingError: the server has no such operation, and that is declared.
            AwsError: the call failed.
        """
        try:
            return getattr(self._client(service), xform_name(operation))(**parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _LACKING and (service, operation) in GAPS:
                raise LackingError(f"moto has no {service} {operation}") from error
            if code in _NOT_FOUND:
                raise GoneError(str(error)) from error
            raise AwsError(str(error)) from error
        except BotoCoreError as error:
            raise AwsError(str(error)) from error

    def has(self, service: str, operation: str, **parameters: object) -> bool:
        """Call an operation, and tell whether the server has it; warn where it does not."""
        try:
            self.call(service, operation, **parameters)
        except LackingError as lacking:
            self.warn(f"not applied: {lacking}")
            return False
        return True

    def account(self) -> str:
        """The account that the API is of."""
        return self.call("sts", "GetCallerIdentity")["Account"]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        with self._lock:
            if service not in self._clients:
                # Credentials of the machine's user are never read, let alone sent.
                session = boto3.session.Session("stand-in", "stand-in", region_name=self.region)
                self._clients[service] = session.client(
                    service,
                    endpoint_url=loopback(self.endpoint),
                    config=Config(
                        proxies={},
                        connect_timeout=_SECONDS,
                        read_timeout=_SECONDS,
                        retries={"total_max_attempts": 1},
                    ),
                )
            return self._clients[service]
