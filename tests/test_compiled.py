"""The compiled parts: there where they can be, and made of the source that stands beside them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import pytest_benchrun

PACKAGE = Path(pytest_benchrun.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.pyx"))
NAMES = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in SOURCES]


def can_compile() -> bool:
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return shutil.which(compiler) is not None and header.exists()


@pytest.mark.parametrize(("name", "source"), [*zip(NAMES, SOURCES, strict=True)], ids=NAMES)
def test_each_was_compiled_where_there_is_a_compiler(name: str, source: Path) -> None:
    if importlib.util.find_spec(name) is None and not can_compile():
        pytest.skip("no compiler")
    module = importlib.import_module(name)
    assert module.__file__ is not None
    is_current = Path(module.__file__).stat().st_mtime >= source.stat().st_mtime
    assert is_current, f"{module.__file__} is older than its source -> pip install -e ."


@pytest.mark.parametrize("wanted", ["", "1"])
def test_they_can_be_switched_off(wanted: str) -> None:
    script = "from pytest_benchrun.hooks import turns; from pytest_benchrun.store import turnfile; "
    script += "print(turns._HAS_FAST, turnfile._HAS_BUFFER)"
    environment = {**os.environ, "BENCHRUN_PURE_PYTHON": wanted}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    has_all = not wanted and all(importlib.util.find_spec(name) is not None for name in NAMES)
    assert done.stdout.split() == [str(has_all)] * 2
