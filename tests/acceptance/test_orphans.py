"""What units have started ends with a killed run, at the latest at its next start."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pytest_benchrun.world.alive import process_started
from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite

SOURCE = """
import multiprocessing, os, pathlib, subprocess, time

HERE = pathlib.Path(__file__).parent

def test_it(until):
    if (HERE / "mended").exists():
        return
    daemon = subprocess.Popen(["setsid", "sleep", "300"])
    forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,))
    forked.start()
    (HERE / "pids.tmp").write_text(f"{daemon.pid} {forked.pid}")
    (HERE / "pids.tmp").rename(HERE / "pids")
    until("mended")
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_processes_of_a_killed_run_are_ended_by_the_next_start(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.write("test_it.py", SOURCE)
    run = suite.start("--bench-stuck-timeout=0", *workers)  # without a watchdog, which would end them before
    pids: Path = suite.folder / "pids"
    wait_until(pids.exists, "the unit has started its processes")
    daemon, forked = map(int, pids.read_text("ascii").split())
    assert {daemon, forked} <= {process.pid for process in run.descendants()}
    run.tell(signal.SIGKILL)
    wait_until(lambda: run.has_ended, "the end of the run")
    wait_until(lambda: {one.pid for one in run.descendants()} <= {daemon}, "the end of its processes", within_s=2)
    assert process_started(daemon) is not None
    suite.touch("mended")
    ended = suite.run("--bench-resume", *workers)
    assert ended.code == 0, ended.output
    assert process_started(daemon) is None
    assert "ended processes that a killed session had left running: sleep 300" in ended.output


DAEMONS = """
import os, pathlib, subprocess, sys

HERE = pathlib.Path(__file__).parent
DAEMON = '''
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
code = "import os, sys, time; open(sys.argv[1] + '.tmp', 'w').write(str(os.getpid())); "
code += "os.rename(sys.argv[1] + '.tmp', sys.argv[1]); time.sleep(600)"
variables = {} if sys.argv[1].endswith("cleared") else os.environ
os.execve(sys.executable, [sys.executable, "-S", "-c", code, sys.argv[1]], variables)
'''

def test_it(until):
    if (HERE / "mended").exists():
        return
    for how in ("cleared", "kept"):
        subprocess.run([sys.executable, "-S", "-c", DAEMON, str(HERE / how)], check=True)
    until("mended")
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_daemons_of_a_killed_run_end_with_it_even_without_their_environment(
    suite: Suite, workers: tuple[str, ...]
) -> None:
    suite.write("test_it.py", DAEMONS)
    run = suite.start(*workers)
    paths = [suite.folder / name for name in ("cleared", "kept")]
    wait_until(lambda: all(path.exists() for path in paths), "the daemons")
    pids = [int(path.read_text("ascii")) for path in paths]
    watchdogs = [one for one in run.descendants() if "watchdog.py" in " ".join(one.cmdline())]
    assert watchdogs
    assert [process_started(pid) is None for pid in pids] == [False, False]
    run.tell(signal.SIGKILL)
    wait_until(lambda: all(process_started(pid) is None for pid in pids), "the end of the daemons", within_s=2)
    suite.touch("mended")
    ended = suite.run("--bench-resume", *workers)
    assert ended.code == 0, ended.output
    assert "left running" not in ended.output
