"""Rendered files as a whole: the same every time, small enough, and cheap."""

import json
import subprocess
import sys

import pytest

from dashboards.parameters import Parameters
from dashboards.render import CONFIG_MAP_BYTES, TooLargeError, dashboards, refuse_too_large, rules


def test_files_are_the_same_every_time() -> None:
    # Sets and hashes differ between processes, so another one renders, too.
    program = (
        "import json; from dashboards.render import *; p = Parameters(); "
        "print(json.dumps([dashboards(p), rules(p)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [dashboards(Parameters()), rules(Parameters())]


def test_files_are_readable_line_by_line() -> None:
    for text in dashboards(Parameters()).values():
        parsed = json.loads(text)
        assert text == json.dumps(parsed, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def test_what_fits_passes_and_a_byte_more_names_the_largest_file() -> None:
    small, rest = {"a.json": "x" * 94}, CONFIG_MAP_BYTES - 100 - len("b.json")
    refuse_too_large("grafana-dashboards", small | {"b.json": "x" * rest})
    with pytest.raises(TooLargeError, match=r"ConfigMap grafana-dashboards: 1048577 bytes.* b\.json with"):
        refuse_too_large("grafana-dashboards", small | {"b.json": "x" * (rest + 1)})


def test_size_counts_bytes_not_characters() -> None:
    with pytest.raises(TooLargeError):
        refuse_too_large("grafana-dashboards", {"a.json": "é" * (CONFIG_MAP_BYTES // 2)})


def test_everything_fits() -> None:
    refuse_too_large("grafana-dashboards", dashboards(Parameters()))
    refuse_too_large("prometheus-rules", rules(Parameters()))
