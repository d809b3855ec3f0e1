"""A session on a real terminal, as a person sees it: wide and narrow, bare and with workers, resized, debugged."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.processes import PYTEST, clean_environment
from tests.screen import Program, ScreenModel

SUITE = """
import pathlib, sys, time
import pytest

HERE = pathlib.Path(__file__).parent

def wait_for(name):
    end = time.monotonic() + 60
    while not (HERE / name).exists():
        assert time.monotonic() < end, name
        time.sleep(0.01)

@pytest.mark.parametrize("x", range(6))
def test_unit(benchrun, x, capfd):
    benchrun.stage("asking", total=3)
    for _ in range(3):
        with benchrun.turn(): pass
    print("said by the unit", x)
    sys.stderr.write("and on the other stream without an end")
    if x == 4:
        (HERE / "here").touch()
        wait_for("go")
    assert x != 2, "no"

def test_own_bar(capfd):
    from tqdm import tqdm
    for _ in tqdm(range(5), desc="mine", mininterval=0, miniters=1, ncols=60): pass
    err = capfd.readouterr().err
    assert "mine: 100%" in err and "\\x1b[A" not in err and "\\n" not in err.rstrip("\\n"), err
"""

ENGINES = {"bare": (), "n2": ("-n2",)}
UNLIMITED = ("--bench-max-failures=none",)
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a campaign on a terminal; ends what is left."""
    (tmp_path / "test_it.py").write_text(SUITE, "utf-8")
    programs: list[Program] = []

    def begin(*args: str, columns: int = 80, source: str | None = None) -> Program:
        if source is not None:
            (tmp_path / "test_it.py").write_text(source, "utf-8")
        env = clean_environment()
        del env["COLUMNS"]
        programs.append(Program([*PYTEST, "--bench-results=results", *args], tmp_path, columns, env))
        return programs[-1]

    yield begin
    for program in programs:
        program.close()


def bars(rows: list[str]) -> list[str]:
    return [row for row in rows if re.match(r" *\d+%\|", row)]


def has_bar(*parts: str) -> Callable[[ScreenModel], bool]:
    return lambda screen: any(all(part in row for part in parts) for row in bars(screen.rows))


def go(tmp_path: Path) -> None:
    (tmp_path / "go").touch()


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("engine", ENGINES)
def test_one_bar_while_it_runs_and_nothing_torn_after_it(
    start: Start, tmp_path: Path, engine: str, columns: int
) -> None:
    program = start(*ENGINES[engine], *UNLIMITED, columns=columns)
    done = 6 if engine == "n2" else 4  # the last one waits, or all after the one that waits
    program.read_until(has_bar(f"| {done}/7, 1 failed ["), "the bar with all but what waits")
    program.read_until(lambda screen: any("asking" in row and "| 3/3 " in row for row in screen.rows), "the unit's row")
    assert len(bars(program.screen.rows)) == 1
    go(tmp_path)
    code, rows = program.end()
    assert code == 1
    (last,) = bars(rows)
    assert re.fullmatch(r"100%\|█+\| 7/7, 1 failed \[00:\d\d\]", last)
    assert len(last) == columns - 1
    after = rows[rows.index(last) + 1 :]
    assert next(row for row in after if row).strip("=") == " FAILURES "
    assert not any("asking" in row and "|" in row for row in rows)  # no row of a unit is left
    assert not any(re.search(r"\[ *\d+%\]|^test_it\.py [.F]|^[.F]+$", row) for row in rows)  # nor a letter of pytest
    assert re.search(r"1 failed, 6 passed in", rows[-2] + rows[-1])
    assert all(len(row) <= columns for row in rows)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_terminal_that_is_resized_shows_one_bar_of_its_new_width(start: Start, tmp_path: Path, engine: str) -> None:
    program = start(*ENGINES[engine], *UNLIMITED, columns=200)
    program.read_until(has_bar("1 failed"), "a bar")
    for columns in (60, 120):
        program.resize(columns)
        program.read_until(
            lambda screen, columns=columns: [len(row) for row in bars(screen.rows)] == [columns - 1],  # type: ignore[misc]
            f"a bar of {columns} columns",
        )
    go(tmp_path)
    assert len(bars(program.end()[1])) == 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("option", ["-v", "-s"])
