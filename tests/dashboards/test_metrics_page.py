"""docs/metrics.md: up to date, its examples work, and what it asks for is well named."""

import re
import subprocess
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dashboards.contract import Metric, MetricType
from dashboards.metrics import CONTRACT, application
from dashboards.metrics_page import FORBIDDEN_LABELS, page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
OF_SERVICES = [metric for metric in CONTRACT.values() if metric.source is application.APPLICATION]


def test_the_page_is_what_the_contract_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m dashboards metrics > docs/metrics.md"


def test_a_changed_contract_changes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(application.JOBS.labels, "region", "eu")  # pyright: ignore[reportArgumentType]
    assert PAGE.read_text(encoding="utf-8") != page()


def test_every_metric_of_a_service_is_on_the_page_with_who_reads_it() -> None:
    for metric in OF_SERVICES:
        section = page().split(f"### `{metric.name}`\n")[1].split("### ")[0]
        assert re.search(r"- Read by [A-Z]", section), metric.name


@pytest.mark.parametrize(
    "metric", [application.JOBS, application.WORKER_SLOTS_BUSY, application.STAGE_DURATION]
)
def test_the_examples_expose_what_the_contract_says(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = re.findall(r"```python\n(from prometheus_client.*?)```", page(), flags=re.DOTALL)
    (example,) = [one for one in examples if metric.name.removesuffix("_total") in one]
    registry = CollectorRegistry()
    for kind in (Counter, Gauge, Histogram):
        monkeypatch.setattr(prometheus_client, kind.__name__, bound(kind, registry))
    exec(example, {})  # noqa: S102 - what a reader would copy is run
    families = {one.name: one for one in text_string_to_metric_families(generate_latest(registry).decode())}
    family = families[metric.name.removesuffix("_total")]
    assert family.type == metric.type.value
    labels = {name for sample in family.samples for name in sample.labels} - {"le"}
    assert labels == set(metric.labels)
    if metric.type is MetricType.COUNTER:
        assert [sample.value for sample in family.samples if sample.name == metric.name].count(0) == 8


def bound(
    kind: type[Counter | Gauge | Histogram], registry: CollectorRegistry
) -> type[Counter | Gauge | Histogram]:
    """The class, registering with a registry of the test's own."""

    def create(*arguments: object, **options: object) -> object:
        return kind(*arguments, registry=registry, **options)  # pyright: ignore[reportArgumentType]

    return create  # pyright: ignore[reportReturnType]


def exposition(metrics: list[Metric]) -> str:
    """The metrics as a service would expose them."""
    registry = CollectorRegistry()
    kinds = {MetricType.COUNTER: Counter, MetricType.GAUGE: Gauge, MetricType.HISTOGRAM: Histogram}
    for metric in metrics:
        instance = kinds[metric.type](metric.name, metric.meaning, tuple(metric.labels), registry=registry)
        if metric.labels:
            instance.labels(**metric.labels)
    return generate_latest(registry).decode()


def lint(promtool: Path, text: str) -> str:
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    # It has no linter for the creation times that the Python client adds.
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "_created" not in line)


def test_names_are_as_prometheus_wants_them(promtool: Path) -> None:
    assert lint(promtool, exposition(OF_SERVICES)) == ""


def test_a_badly_named_metric_is_noticed(promtool: Path) -> None:
    bad = Metric(
        name="dubbing_queueMinutes",
        type=MetricType.GAUGE,
        unit="",
        source=application.APPLICATION,
        meaning="x",
    )
    assert "dubbing_queueMinutes" in lint(promtool, exposition([bad]))


def forbidden(metrics: list[Metric]) -> list[str]:
    return [metric.name for metric in metrics if FORBIDDEN_LABELS.keys() & metric.labels.keys()]


def test_no_metric_has_a_forbidden_label() -> None:
    assert forbidden(list(CONTRACT.values())) == []
    bad = Metric(
        name="a",
        type=MetricType.GAUGE,
        unit="",
        source=application.APPLICATION,
        meaning="",
        labels={"user_id": "7"},
    )
    assert forbidden([bad]) == ["a"]
