"""`--bench-gpu`: whether GPUs are looked at, and what is said where there are none."""

from __future__ import annotations

import sys

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {"test_it.py": "def test_it(): pass\n"}


@pytest.mark.parametrize("typed", [(), ("--bench-gpu=auto",), ("--bench-gpu=off",)])
def test_without_a_library_nothing_is_said(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, engine: str, typed: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    campaign.write(SUITE)
    session = campaign.run(*typed, engine=engine)
    assert session.exit_code == 0
    assert "GPU" not in session.text


@pytest.mark.parametrize("where", ["typed", "ini"])
def test_who_asks_without_a_library_is_told_before_anything_runs(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, engine: str, where: str
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    campaign.write(SUITE)
    if where == "ini":
        campaign.ini("bench_gpu = on")
    session = campaign.run(*(["--bench-gpu=on"] if where == "typed" else []), engine=engine)
    assert session.exit_code == 4
    assert "--bench-gpu=on needs nvidia-ml-py" in session.text
    assert "-> pip install 'pytest-benchrun[gpu]'" in session.text
    assert not campaign.results.exists()


def test_another_word_is_refused(campaign: Campaign) -> None:
    campaign.write(SUITE)
    campaign.ini("bench_gpu = yes")
    session = campaign.run()
    assert session.exit_code == 4
    assert "--bench-gpu='yes' is not auto, on or off" in session.text
