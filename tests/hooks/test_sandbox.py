"""`benchrun_sandbox`: a directory for one unit, what it begins with, and its end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.hooks.campaigns import Campaign, Session

UNIT = "test_a.py::test_it"


def body(source: str, mark: str = "") -> dict[str, str]:
    head = "import os, sys, pytest\nfrom pathlib import Path\n"
    return {"test_a.py": f"{head}{mark}\ndef test_it(benchrun, benchrun_sandbox):\n    {source}\n"}


def warnings_of(session: Session) -> list[str]:
    warnings: list[str] = session.events("unit_ended")[-1]["outcome"]["warnings"]
    return warnings


@pytest.mark.parametrize("source", ["pass", "assert 0", "pytest.skip('x')", "raise SystemExit"])
def test_it_is_below_the_results_and_gone_at_the_end(campaign: Campaign, engine: str, source: str) -> None:
    said = "Path('where').write_text(str(benchrun_sandbox.path)); (benchrun_sandbox / 'x').touch()"
    campaign.write(body(f"{said}; {source}"))
    campaign.run(engine=engine)
    where = Path((campaign.folder / "where").read_text("utf-8"))
    assert where.is_relative_to(campaign.results / "sandboxes")
    assert not (campaign.results / "sandboxes").exists()
    assert not (campaign.results / "artifacts").exists()


def test_commands_run_in_it(campaign: Campaign, engine: str) -> None:
    lines = (
        "assert benchrun.command(['sh', '-c', 'pwd; echo 1 > made']).tail == str(benchrun_sandbox.path.resolve())",
        "assert (benchrun_sandbox / 'made').exists()",
        "(benchrun_sandbox / 'deep').mkdir()",
        "assert benchrun.command(['pwd'], cwd='deep').tail.endswith('/deep')",
    )
    campaign.write(body("\n    ".join(lines)))
    session = campaign.run(engine=engine)
    assert session.exit_code == 0, session.text


def test_a_folder_beside_the_test_is_copied(campaign: Campaign, engine: str) -> None:
    campaign.write({"template/deep/file": "content"})
    source = "path = benchrun_sandbox / 'deep/file'; assert path.read_text() == 'content'; path.write_text('changed')"
    campaign.write(body(source, "@pytest.mark.benchrun(boilerplate='template')"))
    assert campaign.run(engine=engine).exit_code == 0
    assert (campaign.folder / "template/deep/file").read_text("utf-8") == "content"


def test_the_commit_of_a_repository_is_recorded(campaign: Campaign, engine: str) -> None:
    repository = campaign.folder / "repository"
    repository.mkdir()
    me = ("-c", "user.name=me", "-c", "user.email=me@host")
    for words in (("init", "-q"), (*me, "commit", "-q", "--allow-empty", "-m", "x")):
        subprocess.run(["git", *words], cwd=repository, check=True)
    (commit,) = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repository, text=True).split()
    mark = f"@pytest.mark.parametrize('n', [1, 2])\n@pytest.mark.benchrun(boilerplate='file://{repository}')"
    campaign.write(body("assert benchrun_sandbox.commit", mark))
    campaign.write(
        {"test_a.py": (campaign.folder / "test_a.py").read_text("utf-8").replace("_sandbox)", "_sandbox, n)")}
    )
    session = campaign.run(engine=engine)
    assert session.exit_code == 0, session.text
    for number in (1, 2):
        assert session.metrics(f"{UNIT}[{number}]")["boilerplate_commit"]["value"] == commit
    assert {case.values("bench.metric.boilerplate_commit")[0] for case in session.cases()} == {commit}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'nowhere'", "there is no folder"),
        ("'http://host/a'", "git is asked by https, ssh, file only, and not by 'http'"),
        ("'https://me:hunter2@host/a'", "has a password or token in it"),
        ("'ext::sh -c true'", "not by 'ext'"),
        ("7", "is no folder and no repository"),
    ],
)
def test_a_boilerplate_that_cannot_be_is_refused_before_the_first_unit(
    campaign: Campaign, engine: str, value: str, said: str
) -> None:
    campaign.write(body("pass", f"@pytest.mark.benchrun(boilerplate={value})"))
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert said in session.text
    assert "hunter2" not in session.text
    assert not (campaign.results / "journal.jsonl").exists()


def test_a_boilerplate_with_a_link_outside_fails_its_unit(campaign: Campaign) -> None:
    campaign.write({"template/file": ""})
    (campaign.folder / "template" / "link").symlink_to("/etc/passwd")
    campaign.write(body("pass", "@pytest.mark.benchrun(boilerplate='template')"))
    session = campaign.run()
    assert session.ended() == {UNIT: "failed"}
    assert "'link' in it, which leads outside" in session.text
    assert not (campaign.results / "sandboxes").exists()


@pytest.mark.parametrize("source", ["pass", "assert 0"])
def test_collected_files_stay_whatever_the_unit_does(campaign: Campaign, engine: str, source: str) -> None:
    campaign.write(body(f"benchrun_sandbox.collect('*.out'); (benchrun_sandbox / 'a.out').write_text('a'); {source}"))
    campaign.run(engine=engine)
    (found,) = (campaign.results / "artifacts").glob("*/collected/a.out")
    assert found.read_text("utf-8") == "a"


def test_a_sandbox_that_is_gone_is_a_warning_and_hides_no_error(campaign: Campaign) -> None:
    campaign.write(body("import shutil; shutil.rmtree(benchrun_sandbox.path.parent); assert 'mine' == 0"))
    session = campaign.run()
    assert session.events("unit_ended")[0]["outcome"]["message"].startswith("AssertionError: assert 'mine' == 0")
    assert "it is not there any more" in warnings_of(session)[0]


def test_without_a_run_it_is_a_folder_of_pytests_own(campaign: Campaign) -> None:
    campaign.write({"template/file": "content"})
    source = (
        "assert (benchrun_sandbox / 'file').read_text() == 'content'; assert benchrun.command(['ls']).tail == 'file'"
    )
    campaign.write(body(source, "@pytest.mark.benchrun(boilerplate='template')"))
    session = campaign.plain()
    assert session.exit_code == 0, session.text
    assert not campaign.results.exists()


def test_a_pattern_that_leads_outside_is_refused(campaign: Campaign) -> None:
    campaign.write(body("benchrun_sandbox.collect('../*')"))
    assert "must be of relative paths inside the sandbox" in campaign.run().text
