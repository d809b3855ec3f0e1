"""Run as a file, in a process of its own: p50, p95 and p99 of three columns of a turn file, one way; prints them."""

import json
import sys
from array import array
from collections.abc import Callable
from typing import Any

COLUMNS = ("llm_ms", "storage_ms", "total_ms")
QUANTILES = (0.5, 0.95, 0.99)
Found = dict[str, list[float]]


def columns_numpy(path: str) -> Found:
    """The floor: columns that are there already; `path` is that of the first of three `.npy` files."""
    import numpy as np  # noqa: PLC0415  # here and below: each process imports what it measures

    return {name: np.quantile(np.load(f"{path}.{name}.npy"), QUANTILES).tolist() for name in COLUMNS}


def session_summary(path: str) -> Found:
    """What the end of a session computes of its turns, and more than was asked; `path` is that of the results."""
    from pathlib import Path  # noqa: PLC0415

    from pytest_benchrun.core.campaign import Campaign  # noqa: PLC0415
    from pytest_benchrun.store.journal import all_events  # noqa: PLC0415
    from pytest_benchrun.store.rundir import RunDir  # noqa: PLC0415
    from pytest_benchrun.store.turnstats import figures_of  # noqa: PLC0415

    rundir = RunDir(Path(path))
    summary: Any = figures_of(rundir, Campaign.of(all_events(rundir)))["turn_metrics_summary"]
    return {name: [summary[name][p] for p in ("p50", "p95", "p99")] for name in COLUMNS}


def orjson_numpy(path: str) -> Found:
    import numpy as np  # noqa: PLC0415
    import orjson  # noqa: PLC0415

    columns = {name: array("d") for name in COLUMNS}
    with open(path, "rb") as file:  # noqa: PTH123  # no more imports than needed
        for line in file:
            turn = orjson.loads(line)
            for name, column in columns.items():
                column.append(turn[name])
    return {name: np.quantile(np.frombuffer(column), QUANTILES).tolist() for name, column in columns.items()}


def msgspec_numpy(path: str) -> Found:
    import msgspec  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    turn_type: Any = msgspec.defstruct("Turn", [(name, float) for name in COLUMNS], gc=False)
    decoder = msgspec.json.Decoder(turn_type)
    llm, storage, total = (array("d") for _ in COLUMNS)
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        for line in file:
            turn = decoder.decode(line)
            llm.append(turn.llm_ms)
            storage.append(turn.storage_ms)
            total.append(turn.total_ms)
    columns = zip(COLUMNS, (llm, storage, total), strict=True)
    return {name: np.quantile(np.frombuffer(column), QUANTILES).tolist() for name, column in columns}


def plain_sort(path: str) -> Found:
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        for line in file:
            turn = json.loads(line)
            for name, column in columns.items():
                column.append(turn[name])
    found = {}
    for name, column in columns.items():
        column.sort()
        places = [(len(column) - 1) * q for q in QUANTILES]
        found[name] = [
            column[int(p)] + (p % 1) * (column[min(int(p) + 1, len(column) - 1)] - column[int(p)]) for p in places
        ]
    return found


def duckdb_json(path: str, function: str = "quantile_cont") -> Found:
    import duckdb  # noqa: PLC0415

    asked = ", ".join(f"{function}({name}, {list(QUANTILES)})" for name in COLUMNS)
    types = ", ".join(f"{name}: 'DOUBLE'" for name in COLUMNS)
    source = f"read_json('{path}', format = 'newline_delimited', columns = {{{types}}})"
    row: Any = duckdb.connect().execute(f"SELECT {asked} FROM {source}").fetchone()  # noqa: S608  # our own file
    return dict(zip(COLUMNS, row, strict=True))


def duckdb_parquet(path: str) -> Found:
    """The columns in a Parquet file; `path` is that of the first of the `.npy` files beside it."""
    import duckdb  # noqa: PLC0415

    asked = ", ".join(f"quantile_cont({name}, {list(QUANTILES)})" for name in COLUMNS)
    row: Any = duckdb.connect().execute(f"SELECT {asked} FROM '{path}.parquet'").fetchone()  # noqa: S608  # as above
    return dict(zip(COLUMNS, row, strict=True))


