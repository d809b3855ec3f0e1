"""What units leave to be awaited when the process exits keeps it no longer than a silent unit, and costs no result."""

from __future__ import annotations

import sys

import pytest

from tests.acceptance.suite import Suite

LEAVES = {
    "thread": "threading.Thread(target=time.sleep, args=(600,), name='mine').start()",
    "atexit": "atexit.register(time.sleep, 600)",
}
SAYS = {"thread": "did not end in 1 s: mine", "atexit": "a function registered with atexit did not end in 1 s"}


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
@pytest.mark.parametrize("what", LEAVES)
@pytest.mark.parametrize("code", [0, 1])
def test_the_process_ends(suite: Suite, what: str, code: int, engine: tuple[str, ...]) -> None:
    source = (
        f"import atexit, threading, time\n\ndef test_leaves(): {LEAVES[what]}\n\ndef test_it(): assert {code} == 0\n"
    )
    suite.write("test_it.py", source)
    ended = suite.start("--bench-stuck-timeout=1s", *engine).wait(within_s=20)
    assert ended.code == code, ended.output
    assert engine or SAYS[what] in ended.output
    assert suite.status()["state"] == "complete"
    assert suite.benchrun("verify").code == 0


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_an_interpreter_that_takes_its_time_to_end_has_its_exit_code(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write(
        "test_it.py",
        """
        import sys, threading, time

        class Slow:
            def __del__(self, sleep=time.sleep): sleep(1)

        def test_it():
            threading.Thread(target=time.sleep, args=(0.2,)).start()
            sys.slow = Slow()

        def test_fails(): assert False
        """,
    )
    ended = suite.start("--bench-stuck-timeout=0.4s", *engine).wait(within_s=20)
    assert ended.code == 1, ended.output
    assert "the process was ended" not in ended.output


def test_a_program_that_goes_on_after_the_session_is_left_alone(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        "import threading, time\n\ndef test_it(): threading.Thread(target=time.sleep, args=(3,)).start()\n",
    )
    suite.write(
        "program.py",
        """
        import sys, time, pytest
        code = pytest.main(["-q", "-p", "no:cacheprovider", "--bench-results=results", "--bench-stuck-timeout=0.3s"])
        time.sleep(1)
        print("went on", int(code), flush=True)
        sys.exit(9)
        """,
    )
    ended = suite.children.start([sys.executable, "program.py"], suite.folder).wait(within_s=20)
    assert "went on 0" in ended.output
