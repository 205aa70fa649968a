"""The units in which stack files state sizes and times, as validated text and as numbers."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_DURATION_SECONDS = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1)
_KUBERNETES = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_KUBERNETES_FACTOR = {
    None: 1.0,
    "m": 1e-3,
    **{unit: 1000.0**power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTP", 1)},
}
_PROMETHEUS_BYTES = re.compile(r"(\d+)(KB|MB|GB|TB|PB)")


def duration_seconds(text: str) -> int:
    """Seconds of a duration as Prometheus writes it, such as `30s`, `1h30m` or `35d`.

    Raises:
        ValueError: the text is no such duration, or is zero.
    """
    match = _DURATION.fullmatch(text)
    seconds = (
        sum(int(count or 0) * unit for count, unit in zip(match.groups(), _DURATION_SECONDS, strict=True))
        if match
        else 0
    )
    if not seconds:
        msg = "is not a duration such as 30s, 5m, 1h30m or 35d"
        raise ValueError(msg)
    return seconds


def kubernetes_quantity(text: str) -> float:
    """The number that a Kubernetes quantity such as `500m`, `2` or `20Gi` stands for.

    Raises:
        ValueError: the text is no such quantity, or is zero.
    """
    match = _KUBERNETES.fullmatch(text)
    number = float(match[1]) * _KUBERNETES_FACTOR[match[2]] if match else 0
    if not number:
        msg = "is not a Kubernetes quantity such as 500m, 2, 512Mi or 20Gi"
        raise ValueError(msg)
    return number


def prometheus_bytes(text: str) -> int:
    """Bytes of a size as Prometheus writes it; its `GB` is 1024 cubed.

    Raises:
        ValueError: the text is no such size.
    """
    match = _PROMETHEUS_BYTES.fullmatch(text)
    if not match:
        msg = "is not a size as Prometheus writes it, such as 500MB or 12GB"
        raise ValueError(msg)
    return int(match[1]) * 1024 ** (1 + ("KB", "MB", "GB", "TB", "PB").index(match[2]))


def _checked(parse: Callable[[str], float]) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def between(least: str, most: str) -> AfterValidator:
    """A check that a duration is neither below one nor above another."""

    def check(text: str) -> str:
        if not duration_seconds(least) <= duration_seconds(text) <= duration_seconds(most):
            msg = f"must be from {least} to {most}"
            raise ValueError(msg)
        return text

    return AfterValidator(check)


Duration = Annotated[str, _checked(duration_seconds)]
Quantity = Annotated[str, _checked(kubernetes_quantity)]
PrometheusSize = Annotated[str, _checked(prometheus_bytes)]
