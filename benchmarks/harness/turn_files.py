"""Run as a file, in a process of its own: makes a results directory of N turns, and their columns for some peers.

A real run makes the directory and the first turn of each unit; the other lines are made like it.
"""

import importlib.util
import math
import random
import subprocess
import sys
from array import array
from pathlib import Path

import orjson

UNITS = 100
SUITE = f"""\
import pytest


@pytest.mark.parametrize("model", range({UNITS}))
def test_dialogue(benchrun, model):
    with benchrun.turn(role="user"):
        pass
"""


def make(folder: Path, turns: int) -> None:
    """Make `folder` / `results`, and beside it `columns.<name>.npy` and `columns.parquet`.

    Args:
        folder: an existing folder.
        turns: how many, a multiple of `UNITS`.
    """
    (folder / "test_turns.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    subprocess.run([*command, "--bench-results=results"], cwd=folder, check=True)
    file = folder / "results" / "turn_metrics.jsonl"
    first = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    columns = {name: array("d") for name in ("llm_ms", "storage_ms", "total_ms")}
    chance = random.Random(1)
    with file.open("wb") as sink:
        for turn in first:
            for index in range(turns // UNITS):
                llm_ms, storage_ms = (round(math.exp(chance.gauss(middle, 0.5)), 3) for middle in (6, 1))
                times = {"llm_ms": llm_ms, "storage_ms": storage_ms, "total_ms": round(llm_ms + storage_ms + 0.01, 3)}
                own = {"turn_index": index, "storage_ms_by": {"L2": storage_ms}, "tokens_in": 100, "tokens_out": 20}
                sink.write(orjson.dumps(turn | own | times, option=orjson.OPT_APPEND_NEWLINE))
                for name, column in columns.items():
                    column.append(times[name])
    if importlib.util.find_spec("numpy"):
        import numpy as np  # noqa: PLC0415  # one of the peers, which need not be there

        for name, column in columns.items():
            np.save(folder / f"columns.{name}.npy", np.frombuffer(column))
    if importlib.util.find_spec("duckdb"):
        import duckdb  # noqa: PLC0415  # likewise

        types = ", ".join(f"{name}: 'DOUBLE'" for name in columns)
        source = f"read_json('{file}', format = 'newline_delimited', columns = {{{types}}})"
        duckdb.sql(f"COPY (SELECT * FROM {source}) TO '{folder / 'columns.parquet'}'")  # noqa: S608  # our own file


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
