"""Makes the payloads that the serialization campaign encodes: four shapes, any size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from benchmarks.prose import Prose, seeded

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

TABLE_COLUMNS = 16
PARAGRAPH_WORDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A value to encode: a list of items of one shape.

    Attributes:
        json_text: Its compact JSON text.
    """

    json_text: bytes

    @property
    def json_bytes(self) -> int:
        """Length of the JSON text: the size that all codecs' throughput refers to."""
        return len(self.json_text)

    def new_value(self) -> Json:
        """Make the value, as a decoder hands it out.

        Equal strings are objects of their own in it; of strings that share an object
        pickle and marshal would write all but the first as a short reference.
        """
        value: Json = orjson.loads(self.json_text)
        return value


def build_payload(shape: str, size_kb: int) -> Payload:
    """Make the payload of one shape and size, the same each time.

    Args:
        shape: A key of ``SHAPES``.
        size_kb: Items are added until the JSON text has so many thousand bytes.

    Returns:
        The payload.
    """
    items: list[Json] = []
    size = 0
    for item in SHAPES[shape]():
        items.append(item)
        size += len(orjson.dumps(item)) + 1
        if size >= 1_000 * size_kb:
            break
    return Payload(json_text=orjson.dumps(items))


def _records() -> Iterator[Json]:
    """Flat records, as rows of a table or events of a log."""
    prose = Prose(seed=1)
    number = 0
    while True:
        number += 1
        name, city = prose.words(2)
        yield {
            "id": number,
            "name": name.capitalize(),
            "city": city.capitalize(),
            "email": f"{name}@{city}.example",
            "active": prose.rng.choice((True, True, False)),
            "score": round(100.0 * prose.rng.random(), 2),
            "joined": f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}",
        }


def _documents() -> Iterator[Json]:
    """Nested documents: orders with a customer, lines, options and missing values."""
    prose = Prose(seed=2)
    number = 0
    while True:
        number += 1
        name, street = prose.words(2)
        yield {
            "order": {"number": number, "tags": [*prose.words(3)]},
            "customer": {
                "name": name,
                "address": {"street": street, "zip": None, "geo": [4.5, number / 7]},
            },
            "lines": [
                {"item": item, "count": count, "options": {"gift": count == 1}}
                for count, item in enumerate(prose.words(4), start=1)
            ],
            "history": [],
        }


def _table() -> Iterator[Json]:
    """Rows of numbers: measurements with all digits of a float."""
    rng = seeded(3)
    while True:
        yield [1_000.0 * rng.random() - 500.0 for _ in range(TABLE_COLUMNS)]


def _text() -> Iterator[Json]:
    """Long strings, one word in ten with a letter outside ASCII."""
    prose = Prose(seed=4, accented_share=0.1)
    while True:
        yield prose.paragraph(PARAGRAPH_WORDS)


SHAPES: dict[str, Callable[[], Iterator[Json]]] = {
    "records": _records,
    "documents": _documents,
    "table": _table,
    "text": _text,
}
