"""Targets with as many series as wanted, whose values move as a platform's do.

`python -m bench.load TARGETS PORT` serves `/0` to `/TARGETS - 1` on loopback.
"""

import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

SERIES_PER_TARGET = 1000
DIGITS = 12
COMBINATIONS = 25

# Of the simulated platform's 1,468 series in an hour of 30 s scrapes: 27 % never change, 32 % change seldom,
# 40 % change in at least every third scrape; 7 in 8 are whole numbers.
CONSTANT, SELDOM = 0.27, 0.32
_SELDOM_CHANCE = 0.1
_GAUGES = 0.3


@dataclass(eq=False)
class Target:
    """A target's exposition; each scrape moves its values on."""

    number: int
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.number)
        lines = list[bytes]()
        places = list[int]()
        length = 0
        for series in range(SERIES_PER_TARGET):
            name = (
                f'dubbing_stage_{series // COMBINATIONS:02d}_duration_seconds_bucket{{stage="transcription",'
                f'language_pair="en-de",model_version="whisper-large-v3",le="{series % COMBINATIONS}.5"}} '
            ).encode()
            lines.append(name + b"0" * DIGITS + b"\n")
            places.append(length + len(name))
            length += len(lines[-1])
        self._text = np.frombuffer(b"".join(lines), dtype=np.uint8).copy()
        self._places = np.array(places)[:, None] + np.arange(DIGITS)
        kind = self._random.random(SERIES_PER_TARGET)
        self._seldom = (kind >= CONSTANT) & (kind < CONSTANT + SELDOM)
        self._often = kind >= CONSTANT + SELDOM
        self._gauge = self._random.random(SERIES_PER_TARGET) < _GAUGES
        self._value = self._random.integers(0, 10**6, SERIES_PER_TARGET)

    def scrape(self) -> bytes:
        """Move every value on, and return the text."""
        with self._lock:
            chance = self._random.random(SERIES_PER_TARGET)
            moves = self._often | (self._seldom & (chance < _SELDOM_CHANCE))
            step = np.where(
                self._gauge,
                self._random.integers(-500, 501, SERIES_PER_TARGET),
                self._random.poisson(5, SERIES_PER_TARGET),
            )
            self._value = np.abs(self._value + step * moves)
            powers = 10 ** np.arange(DIGITS - 1, -1, -1)
            self._text[self._places] = (self._value[:, None] // powers % 10 + ord("0")).astype(np.uint8)
            return self._text.tobytes()


def serve(targets: int, port: int) -> None:
    """Answer scrapes until the process is ended."""
    all_targets = [Target(number) for number in range(targets)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = all_targets[int(self.path.removeprefix("/"))].scrape()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
