"""Names the codecs of the serialization campaign: value to bytes and back."""

import json
import marshal
import pickle
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from benchmarks.serialization.payloads import Json

# Pinned, so that a newer Python does not measure another format under the same name.
PICKLE_PROTOCOL = 5
MARSHAL_VERSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A pair of functions that undo each other."""

    encode: Callable[[Json], bytes]
    decode: Callable[[bytes], Json]


def _encode_json(value: Json) -> bytes:
    """Write compact UTF-8 as the other JSON codec does: both do the same job."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _encode_pickle(value: Json) -> bytes:
    return pickle.dumps(value, protocol=PICKLE_PROTOCOL)


def _encode_marshal(value: Json) -> bytes:
    return marshal.dumps(value, MARSHAL_VERSION)


CODECS = {
    "json": Codec(encode=_encode_json, decode=json.loads),
    "orjson": Codec(encode=orjson.dumps, decode=orjson.loads),
    "pickle": Codec(encode=_encode_pickle, decode=pickle.loads),  # noqa: S301 - decodes what it has encoded
    "marshal": Codec(encode=_encode_marshal, decode=marshal.loads),  # noqa: S302 - same
}
