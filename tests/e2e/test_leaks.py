"""That what looks for secrets finds them."""

import base64
import gzip
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.leaks import leaks, plain

SECRET = 'https://127.0.0.1:9/a"planted+secret?'  # noqa: S105 - found here only


@pytest.mark.parametrize(
    "text",
    [
        SECRET.encode(),
        quote(SECRET, safe="").encode(),
        b'"https://127.0.0.1:9/a\\"planted+secret?"',
        *(base64.b64encode(f"{'x' * before}{SECRET}, and more".encode()) for before in range(6)),
        base64.urlsafe_b64encode(f"xx{SECRET}".encode()),
    ],
)
def test_a_secret_is_found_in_each_form(text: bytes) -> None:
    assert leaks([("holder", b"before " + text + b" after"), ("other", b"nothing")], [SECRET]) == {"holder"}


def test_a_secret_is_found_in_a_file_that_is_packed(tmp_path: Path) -> None:
    file = tmp_path / "state.json.gz"
    file.write_bytes(gzip.compress(SECRET.encode()))
    assert leaks([(file.name, plain(file))], [SECRET]) == {file.name}


def test_what_is_cut_or_another_is_no_leak() -> None:
    assert leaks([("short", SECRET[:-1].encode()), ("other", b"https://127.0.0.1:9/")], [SECRET]) == set()
