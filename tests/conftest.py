"""How the tests run: laws are tried on the same cases each time, and hostile output may cross to xdist.

`--hypothesis-profile=search` tries new cases, many of them, which is for looking for faults and not for a verdict.
"""

from __future__ import annotations

import compileall
import importlib
import os
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pytest_benchrun

for _name in ("tqdm", "pynvml"):
    with suppress(ImportError):  # an extra
        importlib.import_module(_name)  # pytester drops what a session imports: each would import, and leak, it anew
_steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("benchrun", _steady)
settings.register_profile("search", _steady, derandomize=False, max_examples=2000)
settings.load_profile("benchrun")

for _name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
    del os.environ[_name]  # or each session that a test starts takes itself for a worker of this one


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once: hundreds of sessions and workers that tests start may write no byte code.

    Without it each of them compiles all that it imports: a session with two workers took 2.3 s of CPU, and 1.5 s so.
    """
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(pytest_benchrun.__file__).parent, quiet=2)


def _well_formed(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, (list, tuple)):
        return type(value)([_well_formed(item) for item in value])
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return value


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """One lone surrogate ends an xdist session with an internal error, and tests print some."""
    return _well_formed((yield))
