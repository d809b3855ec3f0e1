"""`kill -9` at any moment, of the owner or of a worker: resume until done, then let journal and marks testify."""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import time
from contextlib import suppress
from itertools import count

import psutil
import pytest

from tests.acceptance.processes import DEADLINE_S, Child, wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

SEED = int(os.environ.get("BENCHRUN_ACCEPTANCE_SEED") or secrets.randbits(32))
"""Another one in every session; a failing test prints it, and the variable repeats it."""

UNITS = """
    import pathlib, time
    import pytest

    TOTAL = int((pathlib.Path(__file__).parent / "total").read_text())

    @pytest.fixture(scope="module")
    def warm():
        yield 1

    @pytest.mark.parametrize("n", range(TOTAL))
    def test_unit(warm, n, benchrun):
        time.sleep(0.004)
        benchrun.metric("n", n)
"""
# Until the first unit: half of what a session takes to get there on an idle machine, so that some kills hit it.
START_S = {"bare": 0.25, "n2": 0.6}
OPTIONS: dict[str, tuple[str, ...]] = {"bare": (), "n2": ("-n2",)}
ORPHANS_GO_WITHIN_S = 2.0


class Nemesis:
    """Decides when and whom to kill; counts what it has done.

    Args:
        suite: the campaign.
        engine: `bare` or `n2`.
        name: tells campaigns of one seed apart.
    """

    def __init__(self, suite: Suite, engine: str, name: str) -> None:
        self._suite = suite
        self._options = OPTIONS[engine]
        self._start_s = START_S[engine]
        self._random = random.Random(f"{SEED}-{engine}-{name}")  # noqa: S311  # moments, no secrets
        self.kills = 0
        self.total = 0
        self.orphans: list[psutil.Process] = []
        sys.stdout.write(f"BENCHRUN_ACCEPTANCE_SEED={SEED}\n")
        suite.write("test_unit.py", UNITS)

    def add_units(self, count: int) -> None:
        """Give the campaign more to do; a resume takes new units in."""
        self.total += count
        self._suite.write("total", str(self.total))

    def start(self) -> Child:
        """A session that goes on with what is there."""
        resume = ("--bench-resume",) if self._suite.has_run() else ()
        return self._suite.start(*resume, *self._options)

    def kill_owner(self) -> None:
        """Start a session and kill its owner while it starts, or after a few more units."""
        child = self.start()
        self._wait_for_moment(child)
        if child.has_ended:  # this process was kept waiting while the campaign was not
            assert child.wait().code == 0, child.output
            self.add_units(10)
            return
        self.orphans += child.descendants()
        child.kill()
        self.kills += 1

    def kill_worker(self, child: Child) -> None:
        """Kill one of the processes that the session has started, if it has any now."""
        self._wait_for_moment(child)
        workers = child.descendants()
        if workers:
            with suppress(psutil.NoSuchProcess):
                self._random.choice(workers).kill()
                self.kills += 1

    def _wait_for_moment(self, child: Child) -> None:
        """After one to four more units; three times in ten at a random time before that, while it starts."""
        pause_s = 2 * self._start_s * self._random.random() if self._random.random() < 0.3 else DEADLINE_S
        wanted = len(self._suite.marks()) + self._random.randint(1, 4)
        begun_s = time.monotonic()
        wait_until(
            lambda: child.has_ended or len(self._suite.marks()) >= wanted or time.monotonic() - begun_s > pause_s,
            f"{wanted} marks\n{child.output}",
        )
        begun_s, pause_s = time.monotonic(), self._random.uniform(0, 0.015)
        while time.monotonic() - begun_s < pause_s:
            pass  # a kill at a point that no polling would hit


def _finish(suite: Suite, nemesis: Nemesis) -> None:
    for session in count(1):
        ended = nemesis.start().wait()
        assert ended.code in {0, 1}, ended.output
        if ended.code == 0:
            return
        assert session < 5, "a unit failed that nobody killed any more"


