"""`benchrun.command`: a program of a unit, its log, its figures, its errors."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

UNIT = "test_a.py::test_it"


def body(source: str) -> dict[str, str]:
    return {"test_a.py": f"import os, sys, threading, time, pytest\ndef test_it(benchrun, tmp_path):\n    {source}\n"}


def test_output_is_in_the_artifacts_and_not_in_the_report(campaign: Campaign, engine: str) -> None:
    campaign.write(body("assert benchrun.command(['echo', 'loud']).exit_code == 3"))
    session = campaign.run(engine=engine)
    (log,) = (campaign.results / "artifacts").glob("*/echo.log")
    assert log.read_text("utf-8") == "loud\n"
    assert not [shown for shown in session.shown if "loud" in str(shown.output)]


def test_each_command_has_a_log_of_its_own_and_a_named_one_is_replaced(campaign: Campaign) -> None:
    lines = (
        "benchrun.command(['echo', '1']); benchrun.command(['/bin/echo', '2'])",
        "benchrun.command(['echo', '3'], log='out/x.txt'); benchrun.command(['echo', '4'], log='out/x.txt')",
    )
    campaign.write(body("\n    ".join(lines)))
    assert campaign.run().exit_code == 0
    logs = {
        path.name: path.read_text("utf-8") for path in (campaign.results / "artifacts").rglob("*") if path.is_file()
    }
    assert logs == {"echo.log": "1\n", "echo.2.log": "2\n", "x.txt": "4\n"}


def test_figures_become_metrics_when_asked_for(campaign: Campaign, engine: str) -> None:
    campaign.write(body("benchrun.command(['true']); benchrun.command(['true'], metrics='idle')"))
    metrics = campaign.run(engine=engine).metrics(UNIT)
    assert {name: metric["unit"] for name, metric in metrics.items()} == {
        "idle_wall_s": "s",
        "idle_cpu_s": "s",
        "idle_rss_bytes": "bytes",
    }


def test_another_exit_code_fails_the_unit_with_the_end_of_the_log(campaign: Campaign, engine: str) -> None:
    campaign.write(body("benchrun.command(['sh', '-c', 'echo because >&2; exit 3'])"))
    session = campaign.run(engine=engine)
    (failed,) = [shown.text for shown in session.shown if shown.category == "failed"]
    assert "sh -c 'echo because >&2; exit 3' exited with 3" in failed
    assert "because" in failed
    assert "world/command.py" not in failed
    assert session.ended() == {UNIT: "failed"}


def test_check_false_leaves_it_to_the_unit(campaign: Campaign) -> None:
    campaign.write(body("assert benchrun.command(['false'], check=False).exit_code == 1"))
    assert campaign.run().exit_code == 0


def test_a_timeout_is_the_status_of_the_unit(campaign: Campaign, engine: str) -> None:
    campaign.write(body("benchrun.command(['sleep', '100'], timeout=0.2, check=False)"))
    session = campaign.run(engine=engine)
    assert session.ended() == {UNIT: "timeout"}
    assert "was ended: it ran for longer than timeout=0.2 s" in session.events("unit_ended")[0]["outcome"]["message"]


def test_a_missing_program_fails_or_skips(campaign: Campaign) -> None:
    campaign.write(body("benchrun.command(['nwchem'], env={'PATH': '/nowhere'})"))
    session = campaign.run()
    assert session.ended() == {UNIT: "failed"}
    assert "apt-get install nwchem" in session.text
    campaign.write(body("benchrun.command(['nwchem'], env={'PATH': '/nowhere'}, missing='skip')"))
    session = campaign.run("--bench-fresh")
    assert session.ended() == {UNIT: "skipped"}
    assert not list((campaign.results / "artifacts").rglob("*.log"))


def test_env_is_on_top_and_none_takes_away(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONE", "1")
    monkeypatch.setenv("STAYS", "2")
    source = "echo ${GONE-none} $STAYS $NEW"
    campaign.write(body(f"r = benchrun.command(['sh', '-c', '{source}'], env={{'GONE': None, 'NEW': '3'}})"))
    campaign.run()
    (log,) = (campaign.results / "artifacts").glob("*/sh.log")
    assert log.read_text("utf-8") == "none 2 3\n"


def test_output_is_proof_of_progress_and_a_silent_program_gives_none(campaign: Campaign) -> None:
    kinds = "[one.kind for one in benchrun.programs._beacons.recent()]"
    lines = (
        "benchrun.command(['sleep', '0.3'])",
        f"assert 'output' not in {kinds}",
        "benchrun.command(['sh', '-c', 'for n in 1 2 3 4 5 6; do echo $n; sleep 0.1; done'])",
        f"assert 'output' in {kinds}",
    )
    campaign.write(body("\n    ".join(lines)))
    session = campaign.run()
    assert session.exit_code == 0, session.text


def test_what_a_program_left_behind_is_a_warning(campaign: Campaign, engine: str) -> None:
    campaign.write(body("benchrun.command(['sh', '-c', 'sleep 100 &'])"))
    (ended,) = campaign.run(engine=engine).events("unit_ended")
    assert "left 1 processes behind, which were ended: sleep" in ended["outcome"]["warnings"][0]


def test_a_thread_of_the_unit_does_not_keep_its_program(campaign: Campaign) -> None:
    lines = (
        "def run(): said.append(benchrun.command(['sleep', '100'], check=False).signal)",
        "said = []",
        "threading.current_thread().runs = threading.Thread(target=run), said",
        "threading.current_thread().runs[0].start()",
        "while not benchrun.programs._running: time.sleep(0.01)",
        "\ndef test_after():\n    thread, said = threading.current_thread().runs",
        "thread.join(20)",
        "assert said == ['SIGTERM']",
    )
    campaign.write(body("\n    ".join(lines)))
    session = campaign.run()
    assert session.exit_code == 0, session.text


def test_without_a_run_it_is_an_ordinary_program(campaign: Campaign) -> None:
    campaign.write(
        body("r = benchrun.command(['echo', 'hi'], metrics='x'); assert r.log == tmp_path / 'echo.log', r.log")
    )
    session = campaign.plain()
    assert session.exit_code == 0, session.text


def test_a_text_is_refused_with_its_words(campaign: Campaign) -> None:
    campaign.write(body("benchrun.command('nwchem input.nw')"))
    assert "a list of its words: ['nwchem', 'input.nw']" in campaign.run().text


@pytest.mark.parametrize(
    "argument",
    ["timeout=0", "timeout='1'", "timeout=float('nan')", "grace=-1", "max_cpu_s=0.5", "missing='no'", "cwd='a\\0b'"],
)
def test_what_cannot_be_meant_is_refused(campaign: Campaign, argument: str) -> None:
    campaign.write(body(f"benchrun.command(['true'], {argument})"))
    session = campaign.run()
    assert session.ended() == {UNIT: "failed"}
    assert "CommandProblem: " in session.text


def test_a_log_that_cannot_be_kept_costs_a_warning(campaign: Campaign) -> None:
    campaign.write(body("benchrun.artifact('x.log').mkdir(); benchrun.command(['true'], log='x.log')"))
    session = campaign.run()
    assert session.ended() == {UNIT: "completed"}
    assert session.events("unit_ended")[0]["outcome"]["warnings"] == ["the output of true was not kept: Is a directory"]
