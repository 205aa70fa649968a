"""The capacity calculator: arithmetic, its command, and what the settings refuse."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stacks.capacity import (
    BLOCK_SECONDS,
    HEAD_BLOCKS,
    RETENTION_SHARE,
    SERIES_PER_SHARD,
    Load,
    Prices,
    main,
    memory_bytes,
    monthly_cost,
    needs,
    series_of,
)
from stacks.settings import Prometheus

SERIES = st.integers(1, SERIES_PER_SHARD)
DAY = 86400


def load(series: int, interval: float = 30, days: float = 35) -> Load:
    return Load(series=series, scrape_interval_seconds=interval, retention_seconds=days * DAY)


@given(SERIES, SERIES)
def test_more_series_need_no_less_of_anything(one: int, other: int) -> None:
    fewer, more = (needs(load(series)) for series in sorted((one, other)))
    assert fewer.memory_request_bytes <= more.memory_request_bytes
    assert fewer.volume_bytes <= more.volume_bytes
    assert fewer.wal_bytes <= more.wal_bytes
    assert fewer.cpu_cores <= more.cpu_cores


@given(SERIES, st.integers(5, 120), st.integers(5, 120))
def test_a_shorter_interval_needs_no_less(series: int, one: int, other: int) -> None:
    often, seldom = (needs(load(series, interval)) for interval in sorted((one, other)))
    assert often.memory_request_bytes >= seldom.memory_request_bytes
    assert often.volume_bytes >= seldom.volume_bytes


@given(st.integers(1, 100_000_000))
def test_shards_hold_all_series_and_none_too_many(series: int) -> None:
    one = needs(load(series))
    assert one.shards * one.series >= series
    assert one.series <= SERIES_PER_SHARD


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_more_gpus_have_no_fewer_series(one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    assert series_of(fewer) <= series_of(more)


def test_a_head_holds_an_hour_more_than_a_block() -> None:
    one = needs(load(100_000))
    assert one.samples_per_second == pytest.approx(100_000 / 30)
    assert one.memory_request_bytes == memory_bytes(100_000, BLOCK_SECONDS * HEAD_BLOCKS / 30)
    assert one.blocks_bytes <= one.volume_bytes * RETENTION_SHARE


def test_a_month_costs_what_is_ingested_and_kept() -> None:
    ingested = Prices(per_million_samples=1.0, per_gb_month=0.0, source="a page, today")
    assert monthly_cost(load(30), ingested) == pytest.approx(30 * DAY / 1e6)


def test_the_command_prints_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--series", "3000000", "--replicas", "2"]) == 0
    printed = capsys.readouterr().out
    assert "2 (x 2 replicas), 1500000 series each" in printed
    assert "AMP" not in printed
    priced = ["--price-per-million-samples", "2", "--price-per-gb-month", "0", "--price-source", "a page"]
    assert main(["--gpus", "10", *priced]) == 0
    printed = capsys.readouterr().out
    assert f"series              {series_of(10)}" in printed
    assert "(prices: a page)" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of the arguments --series --gpus is required"),
        (["--series", "0"], "0 is no whole number above zero"),
        (["--series", "many"], "many is no whole number above zero"),
        (["--series", "1", "--price-per-gb-month=-3"], "-3 is no price"),
        (["--series", "1", "--price-per-gb-month", "nan"], "nan is no price"),
        (["--series", "1", "--scrape-interval", "soon"], "'soon' is not a duration"),
        (["--series", "1", "--price-per-million-samples", "1"], "needs both prices, and --price-source"),
    ],
)
def test_what_it_cannot_use_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert said in capsys.readouterr().err


def test_help_names_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(f"--{name}" in printed for name in ("series", "gpus", "retention", "replicas", "price-source"))


def settings(**changes: object) -> Prometheus:
    values: dict[str, Any] = {"retention": {"time": "15d", "size": "12GB"}, "volume": "20Gi", **changes}
    return Prometheus.model_validate_json(json.dumps(values))


def test_settings_that_hold_the_expected_series_pass() -> None:
    assert settings(expectedSeries=20_000).expected_series == 20_000
    assert settings().expected_series is None


def test_settings_that_cannot_hold_them_are_told_what_is_needed() -> None:
    with pytest.raises(ValidationError) as refused:
        settings(expectedSeries=500_000)
    one = needs(load(500_000, days=15))
    text = str(refused.value)
    assert "retention.size of 12288Mi cannot hold 15d" in text
    assert f"{-int(-one.blocks_bytes // 1024**2)}Mi are needed" in text
    assert "resources.limits.memory of 2048Mi is too low" in text
