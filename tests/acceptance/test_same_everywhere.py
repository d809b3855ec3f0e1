"""Bare, on workers and with `-x`: the same units, the same counts; and a status that never lies on its way."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson
import pytest

from tests.acceptance.suite import Json, Suite

COUNTED = ("completed", "failed", "timeout", "skipped", "interrupted", "running", "pending")
ENDED = ("completed", "failed", "timeout", "skipped")

GREEN = """
    import pytest

    @pytest.mark.parametrize("molecule", ["water", "ammonia", "methane"])
    @pytest.mark.parametrize("basis", range(10))
    def test_energy(molecule, basis):
        pass

    class TestForces:
        @pytest.mark.parametrize("n", range(10))
        def test_gradient(self, n):
            if n == 3:
                pytest.skip("no gradient for it")

        @pytest.mark.xfail(reason="known")
        @pytest.mark.parametrize("n", range(5))
        def test_hessian(self, n):
            assert n > 100
"""
RED = """
    import pytest

    @pytest.mark.parametrize("n", range(30))
    def test_red(n):
        assert n % 3, "a third fails"

    @pytest.fixture
    def broken():
        raise OSError("no such device")

    @pytest.mark.parametrize("n", range(3))
    def test_broken(broken, n):
        pass
"""


def _counts(view: Json) -> dict[str, int]:
    return {name: view[name] for name in (*COUNTED, "total_tasks", "failures_total")}


def test_bare_on_workers_and_with_x_are_the_same_units_and_counts(suite: Suite) -> None:
    suite.write("test_green.py", GREEN)
    units: list[Counter[str]] = []
    cases: list[Counter[tuple[str, str, str]]] = []
    counts: list[dict[str, int]] = []
    for options in ([], ["-n2"], ["-x"], ["-x", "-n2"]):
        ended = suite.run("--junitxml=junit.xml", *options)
        assert ended.code == 0, ended.output
        units.append(Counter(suite.started()))
        cases.append(Counter((case.name, case.outcome, case.message) for case in suite.junit()))
        counts.append(_counts(suite.status()))
    assert counts[0]["total_tasks"] == 45
    assert counts[0]["completed"] == 44
    assert counts[0]["skipped"] == 1
    assert set(units[0].values()) == {1}
    assert units == [units[0]] * 4
    assert cases == [cases[0]] * 4
    assert counts == [counts[0]] * 4


def test_failures_are_the_same_bare_and_on_workers(suite: Suite) -> None:
    suite.write("test_red.py", RED)
    cases: list[Counter[tuple[str, str, str]]] = []
    views: list[Json] = []
    for options in ([], ["-n2"]):
        ended = suite.run("--junitxml=junit.xml", "--bench-max-failures=none", *options)
        assert ended.code == 1, ended.output
        cases.append(Counter((case.name, case.outcome, case.message) for case in suite.junit()))
        views.append(suite.status())
    assert cases[0] == cases[1]
    assert _counts(views[0]) == _counts(views[1])
    assert views[0]["failures_total"] == 13
    assert [view["state"] for view in views] == ["complete", "complete"]


class StatusWatch(threading.Thread):
    """Reads `status.json` every 5 ms while a session runs, and keeps every reading.

    Attributes:
        readings: each status that was different from the one before.
        torn: what could be read but was no JSON.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(name="status-watch")
        self._path = path
        self._is_over = threading.Event()
        self.readings: list[Json] = []
        self.torn: list[bytes] = []

    def run(self) -> None:
        last = b""
        while not self._is_over.wait(0.005):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                continue
            if data != last:
                last = data
                self._keep(data)

    def _keep(self, data: bytes) -> None:
        try:
            self.readings.append(orjson.loads(data))
        except ValueError:
            self.torn.append(data)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._is_over.set()
        self.join()


def _assert_never_lied(watch: StatusWatch, total: int) -> None:
    assert watch.torn == []
    assert len(watch.readings) > 3, "too short a run to see anything"
    assert [view for view in watch.readings if sum(view[name] for name in COUNTED) != view["total_tasks"]] == []
    assert {view["total_tasks"] for view in watch.readings} == {total}
    for name in ("completed", "failed", "skipped", "failures_total"):
        seen = [view[name] for view in watch.readings]
        assert seen == sorted(seen), name
    ended = [sum(view[name] for name in ENDED) for view in watch.readings]
    assert ended == sorted(ended)
    for name in ("updated_at", "heartbeat_at"):
        # the last one has the time of the journal's last event, so that a rebuild gives the same bytes
        moments = [view[name] for view in watch.readings[:-1]]
        assert moments == sorted(moments), name
    assert all(view["running"] == len(view["current_tasks"]) for view in watch.readings)


@pytest.mark.parametrize("options", [[], ["-n2", "--junitxml=junit.xml"]], ids=["bare", "n2"])
def test_every_status_on_the_way_is_whole_and_adds_up(suite: Suite, options: list[str]) -> None:
    suite.write(
        "test_long.py",
        """
        import os, time, pytest

        @pytest.mark.parametrize("n", range(120))
        def test_long(n):
            time.sleep(0.01)
            if n % 20 == 7:
                assert 0, "one in twenty fails"
            if n % 20 == 8:
                pytest.skip("one in twenty skips itself")
        """,
    )
    with StatusWatch(suite.results / "status.json") as watch:
        ended = suite.run("--bench-max-failures=none", *options)
    assert ended.code == 1, ended.output
    _assert_never_lied(watch, 120)
    assert {"running", "complete"} <= {view["state"] for view in watch.readings}
    assert any(view["running"] for view in watch.readings)
    assert watch.readings[-1] == suite.status()


def test_every_status_adds_up_while_workers_die_and_the_run_is_stopped(suite: Suite) -> None:
    suite.write(
        "test_long.py",
        """
        import os, pathlib, time, pytest

        @pytest.mark.parametrize("n", range(100))
        def test_long(n):
            time.sleep(0.01)
            if n in (20, 40):
                os._exit(7)
            if n == 80:
                (pathlib.Path(__file__).parent / "results" / "STOP").touch()
        """,
    )
    with StatusWatch(suite.results / "status.json") as watch:
        ended = suite.run("-n2")
    assert ended.code == 2, ended.output
    _assert_never_lied(watch, 100)
    assert suite.status()["state"] == "stopped"
