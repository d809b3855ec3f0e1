"""Where options say that things are, and that nothing is made where there is nothing to keep."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

SUITE = "def test_a(benchrun): assert benchrun.config == {'basis': 'x'}\n"


def test_a_selection_of_nothing_makes_no_run_and_names_no_files(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    session = campaign.run("-k", "typo", engine=engine)
    assert session.exit_code == 5
    assert "benchrun: nothing to do, no unit was selected" in session.text
    assert "files: " not in session.text
    assert not campaign.results.exists()


def test_a_tilde_is_the_home_folder(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(campaign.folder / "home"))
    campaign.write({"test_a.py": SUITE, "home/campaign.toml": "[parameters]\nbasis = 'x'\n"})
    options = ("--bench-results=~/results", "--bench-config=~/campaign.toml", "--bench-log=~/run.log")
    session = campaign.plain(*options, "--bench-db=~/history.sqlite")
    assert session.exit_code == 0
    made = {path.name for path in (campaign.folder / "home").iterdir()}
    assert made == {"results", "campaign.toml", "run.log", "history.sqlite"}
    assert not (campaign.folder / "~").exists()


@pytest.mark.parametrize("options", [(), ("--bench-resume",), ("--bench-plan",)])
def test_what_can_be_no_directory_is_refused(campaign: Campaign, options: tuple[str, ...]) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    long = "x" * 300
    (campaign.folder / "dangling").symlink_to("nowhere")
    (campaign.folder / "loop").symlink_to("loop")
    for place, problem in {
        long: f"cannot look at --bench-results='{campaign.folder / long}': File name too long",
        "dangling": f"--bench-results='{campaign.folder / 'dangling'}' is a link to nothing",
        "loop": f"--bench-results='{campaign.folder / 'loop'}' is a link to nothing",
    }.items():
        session = campaign.plain(f"--bench-results={place}", *options)
        assert session.exit_code == 4
        assert problem in session.text
        assert "INTERNALERROR" not in session.text
