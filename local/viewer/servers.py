"""Asks the local Prometheus and Alertmanager."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import urllib3
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from local.viewer.errors import ViewerError
from local.viewer.times import Steps, TimeRange, duration

_SECONDS = 30.0

Sample = tuple[float, Annotated[float, BeforeValidator(float)]]
"""A moment in seconds since 1970, and the value."""


class Series(BaseModel):
    """A series of an answer: its labels, and its samples in order of time; of an instant query one."""

    model_config = ConfigDict(frozen=True)

    metric: dict[str, str] = {}
    values: tuple[Sample, ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.values[-1][1]


class _Server:
    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._pool = urllib3.PoolManager(maxsize=8, timeout=_SECONDS, retries=False)

    def _ask(self, method: str, path: str, fields: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - JSON
        name = type(self).__name__
        try:
            answer = self._pool.request(
                method, f"{self.url}{path}", fields=fields, **_FORM if method == "POST" else {}
            )
        except urllib3.exceptions.HTTPError as error:
            raise ViewerError(f"{name} does not answer at {self.url}: {error}") from error
        try:
            return answer.json()
        except ValueError as error:
            raise ViewerError(f"{name} answers {answer.status} and no JSON") from error


_FORM: Mapping[str, Any] = {"encode_multipart": False}


class Prometheus(_Server):
    """Prometheus' HTTP API."""

    def query(self, expression: str, at: float) -> list[Series]:
        """Evaluate at a moment.

        Raises:
            ViewerError: Prometheus refuses the query, or does not answer.
        """
        data = self._post("query", [("query", expression), ("time", f"{at:.3f}")])
        match data["resultType"]:
            case "vector":
                return _SERIES.validate_python(
                    [{"metric": one["metric"], "values": [one["value"]]} for one in data["result"]]
                )
            case "scalar":
                return _SERIES.validate_python([{"values": [data["result"]]}])
            case kind:
                raise ViewerError(f"the query returns a {kind}, which no panel can show")

    def query_range(self, expression: str, shown: TimeRange, steps: Steps) -> list[Series]:
        """Evaluate over a range, at whole multiples of the step.

        Raises:
            ViewerError: Prometheus refuses the query, or does not answer.
        """
        start, end = aligned(shown, steps)
        fields = {"query": expression, "start": start, "end": end, "step": steps.interval}
        data = self._post("query_range", [(name, str(value)) for name, value in fields.items()])
        return _SERIES.validate_python(data["result"])

    def label_values(self, label: str, selector: str | None, shown: TimeRange) -> list[str]:
        """Return the values that a label has in a range.

        Raises:
            ViewerError: Prometheus refuses the selector, or does not answer.
        """
        fields = [("start", str(shown.start)), ("end", str(shown.end))]
        fields += [("match[]", selector)] if selector else []
        return TypeAdapter(list[str]).validate_python(
            _data(self._ask("GET", f"/api/v1/label/{label}/values", fields))
        )

    def scrape_interval(self) -> float:
        """Return how often it scrapes unless a job says otherwise, in seconds.

        Raises:
            ViewerError: Prometheus does not answer.
        """
        text: str = _data(self._ask("GET", "/api/v1/status/config", []))["yaml"]
        lines = [line.split() for line in text.splitlines()]
        found = next((line[1] for line in lines if line[:1] == ["scrape_interval:"]), "1m")
        return duration(found)

    def _post(self, path: str, fields: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - JSON
        return _data(self._ask("POST", f"/api/v1/{path}", fields))


_SERIES = TypeAdapter(list[Series])


def _data(answer: Any) -> Any:  # noqa: ANN401 - JSON
    if answer.get("status") != "success":
        raise ViewerError(f"Prometheus: {answer.get('error', 'no reason given')}")
    return answer["data"]


def aligned(shown: TimeRange, steps: Steps) -> tuple[float, float]:
    """Return the first and last point of a range: multiples of the step, so that a refresh moves no point."""
    first, last = shown.start // steps.interval, shown.end // steps.interval
    return first * steps.interval, last * steps.interval


class AlertStatus(BaseModel):
    """Whether an alert is told of: `active`, `suppressed` or `unprocessed`."""

    state: str


class FiringAlert(BaseModel):
    """An alert as Alertmanager has it."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime
    status: AlertStatus

    @property
    def name(self) -> str:
        """Its alertname."""
        return self.labels.get("alertname", "alert without a name")

    @property
    def severity(self) -> str:
        """Its severity, `none` where it has none."""
        return self.labels.get("severity", "none")


_ALERTS = TypeAdapter(list[FiringAlert])
_WORST_FIRST = ("critical", "warning")


class Alertmanager(_Server):
    """Alertmanager's HTTP API."""

    def alerts(self) -> list[FiringAlert]:
        """Return the alerts that fire: the worst first, and of these the newest.

        Raises:
            ViewerError: Alertmanager does not answer, or not as expected.
        """
        try:
            found = _ALERTS.validate_python(self._ask("GET", "/api/v2/alerts", []))
        except ValidationError as error:
            raise ViewerError(f"Alertmanager answers unexpectedly: {error}") from error

        def rank(alert: FiringAlert) -> tuple[int, float]:
            position = _WORST_FIRST.index(alert.severity) if alert.severity in _WORST_FIRST else 9
            return position, -alert.starts_at.timestamp()

        return sorted(found, key=rank)