def _prove(suite: Suite, total: int) -> None:
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, [f"test_unit.py::test_unit[{n}]" for n in range(total)])
    view = suite.status()
    assert (view["state"], view["completed"], view["total_tasks"]) == ("complete", total, total)


def _end_orphans(nemesis: Nemesis) -> list[psutil.Process]:
    """Wait for the workers of killed owners to go; end those that do not, and return them."""
    begun_s = time.monotonic()
    while any(orphan.is_running() for orphan in nemesis.orphans):
        if time.monotonic() - begun_s > ORPHANS_GO_WITHIN_S:
            break
        psutil.wait_procs(nemesis.orphans, timeout=0.1)
    left = [orphan for orphan in nemesis.orphans if orphan.is_running()]
    for orphan in left:
        orphan.kill()
    return left


@pytest.mark.parametrize(
    ("engine", "kills", "name"),
    [("bare", 9, "a"), ("bare", 9, "b"), ("n2", 8, "a"), ("n2", 8, "b")],
)
def test_every_unit_counts_once_however_often_the_owner_is_killed(
    suite: Suite, engine: str, kills: int, name: str
) -> None:
    nemesis = Nemesis(suite, engine, name)
    nemesis.add_units(kills * 6)
    while nemesis.kills < kills:
        nemesis.kill_owner()
    _finish(suite, nemesis)
    _prove(suite, nemesis.total)
    assert _end_orphans(nemesis) == []


@pytest.mark.parametrize("name", ["a", "b"])
def test_every_unit_counts_once_however_often_a_worker_is_killed(suite: Suite, name: str) -> None:
    nemesis = Nemesis(suite, "n2", name)
    nemesis.add_units(80)
    child = nemesis.start()
    while nemesis.kills < 8:
        nemesis.kill_worker(child)
        if child.has_ended:
            nemesis.add_units(10)
            child = nemesis.start()
    child.wait()
    _finish(suite, nemesis)
    _prove(suite, nemesis.total)


def test_a_unit_killed_after_it_was_shown_as_passed_is_not_run_again(suite: Suite) -> None:
    """Its result stands in the journal, its end does not: teardown took the process with it."""
    suite.write(
        "test_unit.py",
        """
        import os, signal, pytest

        @pytest.fixture
        def deadly():
            yield
            os.kill(os.getpid(), signal.SIGKILL)

        def test_first(): pass
        def test_killed_in_its_teardown(deadly): pass
        def test_last(): pass
        """,
    )
    killed = suite.run("-v")
    assert killed.code == -signal.SIGKILL
    assert "test_killed_in_its_teardown PASSED" in killed.output
    ended = suite.run("--bench-resume", "-v")
    assert ended.code == 0, ended.output
    assert suite.started().count("test_unit.py::test_killed_in_its_teardown") == 1
    names = ("first", "killed_in_its_teardown", "last")
    assert_every_unit_counts_once(suite, [f"test_unit.py::test_{name}" for name in names])


@pytest.mark.parametrize(
    "workloads",
    [("time.sleep(3600)", "while True: pass"), ("ctypes.PyDLL(None).sleep(3600)", "ctypes.PyDLL(None).sleep(3600)")],
    ids=["python", "holds-the-gil"],
)
def test_workers_in_the_middle_of_a_unit_go_when_their_owner_is_killed(
    suite: Suite, workloads: tuple[str, str]
) -> None:
    for number, workload in enumerate(workloads):
        suite.write(f"test_{number}.py", f"import ctypes, time\ndef test_unit():\n    {workload}\n")
    child = suite.start("-n2")
    wait_until(lambda: len(suite.marks()) == 2, "both units in flight")
    nemesis = Nemesis(suite, "n2", "orphans")
    nemesis.orphans = child.descendants()
    assert len(nemesis.orphans) == 4  # two workers, each with a watchdog
    child.kill()
    assert _end_orphans(nemesis) == []
