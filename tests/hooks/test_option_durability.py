"""`--bench-durability`: how sure an ended unit is, never what is recorded."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign


@pytest.mark.parametrize("value", ["fsync", "flush"])
def test_both_keep_the_same_record(campaign: Campaign, engine: str, value: str) -> None:
    campaign.write({"test_one.py": "def test_one(benchrun): benchrun.metric('m', 1)\n"})
    session = campaign.run(f"--bench-durability={value}", engine=engine)
    assert session.exit_code == 0
    assert session.metrics("test_one.py::test_one") == {"m": {"value": 1, "unit": "", "better": None}}
    assert session.stats()["metrics"]["m"]["n"] == 1


def test_the_configuration_file_sets_it(campaign: Campaign) -> None:
    campaign.ini("bench_durability = flush")
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    assert campaign.run().exit_code == 0


@pytest.mark.parametrize("value", ["", "none", "FSYNC"])
def test_other_values_are_refused_and_the_known_ones_named(campaign: Campaign, value: str) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    session = campaign.run(f"--bench-durability={value}")
    assert session.exit_code == 4
    assert "fsync" in session.text
    assert "flush" in session.text
    assert not campaign.results.exists()


def test_a_wrong_value_in_the_configuration_file_is_refused(campaign: Campaign) -> None:
    campaign.ini("bench_durability = maybe")
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    session = campaign.run()
    assert session.exit_code == 4
    assert "--bench-durability='maybe' is not fsync or flush" in session.text
