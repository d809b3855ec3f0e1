"""A unit that strikes its whole session: what it costs, and that all others complete, at the latest after a resume."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from tests.acceptance.disks import small_disk
from tests.acceptance.processes import Child, wait_until
from tests.acceptance.suite import Suite
from tests.acceptance.zoo.alone import DELETES, FILLS, LONE
from tests.acceptance.zoo.animal import Animal
from tests.acceptance.zoo.fatal import LIMIT_S
from tests.acceptance.zoo.test_zoo import ENGINES, HEALTHY

UNIT = "test_m_it.py::test_it"
HEALTHY_EACH = 6
LIMIT = f"--bench-stuck-timeout={LIMIT_S}s"


def _write(suite: Suite, does: str) -> None:
    for name in ("a", "z"):
        suite.write(f"test_{name}_healthy.py", HEALTHY.format(count=HEALTHY_EACH))
    suite.write("test_m_it.py", Animal(does=does).source.replace('stuck_timeout="60s"', f'stuck_timeout="{LIMIT_S}s"'))


def _assert_mended(suite: Suite, *options: str) -> None:
    """Without the culprit a resume completes all; nothing was done twice."""
    suite.write("test_m_it.py", "def test_it(): pass\n")
    ended = suite.run(LIMIT, "--bench-resume", *options)
    assert ended.code == 0, ended.output
    view = suite.status()
    assert (view["state"], view["completed"]) == ("complete", 2 * HEALTHY_EACH + 1)
    completed = [end["unit_id"] for end in suite.events("unit_ended") if end["outcome"]["status"] == "completed"]
    assert len(set(completed)) == 2 * HEALTHY_EACH + 1
    assert [unit_id for unit_id in set(completed) - {UNIT} if completed.count(unit_id) > 1] == []
    verified = suite.benchrun("verify")
    assert verified.code == 0, verified.output


def _assert_nothing_lives(child: Child) -> None:
    wait_until(lambda: not child.descendants(), "the end of all processes", within_s=2)


@pytest.mark.parametrize("name", LONE)
def test_the_verdict_of_one_that_strikes_its_session(suite: Suite, name: str) -> None:
    lone = LONE[name]
    _write(suite, lone.does)
    child = suite.start(LIMIT, *ENGINES[lone.engine])
    ended = child.wait()
    assert ended.code == lone.code, ended.output
    assert "INTERNALERROR" not in ended.output
    _assert_nothing_lives(child)
    assert suite.benchrun("status", "--exit-code").code == lone.state
    _assert_mended(suite, *ENGINES[lone.engine])
    first = next(end for end in suite.events("unit_ended") if end["unit_id"] == UNIT)
    assert (first["outcome"]["status"], first["ended"]) == (lone.status, lone.ended)


def test_one_that_suspends_itself_without_workers_waits_for_people_as_with_ctrl_z(suite: Suite) -> None:
    _write(suite, "os.kill(os.getpid(), signal.SIGSTOP)")
    child = suite.start(LIMIT)
    wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, "the suspended session")
    child.tell(signal.SIGCONT)
    ended = child.wait()
    assert ended.code == 0, ended.output
    assert suite.status()["completed"] == 2 * HEALTHY_EACH + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_deletes_the_results_directory_cannot_make_the_run_look_well(suite: Suite, engine: str) -> None:
    _write(suite, DELETES)
    child = suite.start(LIMIT, *ENGINES[engine])
    ended = child.wait()
    assert ended.code == 1, ended.output
    assert "INTERNALERROR" not in ended.output
    assert "it was deleted during the run -> " in ended.output
    _assert_nothing_lives(child)
    assert suite.benchrun("verify").code == 4
    suite.write("test_m_it.py", "def test_it(): pass\n")
    assert suite.run(LIMIT, *ENGINES[engine]).code == 0  # started anew, as the message says
    assert suite.status()["completed"] == 2 * HEALTHY_EACH + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_fills_the_temporary_directory_costs_only_units_that_need_it(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    with small_disk(tmp_path / "tmp", "1M") as place:
        monkeypatch.setenv("TMPDIR", str(place))
        _write(suite, FILLS)
        suite.write("test_n_prints.py", "def test_it(): print('x' * 100_000)\n")
        ended = suite.run(LIMIT, "--dist=loadfile", *ENGINES[engine])
        assert ended.code in {0, 1}, ended.output  # with workers the one that prints may come first
        assert "INTERNALERROR" not in ended.output
        failed = [end for end in suite.events("unit_ended") if end["outcome"]["status"] != "completed"]
        assert {(end["unit_id"], "No space left" in end["outcome"]["message"]) for end in failed} <= {
            ("test_n_prints.py::test_it", True)
        }
        assert suite.status()["state"] == "complete"
        assert engine == "n2" or failed
        (place / "ballast").unlink()
        suite.write("test_n_prints.py", "def test_it(): pass\n")
        again = suite.run(LIMIT, "--bench-resume", *ENGINES[engine])
        assert again.code == 0, again.output