def duckdb_approximate(path: str) -> Found:
    return duckdb_json(path, "approx_quantile")


def polars_scan(path: str) -> Found:
    import polars as pl  # noqa: PLC0415

    schema: Any = dict.fromkeys(COLUMNS, pl.Float64)
    asked = [pl.col(name).quantile(q, "linear").alias(f"{name} {q}") for name in COLUMNS for q in QUANTILES]
    row = pl.scan_ndjson(path, schema=schema).select(asked).collect(engine="streaming").row(0)
    return {name: list(row[3 * place : 3 * place + 3]) for place, name in enumerate(COLUMNS)}


def sketch(path: str, make: Callable[[], Any], quantile: str) -> Found:
    import orjson  # noqa: PLC0415

    sketches = {name: make() for name in COLUMNS}
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        for line in file:
            turn = orjson.loads(line)
            for name, one in sketches.items():
                one.add(turn[name])
    return {name: [getattr(one, quantile)(q) for q in QUANTILES] for name, one in sketches.items()}


def dd_sketch(path: str) -> Found:
    from ddsketch import DDSketch  # noqa: PLC0415

    return sketch(path, lambda: DDSketch(0.001), "get_quantile_value")


def hdr_histogram(path: str) -> Found:
    """In whole microseconds, as it counts integers; three digits."""
    import orjson  # noqa: PLC0415
    from hdrh.histogram import HdrHistogram  # noqa: PLC0415

    histograms = {name: HdrHistogram(1, 3_600_000_000, 3) for name in COLUMNS}
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        for line in file:
            turn = orjson.loads(line)
            for name, one in histograms.items():
                one.record_value(int(turn[name] * 1000))
    return {name: [one.get_value_at_percentile(q * 100) / 1000 for q in QUANTILES] for name, one in histograms.items()}


def fast_digest(path: str) -> Found:
    import orjson  # noqa: PLC0415
    from fastdigest import TDigest  # noqa: PLC0415

    columns = {name: array("d") for name in COLUMNS}
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        for line in file:
            turn = orjson.loads(line)
            for name, column in columns.items():
                column.append(turn[name])
    digests = {name: TDigest.from_values(column) for name, column in columns.items()}
    return {name: [digest.quantile(q) for q in QUANTILES] for name, digest in digests.items()}


PEERS: dict[str, tuple[str, tuple[str, ...], Callable[[str], Found]]] = {
    "summary": ("the summary at the end of a session", ("pytest-benchrun",), session_summary),
    "columns": ("values already in columns, NumPy", ("numpy",), columns_numpy),
    "msgspec": ("msgspec line decoder + NumPy", ("msgspec", "numpy"), msgspec_numpy),
    "duckdb": ("DuckDB `read_json`", ("duckdb",), duckdb_json),
    "duckdb-parquet": ("columns in Parquet, DuckDB", ("duckdb",), duckdb_parquet),
    "duckdb-approximate": ("DuckDB `read_json`, approximate", ("duckdb",), duckdb_approximate),
    "polars": ("polars `scan_ndjson`, streaming", ("polars",), polars_scan),
    "orjson": ("orjson lines + array + NumPy", ("orjson", "numpy"), orjson_numpy),
    "plain": ("`json` lines, pure Python sort", (), plain_sort),
    "fastdigest": ("orjson lines + fastdigest", ("orjson", "fastdigest"), fast_digest),
    "hdr": ("orjson lines + HDR histogram", ("orjson", "hdrhistogram"), hdr_histogram),
    "ddsketch": ("orjson lines + DDSketch 0.1 %", ("orjson", "ddsketch"), dd_sketch),
}
"""Name to title, the distributions that must be installed, and what computes."""


if __name__ == "__main__":
    print(json.dumps(PEERS[sys.argv[1]][2](sys.argv[2])))
