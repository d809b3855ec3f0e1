"""A unit that takes its worker with it is tried once more, then blamed, once; nobody else pays for it."""

from __future__ import annotations

import pytest

from tests.acceptance.suite import Suite

DISTS = ("load", "loadscope", "loadfile", "loadgroup", "worksteal")
CRASHERS = {"test_1.py::TestIt::test_exits", "test_2.py::test_segfaults"}


def _write(suite: Suite) -> None:
    for number in range(3):
        suite.write(
            f"test_{number}.py",
            """
            import pytest

            class TestIt:
                @pytest.mark.parametrize("n", range(3))
                def test_method(self, n):
                    pass

            @pytest.mark.xdist_group("here")
            @pytest.mark.parametrize("n", range(3))
            def test_grouped(n):
                pass
            """,
        )
    suite.append(
        "test_1.py",
        """
        class TestIt(TestIt):
            def test_exits(self):
                import os
                os._exit(1)
        """,
    )
    suite.append(
        "test_2.py",
        """
        @pytest.mark.xdist_group("here")
        def test_segfaults():
            import faulthandler
            faulthandler._sigsegv()
        """,
    )


@pytest.mark.parametrize("dist", DISTS)
def test_a_crashing_unit_is_tried_once_more_and_blamed_once_while_all_others_run(suite: Suite, dist: str) -> None:
    _write(suite)
    ended = suite.run("-n2", f"--dist={dist}", "--junitxml=junit.xml")
    assert ended.code == 1, ended.output

    attempts: dict[str, list[tuple[str, str, str | None]]] = {}
    for end in suite.events("unit_ended"):
        outcome = end["outcome"]
        attempts.setdefault(end["unit_id"], []).append((end["ended"], outcome["status"], outcome["kind"]))
    assert len(attempts) == 20
    assert {unit_id for unit_id, ends in attempts.items() if ends != [("exited", "completed", None)]} == CRASHERS
    for unit_id in CRASHERS:
        assert attempts[unit_id] == [("lost", "interrupted", "crash"), ("lost", "failed", "crash")]
        assert [mark.attempt for mark in suite.marks() if mark.unit_id == unit_id] == [1, 2]
    assert sorted(suite.started()) == sorted(mark.unit_id for mark in suite.marks())

    cases = suite.junit()
    assert len(cases) == len({case.name for case in cases}) == 20
    blamed = [case for case in cases if case.outcome != "passed"]
    assert sorted(case.name.rpartition(".")[2] for case in blamed) == ["test_exits", "test_segfaults"]
    assert {case.outcome for case in blamed} == {"failure"}
    assert all(case.properties.keys() >= {"bench.run_id", "bench.group", "bench.attempt"} for case in cases)
    assert "2 failed, 18 passed" in ended.output
    view = suite.status()
    assert (view["state"], view["completed"], view["failed"], view["failures_total"]) == ("complete", 18, 2, 2)
    assert {failure["unit_id"] for failure in view["failures"]} == CRASHERS
    assert {failure["kind"] for failure in view["failures"]} == {"crash"}
    assert suite.benchrun("status", "--exit-code").code == 10


@pytest.mark.parametrize("reruns", [(), ("--reruns=2",)], ids=["idle", "reruns"])
def test_a_crash_is_a_failure_beside_pytest_rerunfailures_too(suite: Suite, reruns: tuple[str, ...]) -> None:
    pytest.importorskip("pytest_rerunfailures")
    suite.write(
        "test_it.py",
        """
        import os
        def test_fine(): pass
        def test_crash(): os._exit(1)
        def test_last(): pass
        """,
    )
    ended = suite.run("-n2", "--junitxml=junit.xml", "-p", "rerunfailures", *reruns)
    assert "INTERNALERROR" not in ended.output
    assert ended.code == 1, ended.output
    assert [case.outcome for case in suite.junit()].count("failure") == 1
    assert (suite.status()["completed"], suite.status()["failed"]) == (2, 1)


def test_a_resume_tries_a_crasher_again_and_completes_once_it_is_mended(suite: Suite) -> None:
    _write(suite)
    suite.run("-n2")
    for number in (1, 2):
        path = suite.folder / f"test_{number}.py"
        mended = path.read_text("utf-8").replace("os._exit(1)", "pass").replace("faulthandler._sigsegv()", "pass")
        path.write_text(mended, "utf-8")
    done = len(suite.marks())
    ended = suite.run("-n2", "--bench-resume")
    assert ended.code == 0, ended.output
    assert {mark.unit_id for mark in suite.marks()[done:]} == CRASHERS
    assert suite.status()["completed"] == 20


@pytest.mark.parametrize("dist", ["load", "loadfile"])
def test_forty_crashers_in_a_row_pause_the_run_and_do_not_hang(suite: Suite, dist: str) -> None:
    suite.write(
        "test_it.py",
        """
        import os, pytest

        @pytest.mark.parametrize("n", range(40))
        def test_it(n):
            os._exit(1)
        """,
    )
    ended = suite.run("-n2", f"--dist={dist}", "--junitxml=junit.xml", "--bench-max-failures=none")
    assert ended.code == 1, ended.output
    view = suite.status()
    assert view["state"] == "paused"
    assert "in a row" in view["reason"]
    assert view["reason"] in ended.output
    assert len(suite.started()) <= 12  # ten without a success between, and those in flight beside the tenth
    assert len(suite.junit()) == 40
    assert suite.benchrun("status", "--exit-code").code == 12


def test_a_crash_bare_ends_the_process_and_a_resume_goes_on_with_that_unit(suite: Suite) -> None:
    """A single process dies with its unit: every resume tries that once more, until it is mended."""
    suite.write(
        "test_it.py",
        """
        import os, pathlib, pytest

        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            if n == 3 and not (pathlib.Path(__file__).parent / "mended").exists():
                os._exit(3)
        """,
    )
    assert suite.run().code == 3
    assert suite.run("--bench-resume").code == 3
    suite.touch("mended")
    ended = suite.run("--bench-resume")
    assert ended.code == 0, ended.output
    assert suite.started() == [f"test_it.py::test_it[{n}]" for n in (0, 1, 2, 3, 3, 3, 4, 5)]
    assert suite.status()["completed"] == 6


@pytest.mark.parametrize("limit", [0, 1])
def test_a_limit_of_worker_restarts_is_never_green_and_loses_nothing(suite: Suite, limit: int) -> None:
    suite.write(
        "test_it.py",
        """
        import os, pathlib, pytest

        @pytest.mark.parametrize("n", range(10))
        def test_it(n):
            if n >= 4 and not (pathlib.Path(__file__).parent / "mended").exists():
                os._exit(0)
        """,
    )
    ended = suite.run("-n2", f"--max-worker-restart={limit}", "--junitxml=junit.xml")
    assert ended.code in {1, 2}, ended.output
    assert "INTERNALERROR" not in ended.output
    assert suite.status()["completed"] == 4
    assert len({case.name for case in suite.junit()}) == len(suite.junit())
    suite.touch("mended")
    ended = suite.run("-n2", "--bench-resume")
    assert ended.code == 0, ended.output
    assert suite.status()["completed"] == 10
