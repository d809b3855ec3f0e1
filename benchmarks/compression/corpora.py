"""Makes the corpora of the compression campaign: four kinds of bytes, one size."""

import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.prose import Prose, seeded

# More than one block of bz2 at level 9 (900,000 bytes), so that its levels can differ.
CORPUS_BYTES = 1_048_576
PARAGRAPH_WORDS = 80
LOG_BEGINS_AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
LOG_PATHS = ("/", "/login", "/api/orders", "/api/orders/{id}", "/static/app.js")
LOG_STATUSES = (200, 200, 200, 200, 204, 304, 404, 500)
SENSORS = 8


def build_corpus(kind: str) -> bytes:
    """Make one corpus, the same bytes each time and everywhere.

    Args:
        kind: A key of ``CORPORA``.

    Returns:
        Exactly ``CORPUS_BYTES`` bytes.
    """
    corpus = bytearray()
    for piece in CORPORA[kind]():
        corpus += piece
        if len(corpus) >= CORPUS_BYTES:
            break
    return bytes(corpus[:CORPUS_BYTES])


def _text() -> Iterator[bytes]:
    """Paragraphs of words whose frequency follows Zipf's law."""
    prose = Prose(seed=11)
    while True:
        yield f"{prose.paragraph(PARAGRAPH_WORDS)}\n\n".encode()


def _log_lines() -> Iterator[bytes]:
    """Access log: times that rise, few paths, numbers that vary."""
    rng = seeded(12)
    moment = LOG_BEGINS_AT
    while True:
        moment += timedelta(milliseconds=int(400 * rng.random()))
        path = rng.choice(LOG_PATHS).replace("{id}", str(int(90_000 * rng.random())))
        yield (
            f"{moment.isoformat(timespec='milliseconds')} INFO "
            f"worker-{int(8 * rng.random())} GET {path} "
            f"status={rng.choice(LOG_STATUSES)} bytes={int(20_000 * rng.random())} "
            f"took={rng.random():.4f}\n"
        ).encode()


def _float_table() -> Iterator[bytes]:
    """Little-endian doubles: readings of sensors that drift in steps of 1/64."""
    rng = seeded(13)
    row = [20.0 + sensor for sensor in range(SENSORS)]
    while True:
        row = [value + int(9 * rng.random() - 4) / 64 for value in row]
        yield struct.pack(f"<{SENSORS}d", *row)


def _noise() -> Iterator[bytes]:
    """Random bytes: what encrypted or already packed data look like."""
    rng = seeded(14)
    while True:
        yield rng.randbytes(65_536)


CORPORA: dict[str, Callable[[], Iterator[bytes]]] = {
    "text": _text,
    "log_lines": _log_lines,
    "float_table": _float_table,
    "noise": _noise,
}
