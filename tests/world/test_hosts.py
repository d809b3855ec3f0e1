"""Other hosts through programs in place of `ssh`, real processes all: one that runs the command here, and bad ones."""

from __future__ import annotations

import ast
import fcntl
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_benchrun.world import gpu, hosts, machine, outpost
from pytest_benchrun.world.clock import monotonic_s
from pytest_benchrun.world.hosts import Host, Hosts, Wanted

WAIT_S = 30.0
PACE_S = 0.05
LOCAL = 'for last; do :; done\nexec sh -c "$last"\n'
"""As `ssh`, on this host."""

HOSTILE = """
import json, re, sys, time
count = int(re.search(r"read\\((\\d+)\\)", sys.argv[-1])[1])
marker = re.search(rb"'marker': '(benchrun-[0-9a-f]+ )'", sys.stdin.buffer.read(count))[1].decode()
def say(**what):
    sys.stdout.write(marker + json.dumps(what) + "\\n")
    sys.stdout.flush()
facts = {"cpu": {}}
"""
"""A host that has read what it was sent, and answers as it likes."""


class Told:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, str, dict[str, Any]]] = []
        self.samples: list[tuple[str, float, dict[str, Any]]] = []
        self.problems: list[str] = []

    def on_facts(self, name: str, moment: str, facts: dict[str, Any]) -> None:
        self.facts.append((name, moment, facts))

    def on_sample(self, name: str, interval_s: float, sample: dict[str, Any]) -> None:
        self.samples.append((name, interval_s, sample))

    def on_loss(self, name: str, problem: str) -> None:
        self.problems.append(problem)


def _program(folder: Path, body: str, interpreter: str = "/bin/sh") -> str:
    path = folder / "fake-ssh"
    path.write_text(f"#!{interpreter}\n{body}", "utf-8")
    path.chmod(0o755)
    return str(path)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def _wanted(*ssh: str, level: str = "full", interval_s: float = PACE_S) -> Wanted:
    return Wanted(ssh=ssh, level=level, interval_s=interval_s)


def _lost(*ssh: str) -> str:
    """What is said of a host that is lost by itself, once."""
    told = Told()
    one = Hosts(["node-1"], _wanted(*ssh), told)
    one.start()
    _wait_until(lambda: bool(told.problems))
    one.end(WAIT_S)
    one.abandon()
    assert len(told.problems) == 1
    return told.problems[0]


def test_facts_come_at_both_ends_and_samples_between(tmp_path: Path) -> None:
    told = Told()
    one = Hosts(["node-1", "me@node-2"], _wanted(_program(tmp_path, LOCAL)), told)
    one.start()
    _wait_until(lambda: len([name for name, _, _ in told.samples if name == "node-1"]) >= 3)
    one.wait(monotonic_s() + WAIT_S)
    one.end(WAIT_S)
    assert told.problems == []
    assert sorted((name, moment) for name, moment, _ in told.facts) == [
        ("me@node-2", "end"),
        ("me@node-2", "start"),
        ("node-1", "end"),
        ("node-1", "start"),
    ]
    (start, end) = (facts for name, _, facts in told.facts if name == "node-1")
    assert start["memory"]["total_bytes"] == psutil.virtual_memory().total
    assert start["system"] == machine.facts()["system"]
    assert end["python"]["packages"] == {}
    _, interval_s, sample = told.samples[0]
    assert interval_s == PACE_S
    assert 0 <= sample["cpu_percent"] <= sample["busiest_cpu_percent"] <= 100
    assert abs(sample["available_bytes"] - psutil.virtual_memory().available) < psutil.virtual_memory().total / 2
    assert sample["received_bytes_per_s"] >= 0


def test_without_facts_there_are_samples_and_the_other_way_round(tmp_path: Path) -> None:
    for level, interval_s in (("off", PACE_S), ("basic", 0.0)):
        told = Told()
        one = Hosts(["node-1"], _wanted(_program(tmp_path, LOCAL), level=level, interval_s=interval_s), told)
        one.start()
        one.wait(monotonic_s() + WAIT_S)
        one.end(WAIT_S)
        assert told.problems == []
        assert len(told.samples) == (0 if level == "basic" else 1)
        assert [moment for _, moment, _ in told.facts] == (["start", "end"] if level == "basic" else [])
        assert all("gpus" not in facts for _, _, facts in told.facts)


