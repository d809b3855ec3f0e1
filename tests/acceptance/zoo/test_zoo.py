"""What becomes of each hostile unit, by the table; the healthy units beside it all complete."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import psutil
import pytest

from tests.acceptance.processes import Child, wait_until
from tests.acceptance.suite import Json, Suite
from tests.acceptance.zoo.animal import Animal
from tests.acceptance.zoo.animals import ANIMALS
from tests.acceptance.zoo.fatal import CRASHING, ENDING, HANGING, LIMIT_S

OPTIONS = (
    f"--bench-stuck-timeout={LIMIT_S}s",
    "--bench-max-failures=none",
    "--bench-max-consecutive-failures=none",
)
HEALTHY = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_healthy(n, benchrun): benchrun.metric("n", n)
"""
HEALTHY_EACH, HEALTHY_EVERY = 6, 4
SESSION_S = 100.0
ZOO = {**ANIMALS, **CRASHING, **HANGING, **ENDING}
SHOWN_BEFORE = frozenset({"exits_in_its_teardown"})
"""Without workers a unit is shown as passed before its teardown, and then keeps that."""
ENGINES = {"bare": (), "n2": ("-n2",)}


def _write(suite: Suite, names: Iterable[str]) -> int:
    """The files of the animals, with healthy units between them.

    Returns:
        How many healthy units there are.
    """
    names = list(names)
    for number, name in enumerate(names):
        suite.write(f"test_{number:03d}_{name}.py", ZOO[name].source)
        if number % HEALTHY_EVERY == 0:
            suite.write(f"test_{number:03d}_healthy.py", HEALTHY.format(count=HEALTHY_EACH))
    return HEALTHY_EACH * len(names[::HEALTHY_EVERY])


def _name_of(unit_id: str) -> str:
    return unit_id.partition(".py")[0][len("test_000_") :]


def _ends(suite: Suite) -> dict[str, list[Json]]:
    """By animal the end of each of its attempts; all healthy units are under one name."""
    ends: dict[str, list[Json]] = {}
    for event in suite.events("unit_ended"):
        ends.setdefault(_name_of(event["unit_id"]), []).append(event)
    return ends


def _assert_row(name: str, animal: Animal, ends: list[Json], late: list[Json], attempts: int) -> None:
    last = ends[-1]
    outcome = last["outcome"]
    assert (outcome["status"], outcome["kind"]) == (animal.status, animal.kind), (name, outcome)
    assert last["ended"] == animal.ended, (name, last)
    assert len(ends) == attempts, (name, ends)
    said = "\n".join([outcome["message"] or "", outcome["detail"] or "", *outcome["warnings"]])
    assert animal.says in said, (name, said[:2000])
    assert len(said) < 400_000, name
    assert all((end["elapsed_s"] or 0) < animal.within_s for end in ends), (name, ends)
    errors = [event["message"] for event in late if _name_of(event["unit_id"]) == name]
    assert bool(errors) == bool(animal.late), (name, errors)
    assert all(animal.late in error for error in errors), (name, errors)


def _assert_healthy(suite: Suite, names: Collection[str], count: int) -> None:
    healthy = [end for name, ends in _ends(suite).items() if name not in names for end in ends]
    assert [end for end in healthy if end["outcome"]["status"] not in {"completed", "interrupted"}] == []
    healthy = [end for end in healthy if end["outcome"]["status"] == "completed"]  # one may have been in flight
    assert [end for end in healthy if end["outcome"]["warnings"]] == []
    assert len(healthy) == count


def _assert_at_rest(suite: Suite, child: Child) -> None:
    """The views say what the journal says, and nothing lives on."""
    ended = suite.benchrun("verify")
    assert ended.code == 0, ended.output
    path = suite.folder / "pids"
    pids = [int(line) for line in path.read_text("ascii").splitlines()] if path.exists() else []
    wait_until(lambda: not any(map(_lives, pids)) and not child.descendants(), "the end of all processes", within_s=5)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _assert_clean(output: str) -> None:
    assert "INTERNALERROR" not in output
    assert "\x1b" not in output
    assert len(output) < 3_000_000


def test_the_zoo_has_more_than_forty() -> None:
    assert len(ZOO) >= 40


@pytest.mark.parametrize("engine", ENGINES)
def test_what_can_be_survived_is(suite: Suite, engine: str) -> None:
    names = [name for name, animal in ZOO.items() if name not in ENDING and (engine == "n2" or animal.code is None)]
    count = _write(suite, names)
    child = suite.start(*OPTIONS, "--junitxml=junit.xml", *ENGINES[engine])
    ended = child.wait(SESSION_S)
    assert ended.code == 1, ended.output[-5000:]
    _assert_clean(ended.output)
    ends, late = _ends(suite), suite.events("late_error")
    for name in names:
        _assert_row(name, ZOO[name], ends.get(name, []), late, ZOO[name].attempts if engine == "n2" else 1)
    _assert_healthy(suite, names, count)
    _assert_at_rest(suite, child)
    view = suite.status()
    assert view["state"] == "complete"
    assert view["completed"] == count + sum(ZOO[name].status == "completed" for name in names)
    assert len(suite.junit()) >= count + len(names)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_ends_the_session_costs_nobody_else_once_it_is_mended(suite: Suite, engine: str) -> None:
    names = [name for name, animal in ZOO.items() if animal.code is not None and (engine == "bare" or name in ENDING)]
    count = _write(suite, names)
    order = list(names)
    resume: tuple[str, ...] = ()
    while order:
        child = suite.start(*OPTIONS, *ENGINES[engine], *resume)
        ended = child.wait(SESSION_S)
        culprits = [name for name in order if name in map(_name_of, suite.started())]
        name = culprits[0]
        code = ZOO[name].code if engine == "bare" else 2  # a worker cannot choose the exit code of all
        assert ended.code == code, (name, ended.output[-5000:])
        if ZOO[name].code != 1:  # pytest itself was broken, and says so
            _assert_clean(ended.output)
        said = suite.benchrun("status", "--exit-code")
        assert said.code in {11, 13}, (name, said.output)
        order.remove(name)
        [path] = suite.folder.glob(f"test_???_{name}.py")
        suite.write(path.name, "def test_it(): pass\n")
        resume = ("--bench-resume",)
    child = suite.start(*OPTIONS, *ENGINES[engine], *resume)
    ended = child.wait(SESSION_S)
    assert ended.code == 0, ended.output
    ends = _ends(suite)
    for name in names:
        first, *_, last = ends[name]
        assert last["outcome"]["status"] == "completed", ends[name]
        shown = "completed" if name in SHOWN_BEFORE else ZOO[name].first
        assert first["outcome"]["status"] == shown, (name, first)
    _assert_healthy(suite, names, count)
    _assert_at_rest(suite, child)
