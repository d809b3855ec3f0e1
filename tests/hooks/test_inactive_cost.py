"""What every pytest session on the machine pays for us: the modules that are imported without `--bench-results`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OURS = {
    "pytest_benchrun",
    "pytest_benchrun.plugin",
    "pytest_benchrun.hooks",
    "pytest_benchrun.hooks.option",
    "pytest_benchrun.hooks.options",
}
HEAVY = ("psutil", "filelock", "xdist.dsession", "tqdm", "numpy", "sqlite3", "distributed", "jinja2", "hypothesis")
MARK = "modules: "
PROGRAM = """
import json, sys
import pytest

class Look:
    def pytest_unconfigure(self):
        print("modules: " + json.dumps(sorted(sys.modules)))

sys.exit(pytest.main(sys.argv[1:], plugins=[Look()]))
"""


def modules_of(program: str, *args: str, folder: Path) -> set[str]:
    """Names of the modules that a fresh interpreter has at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-c", program, *args]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith(MARK))
    found: set[str] = set(json.loads(line.removeprefix(MARK)))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One test that has nothing to do with us."""
    path = tmp_path_factory.mktemp("inactive")
    (path / "test_theirs.py").write_text("def test_theirs(tmp_path): pass\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def without(folder: Path) -> set[str]:
    """What pytest imports by itself."""
    return modules_of(PROGRAM, "-q", "test_theirs.py", folder=folder)


@pytest.fixture(scope="module")
def inactive(folder: Path) -> set[str]:
    """What is imported with us and without `--bench-results`."""
    return modules_of(PROGRAM, "-q", "-p", "benchrun", "test_theirs.py", folder=folder)


def test_only_the_options_of_ours_are_imported(inactive: set[str]) -> None:
    assert {name for name in inactive if name.partition(".")[0] == "pytest_benchrun"} == OURS


def test_nothing_heavy_is_imported_by_us(inactive: set[str], without: set[str]) -> None:
    added = inactive - without
    assert {name for name in added if name.startswith(HEAVY)} == set()


def test_no_library_at_all_is_imported_by_us(inactive: set[str], without: set[str]) -> None:
    added = {name.partition(".")[0] for name in inactive - without} - {"pytest_benchrun"}
    assert added <= sys.stdlib_module_names | {"orjson"}


def test_importing_the_plugin_is_enough_to_see_it(folder: Path) -> None:
    program = "import json, sys, pytest; before = set(sys.modules); import pytest_benchrun.plugin\n"
    program += "print('modules: ' + json.dumps(sorted(set(sys.modules) - before)))"
    added = modules_of(program, folder=folder)
    assert {name for name in added if name.startswith("pytest_benchrun")} == OURS
    assert {name for name in added if name.startswith(HEAVY)} == set()


def test_a_test_that_uses_the_fixture_imports_no_engine_and_no_store(folder: Path) -> None:
    (folder / "uses").mkdir(exist_ok=True)
    (folder / "uses" / "test_uses.py").write_text("def test_uses(benchrun): benchrun.metric('m', 1)\n", "utf-8")
    found = modules_of(PROGRAM, "-q", "-p", "benchrun", "uses", folder=folder)
    rooms = {name.split(".")[1] for name in found if name.startswith("pytest_benchrun.")}
    assert rooms.isdisjoint({"engines", "run", "cli"})
    assert {name for name in found if name.startswith(("psutil", "filelock", "xdist.dsession", "tqdm"))} == set()


def test_a_campaign_without_workers_imports_nothing_of_xdist(folder: Path) -> None:
    found = modules_of(PROGRAM, "-q", "-p", "benchrun", "--bench-results=results", "test_theirs.py", folder=folder)
    assert {name for name in found if name.startswith(("xdist", "execnet"))} == set()
    assert "numpy" not in found
