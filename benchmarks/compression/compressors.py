"""Names the compressors of the compression campaign and the levels worth comparing."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressor:
    """A compressor whose effort can be chosen.

    Attributes:
        compress: Takes the data and the level.
        decompress: Gives the data back.
        levels: Levels to measure, from the fastest to the most thorough.
    """

    compress: Callable[[bytes, int], bytes]
    decompress: Callable[[bytes], bytes]
    levels: tuple[int, ...]


def _compress_lzma(data: bytes, level: int) -> bytes:
    return lzma.compress(data, preset=level)


COMPRESSORS = {
    "zlib": Compressor(compress=zlib.compress, decompress=zlib.decompress, levels=(1, 6, 9)),
    "bz2": Compressor(compress=bz2.compress, decompress=bz2.decompress, levels=(1, 5, 9)),
    # Presets above 6 only enlarge the window, past the whole of our corpora.
    "lzma": Compressor(compress=_compress_lzma, decompress=lzma.decompress, levels=(0, 3, 6)),
}

CODEC_LEVELS = [(codec, level) for codec, compressor in COMPRESSORS.items() for level in compressor.levels]