def test_where_each_unit_has_a_line_the_progress_has_lines(
    start: Start, tmp_path: Path, engine: str, option: str
) -> None:
    go(tmp_path)
    program = start(
        *ENGINES[engine], option, "--capture=no" if option == "-s" else option, "-k", "test_unit", *UNLIMITED
    )
    _, rows = program.end()
    assert bars(rows) == []
    assert "\x1b[A" not in program.stream
    assert "\x1b[J" not in program.stream
    assert any(re.fullmatch(r"benchrun: 6/6 \(100 %\), 1 failed; took .*", row) for row in rows)


@pytest.mark.parametrize("engine", ENGINES)
def test_q_leaves_the_bar_alone(start: Start, tmp_path: Path, engine: str) -> None:
    program = start(*ENGINES[engine], "-q", *UNLIMITED)
    program.read_until(has_bar("1 failed"), "a bar")
    assert not any("test_unit[4]" in row for row in program.screen.rows)
    go(tmp_path)
    _, rows = program.end()
    assert len(bars(rows)) == 1


def test_none_paints_nothing(start: Start, tmp_path: Path) -> None:
    go(tmp_path)
    program = start("--bench-progress=none", *UNLIMITED)
    _, rows = program.end()
    assert bars(rows) == []
    assert any(row.startswith("test_it.py ..F") for row in rows)


def test_a_debugger_of_a_unit_has_the_terminal(start: Start) -> None:
    source = "import pytest\n@pytest.mark.parametrize('x', range(3))\ndef test_it(x):\n    if x == 1: breakpoint()\n"
    program = start(source=source)
    program.read_until(lambda screen: screen.rows[-1].startswith("(Pdb)"), "the debugger")
    program.type("p 40 + x\n")
    program.read_until(lambda screen: "41" in screen.rows, "its answer")
    program.type("c\n")
    code, rows = program.end()
    assert code == 0
    assert bars(rows)[-1].startswith("100%|")
    assert any(re.search(r"3 passed in", row) for row in rows)


def test_with_pdb_there_are_lines(start: Start) -> None:
    program = start("--pdb", source="def test_it(): assert 0\ndef test_two(): pass\n")
    program.read_until(lambda screen: screen.rows[-1].startswith("(Pdb)"), "the debugger")
    program.type("c\n")
    _, rows = program.end()
    assert bars(rows) == []
    assert "benchrun: 2/2 (100 %), 1 failed; took" in "\n".join(rows)


def test_live_logs_have_lines(start: Start) -> None:
    source = "import logging\ndef test_it(): logging.getLogger('x').warning('from the unit')\n"
    program = start("-o", "log_cli=true", source=source)
    _, rows = program.end()
    assert bars(rows) == []
    assert any("from the unit" in row for row in rows)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stop_is_said_above_the_bar(start: Start, tmp_path: Path, engine: str) -> None:
    program = start(*ENGINES[engine], *UNLIMITED)
    program.read_until(lambda _: (tmp_path / "here").exists(), "the unit that waits")
    program.process.send_signal(2)
    program.read_until(has_bar("stopping"), "the bar that says so")
    said = [row for row in program.screen.rows if row.startswith("benchrun: SIGINT: units in flight finish")]
    assert len(said) == 1
    go(tmp_path)
    code, rows = program.end()
    assert code == (2 if any("skipped" in row for row in rows[-2:]) else 1)  # the other worker may have done the rest
    assert len(bars(rows)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks at threads by /proc")
def test_the_screen_is_given_back_after_a_crash_of_a_worker(start: Start) -> None:
    source = "import os, pytest\n@pytest.mark.parametrize('x', range(6))\ndef test_it(x):\n    if x == 1: os._exit(3)\n"
    program = start("-n2", *UNLIMITED, source=source)
    _, rows = program.end()
    assert bars(rows)[-1].startswith("100%|")
    assert sum("6/6" in row for row in bars(rows)) == 1
    assert any("node down" in row for row in rows)
