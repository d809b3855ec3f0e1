"""Runs a campaign under strace, which has one system call on the results directory fail, or kills the process there."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.processes import PYTEST, Child, wait_until
from tests.acceptance.suite import Suite

CALLS = ("openat", "write", "fsync", "fdatasync", "rename", "unlink", "flock", "ftruncate", "mkdir")
_TEMPORARY_FILES = 60
"""More than a session of six units writes; their names have the pid and a number."""


def need_strace(folder: Path) -> None:
    """Skip where a process cannot be traced."""
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    fault = ["-e", "trace=unlink", "-e", "inject=unlink:error=EIO:when=9"]
    argv = ["strace", "-D", "-f", "--seccomp-bpf", "-o", "trace", *fault, "true"]
    tried = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if tried.returncode or tried.stderr:
        pytest.skip(f"no process can be traced here: {tried.stderr.strip()}")


def start_traced(suite: Suite, inject: str, *options: str) -> Child:
    """Start a session; only calls on our own files count.

    Args:
        suite: the campaign.
        inject: strace's words for the fault, like `write:error=EIO:when=3`; empty for none.
        options: of pytest.
    """
    names = ("", "journal.jsonl", "journal.1.jsonl", "status.json", "runstats.json", ".benchrun.lock")
    paths = [shlex.quote(str(suite.results / name)) for name in names]
    # The shell becomes strace, and that, with -D, the traced program: all have one pid, which the shell knows.
    temporary = shlex.quote(str(suite.results / ".benchrun-tmp-"))
    paths += [f"{temporary}probe-$$", *(f"{temporary}$$-{number}" for number in range(_TEMPORARY_FILES))]
    watched = " ".join(f"-P {path}" for path in paths)
    fault = f"-e inject={inject}" if inject else ""
    trace = shlex.quote(str(trace_of(suite)))
    # Three times as fast, but in strace 6 a signal then never comes.
    fast = "" if "signal=" in inject else "--seccomp-bpf"
    command = f"exec strace -D -f {fast} -o {trace} {watched} -e trace={','.join(CALLS)} {fault} "
    command += shlex.join([*PYTEST, f"--bench-results={suite.results}", *options])
    return suite.children.start(["sh", "-c", command], suite.folder)


def trace_of(suite: Suite) -> Path:
    """Where the calls are written."""
    return suite.folder / "trace"


def lines_of_trace(suite: Suite, child: Child) -> list[list[str]]:
    """The trace of a session that has ended, in words: thread, call and its arguments."""

    def lines() -> list[list[str]]:
        return [line.split() for line in trace_of(suite).read_text("utf-8").splitlines()]

    # the tracer outlives what it traces by a moment
    wait_until(lambda: [str(child.pid), "+++"] in [words[:2] for words in lines()], "the end of the trace")
    return lines()


def count_calls(suite: Suite, child: Child) -> Counter[str]:
    """How often each call was made, in the thread that made most: strace counts in each by itself."""
    counts = Counter((words[0], words[1].partition("(")[0]) for words in lines_of_trace(suite, child))
    most: Counter[str] = Counter()
    for (_, name), count in counts.items():
        if name in CALLS:
            most[name] = max(most[name], count)
    return most


def has_met_fault(suite: Suite, child: Child) -> bool:
    """Whether the session came as far as the call that fails; its threads take turns as they like."""
    words = {word for line in lines_of_trace(suite, child) for word in line}
    return bool(words & {"(INJECTED)", "SIGKILL"})
