"""`--bench-sandbox-keep`: which working directories stay."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {
    "test_a.py": """
import pytest
@pytest.fixture
def broken(): raise ValueError
@pytest.mark.parametrize("ok", [True, False])
def test_it(benchrun_sandbox, ok):
    (benchrun_sandbox / "file").write_text(str(ok))
    assert ok
def test_late(benchrun_sandbox, broken): pass
"""
}


def kept(campaign: Campaign) -> list[str]:
    return sorted(
        path.parent.name.rpartition("-")[0] + "/" + path.name for path in campaign.results.glob("artifacts/*/*")
    )


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ((), []),
        (("--bench-sandbox-keep=never",), []),
        (("--bench-sandbox-keep=failed",), ["test_it-False/sandbox-1", "test_late/sandbox-1"]),
        (
            ("--bench-sandbox-keep=always",),
            ["test_it-False/sandbox-1", "test_it-True/sandbox-1", "test_late/sandbox-1"],
        ),
    ],
)
def test_it_says_which_stay(campaign: Campaign, engine: str, args: tuple[str, ...], names: list[str]) -> None:
    campaign.write(SUITE)
    campaign.run(*args, engine=engine)
    assert [name.removeprefix("test_a.py-") for name in kept(campaign)] == names
    assert not (campaign.results / "sandboxes").exists()


def test_each_attempt_has_its_own(campaign: Campaign) -> None:
    campaign.write(SUITE)
    campaign.run("--bench-sandbox-keep=failed")
    campaign.run("--bench-sandbox-keep=failed", "--bench-resume")
    assert "test_a.py-test_it-False/sandbox-2" in kept(campaign)


def test_the_ini_file_counts(campaign: Campaign) -> None:
    campaign.write(SUITE)
    campaign.ini("bench_sandbox_keep = always")
    campaign.run()
    assert len(kept(campaign)) == 3


def test_another_word_is_refused(campaign: Campaign) -> None:
    campaign.write(SUITE)
    assert campaign.run("--bench-sandbox-keep=some").exit_code == 4
    campaign.ini("bench_sandbox_keep = some")
    session = campaign.run()
    assert session.exit_code == 4
    assert "'some' is not never, failed or always" in session.text
