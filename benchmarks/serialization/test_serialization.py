"""Measures how fast and how small json, orjson, pickle and marshal encode."""

from collections.abc import Iterator

import orjson
import pytest

from benchmarks.serialization.codecs import CODECS
from benchmarks.serialization.payloads import SHAPES, Json, Payload, build_payload
from benchmarks.timing import time_each, time_repeats
from pytest_benchrun import BenchRun

# A sample encodes about so many bytes of JSON text, small payloads several in a row.
SAMPLE_BYTES = 50_000


@pytest.mark.benchrun(group="codec")
@pytest.mark.parametrize("size_kb", [1, 50, 1_000])
@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("codec", list(CODECS))
def test_round_trip(benchrun: BenchRun, codec: str, shape: str, size_kb: int) -> None:
    """Encode a payload, decode it again, and time both.

    Throughput counts bytes of the payload's JSON text for every codec: counting each
    codec's own bytes would reward the one that writes most.
    """
    payload = build_payload(shape, size_kb)
    chosen = CODECS[codec]
    encoded = chosen.encode(payload.new_value())
    # Compared as text, since 1 == 1.0 == True and dicts are equal in any order.
    assert orjson.dumps(chosen.decode(encoded)) == payload.json_text

    def encode_all(values: list[Json]) -> None:
        for value in values:
            chosen.encode(value)

    copies = max(1, SAMPLE_BYTES // payload.json_bytes)
    encode = time_each(encode_all, fresh_values(payload, copies))
    decode = time_repeats(lambda: chosen.decode(encoded))

    encode_mb_per_s = encode.mb_per_s(copies * payload.json_bytes)
    decode_mb_per_s = decode.mb_per_s(payload.json_bytes)
    benchrun.metric("encode_mb_per_s", encode_mb_per_s, "MB/s", better="higher")
    benchrun.metric("decode_mb_per_s", decode_mb_per_s, "MB/s", better="higher")
    benchrun.metric("encoded_bytes", len(encoded), "B", better="lower")
    spread_pct = max(encode.spread_pct, decode.spread_pct)
    benchrun.metric("timing_spread_pct", spread_pct, "%", better="lower")


def fresh_values(payload: Payload, copies: int) -> Iterator[list[Json]]:
    """Make the value anew for every call, without end.

    A string remembers its UTF-8 form once it has been encoded. Encoding one value
    again and again then copies ready bytes: for text outside ASCII that looks ten
    times as fast as the first time, and programs encode a value once.
    """
    while True:
        yield [payload.new_value() for _ in range(copies)]