def test_what_a_shell_greets_with_is_no_answer(tmp_path: Path) -> None:
    told = Told()
    one = Hosts(["node-1"], _wanted(_program(tmp_path, "echo 'Welcome! {}'; echo oh >&2\n" + LOCAL)), told)
    one.start()
    one.wait(monotonic_s() + WAIT_S)
    one.end(WAIT_S)
    assert (told.problems, len(told.facts)) == ([], 2)


def test_the_words_of_the_program_say_why(tmp_path: Path) -> None:
    program = _program(tmp_path, "printf 'me@node-1: Permission denied \\033[31m(publickey).\\r\\n' >&2; exit 255\n")
    said = _lost(program, "-F", "my config")
    assert said == (
        "host 'node-1' cannot be looked at: me@node-1: Permission denied  [31m(publickey)."
        f" -> {shlex.join([program, '-F', 'my config', 'node-1', 'true'])}"
    )


def test_a_program_without_words_has_a_code(tmp_path: Path) -> None:
    assert "fake-ssh ended with exit code 3 -> " in _lost(_program(tmp_path, "exit 3\n"))


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    said = _lost(str(tmp_path / "no-ssh"))
    assert said.startswith(f"host 'node-1' cannot be looked at: '{tmp_path}/no-ssh' cannot be started: No such file")


@pytest.mark.parametrize(
    "body",
    ["head -c 1000000000 /dev/zero\nsleep 60\n", "exec yes 'no answer'\n", "exec yes '' >&2\n"],
    ids=["without end", "lines", "errors"],
)
def test_a_gigabyte_is_not_read(tmp_path: Path, body: str) -> None:
    assert "it says more than it was asked for" in _lost(_program(tmp_path, body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("say(what='start', facts=7)", "its facts are none"),
        ("say(what='start', facts=facts)\nwhile True: say(what='sample', sample={})", "it says more than it was asked"),
        ("sys.stdout.write(marker + 'x' * 2_000_000)", "it says more than it was asked"),
        ("print(marker + '[' * 100_000)", "what it says makes no sense"),
        ("print(marker + '[1]')", "what it says is no answer"),
        ("sys.stdout.buffer.write(marker.encode() + b'\\xff\\n')", "what it says makes no sense"),
    ],
)
def test_a_hostile_host_is_dropped(tmp_path: Path, body: str, said: str) -> None:
    script = f"{HOSTILE}{body}\nsys.stdout.flush()\ntime.sleep(60)\n"
    assert said in _lost(_program(tmp_path, script, f"{sys.executable} -I"))


def test_what_a_hostile_host_adds_is_not_kept(tmp_path: Path) -> None:
    body = """
sample = {"cpu_percent": "<script>", "load_1min": float("1e300"), "x": 1, "used_bytes": 2**70, "sampler_cpu_ms": True}
variables = {"OMP_NUM_THREADS": "1", "SECRET": "s", "CUDA_TOKEN": "t"}
say(what="start", facts={"cpu": {"governors": [["a"], "b"], "threads": "8"}, "host": "\\ud800", "variables": variables})
say(what="sample", sample=sample, interval_s=-1)
sys.stdin.buffer.readline(), sys.stdin.buffer.readline(), sys.stdin.buffer.readline()
say(what="end", facts=facts)
"""
    told = Told()
    one = Hosts(["node-1"], _wanted(_program(tmp_path, HOSTILE + body, f"{sys.executable} -I")), told)
    one.start()
    _wait_until(lambda: bool(told.samples))
    one.end(WAIT_S)
    assert told.problems == []
    ((_, interval_s, sample),) = told.samples
    assert interval_s == PACE_S
    assert sample == {"cpu_percent": None, "load_1min": 1e300, "used_bytes": None, "sampler_cpu_ms": None}
    facts = told.facts[0][2]
    assert facts["variables"] == {"OMP_NUM_THREADS": "1", "CUDA_TOKEN": "(masked)"}
    assert facts["cpu"]["governors"] == ["b"]
    assert facts["cpu"]["threads"] is None
    assert json.dumps(facts).isascii()


