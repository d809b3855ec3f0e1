"""Measures how much zlib, bz2 and lzma save at several levels, and how fast."""

import pytest

from benchmarks.compression.compressors import CODEC_LEVELS, COMPRESSORS
from benchmarks.compression.corpora import CORPORA, build_corpus
from benchmarks.timing import time_repeats
from pytest_benchrun import BenchRun


@pytest.mark.benchrun(group="codec")
@pytest.mark.parametrize("corpus", list(CORPORA))
@pytest.mark.parametrize(("codec", "level"), CODEC_LEVELS)
def test_compression(benchrun: BenchRun, codec: str, level: int, corpus: str) -> None:
    """Pack a corpus, unpack it again, and time both.

    Throughput of both directions counts the bytes of the unpacked corpus.
    """
    data = build_corpus(corpus)
    chosen = COMPRESSORS[codec]
    packed = chosen.compress(data, level)
    assert chosen.decompress(packed) == data

    compress = time_repeats(lambda: chosen.compress(data, level))
    decompress = time_repeats(lambda: chosen.decompress(packed))

    benchrun.metric("ratio", len(data) / len(packed), better="higher")
    benchrun.metric("compressed_bytes", len(packed), "B", better="lower")
    benchrun.metric("compress_mb_per_s", compress.mb_per_s(len(data)), "MB/s", better="higher")
    benchrun.metric("decompress_mb_per_s", decompress.mb_per_s(len(data)), "MB/s", better="higher")
    spread = max(compress.spread_pct, decompress.spread_pct)
    benchrun.metric("timing_spread_pct", spread, "%", better="lower")
