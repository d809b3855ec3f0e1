"""Units that take their process with them, hang, or end the session."""

from __future__ import annotations

from signal import SIGKILL

from tests.acceptance.zoo.animal import Animal

LIMIT_S = 1.0
WITHIN_S = LIMIT_S + 5.0


def _crashes(does: str, says: str, code: int) -> Animal:
    return Animal(does=does, status="failed", kind="crash", ended="lost", attempts=2, says=says, code=code)


def _dies(name: str, number: int) -> Animal:
    return _crashes(f"os.kill(os.getpid(), signal.{name})", f"killed by {name}", -number)


def _hangs(does: str, ended: str = "exited") -> Animal:
    code = -SIGKILL if ended == "stuck" else None
    return Animal(
        does=does,
        status="timeout",
        kind="timeout",
        ended=ended,
        says="no sign",
        code=code,
        first="timeout",
        within_s=WITHIN_S,
    )


CRASHING = {
    "exits_0": _crashes("os._exit(0)", "exit code 0", 0),
    "exits_in_a_thread": _crashes(
        "threading.Thread(target=os._exit, args=(3,)).start(); time.sleep(60)", "exit code 3", 3
    ),
    "exits_in_its_setup": _crashes("@pytest.fixture\ndef ends(): os._exit(4)\n\ndef test_it(ends): pass", "code 4", 4),
    "exits_in_its_teardown": _crashes(
        "@pytest.fixture\ndef ends():\n    yield\n    os._exit(5)\n\ndef test_it(ends): pass", "exit code 5", 5
    ),
    "aborts": _crashes("os.abort()", "killed by SIGABRT", -6),
    "reads_nowhere": _crashes("ctypes.string_at(0)", "killed by SIGSEGV", -11),
    "bus_error": _dies("SIGBUS", 7),
    "floating_point_error": _dies("SIGFPE", 8),
    "illegal_instruction": _dies("SIGILL", 4),
    "killed": _dies("SIGKILL", 9),
    "alarm_without_a_handler": _crashes(
        "signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(60)",
        "killed by SIGALRM",
        -14,
    ),
    "stack_overflow": _crashes(
        """
        sys.setrecursionlimit(10 ** 9)
        call = ctypes.CFUNCTYPE(ctypes.c_int)
        again = call(lambda: again())
        again()
        """,
        "killed by SIGSEGV",
        -11,
    ),
    "fork_outlives_its_parent": _crashes(
        """
        pid = os.fork()
        if not pid:
            time.sleep(600)
        note(pid)
        os._exit(6)
        """,
        "exit code 6",
        6,
    ),
    "closes_descriptors": _crashes("os.closerange(0, 21)", "died while running it", 1),
    "breaks_os": _crashes(
        """
        def no(*a, **k): raise OSError('no os')
        names = 'write open close fsync replace rename stat unlink mkdir getpid getcwd umask kill fork dup'
        for name in names.split(): setattr(os, name, no)
        """,
        "no os",
        1,
    ),
}

_KILLS_CHILDREN = """
import psutil
for process in psutil.Process().children(recursive=True):
    process.kill()
    process.wait()
"""

_KILLS_BOTH = """
import psutil
for process in psutil.process_iter(["cmdline"]):
    if f'"pid": {os.getpid()},' in "".join((process.info["cmdline"] or [])[4:5]):
        process.kill()
"""

_SUSPENDS_CHILDREN = """
import psutil
for process in psutil.Process().children(recursive=True):
    process.suspend()
"""

_DAEMON = """
path = HERE / f"daemon-{os.getpid()}"
code = "import os, sys, time\\nif os.fork(): os._exit(0)\\nos.setsid()\\nif os.fork(): os._exit(0)\\n"
code += "open(sys.argv[1], 'w').write(str(os.getpid()) + chr(10)); time.sleep(600)"
subprocess.run([sys.executable, "-S", "-c", code, str(path)], check=True, env={})
while not (path.exists() and path.read_text().endswith(chr(10))):
    time.sleep(0.01)
note(int(path.read_text()))
"""

HANGING = {
    "has_a_daemon_without_environment_and_sleeps": _hangs(f"{_DAEMON}\ntime.sleep(600)"),
    "has_a_daemon_without_environment_and_holds_the_lock": _hangs(f"{_DAEMON}\nhold()", "stuck"),
    "kills_its_watchdog_and_sleeps": _hangs(f"{_KILLS_CHILDREN}\ntime.sleep(600)"),
    "kills_its_watchdog_and_holds_the_lock": _hangs(f"{_KILLS_CHILDREN}\nhold()", "stuck"),
    "kills_its_watchdog_and_ignores_all": _hangs(
        f"{_KILLS_CHILDREN}\nfor number in signal.valid_signals() - {{9, 19}}: signal.signal(number, signal.SIG_IGN)\n"
        "forever()",
        "stuck",
    ),
    "kills_its_watchdog_and_the_relief_and_sleeps": _hangs(f"{_KILLS_BOTH}\ntime.sleep(600)"),
    "kills_its_watchdog_and_the_relief_and_swallows_everything": _hangs(f"{_KILLS_BOTH}\nforever()", "stuck"),
    "suspends_its_watchdog_and_sleeps": _hangs(f"{_SUSPENDS_CHILDREN}\ntime.sleep(600)"),
    "suspends_its_watchdog_and_holds_the_lock": _hangs(f"{_SUSPENDS_CHILDREN}\nhold()", "stuck"),
    "sleeps": _hangs("time.sleep(600)"),
    "holds_the_lock": _hangs("hold()", "stuck"),
    "swallows_everything": _hangs("forever()", "stuck"),
    "blocks_signals_and_swallows": _hangs(
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nforever()", "stuck"
    ),
    "resets_alarms": _hangs("signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.alarm(0); time.sleep(600)"),
    "waits_for_its_child": _hangs("child().wait()"),
    "waits_for_a_lock": _hangs("lock = threading.Lock(); lock.acquire(); lock.acquire()"),
    "waits_for_a_thread": _hangs(
        "thread = threading.Thread(target=time.sleep, args=(600,), daemon=True); thread.start(); thread.join()"
    ),
    "spins": _hangs("while True: pass"),
    "spins_in_c": _hangs("import re; re.match('(a+)+$', 'a' * 60 + 'b')"),
    "event_loop": _hangs("asyncio.run(asyncio.sleep(600))"),
    "setup": _hangs("@pytest.fixture\ndef slow(): time.sleep(600)\n\ndef test_it(slow): pass"),
    "teardown": _hangs("@pytest.fixture\ndef slow():\n    yield\n    time.sleep(600)\n\ndef test_it(slow): pass"),
    "finalizer_of_the_module": Animal(
        does='@pytest.fixture(scope="module")\ndef wide():\n    yield\n    time.sleep(600)\n\ndef test_it(wide): pass',
        late="no sign",
        within_s=WITHIN_S,
    ),
}

ENDING = {
    "keyboard_interrupt": Animal(does="raise KeyboardInterrupt", status="interrupted", kind="interrupt", code=2),
    "pytest_exit_0": Animal(does="pytest.exit('done', 0)", status="interrupted", kind="interrupt", code=2),
    "pytest_exit_7": Animal(does="pytest.exit('done', 7)", status="interrupted", kind="interrupt", code=7),
}
"""With workers too."""