def test_one_that_reads_no_answers_holds_up_nobody(tmp_path: Path) -> None:
    go, samples = tmp_path / "go", 6000
    body = f"""
import os
say(what="start", facts=facts)
while not os.path.exists({str(go)!r}): time.sleep(0.01)
for n in range({samples}): say(what="sample", sample={{}})
time.sleep(60)
"""
    told = Told()
    program = _program(tmp_path, HOSTILE + body, f"{sys.executable} -I")
    one = Host("node-1", _wanted(program, interval_s=1e-6), told)
    one.start()
    process = one._process  # noqa: SLF001  # its pipe is to be smaller than the system's
    assert process is not None
    assert process.stdin is not None
    _wait_until(lambda: bool(told.facts))
    fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, 4096)
    go.touch()
    _wait_until(lambda: len(told.samples) == samples or bool(told.problems))
    one.ask_end()
    one.abandon()
    assert told.problems == []


def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "ANSWER_S", 0.2)
    said = _lost(_program(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 300\n"))
    assert "it said nothing within 0.2 s" in said
    pid = int((tmp_path / "pid").read_text())
    _wait_until(lambda: not psutil.pid_exists(pid))


def test_one_that_hangs_is_abandoned_with_all_that_it_has_started(tmp_path: Path) -> None:
    told = Told()
    one = Host("node-1", _wanted(_program(tmp_path, f"sleep 300 & echo $! > {tmp_path}/pid; wait\n")), told)
    one.start()
    path = tmp_path / "pid"
    _wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    one.abandon()
    assert told.problems == [], "who closes knows"
    pid = int(path.read_text())
    _wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_it_asks_for_nothing_forwards_nothing_and_takes_no_option_for_a_host(tmp_path: Path) -> None:
    program = _program(
        tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/argv; echo $SSH_ASKPASS_REQUIRE >> {tmp_path}/argv\n'
    )
    told = Told()
    one = Hosts(["me@[fe80::1%eth0]"], _wanted(program), told)
    one.start()
    _wait_until(lambda: bool(told.problems))
    argv = (tmp_path / "argv").read_text().splitlines()
    assert argv[-4:-2] == ["--", "me@fe80::1%eth0"]
    assert argv[-1] == "never"
    for option in ("BatchMode=yes", "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "ConnectTimeout=10"):
        assert option in argv
    assert not any("HostKey" in word for word in argv), "whom to trust is the user's to say"


def test_the_program_ends_when_nobody_listens_any_more(tmp_path: Path) -> None:
    """Its own process, without `ssh`: what is left on a host when a connection breaks."""
    program = hosts._program("m ", _wanted("ssh"))  # noqa: SLF001  # what is sent has no other way out
    assert len(program) < 65536, "it fits into a pipe: writing it waits for nobody"
    argv = [sys.executable, "-I", "-c", f"import sys;exec(sys.stdin.buffer.read({len(program)}))"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as alone:
        assert alone.stdin is not None
        assert alone.stdout is not None
        alone.stdin.write(program)
        alone.stdin.flush()
        assert alone.stdout.readline().startswith(b'm {"what": "start"')
        alone.stdin.close()
        alone.wait(WAIT_S)
    quick = program.replace(b"BEAT_S = 30.0", b"BEAT_S = 0.05")
    argv[-1] = f"import sys;exec(sys.stdin.buffer.read({len(quick)}))"
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as unheard:
        assert unheard.stdin is not None
        unheard.stdin.write(quick)
        unheard.stdin.flush()
        unheard.wait(WAIT_S)
        unheard.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("module", [machine, gpu, outpost])
def test_what_is_sent_is_python_of_older_hosts(module: Any) -> None:  # noqa: ANN401  # a module
    source = Path(module.__file__).read_text("utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {name.partition(".")[0] for name in imported} <= {*sys.stdlib_module_names, "pynvml"}
