"""`--bench-turn-rotate`: full files are put away and compressed, and no line is lost by that."""

from __future__ import annotations

import gzip

import pytest

from tests.hooks.campaigns import Campaign, strict_json

TURNS = """
import pytest

@pytest.mark.parametrize("x", range(6))
def test_a(benchrun, x):
    for _ in range(10):
        with benchrun.turn(): pass
"""


@pytest.mark.parametrize("where", ["typed", "ini"])
def test_full_files_are_compressed(campaign: Campaign, engine: str, where: str) -> None:
    campaign.write({"test_a.py": TURNS})
    typed = ["--bench-turn-rotate=5K"] if where == "typed" else []
    campaign.ini(*([] if typed else ["bench_turn_rotate = 5k"]))
    campaign.run(*typed, engine=engine)
    files = {name: data for name, data in campaign.files().items() if name.startswith("turn")}
    full = [name for name in files if name.endswith(".jsonl.gz")]
    assert set(files) - {"turn_metrics.jsonl"} == set(full)
    assert len(full) >= (1 if engine == "n2" else 2)  # one worker may have had nearly all units
    lines = [
        strict_json(line)
        for name, data in files.items()
        for line in (gzip.decompress(data) if name in full else data).decode().splitlines()
    ]
    assert len({(line["unit_id"], line["turn_index"]) for line in lines}) == len(lines) == 60


@pytest.mark.parametrize("value", ["0", "", "-1M", "big", "1T", "1.5M"])
def test_what_is_no_size_is_refused(campaign: Campaign, value: str) -> None:
    campaign.write({"test_a.py": TURNS})
    session = campaign.run(f"--bench-turn-rotate={value}")
    assert session.exit_code == 4
    assert f"--bench-turn-rotate={value!r} is not a size" in session.text
    assert not campaign.results.exists()
